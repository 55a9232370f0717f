"""How many there are of something, in words."""

from __future__ import annotations


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
