"""From the columns of a chunk to one score an image; which strategies can be had of what files hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from ncenet.errors import DataError, UsageError
from ncenet.rng import Lots
from ncenet.selection.columns import Holding, matrix, numbers_in
from ncenet.strategies import strategies
from ncenet.strategies.options import ScoreOptions, checked
from ncenet.strategies.score import ranking_names

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.selection.files import ScoreFiles
    from ncenet.strategies.score import ScoreStrategy
    from ncenet.types import QueryStrategy

RANDOM = "random"


class Ranking(Protocol):
    """A score of each image; higher is more informative."""

    columns: tuple[str, ...]
    """What it reads."""

    def scores(self, table: Any, where: str) -> npt.NDArray[Any]:
        """Scores (N,) of the rows of a table; nan where a row says nothing."""


class ByColumn:
    """The numbers of a column as they are, or from below.

    Args:
        name: of the column; with a minus before it, the lowest come first.
    """

    def __init__(self, name: str) -> None:
        self.sign, bare = (-1, name[1:]) if name.startswith("-") else (1, name)
        self.columns: tuple[str, ...] = (bare,)

    def scores(self, table: Any, where: str) -> npt.NDArray[Any]:
        """See :class:`Ranking`."""
        values = numbers_in(table, self.columns[0], where)
        return values if self.sign == 1 else -values


class ByLikelihoods:
    """What a strategy that ranks by likelihoods says."""

    def __init__(self, strategy: ScoreStrategy, columns: tuple[str, ...]) -> None:
        self.strategy, self.columns = strategy, columns
        self.told: bool | None = None
        self._like: tuple[int, str] | None = None

    def scores(self, table: Any, where: str) -> npt.NDArray[Any]:
        """See :class:`Ranking`."""
        import torch

        from ncenet.types import Prediction

        probs = matrix(table, self.columns, where)
        if probs.dtype == np.float16:  # in which no score is reckoned
            probs = probs.astype(np.float32)
        if not probs.size:  # no rows, or nothing in any of them
            return np.full(len(probs), np.nan, np.float32)
        wide = probs.shape[1]
        before, first = self._like = self._like or (wide, where)
        if wide != before:
            raise DataError(
                f"{first} has {before} likelihoods in a row and {where} has {wide}: scores of two models do "
                "not compare"
            )
        there = np.isfinite(probs).all(1)
        outside = there & ((probs < 0) | (probs > 1 + 1e-3)).any(1)
        if outside.any():
            row = probs[int(outside.argmax())]
            raise UsageError(
                f"{where}: a row of {', '.join(self.columns[:3])} holds {row.min():g} to {row.max():g}, and "
                "likelihoods are from 0 to 1: are these logits?"
            )
        # Copied: what pyarrow hands out may not be written to, which torch has no type for. Numbers stand for
        # the ids, which no score reads, and which text would cost more than the scores.
        said = Prediction(range(len(probs)), torch.tensor(probs))  # type: ignore[arg-type]
        if there.any():
            self.told = bool(self.told) or self.strategy.tells_apart(
                said if there.all() else Prediction((), said.probs[torch.from_numpy(there)])
            )
        try:
            scores: npt.NDArray[Any] = self.strategy.image_scores(said).numpy()
        except (ValueError, UsageError) as error:
            raise UsageError(f"{where}: {', '.join(self.columns[:3])}: {error}") from error
        return np.where(there, scores, np.nan)

    def check(self) -> None:
        """Refuse a score that meant nothing on any chunk."""
        if self.told is False:
            raise UsageError(self.strategy.alike)


class AtRandom:
    """Numbers drawn for a seed and an id, so that rows in any order and files draw the same."""

    columns: tuple[str, ...] = ()

    def __init__(self, files: ScoreFiles, seed: int) -> None:
        self._files, self._lots = files, Lots(seed)

    def scores(self, table: Any, where: str) -> npt.NDArray[Any]:
        """See :class:`Ranking`."""
        lots = b"".join(map(self._lots, self._files.named(table[self._files.id])))
        return np.frombuffer(lots, "<u8") / 2.0**64


def open_ranking(
    held: Holding,
    files: ScoreFiles,
    *,
    strategy: str | None,
    by: str | None,
    options: Mapping[str, object],
    seed: int,
) -> Ranking:
    """What ranks the images of files.

    Args:
        held: what the files hold.
        files: they themselves.
        strategy: name of a strategy. Default: margin of likelihoods, difficulty of boxes.
        by: name of a column, in the place of a strategy; with a minus before it, the lowest first.
        options: of the strategy.
        seed: of ``random``.

    Raises:
        UsageError: the files do not hold what it takes; says what can be had.
    """
    if by is not None and strategy is not None:
        raise UsageError("`by` and `strategy` are two ways to rank: give one of them")
    if by is not None:
        if options:
            raise UsageError(f"option {next(iter(options))}: `by` ranks by a column as it is and has none")
        if by.removeprefix("-") not in held.scores:
            raise UsageError(f"`by` {by}: no such column of numbers; {held.sentence()}")
        return ByColumn(by)
    ways = ways_of(held, files, options, seed)
    name = strategy or next(iter(ways))
    if name in ways and (strategy is not None or len(ways) > 1):
        return ways[name]()
    asked = f"`strategy` {name}: " if strategy else ""
    column = f", and `by` COLUMN ranks by one of {', '.join(held.scores[:12])}" if held.scores else ""
    if not held.likelihoods and len(held.scores) > 1:
        column += "; if some are class likelihoods, say which: `probs` takes a pattern, such as p_* or prob_*"
    looks = ""
    if strategy in strategies.names() and strategy not in ranking_names():
        looks = f"; {name} looks at more than that: `diversify` spreads a query over different images"
    raise UsageError(f"{asked}{held.sentence()}. With these can be had: {', '.join(ways)}{column}{looks}")


def ways_of(
    held: Holding, files: ScoreFiles, options: Mapping[str, object], seed: int
) -> dict[str, Callable[[], Ranking]]:
    """Strategies that can be had of what files hold, the default first."""
    ways: dict[str, Callable[[], Ranking]] = {}
    ranking = ranking_names()
    # A column of the same name in a file of somebody else may run the other way.
    ours = {name.replace("_", "-"): name for name in held.scores if name in files.about.get("outputs", ())}
    if held.likelihoods:
        for name in ("margin", *ranking):
            ways[name] = partial(_by_likelihoods, name, held.likelihoods, options)
    if held.boxes is not None:
        from ncenet.selection.boxes import WAYS, ByBoxes

        for name in WAYS:
            ways.setdefault(name, partial(ByBoxes, name, held.boxes, options))
    if not options:
        ways |= {name: partial(ByColumn, column) for name, column in ours.items()}
    return ways | {RANDOM: partial(_at_random, files, options, seed)}


def _at_random(files: ScoreFiles, options: Mapping[str, object], seed: int) -> Ranking:
    _made(RANDOM, options)
    return AtRandom(files, seed)


def _by_likelihoods(name: str, columns: tuple[str, ...], options: Mapping[str, object]) -> Ranking:
    for option in options:
        if option in ScoreOptions.model_fields:
            other = "is `diversify` here" if option.startswith("diversify") else "is of boxes"
            raise UsageError(f"option {option}: {other}, and the files hold class likelihoods")

    return ByLikelihoods(cast("ScoreStrategy", _made(name, options)), columns)


def _made(name: str, options: Mapping[str, object]) -> QueryStrategy:
    """A strategy by its name, whose options are checked."""

    def make(factory: Callable[..., QueryStrategy]) -> QueryStrategy:
        checked(factory, options, where="options.", name=f"strategy {name}")
        return factory(**options)

    return strategies.use(name, make)
