"""What may be asked of files of scores, and what that comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from numbers import Integral, Real
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack, get_args

from ncenet.errors import UnknownName, UsageError
from ncenet.ledger import Ledger
from ncenet.run.folder import RunFolder
from ncenet.selection.budget import Budget
from ncenet.selection.excluded import Excluded, answered, ids_in
from ncenet.selection.pace import pace_of
from ncenet.selection.quotas import Quota
from ncenet.selection.spread import FACTOR, Diversify
from ncenet.strategies.promise import checked_seed, checked_size

_Text = TypeVar("_Text", str, "str | PathLike[str]")

ID = "id"
"""Column of the ids when nobody names one."""


@dataclass(frozen=True)
class Wish:
    """What is asked of score files.

    Attributes:
        budget: how many images.
        strategy, by, options, seed: see :func:`ncenet.selection.ranking.open_ranking`.
        diversify: how a query is spread over different images among the best.
        factor: over so many times its size.
        near: cosine distance of embeddings below which images count as one; 0 for none.
        quotas: bounds for values of columns.
        skip: ids that are passed over: those that have a label in the run that asks.
        excluded: others, and who lists them.
        id: column of the ids.
        probs, embedding: columns, or patterns of them, where they have other names than ours.
    """

    budget: Budget
    strategy: str | None = None
    by: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    diversify: Diversify = "none"
    factor: int = FACTOR
    near: float = 0.0
    quotas: Sequence[Quota] = ()
    skip: frozenset[str] = frozenset()
    excluded: Sequence[Excluded] = ()
    id: str = ID
    probs: str | None = None
    embedding: str | None = None


class OfFiles(TypedDict, total=False):
    """What may be said of a choice from files beside what ranks them.

    Attributes:
        by: rank by a column of numbers, the highest first; with a minus before it, the lowest.
        diversify: spread the query over different images among the best, by their embeddings: herding (those
            that speak for many), kmeans (the best of each cluster), kcenter (the farthest apart), badge
            (large and different gradients).
        factor: with ``diversify``: spread it over so many times the query.
        near: images nearer than this cosine distance of their embeddings count once.
        quota: bounds for each value of a column, such as ``"camera=500"`` or ``"site=20:100"``; one or
            several.
        exclude: ids that are passed over: files with a column of them, or run folders, whose answered images
            are meant; one or several.
        minutes: budget in minutes of a person.
        seconds_per_image: with ``minutes``: what an image takes. Default: as in the run.
        seconds_per_box: with ``minutes``: what a box takes beside that. Default: as in the run.
        pace: with ``minutes``: run folder whose answers tell how long an image and a box take.
        id_column: column of the ids. Default: id.
        embedding: column of embeddings, or a pattern such as ``"e_*"`` for a column each.
    """

    by: str | None
    diversify: Diversify
    factor: int
    near: float
    quota: str | Sequence[str]
    exclude: str | PathLike[str] | Sequence[str | PathLike[str]]
    minutes: float | None
    seconds_per_image: float | None
    seconds_per_box: float | None
    pace: str | PathLike[str] | None
    id_column: str | None
    embedding: str | None


class Choice(OfFiles, total=False):
    """The same, with what ranks the images and what the query may cost.

    Attributes:
        strategy: a strategy that ranks images. Default: margin of likelihoods, difficulty of boxes.
        options: of the strategy.
        boxes: budget in boxes, by the objects found, in the place of a number of images.
        probs: column of class likelihoods, or a pattern of columns.
    """

    strategy: str | None
    options: Mapping[str, object]
    boxes: int | None
    probs: str | None


def check_names(choice: Mapping[str, object]) -> None:
    """Refuse what a choice doesn't have.

    Raises:
        UnknownName: it stands there.
    """
    for name in choice.keys() - Choice.__annotations__.keys():
        raise UnknownName("argument", name, Choice.__annotations__)


def wish_of(
    number: int | None, *, seed: int = 0, ledger: Ledger | None = None, **choice: Unpack[Choice]
) -> Wish:
    """What a choice asks for.

    Args:
        number: of images; None when something else bounds it.
        seed: of whatever is drawn.
        ledger: of the run that asks, whose pace and answered images count.
        choice: see :class:`Choice` and :class:`OfFiles`.

    Raises:
        UnknownName: a choice is none of these.
        UsageError: they contradict each other.

    >>> wish_of(100, quota=["camera=50"]).quotas[0].column
    'camera'
    """
    check_names(choice)
    strategy, diversify = choice.get("strategy"), choice.get("diversify") or "none"
    if diversify not in get_args(Diversify):
        raise UnknownName("way to diversify", str(diversify), get_args(Diversify))
    near, factor = _real(choice, "near", below=2) or 0.0, _whole(choice, "factor", least=2) or FACTOR
    image, box = _real(choice, "seconds_per_image", positive=True), _real(choice, "seconds_per_box")
    minutes, pace = _real(choice, "minutes", positive=True), choice.get("pace")
    number = None if number is None else checked_size(number)
    if minutes is None and (image or box or pace):
        raise UsageError("`seconds_per_image`, `seconds_per_box` and `pace` are for `minutes`")
    if factor != FACTOR and diversify == "none" and not near and strategy not in (None, "difficulty"):
        raise UsageError("`factor`: `diversify`, `near` and the strategy difficulty alone read it")
    if minutes is not None and image is None:
        image, taken = _pace(pace, ledger)
        box = taken if box is None else box
    name = choice.get("id_column") or ID
    skip = set() if ledger is None else answered(ledger)
    sources = [fspath(source) for source in _several(choice.get("exclude"))]
    seconds = None if minutes is None else 60 * minutes
    return Wish(
        Budget(number, _whole(choice, "boxes"), seconds, image or 0.0, box or 0.0),
        strategy=strategy,
        by=choice.get("by"),
        options=choice.get("options") or {},
        seed=checked_seed(seed),
        diversify=diversify,
        factor=factor,
        near=near,
        quotas=[Quota.parse(text) for text in _several(choice.get("quota"))],
        skip=frozenset(skip),
        excluded=[Excluded(source, frozenset(ids_in(source, name))) for source in dict.fromkeys(sources)],
        id=name,
        probs=choice.get("probs"),
        embedding=choice.get("embedding"),
    )


def _several(given: _Text | Sequence[_Text] | None) -> Sequence[_Text]:
    """What was given, one or several."""
    return [given] if isinstance(given, str | PathLike) else (given or ())


def _real(choice: Choice, name: str, *, positive: bool = False, below: float = inf) -> float | None:
    """A number of a choice, if it is there.

    Raises:
        UsageError: it is none, or out of bounds.
    """
    value: Any = choice.get(name)
    if value is None:
        return None
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) < below:
        bound = "" if below == inf else f" and below {below:g}"
        raise UsageError(f"`{name}`: {value!r} is no number from 0 on{bound}")
    if positive and not value:
        raise UsageError(f"`{name}`: expected more than 0")
    return float(value)


def _whole(choice: Choice, name: str, *, least: int = 1) -> int | None:
    """A whole number of a choice, if it is there.

    Raises:
        UsageError: it is none, or less than ``least``.
    """
    value: Any = choice.get(name)
    if value is not None and (not isinstance(value, Integral) or isinstance(value, bool) or value < least):
        raise UsageError(f"`{name}`: {value!r} is no whole number from {least} on")
    return None if value is None else int(value)


def _pace(given: str | PathLike[str] | None, ledger: Ledger | None) -> tuple[float, float]:
    """Seconds that an image and a box take."""
    if given is not None:
        with Ledger(RunFolder(Path(given)).ledger, read_only=True) as other:
            found = pace_of(other)
    elif ledger is not None:
        found = pace_of(ledger)
    else:
        raise UsageError(
            "`minutes`: how long does an image take? Give `seconds_per_image`, or a run with `pace`"
        )
    return found.image, found.box
