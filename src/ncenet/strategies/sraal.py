"""SRAAL: images that look like those the classifier is unsure of, and unlike the labelled ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from torch import Generator, Tensor

from ncenet.functional.adversarial import state_uncertainty
from ncenet.recipe import LoopRecipe
from ncenet.strategies import strategies
from ncenet.strategies.adversarial import STEPS, query_discriminator
from ncenet.strategies.gather import Table, check_squares
from ncenet.strategies.score import normalized
from ncenet.types import PoolView, Query


@strategies.register("sraal")
class Sraal:
    """Images whose latent a discriminator takes for uncertain, and not for labelled.

    As VAAL, but the state of an image of the pool is the classifier's uncertainty and not 1, and the latent
    also has to tell the labels. The score is the discriminator's log odds.

    Source: Zhang et al., State-Relabeling Adversarial Active Learning, CVPR 2020.
    Cost: one prediction an image; a VAE and a discriminator are trained in each query.
    When: both what the classifier is unsure of and what the labelled set lacks should count.

    Args:
        steps: optimizer steps in each query.
    """

    needs: frozenset[str] = frozenset({"inputs", "probs"})
    requires: frozenset[str] = frozenset({"classes"})

    def __init__(self, steps: int = STEPS) -> None:
        self.steps = steps

    @classmethod
    def from_recipe(cls, recipe: LoopRecipe) -> Self:
        """With the steps that the recipe names."""
        return cls(recipe.adversarial_steps)

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool, the most uncertain first, or all when there are fewer.

        Raises:
            NonFiniteScore: a likelihood or a number of an input is nan or inf.
            ValueError: ``query_size`` is below 1.
        """
        return query_discriminator(
            view, query_size, states=uncertainties, classify=True, steps=self.steps, rng=rng
        )


def uncertainties(view: PoolView, ids: Sequence[str]) -> Tensor:
    """U (N,) of the pool, in the order of ``ids``; an NCE head's likelihoods are normalised first.

    Raises:
        NonFiniteScore: a likelihood is nan or inf.
    """
    table = Table(ids)
    for prediction in view.predictions():
        states = state_uncertainty(normalized(prediction.probs)).unsqueeze(1)
        check_squares(prediction.ids, states)
        table.fill(prediction.ids, states)
    return table.rows.squeeze(1)
