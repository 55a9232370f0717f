"""What a strategy promises of its query, checked before anything is recorded, whoever wrote it."""

from __future__ import annotations

import math
from collections import Counter
from numbers import Integral
from typing import TYPE_CHECKING

from ncenet.errors import NonFiniteScore, UsageError
from ncenet.types import Query

if TYPE_CHECKING:
    from torch import Generator

    from ncenet.types import PoolView, QueryStrategy


def checked_size(query_size: object) -> int:
    """How many images somebody asks for; a number of NumPy's is one too.

    Raises:
        UsageError: it is none, from 1 on.

    >>> checked_size(20)
    20
    """
    if not isinstance(query_size, Integral) or query_size < 1:
        raise UsageError(f"query_size: {query_size!r} is no number of images, from 1 on")
    return int(query_size)


def checked_seed(seed: object) -> int:
    """A seed of whatever is drawn, which torch and NumPy take.

    Raises:
        UsageError: it is none.

    >>> checked_seed(7)
    7
    """
    if not isinstance(seed, Integral) or not 0 <= int(seed) < 2**63:
        raise UsageError(f"`seed`: {seed!r} is no whole number from 0 to 2**63 - 1")
    return int(seed)


def query_of(strategy: QueryStrategy, view: PoolView, query_size: int, *, rng: Generator) -> Query:
    """What a strategy asks for.

    Args:
        strategy: who is asked.
        view: what it sees.
        query_size: how many images.
        rng: where its random numbers come from.

    Raises:
        UsageError: that is no query, or one with other ids than those of the pool, one of them twice, more
            of them than were asked for, none of a pool that holds some, or not a score for each.
        NonFiniteScore: a score is nan or infinite.
    """
    said = strategy.query(view, query_size, rng=rng)
    who = f"{type(getattr(strategy, 'given', strategy)).__name__}.query returns"
    if not isinstance(said, Query):
        raise UsageError(
            f"{who} a {type(said).__name__}: it returns a query, ncenet.Query(ids, scores), the highest "
            "score first"
        )
    ids = tuple(said.ids)
    try:
        scores = tuple(float(score) for score in said.scores)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"{who} scores that are no numbers: {error}") from error
    if len(ids) != len(scores):
        raise UsageError(f"{who} {len(ids):,} ids and {len(scores):,} scores: each image has a score")
    if len(ids) > query_size:
        raise UsageError(f"{who} {len(ids):,} ids, and {query_size:,} were asked for")
    if not ids and len(view.ids):
        raise UsageError(f"{who} no ids, and its pool holds {len(view.ids):,}: it asks for one at least")
    twice, most = Counter(ids).most_common(1)[0] if ids else ("", 0)
    if most > 1:
        raise UsageError(f"{who} {twice!r} {most} times: the ids of a query are distinct")
    if strange := set(ids).difference(view.ids):
        first = next(id for id in ids if id in strange)
        raise UsageError(f"{who} {first!r}, which is none of the ids of its pool, view.ids")
    bad = [id for id, score in zip(ids, scores, strict=True) if not math.isfinite(score)]
    if bad:
        raise NonFiniteScore(len(bad), bad[0])
    return Query(ids, scores)
