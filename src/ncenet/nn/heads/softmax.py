"""Softmax, to compare with: the linear classifier and its pull."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ncenet.functional._precision import at_least_float32
from ncenet.nn.heads import Head, heads
from ncenet.recipe_head import HeadRecipe

RIDGE, RIDGE_GROWS = 0.001, 1.25
"""Pull of softmax on stored features at one image a class; the power by which it grows (ours)."""


class SoftmaxClassifier(Head):
    """The linear classifier with softmax (Eq. 1) and cross entropy (Eq. 2).

    Args:
        in_features: D.
        num_classes: C.
        linear: False when the features are the logits already, D = C: a detector's class convolution emits
            them.
        pull: of the weights towards 0, in labelled images; one over scikit-learn's C. None: see :meth:`meet`.
    """

    def __init__(self, in_features: int, num_classes: int, *, linear: bool = True, pull: float | None = 0):
        super().__init__()
        self.in_features, self.num_classes = in_features, num_classes
        self.grows, self.pull = pull is None, pull or 0.0
        self.linear = nn.Linear(in_features, num_classes) if linear else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """Logits (..., C)."""
        return at_least_float32(self.linear(features))

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy (Eq. 2), (...)."""
        return cross_entropy(output.movedim(-1, 1) if output.dim() > 2 else output, targets, reduction="none")

    def probs(self, output: Tensor) -> Tensor:
        """Softmax (Eq. 1); rows sum to one."""
        return output.softmax(-1)

    def meet(self, targets: Tensor) -> None:
        """Where nobody said it, the pull is 0.001 times the labelled images of a class to the power 1.25."""
        if self.grows:
            self.pull = RIDGE * (len(targets) / max(1, len(targets.unique()))) ** RIDGE_GROWS

    @torch.no_grad()
    def initialize(self, features: Tensor, targets: Tensor) -> None:
        """With a pull, start where it pulls to: few images say little of the weights, and the rest is it."""
        if self.pull:
            for parameter in self.linear.parameters():
                parameter.zero_()

    def penalty(self) -> Tensor:
        """Ridge: of the weights, not of the bias."""
        if not (self.pull and isinstance(self.linear, nn.Linear)):
            return super().penalty()
        return self.pull / 2 * self.linear.weight.square().sum()


@heads.register("softmax")
def _softmax(recipe: HeadRecipe, in_features: int, num_classes: int) -> Head:
    return SoftmaxClassifier(in_features, num_classes, pull=recipe.pull)
