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

BLOCK = 2_000_000
"""Scores that are held in memory together, candidates x test images x classes (ours): 16 MB."""
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
        their_targets: (M,) their classes, which no strategy knows.
        test: (T, D) vectors to be right on.
        classes: C.
    """

    labeled: Tensor
    targets: Tensor
    candidates: Tensor
    their_targets: Tensor
    test: Tensor
    classes: int


class LookAhead(ABC):
    """A classifier that knows what each of M candidates would change.

    Attributes:
        scores: (T, C) of the test images as it stands.
    """

    scores: Tensor

    @abstractmethod
    def after(self, rows: slice) -> Tensor:
        """Scores (m, T, C) of the test images, each with the label of one of these candidates."""

    @abstractmethod
    def add(self, row: int) -> None:
        """Learn a candidate."""


class ClassMeans(LookAhead):
    """Nearest class mean: score minus squared distance; a class without a label is never chosen."""

    def __init__(self, known: KnownPoints) -> None:
        labeled = known.labeled
        self.candidates, self.targets, self.test = known.candidates, known.their_targets, known.test
        self.sums = torch.zeros(known.classes, labeled.shape[1], dtype=labeled.dtype)
        self.sums.index_add_(0, known.targets, labeled)
        self.counts = torch.bincount(known.targets, minlength=known.classes).to(labeled.dtype)
        self.scores = _from_means(self.test, self.sums / self.counts.clamp_min(1)[:, None])
        self.scores[:, self.counts == 0] = -torch.inf

    def after(self, rows: slice) -> Tensor:
        """See :class:`LookAhead`."""
        targets = self.targets[rows]
        means = (self.sums[targets] + self.candidates[rows]) / (self.counts[targets] + 1)[:, None]
        scores = self.scores.expand(len(targets), -1, -1).clone()
        scores[torch.arange(len(targets)), :, targets] = _from_means(self.test, means).T
        return scores

    def add(self, row: int) -> None:
        """See :class:`LookAhead`."""
        self.scores = self.after(slice(row, row + 1))[0]
        self.sums[self.targets[row]] += self.candidates[row]
        self.counts[self.targets[row]] += 1


class Ridge(LookAhead):
    """Ridge regression to one-hot targets, with an intercept that is penalised like the rest.

    Args:
        known: what it starts from.
        strength: of the penalty, in squared lengths of a vector.
    """

    def __init__(self, known: KnownPoints, strength: float = 1.0) -> None:
        labeled, self.candidates, test = (
            _with_one(vectors) for vectors in (known.labeled, known.candidates, known.test)
        )
        self.targets, self.onehot = known.their_targets, torch.eye(known.classes, dtype=labeled.dtype)
        eye = torch.eye(labeled.shape[1], dtype=labeled.dtype)
        inverse = torch.linalg.inv(labeled.T @ labeled + strength * eye)
        weights = inverse @ labeled.T @ self.onehot[known.targets]
        self.scores, self.own = test @ weights, self.candidates @ weights  # (T, C), (M, C)
        # All that a rank-one change needs of the inverse P: its products with test images and candidates.
        self.test_P, self.own_P = test @ inverse, self.candidates @ inverse

    def after(self, rows: slice) -> Tensor:
        """See :class:`LookAhead`."""
        gain, error = self._change(rows)
        return self.scores + gain.T[:, :, None] * error[:, None, :]

    def add(self, row: int) -> None:
        """See :class:`LookAhead`."""
        here = slice(row, row + 1)
        x, Px = self.candidates[row], self.own_P[row]
        gain, error = self._change(here)
        own_gain = self.candidates @ Px / (1 + x @ Px)
        self.scores = self.scores + gain * error
        self.own = self.own + own_gain[:, None] * error
        self.test_P = self.test_P - gain * Px
        self.own_P = self.own_P - own_gain[:, None] * Px

    def _change(self, rows: slice) -> tuple[Tensor, Tensor]:
        """How far each test image follows each candidate (T, m), and what the candidate corrects (m, C)."""
        x, Px = self.candidates[rows], self.own_P[rows]
        gain = self.test_P @ x.T / (1 + (x * Px).sum(1))
        return gain, self.onehot[self.targets[rows]] - self.own[rows]


def greedy(
    ahead: LookAhead, test_targets_T: Tensor, candidates: int, picks: int, softness: float = SOFTNESS
) -> list[int]:
    """Candidates in the order in which they help the test images most, each beside those before.

    Args:
        ahead: the classifier; it learns the picks.
        test_targets_T: classes of the test images.
        candidates: M.
        picks: how many, at most M.
        softness: see :data:`SOFTNESS`.
    """
    chosen: list[int] = []
    open_M = torch.ones(candidates, dtype=torch.bool)
    for _ in range(min(picks, candidates)):
        worth = worth_of(ahead, test_targets_T, candidates, softness)
        chosen.append(int(worth.masked_fill(~open_M, -torch.inf).argmax()))
        open_M[chosen[-1]] = False
        ahead.add(chosen[-1])
    return chosen


def worth_of(
    ahead: LookAhead,
    test_targets_T: Tensor,
    candidates: int,
    softness: float = SOFTNESS,
    *,
    block: int = BLOCK,
) -> Tensor:
    """About how many of the test images would be right with each candidate, (M,) in [0, 1].

    Args:
        ahead: what would be said with each.
        test_targets_T: classes of the test images.
        candidates: M.
        softness: see :data:`SOFTNESS`.
        block: numbers that are in memory at a time.
    """
    now = _margins(ahead.scores[None], test_targets_T)
    now = now[torch.isfinite(now)]
    scale = softness * now.std().clamp_min(1e-12) if len(now) > 1 else torch.ones(())
    size = max(1, block // ahead.scores.numel())
    parts = [
        torch.sigmoid(_margins(ahead.after(slice(start, start + size)), test_targets_T) / scale).mean(-1)
        for start in range(0, candidates, size)
    ]
    return torch.cat(parts)


def _margins(scores_mTC: Tensor, targets_T: Tensor) -> Tensor:
    """Score of the right class over the best of the others, (m, T); -inf for a class that is not known."""
    at = targets_T.expand(len(scores_mTC), -1)[..., None]
    right = scores_mTC.gather(-1, at)[..., 0]
    others = scores_mTC.scatter(-1, at, -torch.inf).amax(-1)
    return torch.where(torch.isneginf(right), right, right - others)


def _from_means(test_TD: Tensor, means_CD: Tensor) -> Tensor:
    return 2 * test_TD @ means_CD.T - means_CD.square().sum(1)


def _with_one(vectors: Tensor) -> Tensor:
    return torch.cat([vectors, torch.ones(len(vectors), 1, dtype=vectors.dtype)], 1)
