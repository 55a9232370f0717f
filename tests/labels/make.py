"""Runs with answers in them, without a model: a folder of images, a recipe and a ledger."""

from __future__ import annotations

import json
from pathlib import Path

from ncenet.data.open import open_dataset
from ncenet.ledger import Ledger
from ncenet.recipe import Recipe
from ncenet.run.opening import OpenRun
from tests.data.make import jpeg, write

CLASSES = ("ant", "bee")


def photos(root: Path, ids: tuple[str, ...] = ("a.jpg", "b.jpg", "sub/a.jpg", "sub/c.jpg")) -> Path:
    """Small photos, all different, under these ids."""
    return write(root, {id: jpeg(seed, width=16, height=12) for seed, id in enumerate(ids)})


def new_run(
    folder: Path, data: Path, classes: tuple[str, ...] = CLASSES, *, task: str = "classification"
) -> OpenRun:
    """What the first `ncenet ask` leaves, without a query."""
    folder.mkdir(parents=True)
    recipe = Recipe().with_changes(
        {"data.train": str(data), "data.classes": classes, "loop.strategy": "random", "task": task}
    )
    (folder / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    ledger = Ledger(folder / "ledger.sqlite")
    ledger.remember("class_names", json.dumps(classes))
    ledger.remember("task", task)
    pool = open_dataset(str(data)).pool
    ledger.add_items([(id, pool.content_hash(id), None) for id in pool.ids()])
    return OpenRun(folder, recipe, ledger)


def standing(run: OpenRun) -> dict[str, tuple[str, str | None, str, str]]:
    """What the images of a run are called: kind, label, annotator and hash by id."""
    return {event.id: (event.kind, event.label, event.who, event.hash) for event in run.ledger.answers()}
