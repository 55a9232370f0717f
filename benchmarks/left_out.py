"""What labels that are left out in turn say of a model, held against test images.

    python benchmarks/left_out.py FOLDER [--cycles 2 5 10] [--arms nce-random nce-herding] [--seeds 5]

FOLDER is that of a comparison on stored features, with test images of its own. Of each run and cycle the
labels that were there are learned anew, by the head of today; the estimate by five parts is held against the
accuracy of that model on the test images. Differences are of all runs of an arm: mean, deviation, and how
often the interval holds the truth. A cell takes two seconds of a core, and each is printed when it is done.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from statistics import fmean, stdev

import torch

from ncenet.learners.folds import left_out
from ncenet.loop.open import open_loop
from ncenet.recipe import Recipe
from ncenet.run.advice import wilson
from ncenet.run.folder import RunFolder
from ncenet.types import LabeledSet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cycles", type=int, nargs="+", default=[2, 5, 10])
    parser.add_argument("--arms", nargs="+", help="folders of these alone")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[tuple[str, int], list[tuple[float, float, bool]]] = defaultdict(list)
    for file in sorted(arguments.folder.rglob("recipe.yaml")):
        run, recipe = RunFolder(file.parent), Recipe.load(file)
        wanted = arguments.arms is None or file.parent.parent.name in arguments.arms
        if not (wanted and run.ledger.exists() and recipe.loop.seed < arguments.seeds):
            continue
        loop, _ = open_loop(recipe, file.parent, embed=False)
        assert loop.test is not None
        truth = loop.test.targets
        with loop.ledger:
            for cycle in loop.ledger.cycles():
                if cycle.number not in arguments.cycles:
                    continue
                labels = loop.ledger.labeled(cycle.upto)
                labeled = LabeledSet([i for i, _ in labels], [label for _, label in labels], loop.class_names)
                tested = [best for said in loop.would_say(labeled) for best in said.probs.argmax(-1).tolist()]
                headline = fmean(map(int.__eq__, tested, truth))
                said = left_out(loop.learner, labeled, loop.pool)
                if said is None:
                    continue
                right = sum(map(int.__eq__, said.guesses, labeled.targets()))
                low, high = wilson(right, len(labeled))
                cell = right / len(labeled), headline, low <= headline <= high
                found[recipe.loop.strategy, len(labeled)].append(cell)
                print(recipe.loop.strategy, recipe.loop.seed, len(labeled), *cell, flush=True)
    print("| asked by | labels | runs | left out, % | on test images, % | difference | interval holds |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for (strategy, labels), rows in sorted(found.items()):
        off = [100 * (estimate - truth) for estimate, truth, _ in rows]
        spread = f" ± {stdev(off):.1f}" if len(off) > 1 else ""
        print(
            f"| {strategy} | {labels} | {len(rows)} | {100 * fmean(row[0] for row in rows):.1f} "
            f"| {100 * fmean(row[1] for row in rows):.1f} | {fmean(off):+.1f}{spread} "
            f"| {sum(row[2] for row in rows)} of {len(rows)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
