"""What runs that people label have in common: their folder, and the sizes that suit people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, create_model

from ncenet.cli.flags import apply_flags, flag_fields
from ncenet.recipe import Recipe
from ncenet.section import flat

if TYPE_CHECKING:
    from ncenet.run.opening import OpenRun

HELD_OUT = 50
FIRST_BATCH = 25
PER_CLASS = 5
"""The first batch holds so many images for each class, when there are many classes."""
OF_A_DETECTOR = {"train.epochs": 30, "train.min_steps": 300, "train.batch_size": 8, "train.lr": 0.02}
"""What trains the light detector on few images, as in recipes/bccd.yaml."""


_CLASSIFIER = flat(Recipe().model_dump())
PeopleFlags: type[BaseModel] = create_model(
    "PeopleFlags",
    **flag_fields(
        on_bad_image="skip",
        held_out=f"{HELD_OUT}; none with --test",
        initial=f"{FIRST_BATCH}, or {PER_CLASS} for each class",
        query_size=FIRST_BATCH,
        first="typical",
        **{
            path.removeprefix("train."): f"{_CLASSIFIER[path]}; of a detector {value}"
            for path, value in OF_A_DETECTOR.items()
        },
    ),
)
"""The recipe as flags, with the defaults of :func:`first_recipe` in the help."""


def folder_of(images: str, out: Path | None) -> Path:
    """Where the answers about these images go when nobody says otherwise."""
    source = Path(images).resolve()
    name = source.stem if source.is_file() else source.name
    return out or Path("runs") / f"{name or 'images'}-labels"


def opened(folder: Path, *, read_only: bool = False) -> OpenRun:
    """A run that is there; see :func:`ncenet.run.opening.open_run`, of whose progress is told."""
    from ncenet.cli.progress import bars
    from ncenet.run.opening import open_run

    with bars() as show:
        return open_run(folder, read_only=read_only, begin=True, notify=show)


def first_recipe(images: str, flags: BaseModel | None) -> Recipe:
    """The recipe of a run that begins: small batches, and images to measure the model unless there are some.

    A detector takes smaller steps than a classifier.

    Raises:
        RecipeError: a flag is out of range.
    """
    recipe = Recipe().with_changes({"data.train": images, "data.on_bad_image": "skip"})
    named = apply_flags(recipe, flags)
    sizes = {
        "loop.held_out": 0 if named.data.test is not None else HELD_OUT,
        "loop.initial": max(FIRST_BATCH, PER_CLASS * len(named.data.classes)),
        "loop.query_size": FIRST_BATCH,
        "loop.first": "typical",
    }
    if named.task == "detection":
        sizes |= OF_A_DETECTOR
    return apply_flags(recipe.with_changes(sizes), flags)
