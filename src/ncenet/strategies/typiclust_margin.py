"""TCM: TypiClust while labels are few, then margin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ncenet.errors import UsageError
from ncenet.section import Section
from ncenet.strategies import strategies
from ncenet.strategies.options import WithOptions
from ncenet.types import PoolView, Query, QueryStrategy

if TYPE_CHECKING:
    from torch import Generator


@strategies.register("typiclust-margin")
class TypiClustMargin(WithOptions, QueryStrategy):
    """Typical images while labels are few, then those whose two likeliest classes are close.

    The score is that of whichever strategy asks.

    Source: Doucet, Estermann, Aczel and Wattenhofer, Bridging Diversity and Uncertainty in Active Learning
    with Self-Supervised Pre-Training, PML4LRS workshop at ICLR 2024 (TCM).
    Cost: that of typiclust, then that of margin.
    When: features that mean something without labels, and a budget that goes beyond a few labels a class.
    """

    needs: frozenset[str] = frozenset({"probs", "features"})
    requires: frozenset[str] = frozenset({"classes"})

    class Options(Section):
        """What may be set."""

        switch: int = Field(
            5, ge=0, description="Margin asks once there are so many labels for each class that has one."
        )

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool, or all when there are fewer.

        Raises:
            NonFiniteScore: what is looked at is nan or inf, or too large to be squared.
            UsageError: the predictions carry no features; or there are no classes.
            ValueError: ``query_size`` is below 1.
        """
        if len(view.labeled_ids) and not len(view.labels):
            raise UsageError(
                "typiclust-margin counts labels of the labelled images: give them too; a detector has none"
            )
        few = len(view.labeled_ids) < max(1, self.options.switch * len(set(view.labels)))
        asks = strategies.get("typiclust" if few else "margin")()
        return asks.query(view, query_size, rng=rng)
