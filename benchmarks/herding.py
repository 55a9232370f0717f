"""Greedy herding: ours beside the published way and scikit-activeml's MaxHerding, in one run.

    python benchmarks/herding.py                        # N = 5,000: three ways, all data
    python benchmarks/herding.py --pool 50000 --picks 1000 --ways ours --data relu decay
    python benchmarks/herding.py --pool 20000 --picks 20 1000 --ways whole ours random --radius 0.3 0.5 0.8

The published way keeps the kernel of the whole pool in memory and compares all with all for each pick: at
50,000 points that are 10 GB in float32 and, in scikit-activeml, 20 GB in float64. "whole" is ours with no
parts, however large the pool. Prints a Markdown table of times, ratios, and memory above the features; ends
with an error if an exact way covers less than another, or a pool in parts less than 97 % of what it covers
whole.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from itertools import product

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from ncenet.functional import herd
from ncenet.functional.covering import HerdSizes


def features(kind: str, count: int, D: int) -> Tensor:
    """Feature vectors (count, D) of length 1."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    match kind:
        case "relu":  # few directions, noise and a ReLU: what a network's penultimate layer looks like
            rows = normal(16, D)
            both = torch.cat(
                [
                    (normal(len(n), 16) @ rows + 0.3 * normal(len(n), D)).relu_()
                    for n in torch.arange(count).split(10_000)
                ]
            )
        case "decay":  # a spectrum that falls as pretrained features' does
            both = normal(count, D) * torch.arange(1, D + 1) ** -0.7
        case "clusters":
            both = 2 * normal(100, D)[torch.randint(100, (count,), generator=generator)] + normal(count, D)
        case _:
            raise ValueError(kind)
    both -= both.mean(0)
    return both.div_(both.norm(dim=1, keepdim=True))


def published(pool: Tensor, k: int, centers: Tensor, weights: Tensor, radius: float) -> Tensor:
    """Algorithm 1 of arXiv:2407.12212, weighted as in arXiv:2412.20644, on a kernel kept in memory."""

    def kernel(rows: Tensor) -> Tensor:
        return torch.cat([torch.exp((part @ pool.T - 1) / radius**2) for part in rows.split(1000)])

    rows = kernel(pool)
    cover = kernel(centers).amax(0) if len(centers) else torch.zeros(len(pool))
    picks: list[int] = []
    for _ in range(k):
        gains = torch.cat([(part - cover).clamp_min_(0) @ weights for part in rows.split(1000)])
        gains[picks] = -1
        picks.append(int(gains.argmax()))
        cover = torch.maximum(cover, rows[picks[-1]])
    return torch.tensor(picks)


def peer(pool: Tensor, k: int, centers: Tensor, weights: Tensor, radius: float) -> Tensor:
    """scikit-activeml's MaxHerding, which has no weights."""
    import numpy as np
    from skactiveml.pool import MaxHerding

    labels = np.full(len(pool) + len(centers), np.nan)
    labels[len(pool) :] = 0
    both = torch.cat([pool, centers]).numpy()
    strategy = MaxHerding(normalize_samples=False, metric_dict={"gamma": 1 / (2 * radius**2)}, random_state=0)
    return torch.from_numpy(strategy.query(both, labels, batch_size=k))


def ours(pool: Tensor, k: int, centers: Tensor, weights: Tensor, radius: float) -> Tensor:
    return herd(pool, k, radius, weights_N=weights, centers_LD=centers).indices


def whole(pool: Tensor, k: int, centers: Tensor, weights: Tensor, radius: float) -> Tensor:
    """Ours, with the kernel of the whole pool."""
    sizes = HerdSizes(whole=len(pool))
    return herd(pool, k, radius, weights_N=weights, centers_LD=centers, sizes=sizes).indices


def random(pool: Tensor, k: int, centers: Tensor, weights: Tensor, radius: float) -> Tensor:
    return torch.randperm(len(pool), generator=torch.Generator().manual_seed(3))[:k]


Way = Callable[[Tensor, int, Tensor, Tensor, float], Tensor]
WAYS: dict[str, Way] = {
    "whole": whole,
    "ours": ours,
    "published": published,
    "scikit-activeml": peer,
    "random": random,
}


def covered(pool: Tensor, centers: Tensor, weights: Tensor, radius: float, picks: Tensor) -> float:
    """Weight of the pool that labelled and picked points cover, as a share of all."""
    total = 0.0
    chosen = torch.cat([centers, pool[picks]])
    for rows, u in zip(pool.split(10_000), weights.split(10_000), strict=True):
        total += float(torch.exp(((rows @ chosen.T).amax(1) - 1) / radius**2).double() @ u.double())
    return total / float(weights.double().sum())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", type=int, default=5_000, help="N, points of the pool")
    parser.add_argument("--labeled", type=int, nargs="+", default=[0], help="L, labelled points")
    parser.add_argument("--picks", type=int, nargs="+", default=[100], help="k")
    parser.add_argument("--features", type=int, default=512, help="D")
    parser.add_argument("--radius", type=float, nargs="+", default=[0.5], help="R; vectors have length 1")
    parser.add_argument("--data", nargs="+", default=["relu", "decay", "clusters"])
    parser.add_argument("--ways", nargs="+", default=["ours", "published", "scikit-activeml"], choices=WAYS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    threadpool_limits(args.threads)  # the peer's

    print(f"    {' '.join(['python', 'benchmarks/herding.py', *sys.argv[1:]])}\n")
    print(
        f"N = {args.pool:,}, D = {args.features}, {args.threads} threads, torch {torch.__version__}, "
        f"load at the start {os.getloadavg()[0]:.1f}.\n"
    )
    print("| features | L | k | R | way | seconds | processor | ratio | covered | of the first's | MB |")
    print("|---|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|")
    worse = False
    for kind, L in product(args.data, args.labeled):
        both = features(kind, args.pool + L, args.features)
        pool, centers = both[: args.pool], both[args.pool :]
        # Weights matter to ours alone: MaxHerding has none, and is compared at u = 1.
        weights = torch.ones(args.pool)
        if "scikit-activeml" not in args.ways:
            weights = torch.rand(args.pool, generator=torch.Generator().manual_seed(1))
        for k, radius in product(args.picks, args.radius):
            first = None
            for name in args.ways:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                wall, processor = time.perf_counter(), time.process_time()
                picks = WAYS[name](pool, k, centers, weights, radius)
                wall, processor = time.perf_counter() - wall, time.process_time() - processor
                memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
                share = covered(pool, centers, weights, radius, picks)
                first = first or (processor, share)
                parts = "ours" in args.ways and args.pool > HerdSizes().whole
                worse |= name != "random" and share < first[1] * (0.97 if parts else 1 - 1e-4)
                print(
                    f"| {kind} | {L} | {k:,} | {radius} | {name} | {wall:.2f} | {processor:.2f} | "
                    f"{processor / first[0]:.1f} | {share:.5f} | {share / first[1]:.4f} | {memory:.0f} |",
                    flush=True,
                )
    if worse:
        sys.exit("one way covers less than another")


if __name__ == "__main__":
    main()
