"""Run folders written by hand: what a simulation leaves behind, without a simulation."""

import csv
import json
from pathlib import Path

from ncenet.compare import Comparison
from ncenet.ledger import Ledger
from ncenet.recipe import Recipe

CLASSES = ("cat", "dog")


def write_run(
    folder: Path,
    recipe: Recipe,
    accuracy: list[float],
    *,
    classes: tuple[str, ...] = CLASSES,
    finished: bool = True,
    test: bool = True,
    metric: str | None = None,
) -> None:
    """Write a run with one cycle for each accuracy; one more is in flight unless it is finished."""
    initial, query_size = recipe.loop.initial, recipe.loop.query_size
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    write_csv(folder / "bad_images.csv", ["id", "why"], [])
    write_csv(folder / "duplicates.csv", ["group", "id"], [])
    cycles = len(accuracy) + (not finished)
    ids = [f"{n}.png" for n in range(initial + query_size * cycles)]
    with Ledger(folder / "ledger.sqlite") as ledger:
        ledger.add_items([(image, f"hash{n}", None) for n, image in enumerate(ids)])
        first = {image: classes[n % len(classes)] for n, image in enumerate(ids[:initial])}
        ledger.tell(first, who="oracle", cycle=0)
        for cycle in range(1, cycles + 1):
            files = folder / "cycles" / f"{cycle:03d}"
            files.mkdir(parents=True)
            ledger.start_cycle(ledger.last_seq())
            labeled = initial + query_size * (cycle - 1)
            fit = {
                "cycle": cycle,
                "labeled": labeled,
                "steps": 10,
                "seconds": 2.0,
                "loss": 0.5,
                "accuracy": 1.0,
            }
            write_json(files / "fit.json", {**fit, "details": {}})
            ledger.finish_fit(cycle, fit)
            if cycle > len(accuracy):
                break
            a = accuracy[cycle - 1]
            if test:
                record = {"images": 1000, "accuracy": a, "balanced_accuracy": a - 0.01, "seconds": 0.1}
                if metric is not None:
                    record = {"images": 1000, "metric": metric, metric: a, "seconds": 0.1}
                per_class = dict.fromkeys(classes, a)
                write_json(
                    files / "test.json",
                    {"cycle": cycle, "labeled": labeled, **record, "per_class": per_class},
                )
            if cycle < cycles:
                queried = ids[labeled : labeled + query_size]
                # All queried images are of the last class: a balance that a report must show.
                ledger.tell(dict.fromkeys(queried, classes[-1]), who="oracle", cycle=cycle)
                write_csv(
                    files / "query.csv", ["rank", "id", "score"], [(r, i, 0.5) for r, i in enumerate(queried)]
                )
                seconds = {"score_seconds": 0.5, "select_seconds": 0.25}
                write_json(
                    files / "query.json",
                    {"cycle": cycle, "strategy": recipe.loop.strategy, "size": query_size, **seconds},
                )


def write_comparison(
    folder: Path, comparison: Comparison, accuracy: dict[str, list[list[float]]], **options
) -> None:
    """Write a comparison; ``accuracy`` holds a curve for each seed, by arm."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "comparison.yaml").write_text(comparison.to_yaml(), encoding="utf-8")
    for arm, curves in accuracy.items():
        for seed, curve in zip(comparison.seeds, curves, strict=False):
            write_run(folder / comparison.folder(arm, seed), comparison.recipe(arm, seed), curve, **options)


def write_csv(file: Path, header: list[str], rows: list[tuple]) -> None:
    with file.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows([header, *rows])


def write_json(file: Path, record: dict) -> None:
    file.write_text(json.dumps(record), encoding="utf-8")
