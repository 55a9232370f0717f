"""What runs that people label have in common: their folder, and the sizes that suit people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, create_model

from ncenet.cli.flags import SUITED, as_typed, flag_fields
from ncenet.console import plain_console
from ncenet.recipe import Recipe
from ncenet.run.people import (
    FIRST_BATCH,
    HELD_OUT,
    HELD_OUT_SHARE,
    OF_A_DETECTOR,
    PER_CLASS,
    PER_CLASS_ON_FEATURES,
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
        features=SUITED,
        **{
            path.removeprefix("train."): f"{_CLASSIFIER[path]}; of a detector {value}"
            for path, value in OF_A_DETECTOR.items()
        },
    ),
)
"""The recipe as flags, with the defaults of :func:`ncenet.run.people.recipe_for_people` in the help."""
_ASKED = flag_fields(strategy=_CHOOSES, features=SUITED)
del _ASKED["id_column"]
AskFlags: type[BaseModel] = create_model("AskFlags", **_ASKED)
"""The same of a run whose batches people put together themselves; the column of ids is that of scores too."""


def opened(folder: Path, *, read_only: bool = False) -> OpenRun:
    """A run that is there; see :func:`ncenet.run.opening.open_run`, of whose progress is told."""
    from ncenet.progress import bars
    from ncenet.run.opening import open_run

    with bars() as show:
        return open_run(folder, read_only=read_only, begin=True, notify=show)


def say(text: str) -> None:
    """Print what people should know of a run that begins, in the words of the command line."""
    plain_console(stderr=True).print(as_typed(text))
