"""BALD: what the passes of a network with dropout disagree on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from ncenet.errors import UsageError
from ncenet.functional.scores import bald
from ncenet.strategies import strategies
from ncenet.strategies.score import ScoreStrategy, normalized
from ncenet.types import PoolView, Prediction

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

    def score(self, prediction: Prediction) -> Tensor:
        """In [0, log C] nats, from ``extras["samples"]`` (M, N, C), normalised for an NCE head."""
        return bald(normalized(prediction.extras["samples"]))

    def scored(self, view: PoolView) -> Iterator[tuple[Sequence[str], Tensor]]:
        """Ids and scores, chunk by chunk.

        Raises:
            UsageError: all passes agree on every image of the pool: there is no dropout.
        """
        chunks_differ = []
        for prediction in view.predictions():
            samples = prediction.extras["samples"]
            chunks_differ.append(bool(((samples - samples[0]).abs() > ROUNDING).any()))
            yield prediction.ids, self.image_scores(prediction)
        if chunks_differ and not any(chunks_differ):
            raise UsageError(
                "bald: all passes agree on every image, the network has no dropout: set model.dropout above 0"
            )
