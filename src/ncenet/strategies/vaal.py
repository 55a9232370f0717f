"""VAAL: images that don't look like the labelled ones."""

from __future__ import annotations

from typing import Self

import torch
from torch import Generator

from ncenet.recipe import LoopRecipe
from ncenet.strategies import strategies
from ncenet.strategies.adversarial import STEPS, query_discriminator
from ncenet.types import PoolView, Query


@strategies.register("vaal")
class Vaal:
    """Images whose latent a discriminator takes for unlabelled, although a VAE tries to hide it.

    The score is the discriminator's log odds of "unlabelled".

    Source: Sinha, Ebrahimi and Darrell, Variational Adversarial Active Learning, ICCV 2019.
    Cost: a VAE and a discriminator are trained in each query; the classifier predicts nothing.
    When: the labelled set covers the pool badly, and the classifier is not to be asked.

    Args:
        steps: optimizer steps in each query.
    """

    needs: frozenset[str] = frozenset({"inputs"})

    def __init__(self, steps: int = STEPS) -> None:
        self.steps = steps

    @classmethod
    def from_recipe(cls, recipe: LoopRecipe) -> Self:
        """With the steps that the recipe names."""
        return cls(recipe.adversarial_steps)

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool, the least like labelled ones first, or all of a smaller pool.

        Raises:
            NonFiniteScore: a number of an input is nan or inf.
            ValueError: ``query_size`` is below 1.
        """
        return query_discriminator(
            view,
            query_size,
            states=lambda view, ids: torch.ones(len(ids)),
            classify=False,
            steps=self.steps,
            rng=rng,
        )
