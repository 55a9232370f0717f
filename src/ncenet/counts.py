"""How many there are of something, in words."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 8
"""So many names of a list are told (ours)."""


def count_of(count: int, one: str, more: str = "") -> str:
    """A number with its noun.

    Args:
        count: how many.
        one: the noun for one of them.
        more: the noun for several. Default: an s added to that for one.

    >>> count_of(1, "image"), count_of(1_200, "image"), count_of(0, "copy", "copies")
    ('1 image', '1,200 images', '0 copies')
    """
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"


def first_of(names: Sequence[str]) -> str:
    """Names in a line, of many the first and how many more.

    >>> first_of(["id", "label"]), first_of([f"x{n}" for n in range(2000)])
    ('id, label', 'x0, x1, x2, x3, x4, x5, x6, x7 and 1,992 more')
    """
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
