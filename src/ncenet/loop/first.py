"""What is asked before a model can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ncenet.types import Query

TYPICAL = "typical images"
"""What the ledger calls the queries that come before a model can be trusted."""


class FirstQueries(Protocol):
    """Chooses until the model can be trusted."""

    def query(self, ids: Sequence[str], labeled_ids: Sequence[str], query_size: int) -> Query:
        """At most ``query_size`` of ``ids``, in view of those that have a label."""
