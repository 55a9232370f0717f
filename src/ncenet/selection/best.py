"""The best of a stream: a threshold lets few rows in, and they are merged now and then.

Rows stand in *cells*, the combinations of values that quotas count. Of each cell the best ``k`` are kept;
with one cell that is the best of all. Ties are broken by lot, so that any sharding gives the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ncenet.errors import DataError, UsageError
from ncenet.rng import Lots

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_KEPT = 20_000_000
"""Rows that are kept in all cells together (ours): some 3 GB."""


class Row(NamedTuple):
    """A row that is kept: the smaller, the better.

    Attributes:
        rank: minus the score.
        lot: says who comes first of equals.
        id: of the image.
        place: numbers of its file and of its row there.
        cell: number of its cell.
    """

    rank: float
    lot: bytes
    id: str
    place: tuple[int, int]
    cell: int


class Best:
    """The best rows of each cell.

    Args:
        k: how many of a cell, at least 1.
        names: addresses of the files, for messages.
        lots: of the ids.
        skip: ids that are passed over.
    """

    def __init__(self, k: int, names: Sequence[str], lots: Lots, skip: frozenset[str] = frozenset()) -> None:
        self.k, self.names, self.lots, self.skip = k, names, lots, skip
        self.cells: dict[tuple[str, ...], int] = {}
        self._floor = np.zeros(0)
        self._rows: list[Row] = []
        self._kept = 0

    def push(
        self,
        scores: npt.NDArray[np.floating],
        ids: Callable[[npt.NDArray[np.int64]], Sequence[str]],
        file: int,
        start: int,
        cells: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Offer rows that stand one after the other.

        Args:
            scores: (N,), higher is better; nan never enters.
            ids: gives the ids of some of them, by number; asked for few.
            file: number of their file.
            start: number of the first row in it.
            cells: (N,) number of each row's cell, from :meth:`cell`. Default: all are in one.
        """
        if cells is None:
            self.cell(())
            floor: npt.NDArray[np.floating] | float = float(self._floor[0])
            enough = self.k + len(self.skip)  # of a chunk alone, whoever is passed over
            if self._kept < self.k and enough < len(scores):
                finite = scores[~np.isnan(scores)]
                if len(finite) > enough:
                    floor = max(floor, float(np.partition(finite, len(finite) - enough)[-enough]))
        else:
            floor = self._floor[cells]
        rows = np.flatnonzero(scores >= floor)
        if not len(rows):
            return
        named = ids(rows)
        places = cells[rows].tolist() if cells is not None else [0] * len(rows)
        kept = zip(scores[rows].tolist(), named, rows.tolist(), places, strict=True)
        self._rows += [
            Row(-score, self.lots(id), id, (file, start + row), cell)
            for score, id, row, cell in kept
            if id not in self.skip
        ]
        if len(self._rows) > 2 * self._kept + max(100_000, self.k // 2):
            self._merge()

    def cell(self, values: tuple[str, ...]) -> int:
        """The number of the cell of some values."""
        number = self.cells.setdefault(values, len(self.cells))
        if number == len(self._floor):
            self._floor = np.append(self._floor, -np.inf)
        return number

    def rows(self) -> list[Row]:
        """The best so far, best first.

        Raises:
            DataError: an id is among them twice.
        """
        self._merge()
        seen: dict[str, Row] = {}
        for row in self._rows:
            other = seen.setdefault(row.id, row)
            if other is not row:
                where = " and ".join(
                    f"{self.names[each.place[0]]}, row {each.place[1]}" for each in (other, row)
                )
                raise DataError(f"the id {row.id!r} is there twice, in {where}: is a shard there twice?")
        return self._rows

    def _merge(self) -> None:
        self._rows.sort()
        if len(self.cells) <= 1:
            del self._rows[self.k :]
            if len(self._rows) == self.k:
                self._floor[0] = -self._rows[-1].rank
        else:
            counts = [0] * len(self.cells)
            kept = []
            for row in self._rows:
                counts[row.cell] += 1
                if counts[row.cell] <= self.k:
                    kept.append(row)
                if counts[row.cell] == self.k:
                    self._floor[row.cell] = -row.rank
            self._rows = kept
        self._kept = len(self._rows)
        if self._kept > MOST_KEPT:
            raise UsageError(
                f"the quotas make {len(self.cells):,} groups, too many to keep the best of each: "
                "leave a column out"
            )
