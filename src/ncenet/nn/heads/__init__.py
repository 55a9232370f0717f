"""Classifiers on top of a feature vector: NCE-Net's prototypes, and softmax to compare with.

A head turns features (..., D) into an *output* (..., C) and knows what it means: ``loss`` compares it with
targets, ``probs`` reads it as numbers in [0, 1]. Leading dimensions are free: images in classification,
images x anchors in detection.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from ncenet.errors import UsageError
from ncenet.recipe_head import HeadRecipe
from ncenet.registry import Registry


class Head(nn.Module):
    """A classifier on features."""

    in_features: int
    num_classes: int

    @abstractmethod
    def forward(self, features: Tensor) -> Tensor:
        """Output (..., C) of features (..., D); the largest entry is the predicted class."""

    @abstractmethod
    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Loss (...) of output (..., C) for class indices (...)."""

    def rank_loss(self, output: Tensor, target: int) -> Tensor:
        """Loss (...) of output (..., C) if all of it were of one class, to rank by and not to learn from."""
        return self.loss(output, torch.full(output.shape[:-1], target, device=output.device))

    @abstractmethod
    def probs(self, output: Tensor) -> Tensor:
        """Probabilities or likelihoods (..., C) in [0, 1]."""

    def penalty(self) -> Tensor:
        """Half the squared length of what pulls the weights back to their start, times its strength; ().

        Those of softmax are pulled to 0, where they start on stored features alone.

        As strong as so many labelled images: whoever takes the mean of the loss over L images adds a part L
        of it.
        """
        return torch.zeros(())

    def meet(self, targets: Tensor) -> None:
        """Hear, before training, which classes the labelled images (L,) are of. Nothing by default."""

    def initialize(self, features: Tensor, targets: Tensor) -> None:
        """Look at the labelled features (L, D) and targets (L,) once, before training. Nothing by default."""

    def settle(self, features: Tensor, targets: Tensor) -> None:
        """Look at features (N, D) without a label, after training on targets (L,). Nothing by default."""

    def report(self, class_names: tuple[str, ...]) -> dict[str, Any]:
        """What is worth a line in the record of a fit."""
        return {}

    def in_radii(self, features: Tensor) -> Tensor:
        """Features (..., D) where distances count in radii, so that exp(-d^2 / 2) is the kernel of Eq. 6.

        Raises:
            UsageError: the head has no such kernel.
        """
        raise UsageError("only the NCE head with the Gaussian kernel has a radius to count distances in")


heads: Registry[Head] = Registry("head", package="ncenet.nn.heads", group="ncenet.heads")
"""Functions from section ``model.head``, D and C to a head; of plug-ins too."""


def build_head(recipe: HeadRecipe, in_features: int, num_classes: int, *, stored: bool = False) -> Head:
    """The head that a recipe describes.

    Args:
        recipe: section ``model.head``.
        in_features: D.
        num_classes: C.
        stored: whether it learns alone, on stored features, where other defaults are better.

    Raises:
        UnknownName: there is no such head.
    """
    return heads.use(recipe.name, lambda make: make(recipe.settled(stored=stored), in_features, num_classes))
