"""BALD: what the passes of a network with dropout disagree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncenet.errors import UsageError
from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy, normalized
from ncenet.types import Prediction

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 1e-6
"""Passes whose likelihoods differ by no more than this agree; the rest is the order of a sum (ours)."""


@strategies.register("bald")
class Bald(ScoreStrategy):
    """Images on which passes with dropout are each sure and yet disagree (mutual information).

    Source: Houlsby et al., Bayesian Active Learning for Classification and Preference Learning, arXiv 2011;
    with dropout Gal et al., Deep Bayesian Active Learning with Image Data, ICML 2017.
    Cost: M predictions an image.
    When: the network has dropout, and images that are ambiguous in themselves would mislead entropy.
    """

    needs: frozenset[str] = frozenset({"samples"})
    alike = "bald: all passes agree on every image, the network has no dropout: set model.dropout above 0"

    def score(self, prediction: Prediction) -> Tensor:
        """In [0, log C] nats, from ``extras["samples"]`` (M, N, C), normalised for an NCE head."""
        from ncenet.functional.scores import bald

        samples = prediction.extras["samples"]
        if len(samples) < 2:
            raise UsageError(
                f"bald compares passes, and samples of shape {tuple(samples.shape)}, (M, N, C), are of "
                f"{len(samples)}: give at least two"
            )
        return bald(normalized(samples))

    def tells_apart(self, prediction: Prediction) -> bool:
        """Whether two passes disagree on an image."""
        samples = prediction.extras["samples"]
        return bool(((samples - samples[0]).abs() > ROUNDING).any())
