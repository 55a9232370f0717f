"""Ids and where they stand: computed ids for numbered rows, and the way back from an id to its row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from ncenet.errors import DataError


class RowIds(Sequence[str]):
    """Ids of numbered rows, ``prefix`` and the number. They are computed, so a million cost no memory.

    Args:
        prefix: stands before the number, for instance ``"train/"``.
        count: how many rows there are.

    >>> ids = RowIds("train/", 3)
    >>> list(ids)
    ['train/00000', 'train/00001', 'train/00002']
    >>> ids.index("train/00002")
    2
    """

    def __init__(self, prefix: str, count: int) -> None:
        self._prefix, self._count = prefix, count
        self._digits = max(5, len(str(count - 1)))  # padded: the order of the ids is the order of the rows

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[str, ...]: ...
    def __getitem__(self, row: int | slice) -> str | tuple[str, ...]:
        if isinstance(row, slice):
            return tuple(self._name(r) for r in range(self._count)[row])
        return self._name(range(self._count)[row])

    def __iter__(self) -> Iterator[str]:
        return map(self._name, range(self._count))

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self.row(id) is not None

    def row(self, id: str) -> int | None:
        """Row of an id; None when there is no such id."""
        number = id[len(self._prefix) :]
        row = int(number) if number.isdecimal() else self._count
        return row if row < self._count and self._name(row) == id else None

    def index(self, id: str, start: int = 0, stop: int | None = None) -> int:
        """Row of an id.

        Raises:
            ValueError: there is no such id in that range of rows.
        """
        row = self.row(id)
        if row is None or row not in range(self._count)[start:stop]:
            raise ValueError(f"{id!r} is not among the ids")
        return row

    def _name(self, row: int) -> str:
        return f"{self._prefix}{row:0{self._digits}d}"


class RowOf:
    """The row of each id.

    Args:
        ids: distinct ids.

    Raises:
        DataError: an id occurs twice.
    """

    def __init__(self, ids: Sequence[str]) -> None:
        self._find: Callable[[str], int | None]
        if isinstance(ids, RowIds):
            self._find = ids.row
            return
        rows = {id: row for row, id in enumerate(ids)}
        if len(rows) != len(ids):
            twice = next(id for row, id in enumerate(ids) if rows[id] != row)
            raise DataError(f"the id {twice!r} occurs twice")
        self._find = rows.get

    def __call__(self, id: str) -> int:
        """Row of an id.

        Raises:
            DataError: there is no such id.
        """
        row = self._find(id)
        if row is None:
            raise DataError(f"there is no image {id!r} in this pool")
        return row
