"""VAAL: images that don't look like the labelled ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.adversarial import Adversarial
from ncenet.types import PoolView

if TYPE_CHECKING:
    from torch import Tensor


@strategies.register("vaal")
class Vaal(Adversarial):
    """Images whose latent a discriminator takes for unlabelled, although a VAE tries to hide it.

    The score is the discriminator's log odds of "unlabelled".

    Source: Sinha, Ebrahimi and Darrell, Variational Adversarial Active Learning, ICCV 2019.
    Cost: a VAE and a discriminator are trained in each query; the classifier predicts nothing.
    When: the labelled set covers the pool badly, and the classifier is not to be asked.
    """

    needs: frozenset[str] = frozenset({"inputs"})

    def states(self, view: PoolView, ids: Sequence[str]) -> Tensor:
        """1: all of the pool is unlabelled."""
        import torch

        return torch.ones(len(ids))
