"""Words that set images apart for testing: what they keep from a pool must not come into it unseen.

Tools write them into names of folders and files, into a column of a table, into a key of a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ncenet.errors import DataError

_SPLIT = re.compile(
    r"(train|training|trainval|val|valid|validation|dev|eval|evaluation|test|testing|holdout|unlabell?ed)"
    r"(set|data|images|split)?"
)
_ORNAMENTS = frozenset({"set", "data", "images", "image", "split", "of"})
"""Words beside one of these that tell nothing of what is in it."""
_JOINED = re.compile(r"(hold|held)[ _-]?out|train[ _-]?val(?![a-z])", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]+")
_YES_OR_NO = re.compile(r"(is|in|for)?[ _-]?(train|training|val|valid|validation|test|testing)(set)?")
_YES, _NO = frozenset({"1", "true", "yes", "t", "y", "1.0"}), frozenset({"0", "false", "no", "f", "n", "0.0"})
_MOST = 16
"""Values of a column beyond which they are no splits (ours)."""


def split_of(name: str) -> tuple[str, tuple[str, ...]] | None:
    """The split that a name is of, and its other words; None when it has no such word.

    >>> split_of("val2017"), split_of("seg_train"), split_of("TestImages"), split_of("cat")
    (('val', ()), ('train', ('seg',)), ('test', ()), None)
    """
    joined = _JOINED.sub(lambda found: "trainval" if found[0][0] in "tT" else "holdout", name)
    words = [word.lower() for word in _WORD.findall(_HUMP.sub(" ", joined))]
    for n, word in enumerate(words):
        if found := _SPLIT.fullmatch(word):
            rest = words[:n] + words[n + 1 :]
            return found[1], tuple(other for other in rest if other not in _ORNAMENTS)
    return None


def splits_among(names: Iterable[str]) -> list[str]:
    """Those of these names that are alike but for the word of a split, sorted; none when all are of one.

    >>> splits_among(["train-0.tar", "train-1.tar", "val-0.tar"]), splits_among(["test tube", "train"])
    (['train-0.tar', 'train-1.tar', 'val-0.tar'], [])
    """
    alike: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for name in names:
        if (found := split_of(name)) is not None:
            alike.setdefault(found[1], {}).setdefault(found[0], []).append(name)
    return sorted(name for by in alike.values() if len(by) > 1 for several in by.values() for name in several)


class Columns:
    """Watches the columns of a table for one that sets rows apart for testing.

    Args:
        passed: columns that say something else.

    >>> columns = Columns(("path", "label"))
    >>> for part in ("train", "test"):
    ...     columns.see({"path": "a.jpg", "label": "cat", "set": part})
    >>> columns.apart()
    ('set', ['test', 'train'])
    """

    def __init__(self, passed: Iterable[str] = ()) -> None:
        self._passed = frozenset(passed)
        self._values: dict[str, set[str]] = {}

    def see(self, row: Mapping[str, object]) -> None:
        """Look at a row."""
        for column, value in row.items():
            if column not in self._passed and isinstance(value, str | int | float) and value != "":
                seen = self._values.setdefault(column, set())
                if len(seen) <= _MOST:
                    seen.add(str(value).strip())

    def apart(self) -> tuple[str, list[str]] | None:
        """The column that sets rows apart, and what stands in it; None when none does."""
        for column, values in self._values.items():
            if 1 < len(values) <= _MOST and _part(column, values):
                return column, sorted(values)
        return None

    def refuse_splits(self, table: object, rows: str = "rows") -> None:
        """Refuse a table that has such a column.

        Args:
            table: its name, for messages.
            rows: what one calls what stands in it.

        Raises:
            DataError: it has one.
        """
        if (apart := self.apart()) is not None:
            column, values = apart
            raise DataError(
                f"{table}: the column {column!r} sets {rows} apart ({', '.join(values[:4])}): write those of "
                "each into a file of their own, and name one as data and one as test; or leave the column "
                "out, if all of them are for training"
            )


def _part(column: str, values: set[str]) -> bool:
    words = {value.lower() for value in values}
    if _YES_OR_NO.fullmatch(column.strip().lower()):
        return bool(words & _YES) and words <= _YES | _NO
    found = [None if set(value) & set("/\\.") else split_of(value) for value in values]  # no path
    return all(found) and len({split for split, _ in filter(None, found)}) > 1
