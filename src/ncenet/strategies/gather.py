"""What strategies that look at images together have in common: a table of the pool, filled by chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ncenet.errors import NonFiniteScore, UsageError
from ncenet.rng import Lots
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Generator, Tensor


class GatheredRows:
    """A row per image in float32 on the CPU, in the order of ``ids``, whatever the order of the chunks.

    Args:
        ids: N distinct ids.

    Attributes:
        rows: (N, D) once the first chunk is in, (0,) before. A row that was never filled is nan.

    >>> import torch
    >>> table = GatheredRows(["a", "b"])
    >>> table.fill(["b"], torch.tensor([[2.0]]))
    >>> table.fill(["a"], torch.tensor([[1.0]]))
    >>> table.rows
    tensor([[1.],
            [2.]])
    """

    def __init__(self, ids: Sequence[str]) -> None:
        import torch

        self._row_of = {image: row for row, image in enumerate(ids)}
        self.rows = torch.empty(0)

    def fill(self, ids: Sequence[str], rows: Tensor) -> None:
        """Put in the rows of a chunk; those of images that have no row here are passed over."""
        import torch

        if not len(self.rows):
            # Filled in place: concatenating the chunks would hold all rows twice.
            self.rows = torch.full((len(self._row_of), rows.shape[1]), torch.nan)
        here = [row for row, image in enumerate(ids) if image in self._row_of]
        self.rows[[self._row_of[ids[row]] for row in here]] = rows[here].to(self.rows)


def by_lot(ids: Sequence[str], rng: Generator) -> list[str]:
    """Ids in a random order, whatever that of the pool: for where the first among equals is taken.

    Args:
        ids: distinct ones.
        rng: has the seed; nothing is drawn from it.
    """
    return sorted(ids, key=Lots.of(rng))


def checked_features(prediction: Prediction, strategy: str) -> Tensor:
    """Features (N, D) of a chunk, which can be squared in float32.

    Args:
        prediction: the chunk.
        strategy: who asks, for the message.

    Raises:
        NonFiniteScore: a feature is nan or inf, or too large to be squared.
        UsageError: the prediction carries no features.
    """
    if prediction.features is None:
        raise UsageError(f"{strategy} needs features, and this learner predicts none")
    check_rows(prediction.ids, prediction.features)
    return prediction.features


def checked_probs(prediction: Prediction, strategy: str) -> Tensor:
    """Likelihoods (N, C) of a chunk of classified images, as the head says them.

    Args:
        prediction: the chunk.
        strategy: who asks, for the message.

    Raises:
        NonFiniteScore: one is nan or inf.
        UsageError: the predictions are a detector's.
    """
    if prediction.probs.dim() != 2:
        raise UsageError(f"{strategy} needs one class an image, and a detector's predictions are of anchors")
    check_rows(prediction.ids, prediction.probs)
    return prediction.probs


def check_rows(ids: Sequence[str], rows: Tensor) -> None:
    """Refuse rows (N, D) whose squared length is not finite in float32.

    Raises:
        NonFiniteScore: there are some; names the first.
    """
    bad = (~rows.float().square().sum(1).isfinite()).nonzero().flatten().tolist()
    if bad:
        raise NonFiniteScore(len(bad), ids[bad[0]])


def gather_features(predictions: Iterable[Prediction], ids: Sequence[str], strategy: str) -> Tensor:
    """Features (N, D) of all chunks in float32, rows in the order of ``ids``.

    Raises:
        NonFiniteScore: a feature is nan or inf, or too large to be squared.
        UsageError: the predictions carry no features.
    """
    table = GatheredRows(ids)
    for prediction in predictions:
        table.fill(prediction.ids, checked_features(prediction, strategy))
    return table.rows


def check_classes(probs: Tensor, name: str) -> None:
    """Make sure that there are two classes to be close together.

    Args:
        probs: likelihoods (..., C).
        name: of the strategy that compares them.

    Raises:
        UsageError: there are fewer.
    """
    if probs.shape[-1] < 2:
        raise UsageError(
            f"{name} compares the two likeliest classes, and likelihoods of shape {tuple(probs.shape)} are "
            f"of {probs.shape[-1]}: give a column for each class, such as 1 - p beside p"
        )
