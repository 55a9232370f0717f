"""Ids of images in shards: made of the shard and the row or name in it, or of a column of their own."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Protocol, overload

from ncenet.errors import DataError

IN_MEMORY = 1_000_000
"""Ids of a column that are kept in memory (ours), some 100 MB; more are read again when one is wanted."""


class RowsOfShard(Protocol):
    """Ids of one shard."""

    def __len__(self) -> int: ...
    def __getitem__(self, row: int) -> str: ...
    def row(self, id: str) -> int | None:
        """Row of an id; None when there is no such id."""


class NamedRows:
    """Ids of a shard whose rows have names, ``prefix`` and the name.

    >>> NamedRows("day/", ["a", "b"]).row("day/b")
    1
    """

    def __init__(self, prefix: str, names: Sequence[str]) -> None:
        self._prefix, self._names = prefix, names
        self._rows: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, row: int) -> str:
        return f"{self._prefix}{self._names[row]}"

    def row(self, id: str) -> int | None:
        """Row of an id; None when there is no such id."""
        self._rows = self._rows or {name: row for row, name in enumerate(self._names)}
        return self._rows.get(id.removeprefix(self._prefix)) if id.startswith(self._prefix) else None


class PoolIds(Sequence[str]):
    """Ids of several shards, one after the other.

    Args:
        counts: rows of each.
    """

    def __init__(self, counts: Sequence[int]) -> None:
        self._ends = list(accumulate(counts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[str, ...]: ...
    def __getitem__(self, row: int | slice) -> str | tuple[str, ...]:
        if isinstance(row, slice):
            return tuple(self[each] for each in range(len(self))[row])
        return self.at(*self.of_row(range(len(self))[row]))

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self.place(id) is not None

    def of_row(self, row: int) -> tuple[int, int]:
        """Number of the shard of a row, and its row in there."""
        part = bisect_right(self._ends, row)
        return part, row - (self._ends[part - 1] if part else 0)

    def place(self, id: str) -> tuple[int, int] | None:
        """Number of the shard and of the row in it; None when there is no such id."""
        return self.find([id]).get(id)

    def index(self, id: str, start: int = 0, stop: int | None = None) -> int:
        """Row of an id among all.

        Raises:
            ValueError: there is no such id in that range of rows.
        """
        place = self.place(id)
        if place is not None:
            row = place[1] + (self._ends[place[0] - 1] if place[0] else 0)
            if row in range(len(self))[start:stop]:
                return row
        raise ValueError(f"{id!r} is not among the ids")

    @abstractmethod
    def at(self, part: int, row: int) -> str:
        """The id of a row of a shard."""

    def several(self, part: int, rows: Sequence[int]) -> list[str]:
        """The ids of rows of a shard, in ascending order."""
        return [self.at(part, row) for row in rows]

    @abstractmethod
    def find(self, ids: Collection[str]) -> dict[str, tuple[int, int]]:
        """Number of the shard, and of the row in it, of those that there are."""


class ShardIds(PoolIds):
    """Ids that say where they are, computed: a million cost no memory.

    Args:
        parts: ids of each shard, by its name, with which they begin.

    >>> from ncenet.data.rows import RowIds
    >>> ids = ShardIds({"day": RowIds("day/", 2), "night": RowIds("night/", 1)})
    >>> list(ids), "night/00000" in ids, ids.index("night/00000")
    (['day/00000', 'day/00001', 'night/00000'], True, 2)
    """

    def __init__(self, parts: Mapping[str, RowsOfShard]) -> None:
        self.parts: Sequence[RowsOfShard] = list(parts.values())
        self._numbers = {name: number for number, name in enumerate(parts)}
        super().__init__([len(part) for part in self.parts])

    def __iter__(self) -> Iterator[str]:
        return (part[row] for part in self.parts for row in range(len(part)))

    def at(self, part: int, row: int) -> str:
        """See :class:`PoolIds`."""
        return self.parts[part][row]

    def find(self, ids: Collection[str]) -> dict[str, tuple[int, int]]:
        """See :class:`PoolIds`."""
        found = {}
        for id in ids:
            for at, letter in enumerate(id):
                number = self._numbers.get(id[:at]) if letter == "/" else None
                row = None if number is None else self.parts[number].row(id)
                if number is not None and row is not None:
                    found[id] = (number, row)
                    break
        return found


class ColumnIds(PoolIds):
    """Ids that stand in a column: kept when they are few, and read again when one is looked for else.

    Args:
        names: of the shards, for messages.
        counts: rows of each.
        read: the ids of a shard, in blocks.

    Raises:
        DataError: an id stands there twice, where all are kept. Of others those are told that are looked for.
    """

    def __init__(
        self, names: Sequence[str], counts: Sequence[int], read: Callable[[int], Iterator[list[str]]]
    ) -> None:
        super().__init__(counts)
        self._names, self._read = names, read
        self._known: dict[str, tuple[int, int]] = {}
        self._all: list[str] | None = None
        if len(self) <= IN_MEMORY:
            self._all = list(self)
            self._known = self._scan(None)

    @property
    def in_memory(self) -> bool:
        """Whether all of them are kept."""
        return self._all is not None

    def __iter__(self) -> Iterator[str]:
        if self._all is not None:
            return iter(self._all)
        return (id for part in range(len(self._names)) for block in self._read(part) for id in block)

    def at(self, part: int, row: int) -> str:
        """See :class:`PoolIds`."""
        if self._all is not None:
            return self._all[row + (self._ends[part - 1] if part else 0)]
        return self.several(part, [row])[0]

    def several(self, part: int, rows: Sequence[int]) -> list[str]:
        """See :class:`PoolIds`; one pass over the shard, as far as the last of them."""
        found: list[str] = []
        start = 0
        for block in self._read(part):
            while len(found) < len(rows) and rows[len(found)] < start + len(block):
                row = rows[len(found)]
                found.append(block[row - start])
                self._known[found[-1]] = (part, row)
            start += len(block)
            if len(found) == len(rows):
                return found
        raise DataError(f"{self._names[part]}: has fewer rows than before")

    def learn(self, places: Mapping[str, tuple[int, int]]) -> None:
        """Take it that these ids are at these places, so that nobody has to look for them."""
        self._known |= places

    def find(self, ids: Collection[str]) -> dict[str, tuple[int, int]]:
        """See :class:`PoolIds`; one pass over all shards for those that are not known yet.

        Raises:
            DataError: one of them stands there twice.
        """
        missing = {id for id in ids if id not in self._known} if not self.in_memory else set()
        if missing:
            self._known |= self._scan(missing)
        return {id: self._known[id] for id in ids if id in self._known}

    def _scan(self, wanted: set[str] | None) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for part, name in enumerate(self._names):
            start = 0
            for block in self._read(part):
                for row, id in enumerate(block, start):
                    if wanted is not None and id not in wanted:
                        continue
                    if id in found:
                        other, there = found[id]
                        raise DataError(
                            f"the id {id!r} is there twice, in {self._names[other]}, row {there} and "
                            f"{name}, row {row}: is a shard there twice?"
                        )
                    found[id] = (part, row)
                start += len(block)
        return found
