"""What the herding strategies share: the images that cover most of a pool, each by its weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ncenet.rng import Lots
from ncenet.types import Query

if TYPE_CHECKING:
    from torch import Generator, Tensor

LOOKED_AT = 50_000
"""So many random images of a larger pool are looked at, or as many as are asked for: their features are in
memory (ours)."""

WIDTH = 0.35
"""Width of a kernel between features of which no radius is known, in median distances (ours)."""


def look_at(ids: Sequence[str], query_size: int, rng: Generator) -> list[str]:
    """All ids, or a random part of many, sorted, whatever the order of the pool.

    Raises:
        ValueError: ``query_size`` is below 1.
    """
    import torch

    if query_size < 1:
        raise ValueError(f"query_size must be >= 1, got {query_size}")
    ordered = sorted(ids)
    most = max(LOOKED_AT, query_size)
    if len(ordered) <= most:
        return ordered
    rows = torch.randperm(len(ordered), generator=rng)[:most].sort().values
    return [ordered[row] for row in rows.tolist()]


def cover(
    ids: Sequence[str],
    vectors_ND: Tensor,
    weights_N: Tensor,
    labeled_LD: Tensor | None,
    query_size: int,
    *,
    radius: float,
    rng: Generator,
) -> Query:
    """The images that cover the most weight; the score of each is its part of all the weight there is.

    Args:
        ids: N ids, sorted.
        vectors_ND: where they are.
        weights_N: at least 0.
        labeled_LD: where the labelled images are, if there are any.
        query_size: how many, at most N come.
        radius: of the kernel.
        rng: draws among equal gains.
    """
    from ncenet.functional.herding import herd

    lots = Lots.of(rng)
    turns = sorted(range(len(ids)), key=lambda row: lots(ids[row]))
    size = min(query_size, len(ids))
    herded = herd(vectors_ND, size, radius, weights_N=weights_N, centers_LD=labeled_LD, turns=turns)
    total = max(float(weights_N.double().sum()), 1e-30)
    order = herded.gains.argsort(descending=True, stable=True)
    return Query(
        tuple(ids[row] for row in herded.indices[order].tolist()),
        tuple(gain / total for gain in herded.gains[order].tolist()),
    )
