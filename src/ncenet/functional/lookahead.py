"""What a cheap classifier would say of test images with one more label, for many candidates at once.

Two classifiers whose answer to one more labelled image is a formula: class means, of which one moves, and
ridge regression to one-hot targets, which changes by a matrix of rank one (Sherman and Morrison, 1950). So a
greedy selection that reads test accuracy costs a product of matrices a pick, and no fit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 2**17
"""Margins that are worked on together, candidates x test images (ours): 1 MB, which caches hold."""
SOFTNESS = 0.5
"""A test image counts as right gradually, over so many deviations of the margins (ours): accuracy alone has
plateaus on which a greedy selection is blind."""


@dataclass(frozen=True)
class KnownPoints:
    """What a look ahead starts from.

    Attributes:
        labeled: (L, D) vectors with a label.
        targets: (L,) their classes in [0, C).
        candidates: (M, D) vectors that may be labelled.
        candidate_targets: (M,) their classes, which no strategy knows.
        test: (T, D) vectors to be right on.
        test_targets: (T,) their classes.
        classes: C.
    """

    labeled: Tensor
    targets: Tensor
    candidates: Tensor
    candidate_targets: Tensor
    test: Tensor
    test_targets: Tensor
    classes: int


class LookAhead(ABC):
    """A classifier that knows what each of M candidates would change.

    A margin is the score of the right class over the best of the others, -inf while the right one is unknown.

    Attributes:
        known: what it started from.
        scores: (T, C) of the test images as it stands.
    """

    known: KnownPoints
    scores: Tensor

    @property
    def margins(self) -> Tensor:
        """Of the test images (T,) as it stands."""
        return _margins(self.right, self.others.amax(1))

    @property
    def right(self) -> Tensor:
        """Scores (T,) of the right classes."""
        return self.scores.gather(1, self.known.test_targets[:, None])[:, 0]

    @property
    def others(self) -> Tensor:
        """The scores (T, C) without those of the right classes, which are -inf here."""
        return self.scores.scatter(1, self.known.test_targets[:, None], -torch.inf)

    @abstractmethod
    def margins_after(self, rows: slice) -> Tensor:
        """Margins (m, T) of the test images, each with the label of one of these candidates."""

    @abstractmethod
    def add(self, row: int) -> None:
        """Learn a candidate."""


class ClassMeans(LookAhead):
    """Nearest class mean: score minus squared distance; a class without a label is never chosen."""

    def __init__(self, known: KnownPoints) -> None:
        labeled, self.known = known.labeled, known
        self.sums = torch.zeros(known.classes, labeled.shape[1], dtype=labeled.dtype)
        self.sums.index_add_(0, known.targets, labeled)
        self.counts = torch.bincount(known.targets, minlength=known.classes).to(labeled.dtype)
        # Products of the test images with sums (C, T) and candidates (M, T): all that a mean needs of them.
        self.of_sums, self.of_candidates = self.sums @ known.test.T, known.candidates @ known.test.T
        counts, square = self.counts.clamp_min(1)[:, None], self.sums.square().sum(1)
        self.scores = _from_mean(self.of_sums, square, counts).T.contiguous()
        self.scores[:, self.counts == 0] = -torch.inf

    def margins_after(self, rows: slice) -> Tensor:
        """See :class:`LookAhead`. A candidate moves one class alone: two of the others are enough to know."""
        moved = self.known.candidate_targets[rows, None]  # (m, 1)
        score = self._moved(rows)
        best, of = self.others.topk(min(2, self.known.classes), 1)  # (T, 2)
        unmoved = torch.where(of[:, 0] == moved, best[:, -1], best[:, 0])
        is_right = self.known.test_targets == moved  # (m, T)
        return _margins(
            torch.where(is_right, score, self.right),
            torch.where(is_right, best[:, 0], torch.maximum(unmoved, score)),
        )

    def add(self, row: int) -> None:
        """See :class:`LookAhead`."""
        target = self.known.candidate_targets[row]
        self.scores[:, target] = self._moved(slice(row, row + 1))[0]
        self.of_sums[target] += self.of_candidates[row]
        self.sums[target] += self.known.candidates[row]
        self.counts[target] += 1

    def _moved(self, rows: slice) -> Tensor:
        """Scores (m, T) of the class that a candidate moves."""
        targets = self.known.candidate_targets[rows]
        square = (self.sums[targets] + self.known.candidates[rows]).square().sum(1)
        products = self.of_sums[targets] + self.of_candidates[rows]
        return _from_mean(products, square, self.counts[targets, None] + 1)


class Ridge(LookAhead):
    """Ridge regression to one-hot targets, with an intercept that is penalised like the rest.

    Args:
        known: what it starts from.
        strength: of the penalty, in squared lengths of a vector.
    """

    def __init__(self, known: KnownPoints, strength: float = 1.0) -> None:
        self.known = known
        labeled, self.candidates, test = (
            _with_one(vectors) for vectors in (known.labeled, known.candidates, known.test)
        )
        self.onehot = torch.eye(known.classes, dtype=labeled.dtype)
        eye = torch.eye(labeled.shape[1], dtype=labeled.dtype)
        inverse = torch.linalg.inv(labeled.T @ labeled + strength * eye)
        weights = inverse @ labeled.T @ self.onehot[known.targets]
        self.scores, self.own = test @ weights, self.candidates @ weights  # (T, C), (M, C)
        # All that a rank-one change needs of the inverse P: its products with test images and candidates.
        self.test_P, self.own_P = test @ inverse, self.candidates @ inverse

    def margins_after(self, rows: slice) -> Tensor:
        """See :class:`LookAhead`. Class by class: (m, T, C) numbers would not fit into a cache."""
        gain, error = self._change(rows)
        best, score = torch.full_like(gain, -torch.inf), torch.empty_like(gain)
        for others, by in zip(self.others.T.contiguous(), error.T, strict=True):
            torch.addcmul(others, gain, by[:, None], out=score)
            torch.maximum(best, score, out=best)
        return _margins(self.right + gain * error[:, self.known.test_targets], best)

    def add(self, row: int) -> None:
        """See :class:`LookAhead`."""
        x, Px = self.candidates[row], self.own_P[row]
        gain, error = self._change(slice(row, row + 1))
        own_gain = self.candidates @ Px / (1 + x @ Px)
        self.scores = self.scores + gain.T * error
        self.own = self.own + own_gain[:, None] * error
        self.test_P = self.test_P - gain.T * Px
        self.own_P = self.own_P - own_gain[:, None] * Px

    def _change(self, rows: slice) -> tuple[Tensor, Tensor]:
        """How far each test image follows each candidate (m, T), and what the candidate corrects (m, C)."""
        x, Px = self.candidates[rows], self.own_P[rows]
        gain = x @ self.test_P.T / (1 + (x * Px).sum(1))[:, None]
        return gain, self.onehot[self.known.candidate_targets[rows]] - self.own[rows]


def greedy(ahead: LookAhead, picks: int, softness: float = SOFTNESS) -> list[int]:
    """Candidates in the order in which they help the test images most, each beside those before.

    Args:
        ahead: the classifier; it learns the picks.
        picks: how many, at most M.
        softness: see :data:`SOFTNESS`.
    """
    chosen: list[int] = []
    open_M = torch.ones(len(ahead.known.candidates), dtype=torch.bool)
    for _ in range(min(picks, len(open_M))):
        chosen.append(int(worth_of(ahead, softness).masked_fill(~open_M, -torch.inf).argmax()))
        open_M[chosen[-1]] = False
        ahead.add(chosen[-1])
    return chosen


def worth_of(ahead: LookAhead, softness: float = SOFTNESS, *, block: int = BLOCK) -> Tensor:
    """About how many of the test images would be right with each candidate, (M,) in [0, 1].

    Args:
        ahead: what would be said with each.
        softness: see :data:`SOFTNESS`.
        block: margins that are worked on at a time.
    """
    now = ahead.margins
    now = now[torch.isfinite(now)]
    scale = softness * now.std().clamp_min(1e-12) if len(now) > 1 else torch.ones(())
    size = max(1, block // len(ahead.scores))
    parts = [
        torch.sigmoid(ahead.margins_after(slice(start, start + size)) / scale).mean(-1)
        for start in range(0, len(ahead.known.candidates), size)
    ]
    return torch.cat(parts)


def _margins(right: Tensor, others: Tensor) -> Tensor:
    return torch.where(torch.isneginf(right), right, right - others)


def _from_mean(products: Tensor, square: Tensor, counts: Tensor) -> Tensor:
    """Scores (n, T) of classes, by products of test images with their sums and the squares (n,) of those."""
    return 2 * products / counts - square[:, None] / counts**2


def _with_one(vectors: Tensor) -> Tensor:
    return torch.cat([vectors, torch.ones(len(vectors), 1, dtype=vectors.dtype)], 1)
