"""SRAAL: images that look like those the classifier is unsure of, and unlike the labelled ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ncenet.strategies import strategies
from ncenet.strategies.adversarial import Adversarial
from ncenet.strategies.gather import GatheredRows, check_classes, check_rows
from ncenet.strategies.score import normalized
from ncenet.types import PoolView

if TYPE_CHECKING:
    from torch import Tensor


@strategies.register("sraal")
class Sraal(Adversarial):
    """Images whose latent a discriminator takes for uncertain, and not for labelled.

    As VAAL, but the state of an image of the pool is the classifier's uncertainty and not 1, and the latent
    also has to tell the labels. The score is the discriminator's log odds.

    Source: Zhang et al., State-Relabeling Adversarial Active Learning, CVPR 2020.
    Cost: one prediction an image; a VAE and a discriminator are trained in each query.
    When: both what the classifier is unsure of and what the labelled set lacks should count.
    """

    needs: frozenset[str] = frozenset({"inputs", "probs"})
    requires: frozenset[str] = frozenset({"classes"})
    classify = True

    def states(self, view: PoolView, ids: Sequence[str]) -> Tensor:
        """U (N,) of the pool, in the order of ``ids``; an NCE head's likelihoods are normalised first.

        Raises:
            NonFiniteScore: a likelihood is nan or inf.
            UsageError: they are of one class.
        """
        from ncenet.functional.adversarial import state_uncertainty

        table = GatheredRows(ids)
        for prediction in view.predictions():
            check_classes(prediction.probs, "sraal")
            states = state_uncertainty(normalized(prediction.probs)).unsqueeze(1)
            check_rows(prediction.ids, states)
            table.fill(prediction.ids, states)
        return table.rows.squeeze(1)
