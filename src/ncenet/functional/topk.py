"""Streaming top-k: the k best of a pool that never is in memory as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Generator, Tensor

from ncenet.errors import NonFiniteScore
from ncenet.rng import Lots
from ncenet.types import Query


class TopK:
    """The k ids with the highest scores among all that were pushed.

    Ties are broken by lot, as the order of ids often is one of classes. A lot depends on the seed and the
    id alone, so any order, chunk size and sharding of the same pool gives the same query. Memory holds k
    ids and one chunk.

    Args:
        k: how many to keep, at least 1.
        rng: has the seed; nothing is drawn from it. None: ties are broken by id.

    Raises:
        ValueError: ``k`` is below 1.

    >>> import torch
    >>> best = TopK(2, torch.Generator().manual_seed(0))
    >>> best.push(["a", "b"], torch.tensor([0.5, 0.75]))
    >>> best.push(["c", "d"], torch.tensor([0.75, 0.25]))
    >>> best.query()
    Query(ids=('c', 'b'), scores=(0.75, 0.75))
    """

    def __init__(self, k: int, rng: Generator | None = None) -> None:
        if k < 1:
            raise ValueError(f"k must be >= 1, got {k}")
        self.k, self._lots = k, Lots.of(rng) if rng is not None else _by_id
        self._best: list[tuple[float, bytes, str]] = []  # (-score, lot, id), ascending: best first

    def __len__(self) -> int:
        """How many are kept: k at most."""
        return len(self._best)

    @property
    def floor(self) -> float:
        """The k-th best score so far, below which nothing enters any more; -inf while there are fewer."""
        return float("-inf") if len(self._best) < self.k else -self._best[-1][0]

    def push(self, ids: Sequence[str], scores: Tensor) -> None:
        """Offer one chunk.

        Args:
            ids: N ids, never pushed before.
            scores: (N,), finite; higher is better.

        Raises:
            NonFiniteScore: some scores are nan or inf; nothing of the chunk is kept.
            ValueError: ``ids`` and ``scores`` differ in length, or an id would be kept twice.
        """
        if scores.shape != (len(ids),):
            raise ValueError(f"{len(ids)} ids need as many scores, got shape {tuple(scores.shape)}")
        finite = scores.isfinite()
        if not finite.all():
            bad = (~finite).nonzero().flatten().tolist()
            raise NonFiniteScore(len(bad), ids[bad[0]])
        # Only rows that reach the k-th best score, of the chunk as of all before, can enter. Tensor
        # operations find them, so that Python looks at few ids. Rows that tie stay in: their lots decide.
        floor = self.floor
        if len(ids) > self.k:
            floor = max(floor, float(scores.topk(self.k).values[-1]))
        rows = (scores >= floor).nonzero().flatten()
        kept = zip(rows.tolist(), scores[rows].tolist(), strict=True)
        self._keep([(-score, self._lots(ids[row]), ids[row]) for row, score in kept])

    def merge(self, other: TopK) -> None:
        """Take in what another shard kept.

        Raises:
            ValueError: the other keeps fewer than k and may miss some of the best, draws other lots, or an id
                is in both.
        """
        if other.k < self.k:
            raise ValueError(f"cannot merge the best {other.k} of a shard into the best {self.k}")
        if other._lots != self._lots:
            raise ValueError("shards that draw other lots don't merge: give them generators of one seed")
        self._keep(other._best)

    def query(self) -> Query:
        """The best so far, best first: k of them, or all when fewer were pushed."""
        return Query(ids=tuple(id for *_, id in self._best), scores=tuple(-score for score, *_ in self._best))

    def _keep(self, offered: list[tuple[float, bytes, str]]) -> None:
        best = sorted(self._best + offered)[: self.k]
        if len({id for *_, id in best}) < len(best):
            raise ValueError("an id was pushed twice: it would be queried twice")
        self._best = best


def _by_id(id: str) -> bytes:
    return id.encode("utf-8", "surrogatepass")
