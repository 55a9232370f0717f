"""BADGE's k-means++ seeding: by rejection (ours) beside the plain sampler, in one run.

    python benchmarks/badge.py            # N = 200,000 for ours, the plain sampler on as many
    python benchmarks/badge.py --quick    # seconds

Prints a Markdown table of times, their ratio, and the sum over the pool of squared distances to the nearest
pick, which is what seeding is meant to keep small. Picks are random: the sums agree but for their scatter.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from ncenet.functional.kmeanspp import ROWS, k_means_seeds


def gradients(kind: str, count: int, D: int, C: int) -> tuple[Tensor, Tensor]:
    """Both factors of gradient embeddings, (count, C) and (count, D)."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    match kind:
        case "unsure":  # few directions, noise and a ReLU; a network that is sure of nothing
            features, sureness = (normal(count, 16) @ normal(16, D) + 0.3 * normal(count, D)).relu_(), 3.0
        case "sure":  # the same, from a network that is sure of most: few images hold most of the length
            features, sureness = (normal(count, 16) @ normal(16, D) + 0.3 * normal(count, D)).relu_(), 12.0
        case "clusters":  # tight clusters: distances fall fast, the worst for old weights
            centers = 2 * normal(200, D)
            features = centers[torch.randint(200, (count,), generator=generator)] + 0.1 * normal(count, D)
            sureness = 3.0
        case _:
            raise ValueError(kind)
    probs = (sureness * normal(count, C)).softmax(1)
    probs.scatter_add_(1, probs.argmax(1, keepdim=True), torch.full((count, 1), -1.0))
    return probs, features


def plain(left: Tensor, right: Tensor, k: int, rng: Generator) -> Tensor:
    """The plain rule: one pass over the whole pool for each pick, in factored form as well."""
    norms = left.square().sum(1) * right.square().sum(1)
    picks = [int(torch.randint(len(left), (), generator=rng))]
    weights = torch.full((len(left),), torch.inf)
    while len(picks) < k:
        last = picks[-1]
        squared = norms + norms[last] - 2 * (left @ left[last]) * (right @ right[last])
        weights = torch.minimum(weights, squared.clamp_min_(0))
        weights[last] = 0
        cumulative = weights.double().cumsum(0)
        position = torch.rand((), generator=rng, dtype=torch.float64) * cumulative[-1]
        picks.append(int(torch.searchsorted(cumulative, position, right=True)))
    return torch.tensor(picks)


Method = Callable[[Tensor, Tensor, int, Generator], Tensor]
METHODS: dict[str, Method] = {
    "rejection (ours)": lambda left, right, k, rng: k_means_seeds(left, right, k, rng=rng),
    "plain": plain,
}


def potential(left: Tensor, right: Tensor, picks: Tensor) -> float:
    """Sum over the pool of the squared distance to the nearest pick."""
    norms = left.square().sum(1) * right.square().sum(1)
    total = 0.0
    for start in range(0, len(left), ROWS):
        rows = slice(start, start + ROWS)
        cross = (left[rows] @ left[picks].T) * (right[rows] @ right[picks].T)
        nearest = (norms[rows, None] + norms[picks] - 2 * cross).amin(1).clamp_min(0)
        total += float(nearest.double().sum())
    return total


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", type=int, default=200_000, help="N, points of the pool")
    parser.add_argument("--picks", type=int, default=1_000, help="k")
    parser.add_argument("--features", type=int, default=512, help="D")
    parser.add_argument("--classes", type=int, default=10, help="C")
    parser.add_argument("--data", nargs="+", default=["unsure", "sure", "clusters"])
    parser.add_argument("--methods", type=int, default=2, choices=[1, 2], help="ours, + plain")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="N = 10,000, k = 100")
    args = parser.parse_args()
    if args.quick:
        args.pool, args.picks = 10_000, 100
    torch.set_num_threads(args.threads)

    print(f"    {' '.join(['python', 'benchmarks/badge.py', *sys.argv[1:]])}\n")
    print(f"N = {args.pool:,}, k = {args.picks:,}, D = {args.features}, C = {args.classes}.")
    print(f"{args.threads} threads, torch {torch.__version__}, load at the start {os.getloadavg()[0]:.1f}.\n")
    print("| gradients | method | seconds | processor | its ratio | sum of squared distances |")
    print("|---|---|---:|---:|---:|---:|")
    for kind in args.data:
        left, right = gradients(kind, args.pool, args.features, args.classes)
        k_means_seeds(left[:1000], right[:1000], 10, rng=Generator())  # threads are started
        ours = 0.0
        for name in list(METHODS)[: args.methods]:
            wall, processor = time.perf_counter(), time.process_time()
            picks = METHODS[name](left, right, args.picks, Generator().manual_seed(0))
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            if len(set(picks.tolist())) < args.picks:
                sys.exit(f"{name} drew a point twice")
            ours = ours or processor
            cells = [kind, name, f"{wall:.2f}", f"{processor:.2f}", f"{processor / ours:.1f}"]
            print(f"| {' | '.join([*cells, f'{potential(left, right, picks):.4g}'])} |", flush=True)


if __name__ == "__main__":
    main()
