"""Flags of choosing from files of scores, which ``select`` and ``ask`` share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from ncenet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ncenet.ledger import Ledger
    from ncenet.selection.choose import Chosen, Wish

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

    def wish(
        self,
        number: int | None,
        *,
        strategy: str | None,
        options: Mapping[str, object],
        seed: int,
        ledger: Ledger | None = None,
    ) -> Wish:
        """What they ask for.

        Args:
            number: of images.
            strategy, options, seed: what ranks them.
            ledger: of the run that asks, whose pace and answered images count.

        Raises:
            UsageError: they contradict each other.
        """
        from ncenet.selection.budget import Budget
        from ncenet.selection.choose import ID, Wish
        from ncenet.selection.excluded import answered, ids_in
        from ncenet.selection.quotas import Quota

        if self.minutes is None and (self.seconds_per_image or self.seconds_per_box or self.pace):
            raise UsageError("--seconds-per-image, --seconds-per-box and --pace are for --minutes")
        spread = self.diversify != "none" or self.near > 0 or strategy in (None, "difficulty")
        if not spread and self.factor != ScoreFlags.factor:
            raise UsageError("--factor: --diversify, --near and the strategy difficulty alone read it")
        image, box = self.seconds_per_image, self.seconds_per_box
        if self.minutes is not None and image is None:
            image, box = self._pace(ledger)
        skip = set() if ledger is None else answered(ledger)
        for source in self.exclude:
            skip |= ids_in(source, self.id_column or ID)
        seconds = None if self.minutes is None else 60 * self.minutes
        return Wish(
            Budget(number, self.boxes, seconds, image or 0.0, box or 0.0),
            strategy=strategy,
            by=self.by,
            options=options,
            seed=seed,
            diversify=self.diversify,
            factor=self.factor,
            near=self.near,
            quotas=[Quota.parse(text) for text in self.quota],
            skip=frozenset(skip),
            id=self.id_column or ID,
            probs=self.probs,
            embedding=self.embedding,
        )

    def _pace(self, ledger: Ledger | None) -> tuple[float, float]:
        from ncenet.ledger import Ledger as Opened
        from ncenet.run.folder import RunFolder
        from ncenet.selection.pace import pace_of

        if self.pace is not None:
            with Opened(RunFolder(self.pace).ledger, read_only=True) as other:
                found = pace_of(other)
        elif ledger is not None:
            found = pace_of(ledger)
        else:
            raise UsageError(
                "--minutes: how long does an image take? Give --seconds-per-image, or a run with --pace"
            )
        return found.image, self.seconds_per_box or found.box


def chosen_from(sources: tuple[str, ...], wish: Wish) -> Chosen:
    """Choose from files, and tell of it: progress, and what was passed over."""
    from ncenet.cli.console import plain_console
    from ncenet.cli.progress import bars
    from ncenet.selection.choose import choose, open_files

    console = plain_console(stderr=True)
    with bars() as show:
        files = open_files(sources, wish.id)
        total = files.count
        chosen = choose(
            files, wish, progress=lambda done: show({"event": "rows", "done": done, "total": total or done})
        )
    left = f", {chosen.unread:,} of images that could not be read" if chosen.unread else ""
    console.print(f"{len(chosen.query):,} of {chosen.rows:,} rows by {chosen.strategy}{left}")
    if chosen.copies:
        console.print(f"{chosen.copies:,} near copies of better images passed over")
    for (column, value), count in list(chosen.short.items())[:10]:
        named = f"{column} {value!r}" if value else f"no {column}"
        console.print(f"{named}: only {count:,}, there are no more that fit")
    if len(chosen.query) < wish.budget.most and not (wish.budget.boxes or wish.budget.seconds):
        console.print(f"fewer than the {wish.budget.most:,} asked for: there are no more that fit")
    return chosen
