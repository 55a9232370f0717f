"""Greedy herding: lazy (ours) beside the published way and scikit-activeml's MaxHerding, in one run.

    python benchmarks/herding.py                                   # N = 5,000: all three, all data
    python benchmarks/herding.py --pool 50000 --picks 1000 --methods 1 --data relu
    python benchmarks/herding.py --pool 1000000 --sample 50000 --picks 1000 --methods 1 --data relu

The published way keeps the kernel of the whole pool in memory and compares all with all for each pick: at
50,000 points that are 10 GB in float32 and, in scikit-activeml, 20 GB in float64. Prints a Markdown table of
times and ratios; ends with an error if one way covers less than another.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from ncenet.functional import herd


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


Method = Callable[[Tensor, int, Tensor, Tensor, float], Tensor]
METHODS: dict[str, Method] = {
    "lazy (ours)": ours,
    "kernel in memory": published,
    "scikit-activeml MaxHerding": peer,
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
    parser.add_argument("--labeled", type=int, nargs="+", default=[0, 100], help="L, labelled points")
    parser.add_argument("--picks", type=int, default=100, help="k")
    parser.add_argument("--features", type=int, default=512, help="D")
    parser.add_argument("--radius", type=float, default=0.5, help="R; vectors have length 1")
    parser.add_argument("--sample", type=int, help="herd a random part of the pool of this size")
    parser.add_argument("--data", nargs="+", default=["relu", "decay", "clusters"])
    parser.add_argument("--methods", type=int, default=3, choices=[1, 2, 3])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    threadpool_limits(args.threads)  # the peer's

    print(f"    {' '.join(['python', 'benchmarks/herding.py', *sys.argv[1:]])}\n")
    print(f"N = {args.pool:,}, k = {args.picks:,}, D = {args.features}, R = {args.radius}.")
    print(f"{args.threads} threads, torch {torch.__version__}, load at the start {os.getloadavg()[0]:.1f}.\n")
    print("| features | L | method | seconds | processor | its ratio | covered | MB above the features |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    disagree = False
    for kind in args.data:
        for L in args.labeled:
            both = features(kind, args.pool + L, args.features)
            pool, centers = both[: args.pool], both[args.pool :]
            # Weights matter to ours alone: MaxHerding has none, and is compared at u = 1.
            weights = torch.ones(args.pool)
            if args.methods < 3:
                weights = torch.rand(args.pool, generator=torch.Generator().manual_seed(1))
            least = None
            for name in list(METHODS)[: args.methods]:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                wall, processor = time.perf_counter(), time.process_time()
                looked_at = torch.arange(args.pool)
                if args.sample:
                    order = torch.randperm(args.pool, generator=torch.Generator().manual_seed(2))
                    looked_at = order[: args.sample].sort().values
                    chosen = METHODS[name](
                        pool[looked_at], args.picks, centers, weights[looked_at], args.radius
                    )
                else:
                    chosen = METHODS[name](pool, args.picks, centers, weights, args.radius)
                wall, processor = time.perf_counter() - wall, time.process_time() - processor
                memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
                share = covered(pool, centers, weights, args.radius, looked_at[chosen])
                least = least or (processor, share)
                disagree |= abs(share - least[1]) > 1e-4
                print(
                    f"| {kind} | {L} | {name} | {wall:.2f} | {processor:.2f} | {processor / least[0]:.1f} | "
                    f"{share:.5f} | {memory:.0f} |",
                    flush=True,
                )
    if disagree:
        sys.exit("one way covers more than another")


if __name__ == "__main__":
    main()
