"""Budgets that count boxes: images are asked for one after the other until their boxes reach the budget.

Drawing boxes is what costs a person time, and images differ in how many they have. An image without objects
counts as one box: somebody had to look at it, and a budget must come to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ncenet.run.folder import CycleFolder
from ncenet.run.record_files import read_asked, read_query
from ncenet.types import Query

BoxCount: TypeAlias = Callable[[str], float]
"""How many boxes an image has, or is expected to have, by its id; at least 1."""


def asked_for(files: CycleFolder, query: Query) -> int | None:
    """The size for which a query was made; None when the cycle's files tell of another query.

    Args:
        files: of the cycle.
        query: as the ledger has it.
    """
    asked, written = read_asked(files), read_query(files)
    return asked.asked if asked is not None and written is not None and written.ids == query.ids else None


def made_for(files: CycleFolder, query: Query, query_size: int, pool: int) -> bool:
    """Whether a query was made for this size from as many images as there are now.

    A strategy of one's own may give fewer than it is asked for; it isn't asked again before answers come.
    """
    asked = read_asked(files)
    return asked is not None and asked.pool == pool and asked_for(files, query) == query_size


def cut(query: Query, budget: int, count: BoxCount) -> Query:
    """The first images of a query, until their boxes reach the budget; at least one.

    Args:
        query: most informative first. ``budget`` images are always enough, because each counts at least 1.
        budget: boxes, at least 1.
        count: asked for one image after the other, and for none that is not in the result.

    >>> query = Query(("a", "b", "c"), (0.9, 0.8, 0.7))
    >>> cut(query, 5, {"a": 3, "b": 4, "c": 1}.__getitem__).ids
    ('a', 'b')
    """
    total = 0.0
    for n, id in enumerate(query.ids, start=1):
        total += count(id)
        if total >= budget:
            return Query(query.ids[:n], query.scores[:n])
    return query
