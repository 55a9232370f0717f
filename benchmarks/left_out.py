"""What labels that are left out in turn say of a model, held against test images.

    python benchmarks/left_out.py FOLDER [--cycles 3 5 10]

FOLDER is that of a comparison on stored features, whose runs were tested on images of their own. Of each run
and cycle the estimate by five parts is held against the accuracy of the model that learned all labels, on the
test images. Differences are of all runs of an arm: mean, deviation, and how often the interval holds the
truth.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from statistics import fmean, stdev

from ncenet.learners.folds import left_out
from ncenet.loop.open import open_loop
from ncenet.recipe import Recipe
from ncenet.run.advice import wilson
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import read_test
from ncenet.types import LabeledSet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cycles", type=int, nargs="+", default=[2, 3, 5, 10])
    arguments = parser.parse_args()
    found: dict[tuple[str, int], list[tuple[float, float, bool]]] = defaultdict(list)
    for file in sorted(arguments.folder.rglob("recipe.yaml")):
        run = RunFolder(file.parent)
        if not run.ledger.exists():
            continue
        recipe = Recipe.load(file)
        loop, _ = open_loop(recipe, file.parent, embed=False)
        with loop.ledger:
            for cycle in loop.ledger.cycles():
                test = read_test(run.cycle(cycle.number))
                if cycle.number not in arguments.cycles or test is None:
                    continue
                labels = loop.ledger.labeled(cycle.upto)
                labeled = LabeledSet([i for i, _ in labels], [label for _, label in labels], loop.class_names)
                said = left_out(loop.model(cycle.number), labeled, loop.pool)
                if said is None:
                    continue
                right = sum(map(int.__eq__, said.guesses, labeled.targets()))
                low, high = wilson(right, len(labeled))
                holds = low <= test.headline <= high
                found[recipe.loop.strategy, len(labeled)].append((right / len(labeled), test.headline, holds))
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
