"""A run that is started with other classes than it has: what differs, and what the page offers to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ncenet.class_names import folded


class Offer(NamedTuple):
    """How classes that somebody named differ from those of a run.

    Attributes:
        renamed: pairs of a class and what it is perhaps called now: the same but for case, blanks or hyphens.
        new: classes that the run has not.
        gone: classes of the run that were not named.
    """

    renamed: tuple[tuple[str, str], ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]

    def __bool__(self) -> bool:
        return any(self)

    def __str__(self) -> str:
        """What differs, in one line."""
        parts = [f"{old} is {name} now" for old, name in self.renamed]
        parts += [f"new: {', '.join(self.new)}"] * bool(self.new)
        parts += [f"not named: {', '.join(self.gone)}"] * bool(self.gone)
        return "; ".join(parts)

    def message(self) -> dict[str, Any]:
        """As JSON."""
        return self._asdict()


def offer(wanted: Sequence[str], names: Sequence[str]) -> Offer:
    """What to offer; nothing where nobody named classes.

    Args:
        wanted: the classes that somebody named; none when nobody did.
        names: those of the run.

    >>> str(offer(["T-Shirt", "hat", "shoe"], ["t-shirt", "hat", "bag"]))
    't-shirt is T-Shirt now; new: shoe; not named: bag'
    """
    new = [name for name in wanted if name not in names]
    gone = [name for name in names if name not in wanted] if wanted else []
    alike = {folded(name): name for name in new}
    renamed = [(name, alike.pop(folded(name))) for name in gone if folded(name) in alike]
    paired = {name for pair in renamed for name in pair}
    rest = (tuple(name for name in side if name not in paired) for side in (new, gone))
    return Offer(tuple(renamed), *rest)
