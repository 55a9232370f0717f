"""Flags of choosing from files of scores, which ``select`` and ``ask`` share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from ncenet.counts import count_of

if TYPE_CHECKING:
    from ncenet.selection.choose import Chosen
    from ncenet.selection.wish import Choice

_GROUP = Group("From files of scores", sort_key=5)
_Words = Annotated[tuple[str, ...], Parameter(group=_GROUP, negative=(), show_default=False)]
_Text = Annotated[str | None, Parameter(group=_GROUP)]
_Count = Annotated[int | None, Parameter(group=_GROUP, validator=Number(gte=1))]
_Seconds = Annotated[float | None, Parameter(group=_GROUP, validator=Number(gt=0))]


@dataclass
class ScoreFlags:
    """What may be said of a choice from files.

    Attributes:
        by: Rank by a column of numbers, the highest first; with a minus, as in --by=-margin, the lowest.
        diversify: Spread the query over different images among the best, by their embeddings: herding (those
            that speak for many), kmeans (the best of each cluster), kcenter (the farthest apart), badge
            (large and different gradients).
        factor: With --diversify: spread it over so many times the query.
        near: Images nearer than this count once: cosine distance of embeddings, such as 0.02.
        quota: COLUMN=MOST, COLUMN=LEAST:MOST or COLUMN=LEAST: bound the images of each value of a column,
            such as camera=500; again for more columns.
        exclude: Ids that are passed over: a file with a column of ids, or a run folder, whose answered images
            are meant; again for more.
        boxes: Budget in boxes, by the objects found, in the place of a number of images.
        minutes: Budget in minutes of a person.
        seconds_per_image: With --minutes: what an image takes. Default: as in the run.
        seconds_per_box: With --minutes: what a box takes beside that. Default: as in the run.
        pace: With --minutes: run folder whose answers tell how long an image and a box take.
        id_column: Column of the ids. Default: id; where a run begins, of the images as --data has them.
        probs: Column of class likelihoods, or a pattern such as 'p_*' for a column each.
        embedding: Column of embeddings, or a pattern likewise.
    """

    by: _Text = None
    diversify: Annotated[
        Literal["none", "herding", "kmeans", "kcenter", "badge"], Parameter(group=_GROUP)
    ] = "none"
    factor: Annotated[int, Parameter(group=_GROUP, validator=Number(gte=2))] = 5
    near: Annotated[float, Parameter(group=_GROUP, validator=Number(gte=0, lt=2))] = 0.0
    quota: _Words = ()
    exclude: _Words = ()
    boxes: _Count = None
    minutes: _Seconds = None
    seconds_per_image: _Seconds = None
    seconds_per_box: _Seconds = None
    pace: Annotated[Path | None, Parameter(group=_GROUP)] = None
    id_column: _Text = None
    probs: _Text = None
    embedding: _Text = None

    @property
    def given(self) -> bool:
        """Whether any was."""
        return self != ScoreFlags()

    @property
    def choice(self) -> Choice:
        """What they ask for."""
        return cast("Choice", asdict(self))


def tell_of(chosen: Chosen) -> None:
    """Say what was passed over, and what was not to be had."""
    from ncenet.console import plain_console

    console = plain_console(stderr=True)
    console.print(f"{len(chosen.query):,} of {count_of(chosen.rows, 'row')} by {chosen.strategy}")
    if chosen.copies:
        console.print(f"{count_of(chosen.copies, 'near copy', 'near copies')} of better images passed over")
    for (column, value), count in list(chosen.short.items())[:10]:
        named = f"{column} {value!r}" if value else f"no {column}"
        console.print(f"{named}: only {count:,}, there are no more that fit")
    if chosen.wanted is not None and len(chosen.query) < chosen.wanted:
        console.print(f"fewer than the {chosen.wanted:,} asked for: there are no more that fit")
