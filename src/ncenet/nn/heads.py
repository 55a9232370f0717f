"""Classifiers on top of a feature vector: NCE-Net's prototypes, and softmax to compare with.

A head turns features (..., D) into an *output* (..., C) and knows what it means: ``loss`` compares it with
targets, ``probs`` reads it as numbers in [0, 1]. Leading dimensions are free: images in classification,
images x anchors in detection.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

from ncenet.errors import UsageError
from ncenet.functional._precision import at_least_float32
from ncenet.functional.kernels import (
    apply_feature_map,
    cosine_log_likelihood,
    gaussian_log_likelihood,
    nearest_squared_distance,
)
from ncenet.functional.losses import nce_loss, nce_rank_loss
from ncenet.recipe import FeatureMap, HeadRecipe, Kernel, PrototypeInit, Reduction
from ncenet.registry import Registry

GAUSSIAN_RADIUS = 0.5
"""Initial radius of the Gaussian kernel: what "Rejection-" is frozen at (Sec. Model Effect)."""
COSINE_RADIUS = 10.0
"""Initial scale of the cosine kernel; at 1 the likelihood of Eq. 7 never leaves [.27, .73] (ours)."""
LEAST_RADIUS = 1e-6
"""The softplus of a free parameter below -104 is 0 in float32; the radius stays above (ours)."""
SHARPNESS = 4.0
"""What log p is multiplied by in the cross-entropy term (ours)."""


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

    def initialize(self, features: Tensor, targets: Tensor) -> None:
        """Look at the labelled features (L, D) and targets (L,) once, before training. Nothing by default."""

    def report(self, class_names: tuple[str, ...]) -> dict[str, Any]:
        """What is worth a line in the record of a fit."""
        return {}


heads: Registry[Head] = Registry("head", package=None, group="ncenet.heads")
"""Functions from section ``model.head``, D and C to a head; of plug-ins too."""


class SoftmaxClassifier(Head):
    """The linear classifier with softmax (Eq. 1) and cross entropy (Eq. 2).

    Args:
        in_features: D.
        num_classes: C.
        linear: False when the features are the logits already, D = C: a detector's class convolution emits
            them.
    """

    def __init__(self, in_features: int, num_classes: int, *, linear: bool = True) -> None:
        super().__init__()
        self.in_features, self.num_classes = in_features, num_classes
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


class PrototypeClassifier(Head):
    """NCE-Net's soft nearest-neighbour classifier with learned prototypes and rejection radii (Eq. 4 to 7).

    The output is the log-likelihood of each class; likelihoods need not sum to one, and far away from all
    prototypes all of them vanish.

    Args:
        in_features: D.
        num_classes: C.
        prototypes_per_class: K (N in the paper).
        kernel: ``"gaussian"`` (Eq. 6) or ``"cosine"`` (Eq. 7).
        feature_map: what is done to features and prototypes before they meet; see
            :func:`ncenet.functional.kernels.apply_feature_map`. The cosine kernel normalises by itself, so it
            differs only for ``"sigmoid-l2"``.
        radius: freeze every R_c at this value ("Rejection-" and "Confusion-" in the paper); None learns them.
        init: ``"normal"`` draws prototypes from a standard normal distribution; ``"class-mean"`` takes the
            means of the labelled features before training.
        projection: insert a linear map D -> D without bias, as the public reference implementation does. The
            paper names none; it is the default because the scores gain most by it, see
            ``benchmarks/head_variants.md``: features that come out of a ReLU lie in one orthant, and the map
            lets them point anywhere.
        reduction: of Eq. 5 over the classes: its ``"sum"``, or the ``"mean"`` that the public reference
            implementation takes, a loss C times smaller.
        cross_entropy: weight w in [0, 1] of a discriminative term beside Eq. 5 (ours): the loss becomes
            (1 - w) Eq. 5 + w CE(4 log p).
        initial_radius: where a learned radius starts. Default: 0.5 (Gaussian) or 10 (cosine).

    Deviations: the radius is positive by construction (softplus of a free parameter), starting at 0.5
    (Gaussian) or 10 (cosine); the feature map, which the paper does not mention, decides whether training
    works at all.

    Raises:
        UsageError: the frozen radius is below 1e-6.
    """

    raw_radius: Tensor

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        prototypes_per_class: int = 1,
        kernel: Kernel = "gaussian",
        feature_map: FeatureMap = "l2",
        radius: float | None = None,
        init: PrototypeInit = "normal",
        projection: bool = True,
        reduction: Reduction = "sum",
        cross_entropy: float = 0.0,
        initial_radius: float | None = None,
    ) -> None:
        super().__init__()
        self.in_features, self.num_classes = in_features, num_classes
        self.kernel, self.feature_map, self.init = kernel, feature_map, init
        self.reduction, self.cross_entropy = reduction, cross_entropy
        self.projection = nn.Linear(in_features, in_features, bias=False) if projection else nn.Identity()
        self.prototypes = nn.Parameter(torch.randn(num_classes, prototypes_per_class, in_features))
        if radius is not None and radius < LEAST_RADIUS:
            raise UsageError(f"a radius is at least {LEAST_RADIUS}, got {radius}")
        start = initial_radius or (GAUSSIAN_RADIUS if kernel == "gaussian" else COSINE_RADIUS)
        initial = radius or start
        # softplus(raw) = R, so raw = log(e^R - 1) = R + log(1 - e^-R).
        raw = torch.full((num_classes,), initial + math.log(-math.expm1(-initial)))
        if radius is None:
            self.raw_radius = nn.Parameter(raw)
        else:
            self.register_buffer("raw_radius", raw)

    @property
    def radius(self) -> Tensor:
        """R (C,), at least 1e-6."""
        return nn.functional.softplus(self.raw_radius).clamp_min(LEAST_RADIUS)

    def forward(self, features: Tensor) -> Tensor:
        """Log-likelihood (..., C), at most 0, in float32 also under autocast."""
        with torch.autocast(features.device.type, enabled=False):
            return self._log_likelihood(self._mapped(features), self._mapped_prototypes())

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Eq. 5, (...); with the cross-entropy term when asked for."""
        loss = nce_loss(output, targets, reduction=self.reduction)
        if self.cross_entropy == 0:
            return loss
        log_q = log_softmax(SHARPNESS * output, dim=-1)
        discriminative = -log_q.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        return (1 - self.cross_entropy) * loss + self.cross_entropy * discriminative

    def rank_loss(self, output: Tensor, target: int) -> Tensor:
        """Eq. 5 for one class in a quarter of the time, rounded to 1e-7 of a likelihood."""
        if self.cross_entropy:
            return super().rank_loss(output, target)
        return nce_rank_loss(output, target, reduction=self.reduction)

    def probs(self, output: Tensor) -> Tensor:
        """Likelihoods in [0, 1]; rows need not sum to one."""
        return output.exp()

    @torch.no_grad()
    def initialize(self, features: Tensor, targets: Tensor) -> None:
        """With ``init="class-mean"``, move prototypes to the means of K equal parts of each class.

        A class without labelled images keeps its random prototypes.
        """
        if self.init != "class-mean":
            return
        K = self.prototypes.shape[1]
        projected = self.projection(features)
        for c in range(self.num_classes):
            members = projected[targets == c]
            for k in range(min(K, len(members))):
                self.prototypes[c, k] = members[k::K].mean(0)

    @torch.no_grad()
    def live_prototypes(self, features: Tensor, targets: Tensor) -> Tensor:
        """How many prototypes of each class (C,) are the nearest to at least one of its images.

        Under the hard maximum of Eq. 4 a prototype that is never the nearest gets no gradient: it is dead.

        Args:
            features: (L, D).
            targets: (L,).
        """
        C, K, D = self.prototypes.shape
        flat = self._mapped_prototypes().reshape(C * K, 1, D)
        # One "class" per prototype: the same kernel then ranks the K prototypes of a class (R_c is shared).
        likelihood = self._log_likelihood(self._mapped(features), flat, repeats=K).unflatten(-1, (C, K))
        winner = likelihood[torch.arange(len(targets)), targets].argmax(-1)
        alive = torch.zeros(C, K, dtype=torch.bool, device=features.device)
        alive[targets, winner] = True
        return alive.sum(1)

    def report(self, class_names: tuple[str, ...]) -> dict[str, Any]:
        """The radius per class."""
        return {"radius": dict(zip(class_names, self.radius.tolist(), strict=True))}

    def extra_repr(self) -> str:
        """Shapes and options, for ``print(head)``."""
        C, K, D = self.prototypes.shape
        return f"C={C}, K={K}, D={D}, kernel={self.kernel}, feature_map={self.feature_map}"

    def _mapped(self, features: Tensor) -> Tensor:
        return apply_feature_map(self.projection(at_least_float32(features)), self._map)

    def _mapped_prototypes(self) -> Tensor:
        return apply_feature_map(self.prototypes, self._map)

    @property
    def _map(self) -> FeatureMap:
        """The feature map, without what the cosine kernel does anyway."""
        return (
            "none" if self.kernel == "cosine" and self.feature_map in ("scaled", "l2") else self.feature_map
        )

    def _log_likelihood(self, features: Tensor, prototypes: Tensor, repeats: int = 1) -> Tensor:
        radius = self.radius.repeat_interleave(repeats)
        if self.kernel == "gaussian":
            return gaussian_log_likelihood(nearest_squared_distance(features, prototypes), radius)
        return cosine_log_likelihood(features, prototypes, radius)


def build_head(recipe: HeadRecipe, in_features: int, num_classes: int) -> Head:
    """The head that a recipe describes.

    Args:
        recipe: section ``model.head``.
        in_features: D.
        num_classes: C.

    Raises:
        UnknownName: there is no such head.
    """
    return heads.get(recipe.name)(recipe, in_features, num_classes)


@heads.register("softmax")
def _softmax(recipe: HeadRecipe, in_features: int, num_classes: int) -> Head:
    return SoftmaxClassifier(in_features, num_classes)


@heads.register("nce")
def _nce(recipe: HeadRecipe, in_features: int, num_classes: int) -> Head:
    return PrototypeClassifier(in_features, num_classes, **recipe.model_dump(exclude={"name"}))
