"""Greedy k-centre: lazy (ours) beside the plain incremental rule and scikit-activeml, in one run.

    python benchmarks/kcenter.py            # N = 50,000, as in results/kcenter.md
    python benchmarks/kcenter.py --quick    # seconds

Prints a Markdown table of times and ratios; ends with an error if radius or picks of the three disagree. Two
points that are equally far but for the rounding of float32 may change places.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from ncenet.functional import k_centers


def features(kind: str, count: int, D: int) -> Tensor:
    """Feature vectors (count, D), unlabelled and labelled alike."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    match kind:
        case "relu":  # few directions, noise and a ReLU: what a network's penultimate layer looks like
            return (normal(count, 16) @ normal(16, D) + 0.3 * normal(count, D)).relu()
        case "clusters":
            return 2 * normal(100, D)[torch.randint(100, (count,), generator=generator)] + normal(count, D)
        case "normal":  # no structure at all: the least that a bound can tell
            return normal(count, D)
    raise ValueError(kind)


def plain(pool: Tensor, k: int, centers: Tensor) -> Tensor:
    """The incremental rule: one pass over the whole pool for each pick."""
    mean = pool.mean(0)
    pool, centers = pool - mean, centers - mean
    norms, center_norms = pool.square().sum(1), centers.square().sum(1)
    nearest = norms + torch.cat(
        [torch.addmm(center_norms, rows, centers.T, alpha=-2).amin(1) for rows in pool.split(1024)]
    )
    picks = []
    for _ in range(k):
        pick = int(nearest.argmax())
        picks.append(pick)
        nearest = torch.minimum(nearest, torch.addmv(norms, pool, pool[pick], alpha=-2) + norms[pick])
    return torch.tensor(picks)


def peer(pool: Tensor, k: int, centers: Tensor) -> Tensor:
    """scikit-activeml's core-set, on the same float32 features."""
    import numpy as np
    from skactiveml.pool import CoreSet

    labels = np.full(len(pool) + len(centers), np.nan)
    labels[len(pool) :] = 0
    both = torch.cat([pool, centers]).numpy()
    return torch.from_numpy(CoreSet(random_state=0).query(both, labels, batch_size=k))


def radius(pool: Tensor, centers: Tensor, picks: Tensor) -> float:
    """Largest distance in the pool to the nearest centre or pick, in float64."""
    mean = pool.mean(0)
    pool, centers = (pool - mean).double(), (torch.cat([centers, pool[picks]]) - mean).double()
    norms = centers.square().sum(1)
    nearest = [
        torch.addmm(norms, rows, centers.T, alpha=-2).amin(1) + rows.square().sum(1)
        for rows in pool.split(1024)
    ]
    return float(torch.cat(nearest).clamp_min(0).max().sqrt())


Method = Callable[[Tensor, int, Tensor], Tensor]
METHODS: dict[str, Method] = {
    "lazy (ours)": lambda pool, k, centers: k_centers(pool, k, centers).indices,
    "plain incremental": plain,
    "scikit-activeml CoreSet": peer,
}


def timed(method: Method, pool: Tensor, k: int, centers: Tensor) -> tuple[float, float, Tensor]:
    """Wall seconds, seconds of the processor (steadier on a shared machine), and the picks."""
    wall, processor = time.perf_counter(), time.process_time()
    picks = method(pool, k, centers)
    return time.perf_counter() - wall, time.process_time() - processor, picks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", type=int, default=50_000, help="N, points of the pool")
    parser.add_argument("--labeled", type=int, default=5_000, help="L, labelled points")
    parser.add_argument("--picks", type=int, default=1_000, help="k")
    parser.add_argument("--features", type=int, default=512, help="D")
    parser.add_argument("--data", nargs="+", default=["relu"], choices=["relu", "clusters", "normal"])
    parser.add_argument("--methods", type=int, default=3, choices=[1, 2, 3], help="ours, + plain, + the peer")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="N = 5000, L = 500, k = 100, all data")
    args = parser.parse_args()
    if args.quick:
        args.pool, args.labeled, args.picks, args.data = 5_000, 500, 100, ["relu", "clusters", "normal"]
    torch.set_num_threads(args.threads)
    threadpool_limits(args.threads)  # the peer's

    print(f"    {' '.join(['python', 'benchmarks/kcenter.py', *sys.argv[1:]])}\n")
    print(f"N = {args.pool:,}, L = {args.labeled:,}, k = {args.picks:,}, D = {args.features}.")
    print(f"{args.threads} threads, torch {torch.__version__}, load at the start {os.getloadavg()[0]:.1f}.\n")
    print(
        "| features | method | seconds | processor | ratio | its ratio | same picks | same order | radius |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    disagree = False
    for kind in args.data:
        both = features(kind, args.pool + args.labeled, args.features)
        pool, centers = both[: args.pool], both[args.pool :]
        k_centers(pool[:1000], min(10, args.picks), centers[:10])  # libraries are loaded, threads started
        results = {}
        for name in list(METHODS)[: args.methods]:
            wall, processor, picks = timed(METHODS[name], pool, args.picks, centers)
            results[name] = wall, processor, picks, radius(pool, centers, picks)
            ours_wall, ours_processor, ours, ours_radius = results["lazy (ours)"]
            wall, processor, picks, its_radius = results[name]
            same, in_place = (
                float(torch.isin(picks, ours).float().mean()),
                float((picks == ours).float().mean()),
            )
            disagree |= same < 1 or abs(its_radius - ours_radius) > 1e-5 * ours_radius
            cells = [kind, name, f"{wall:.2f}", f"{processor:.2f}", f"{wall / ours_wall:.1f}"]
            cells += [
                f"{processor / ours_processor:.1f}",
                f"{same:.1%}",
                f"{in_place:.1%}",
                f"{its_radius:.5f}",
            ]
            print(f"| {' | '.join(cells)} |", flush=True)
    if disagree:
        sys.exit("radius or picks disagree")


if __name__ == "__main__":
    main()
