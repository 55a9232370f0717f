"""Rejection: NCE-Net's first strategy (Eq. 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 1e-5
"""Rows that sum to one within this are probabilities of a softmax (ours), or within what rounding adds."""
DIGITS = 6
"""Numbers in a file of scores may have so few behind the point."""
MOST = 0.1
"""Rows of zeros and ones are no probabilities that were rounded to one digit."""


@strategies.register("rejection")
class Rejection(ScoreStrategy):
    """Images that every class rejects: sum over classes of 1 - p (Eq. 8).

    Source: Wan et al., Nearest Neighbor Classifier Embedded Network for Active Learning, AAAI 2021.
    Cost: one prediction an image.
    When: with an NCE head. The paper's "Rejection-" is this strategy with a frozen radius.
    """

    requires: frozenset[str] = frozenset({"nce"})
    alike = (
        "rejection can't tell the images apart, their probabilities sum to one: it needs an NCE head "
        "(with softmax, take margin, entropy or least-confidence)"
    )

    def score(self, prediction: Prediction) -> Tensor:
        """Eq. 8, in [0, C]."""
        from ncenet.functional.scores import rejection

        return rejection(prediction.probs)

    def tells_apart(self, prediction: Prediction) -> bool:
        """Whether a row does not sum to one; if all do, every image has the same score, C - 1."""
        from ncenet.functional._precision import at_least_float32

        away = (at_least_float32(prediction.probs).sum(-1) - 1).abs()
        return bool((away > max(ROUNDING, rounded(prediction.probs))).any())


def rounded(probs: Tensor) -> float:
    """What a row may be away from its sum because of how its numbers are rounded, at most.

    Args:
        probs: (..., C) in [0, 1], of any precision, or read from text.

    >>> import torch
    >>> rounded(torch.tensor([[0.333, 0.667]])), rounded(torch.tensor([[0.3, 0.7]], dtype=torch.bfloat16))
    (0.001, 0.0078125)
    """
    import torch

    unit = torch.finfo(probs.dtype).eps / 2
    exact = probs.double()
    for digits in range(1, DIGITS + 1) if unit < 10.0**-DIGITS else ():
        if torch.allclose(exact, exact.round(decimals=digits), rtol=2 * unit, atol=0):
            unit = max(unit, 10.0**-digits / 2)
            break
    return min(probs.shape[-1] * unit, MOST)
