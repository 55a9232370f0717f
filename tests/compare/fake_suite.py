"""A comparison on several data sets as it lies on disk, without a simulation."""

from ncenet.compare import Arm, Comparison
from ncenet.compare.suite import read_compared
from ncenet.recipe import Recipe
from tests.compare.fake_runs import write_comparison

BASE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 2, "loop.cycles": 3})
ARMS = [Arm(name="random", changes={"loop.strategy": "random"}), Arm(name="a"), Arm(name="b")]


def suite(sets=("one", "two"), seeds=(0, 1), arms=ARMS, **fields):
    data = [{"name": name, "train": "digits"} for name in sets]
    return Comparison(base=BASE, data=data, arms=arms, seeds=seeds, **fields)


def write_suite(folder, comparison, accuracy):
    """``accuracy`` holds for each set the curves of each seed by arm."""
    for name, (part, path) in comparison.parts(folder).items():
        if name in accuracy:
            write_comparison(path, part, accuracy[name])
    folder.mkdir(exist_ok=True)
    (folder / "comparison.yaml").write_text(comparison.to_yaml(), encoding="utf-8")
    return read_compared(folder)


def written(folder, **fields):
    """Two sets, two seeds; a is ahead everywhere but in one cell, b is unlike on the two sets."""
    return write_suite(
        folder,
        suite(**fields),
        {
            "one": {
                "random": [[0.50, 0.60, 0.70], [0.50, 0.62, 0.72]],
                "a": [[0.50, 0.65, 0.80], [0.50, 0.67, 0.80]],
                "b": [[0.50, 0.55, 0.65], [0.50, 0.60, 0.70]],
            },
            "two": {
                "random": [[0.30, 0.40, 0.50], [0.30, 0.42, 0.50]],
                "a": [[0.30, 0.39, 0.62], [0.30, 0.44, 0.60]],
                "b": [[0.30, 0.50, 0.55], [0.30, 0.50, 0.58]],
            },
        },
    )
