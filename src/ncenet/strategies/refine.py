"""Refine: several strategies sift the pool together, and coverage picks from what is left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from ncenet.errors import NonFiniteScore, UnknownName, UsageError
from ncenet.section import Section
from ncenet.strategies import strategies
from ncenet.strategies.cover import WIDTH, cover
from ncenet.strategies.gather import gather_features
from ncenet.strategies.options import WithOptions
from ncenet.types import PoolView, Prediction, Query, QueryStrategy, whole_strategy

if TYPE_CHECKING:
    from torch import Generator, Tensor

LEFT = 10
"""So many times the query is left after the last round (ours)."""
KEPT = frozenset({"probs", "features", "in_radii", "samples"})
"""What a member may need of a prediction: it is read once and kept."""


@strategies.register("refine")
class Refine(WithOptions, QueryStrategy):
    """Images that at least one of several strategies wants, chosen so that they cover all of these.

    In each round every member takes its part of what is left, and what nobody took is out. From the rest, the
    images that cover most of it make the query. The score is the part that an image covers beyond those
    before it.

    Source: Huseljic, Herde, Rauch, Hahn and Sick, Cleaning the Pool: Progressive Filtering of Unlabeled Pools
    in Deep Active Learning, CVPR 2026, arXiv:2511.22344.
    Cost: one prediction an image, kept in memory, and the query of each member in each round.
    When: nobody knows which strategy suits the data.
    """

    class Options(Section):
        """What may be set."""

        members: tuple[str, ...] = Field(
            ("margin", "badge", "typiclust", "uherding"),
            min_length=1,
            description="Strategies that sift, by name: margin,badge,typiclust.",
        )
        rounds: int = Field(2, ge=1, description="Times that the pool is sifted.")

        @field_validator("members", mode="before")
        @classmethod
        def _as_list(cls, value: Any) -> Any:
            return [name.strip() for name in value.split(",")] if isinstance(value, str) else value

        @field_validator("members")
        @classmethod
        def _can_sift(cls, names: tuple[str, ...]) -> tuple[str, ...]:
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{name} stands twice: leave it out once")
                _member(name)
            return names

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._members = [_member(name) for name in self.options.members]
        self.needs = frozenset({"features"}).union(*(member.needs for member in self._members))
        self.requires = frozenset({"classes"}).union(*(member.requires for member in self._members))

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool in the order of the picks, or all when there are fewer.

        Raises:
            NonFiniteScore: what is looked at is nan or inf, or too large to be squared.
            UsageError: the predictions carry no features.
            ValueError: ``query_size`` is below 1.
        """
        from ncenet.functional.herding import typical_distance

        if query_size < 1:
            raise ValueError(f"query_size must be >= 1, got {query_size}")
        if not len(view.ids):
            return Query((), ())
        pool = _gather(view.predictions(), self.needs)
        known = _gather(view.labeled_predictions(), self.needs) if len(view.labeled_ids) else None
        target = dict(zip(view.labeled_ids, view.labels, strict=False))
        left, least = pool, LEFT * query_size
        for round in range(1, self.options.rounds + 1):
            size = len(pool.ids) * (least / len(pool.ids)) ** (round / self.options.rounds)
            if len(left.ids) <= max(least, size):
                continue
            each = max(query_size, math.ceil(size / len(self._members)))  # they may want the same
            wanted: set[str] = set()
            for member in self._members:
                part = _Part(view, left, known, target)
                wanted |= set(member.query(part, each, rng=rng).ids)
            left = _rows(left, [row for row, image in enumerate(left.ids) if image in wanted])
        features_MD = gather_features([left], left.ids, "refine")
        labeled_LD = None if known is None else gather_features([known], known.ids, "refine")
        radius = WIDTH * typical_distance(features_MD)
        weights = features_MD.new_ones(len(left.ids))
        return cover(left.ids, features_MD, weights, labeled_LD, query_size, radius=radius, rng=rng)


def _member(name: str) -> QueryStrategy:
    """A strategy that sifts.

    Raises:
        ValueError: there is none of that name, or it can't.
    """
    if name == "refine":
        raise ValueError("refine doesn't sift for itself: leave it out")
    try:
        member = whole_strategy(strategies.use(name, lambda factory: factory()))
    except UnknownName as error:
        raise ValueError(str(error)) from None
    if not member.needs <= KEPT:
        lacking = ", ".join(sorted(member.needs - KEPT))
        raise ValueError(f"{name} needs {lacking}, which is not kept: leave it out")
    return member


class _Part:
    """What is left of a pool, as the members see it: predictions that were made before."""

    def __init__(
        self, view: PoolView, pool: Prediction, known: Prediction | None, target: dict[str, int]
    ) -> None:
        self._view, self._pool, self._known = view, pool, known
        self.ids: Sequence[str] = pool.ids
        self.labeled_ids: Sequence[str] = () if known is None else known.ids
        self.labels: Sequence[int] = [target[image] for image in self.labeled_ids if image in target]

    def inputs(self, ids: Sequence[str]) -> Tensor:
        return self._view.inputs(ids)

    def predictions(self) -> Iterator[Prediction]:
        if self.ids:
            yield self._pool

    def labeled_predictions(self) -> Iterator[Prediction]:
        if self._known is not None:
            yield self._known


def _gather(chunks: Iterator[Prediction], wanted: frozenset[str]) -> Prediction:
    """All chunks as one, rows sorted by id; what isn't wanted is not looked at.

    Raises:
        NonFiniteScore: a number is nan or inf.
        UsageError: there are no features, or the predictions are a detector's.
    """
    import torch

    ids: list[str] = []
    parts: dict[str, list[Tensor]] = {}
    for chunk in chunks:
        if chunk.features is None:
            raise UsageError("refine needs features, and this learner predicts none")
        if chunk.probs.dim() != 2:
            raise UsageError("refine needs one class an image, and a detector's predictions are of anchors")
        ids += chunk.ids
        tensors = {"probs": chunk.probs, "features": chunk.features, **chunk.extras}
        for name, tensor in tensors.items():
            rows = tensor.transpose(0, 1) if name == "samples" else tensor
            parts.setdefault(name, []).append(rows.float().cpu().clone())  # a view would keep the chunk
        _check(chunk.ids, [each[-1] for name, each in parts.items() if name in wanted])
    order = sorted(range(len(ids)), key=ids.__getitem__)
    whole = {name: torch.cat(each)[order] for name, each in parts.items()}
    extras = {name: rows for name, rows in whole.items() if name not in ("probs", "features")}
    if "samples" in extras:
        extras["samples"] = extras["samples"].transpose(0, 1)
    return Prediction([ids[row] for row in order], whole["probs"], whole["features"], extras)


def _check(ids: Sequence[str], tensors: Sequence[Tensor]) -> None:
    import torch

    bad = torch.zeros(len(ids), dtype=torch.bool)
    for rows in tensors:
        bad |= ~rows.flatten(1).isfinite().all(1)
    if bad.any():
        raise NonFiniteScore(int(bad.sum()), ids[int(bad.nonzero()[0])])


def _rows(of: Prediction, rows: list[int]) -> Prediction:
    assert of.features is not None
    extras = {
        name: tensor[:, rows] if name == "samples" else tensor[rows] for name, tensor in of.extras.items()
    }
    return Prediction([of.ids[row] for row in rows], of.probs[rows], of.features[rows], extras)
