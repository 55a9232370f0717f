"""Who asked for an image: a closed type, so that no strategy's name is mistaken for something else.

The ledger, the loop and the page's messages all hold a :class:`Provenance`. Ledgers of before knew names
alone; :data:`ncenet.ledger.schema.ASKED` says which of them meant what.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What may ask for images; there is nothing else."""

    INITIAL = "initial"
    """The initial set, drawn at random before there is a model."""

    HELD_OUT = "held-out"
    """The held-out set: random images that measure the model and never train it."""

    TYPICAL = "typical"
    """Typical images, until a model can be trusted."""

    MEANWHILE = "meanwhile"
    """Random images for people who would wait otherwise, while a model trains."""

    STRATEGY = "strategy"
    """A query strategy, with a model."""


@dataclass(frozen=True)
class Provenance:
    """Who asked for an image.

    Attributes:
        kind: what asked.
        strategy: name of the query strategy, if it was one; else None.

    >>> str(HELD_OUT), str(by_strategy("random")), by_strategy("random") == MEANWHILE
    ('held-out', 'random', False)
    """

    kind: Kind
    strategy: str | None = None

    def __post_init__(self) -> None:
        if (self.kind is Kind.STRATEGY) != bool(self.strategy):
            raise ValueError(f"a strategy has a name, and nothing else has: {self.kind}, {self.strategy!r}")

    def __str__(self) -> str:
        """A word for people, and for records that nobody reads back."""
        return self.strategy or self.kind.value

    def message(self) -> dict[str, str | None]:
        """As JSON."""
        return {"kind": self.kind.value, "strategy": self.strategy}


INITIAL = Provenance(Kind.INITIAL)
HELD_OUT = Provenance(Kind.HELD_OUT)
TYPICAL = Provenance(Kind.TYPICAL)
MEANWHILE = Provenance(Kind.MEANWHILE)
MODEL_OR_STAND_IN = frozenset({Kind.INITIAL, Kind.TYPICAL, Kind.STRATEGY})
"""What asks for the batch that is to be learned next: a model, or what stands in for one."""


def by_strategy(name: str) -> Provenance:
    """Asked by the query strategy of this name, whatever it is called."""
    return Provenance(Kind.STRATEGY, name)


def provenance(kind: str, strategy: str) -> Provenance:
    """What a ledger holds of who asked: the kind, and a name that says something of strategies alone."""
    return Provenance(Kind(kind), strategy if kind == Kind.STRATEGY.value else None)
