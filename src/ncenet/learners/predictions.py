"""What a learner promises of its predictions, checked as they are read, whoever wrote it.

A column that is missing, or a row in another order, would name other classes and images without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ncenet.counts import count_of
from ncenet.errors import NonFiniteScore, UsageError
from ncenet.types import Learner, Pool, Prediction

if TYPE_CHECKING:
    from torch import Tensor

ABOVE_ONE = 1e-3
"""A likelihood may be above 1 by this, for rounding (ours)."""


def predictions_of(
    learner: Learner, pool: Pool, ids: Sequence[str], *, want: frozenset[str], classes: int
) -> Iterator[Prediction]:
    """Predict chunk by chunk; see :class:`ncenet.types.Learner`.

    Args:
        learner: who predicts.
        pool: where the images are.
        ids: which ones.
        want: what is to come beside ``probs``.
        classes: so many the learner knows at least, if it has no ``class_names`` by which it learned: some
            may have been added since.

    Raises:
        UsageError: that are no predictions, or of other images, in another order, or not a likelihood for
            each class.
        NonFiniteScore: a likelihood is nan or infinite.
    """
    who = f"{type(learner).__name__}.predict"
    said: Any = learner.predict(pool, ids, want=want)
    if isinstance(said, Prediction) or not hasattr(said, "__iter__"):
        raise UsageError(f"{who} returns a {type(said).__name__}: it yields predictions, one or more")
    known, done = len(getattr(learner, "class_names", None) or ()), 0
    for chunk in said:
        if not isinstance(chunk, Prediction):
            raise UsageError(
                f"{who} yields a {type(chunk).__name__}: it yields ncenet.parts.Prediction(ids, probs)"
            )
        wanted = list(ids[done : done + len(chunk.ids)])
        if list(chunk.ids) != wanted:
            pairs = zip(chunk.ids, [*wanted, None], strict=False)
            first, due = next((one, other) for one, other in pairs if one != other)
            raise UsageError(
                f"{who} says something of {first!r} where {due!r} is due: predictions come in the order of "
                "the ids"
            )
        done += len(wanted)
        probs = _likelihoods(chunk, who)
        columns = probs.shape[-1] - (probs.dim() == 3)  # of a detector one is the background
        if columns != known if known else columns < classes:
            of = f"of shape {tuple(probs.shape)} of {known or classes} classes"
            raise UsageError(
                f"{who} says likelihoods {of}: there is one for each, in the order of class_names, also of a "
                "class without a label"
            )
        yield replace(chunk, probs=probs)
    if done != len(ids):
        raise UsageError(
            f"{who} says nothing of {ids[done]!r} and what follows, {count_of(len(ids) - done, 'image')}"
        )


def _likelihoods(chunk: Prediction, who: str) -> Tensor:
    """Likelihoods that can be some: numbers in [0, 1], a row for each image."""
    import torch

    try:
        probs = torch.as_tensor(chunk.probs).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(f"{who} says likelihoods that are no tensor of numbers: {error}") from error
    rows = len(chunk.ids)
    if probs.dim() not in (2, 3) or len(probs) != rows:
        raise UsageError(
            f"{who} says likelihoods of shape {tuple(probs.shape)} of {rows:,} images: a row for each"
        )
    flat = probs.reshape(rows, -1)
    if not bool(flat.isfinite().all()):
        bad = (~flat.isfinite()).any(1)
        raise NonFiniteScore(int(bad.sum()), chunk.ids[int(bad.int().argmax())])
    if flat.numel() and not 0 <= float(flat.min()) <= float(flat.max()) <= 1 + ABOVE_ONE:
        raise UsageError(
            f"{who} says likelihoods from {float(flat.min()):.3g} to {float(flat.max()):.3g}: they are in "
            "[0, 1], as softmax makes logits"
        )
    return probs
