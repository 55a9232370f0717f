"""NCE-Net's prototypes: a soft nearest-neighbour classifier with rejection radii."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from ncenet.errors import UsageError
from ncenet.functional._precision import at_least_float32
from ncenet.functional.clusters import k_means
from ncenet.functional.kernels import (
    apply_feature_map,
    cosine_log_likelihood,
    gaussian_log_likelihood,
    likelihoods,
    nearest_squared_distance,
)
from ncenet.functional.losses import nce_loss, nce_rank_loss
from ncenet.functional.soft_means import soft_means
from ncenet.nn.heads import Head, heads
from ncenet.recipe_head import FeatureMap, HeadRecipe, Kernel, PrototypeInit, Radius, Reduction

GAUSSIAN_RADIUS = 0.5
"""Initial radius of the Gaussian kernel: what "Rejection-" is frozen at (Sec. Model Effect)."""
COSINE_RADIUS = 10.0
"""Initial scale of the cosine kernel; at 1 the likelihood of Eq. 7 never leaves [.27, .73] (ours)."""
LEAST_RADIUS = 1e-6
"""The softplus of a free parameter below -104 is 0 in float32; the radius stays above (ours)."""
ABSENT = -1e30
"""Log-likelihood of a class that has no prototype (ours): finite, and below that of every class that has one.
At a distance of 2 and a radius of 0.001 that is -2e6."""
SHARPNESS = 4.0
"""What log p is multiplied by in the cross-entropy term (ours)."""
BIAS_PULL = 0.02
"""Pull of the biases, times the sharpness, towards 0, in labelled images (ours)."""


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
            differs only for ``"sigmoid-l2"``, with which no likelihood falls below a half: it learns nothing.
        radius: ``"class"`` learns one for each class, ``"shared"`` one for all (ours): Eq. 5 is a binary loss
            per class, under which the radius of a frequent class grows and that of a rare one shrinks, and
            the nearest prototype then loses to the largest radius. A number freezes every R_c ("Rejection-"
            and "Confusion-" in the paper).
        init: ``"normal"`` draws prototypes from a standard normal distribution; ``"class-mean"`` takes the
            means of the labelled features before training, or of their K clusters (k-means).
        projection: insert a linear map D -> D without bias, as the public reference implementation does. The
            paper names none; it is the default because the scores gain most by it, see
            ``benchmarks/head_variants.md``: features that come out of a ReLU lie in one orthant, and the map
            lets them point anywhere.
        reduction: of Eq. 5 over the classes: its ``"sum"``, or the ``"mean"`` that the public reference
            implementation takes, a loss C times smaller.
        cross_entropy: weight w in [0, 1] of a discriminative term beside Eq. 5 (ours): the loss becomes
            (1 - w) Eq. 5 + w CE(4 log p).
        initial_radius: where a learned radius starts. Default: 0.5 (Gaussian) or 10 (cosine).
        map_prototypes: put prototypes through the projection as features are, which then starts as the
            identity (ours): prototypes lie among the features, and classes keep their means.
        pull: of prototypes and projection towards where they start, in labelled images (ours).
        bias: learn how frequent classes are (ours): a number for each class is added to its log-likelihood,
            0 for the largest. The cross-entropy term alone teaches it, Eq. 5 is told of distances only.
            Without it a class of two images in a hundred wins as many doubtful cases as one of seventy.
        unlabeled: how strongly images without a label move the prototypes, see :meth:`settle` (ours).

    A class of which :meth:`meet` heard of no image has no prototype: its likelihood is 0.

    Deviations: the radius is positive by construction (softplus of a free parameter), starting at 0.5
    (Gaussian) or 10 (cosine); the feature map, which the paper does not mention, decides whether training
    works at all.

    Raises:
        UsageError: the frozen radius is below 1e-6; a bias without a cross-entropy term to learn it by.

    >>> import ncenet
    >>> head = ncenet.PrototypeClassifier(in_features=512, num_classes=10)
    >>> output = head(torch.randn(32, 512))
    >>> head.probs(output).shape, head.loss(output, torch.zeros(32, dtype=torch.long)).shape
    (torch.Size([32, 10]), torch.Size([32]))
    """

    raw_radius: Tensor
    present: Tensor

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        prototypes_per_class: int = 1,
        kernel: Kernel = "gaussian",
        feature_map: FeatureMap = "l2",
        radius: Radius = "class",
        init: PrototypeInit = "normal",
        projection: bool = True,
        reduction: Reduction = "sum",
        cross_entropy: float = 0.0,
        initial_radius: float | None = None,
        map_prototypes: bool = False,
        pull: float = 0.0,
        bias: bool = False,
        unlabeled: float = 0.0,
    ) -> None:
        super().__init__()
        self.in_features, self.num_classes = in_features, num_classes
        self.kernel, self.feature_map, self.init = kernel, feature_map, init
        self.reduction, self.cross_entropy, self.unlabeled = reduction, cross_entropy, unlabeled
        self.projection = nn.Linear(in_features, in_features, bias=False) if projection else nn.Identity()
        self.prototypes = nn.Parameter(torch.randn(num_classes, prototypes_per_class, in_features))
        self.map_prototypes, self.pull = map_prototypes and projection, pull
        if self.map_prototypes and isinstance(self.projection, nn.Linear):
            nn.init.eye_(self.projection.weight)
        if not isinstance(radius, str) and radius < LEAST_RADIUS:
            raise UsageError(f"a radius is at least {LEAST_RADIUS}, got {radius}")
        start = initial_radius or (GAUSSIAN_RADIUS if kernel == "gaussian" else COSINE_RADIUS)
        initial = start if isinstance(radius, str) else radius
        # softplus(raw) = R, so raw = log(e^R - 1) = R + log(1 - e^-R).
        raw = torch.full(
            (1 if radius == "shared" else num_classes,), initial + math.log(-math.expm1(-initial))
        )
        if isinstance(radius, str):
            self.raw_radius = nn.Parameter(raw)
        else:
            self.register_buffer("raw_radius", raw)
        self.register_buffer("present", torch.ones(num_classes, dtype=torch.bool))
        if bias and not cross_entropy:
            raise UsageError("the cross-entropy term teaches a bias: give cross_entropy too, such as 0.5")
        self.bias = nn.Parameter(torch.zeros(num_classes)) if bias else None
        if pull:
            for name, parameter in self._pulled():
                self.register_buffer(f"start_of_{name}", parameter.detach().clone())

    @property
    def radius(self) -> Tensor:
        """R (C,), at least 1e-6; all alike when they are one."""
        return nn.functional.softplus(self.raw_radius).clamp_min(LEAST_RADIUS).expand(self.num_classes)

    @property
    def offset(self) -> Tensor:
        """What the bias adds to log-likelihoods (C,): 0 for the largest of the classes that are there."""
        if self.bias is None:
            return torch.zeros_like(self.present, dtype=self.raw_radius.dtype)
        return self.bias - self.bias.masked_fill(~self.present, -torch.inf).max()

    def forward(self, features: Tensor) -> Tensor:
        """Log-likelihood (..., C), at most 0, in float32 also under autocast."""
        with torch.autocast(features.device.type, enabled=False):
            output = self._log_likelihood(self.mapped(features), self._mapped_prototypes()) + self.offset
            return output.masked_fill(~self.present, ABSENT)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Eq. 5, (...); with the cross-entropy term when asked for."""
        loss = nce_loss(output - self.offset, targets, reduction=self.reduction)
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
        return likelihoods(output)

    def penalty(self) -> Tensor:
        """Of prototypes, projection and bias; the radius is free."""
        total = super().penalty().to(self.raw_radius)
        if self.bias is not None:
            total = total + BIAS_PULL / 2 * (SHARPNESS * self.bias).square().sum()
        if self.pull:
            squares = [(p - self.get_buffer(f"start_of_{name}")).square().sum() for name, p in self._pulled()]
            total = total + self.pull / 2 * torch.stack(squares).sum()
        return total

    @torch.no_grad()
    def meet(self, targets: Tensor) -> None:
        """Classes without a labelled image have no prototype, and are not predicted."""
        self.present.fill_(False)
        self.present[targets.unique()] = True

    @torch.no_grad()
    def initialize(self, features: Tensor, targets: Tensor) -> None:
        """With ``init="class-mean"``, move prototypes to the means of the classes, or of K clusters of each.

        Where a class has fewer different images than prototypes, several of these are alike, which is as if
        there were one. A class without labelled images keeps its random prototypes.
        """
        if self.init == "class-mean":
            K = self.prototypes.shape[1]
            vectors = at_least_float32(features)
            if not self.map_prototypes:
                vectors = self.projection(vectors)
            for c in targets.unique().tolist():
                members = vectors[targets == c]
                clusters = torch.zeros(len(members), dtype=torch.int64)
                if K > 1:
                    # Any seed: the head has no random numbers of its own.
                    rng = torch.Generator().manual_seed(0)
                    clusters = k_means(self._met(members), min(K, len(members)), rng=rng)
                means = torch.stack([members[clusters == cluster].mean(0) for cluster in clusters.unique()])
                self.prototypes[c] = means[torch.arange(K, device=means.device) % len(means)]
        if self.pull:
            for name, parameter in self._pulled():
                self.get_buffer(f"start_of_{name}").copy_(parameter)

    @torch.no_grad()
    def settle(self, features: Tensor, targets: Tensor) -> None:
        """Let images without a label move the prototypes, see :mod:`ncenet.functional.soft_means`."""
        if not self.unlabeled or not len(features):
            return
        vectors, counts = at_least_float32(features), torch.bincount(targets, minlength=self.num_classes)
        if not self.map_prototypes:
            vectors = self.projection(vectors)

        def log_likelihood(prototypes: Tensor) -> Tensor:
            self.prototypes[:, 0] = prototypes
            output: Tensor = self(features)
            return output

        own = self.prototypes[:, 0].clone()
        self.prototypes[:, 0] = soft_means(
            own, counts, vectors, log_likelihood, sharpness=SHARPNESS, weight=self.unlabeled
        )

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
        likelihood = self._log_likelihood(self.mapped(features), flat, repeats=K).unflatten(-1, (C, K))
        winner = likelihood[torch.arange(len(targets)), targets].argmax(-1)
        alive = torch.zeros(C, K, dtype=torch.bool, device=features.device)
        alive[targets, winner] = True
        return alive.sum(1)

    def report(self, class_names: tuple[str, ...]) -> dict[str, Any]:
        """The radius per class, and the bias."""
        said = {"radius": dict(zip(class_names, self.radius.tolist(), strict=True))}
        if self.bias is not None:
            said["bias"] = dict(zip(class_names, self.offset.tolist(), strict=True))
        return said

    def extra_repr(self) -> str:
        """Shapes and options, for ``print(head)``."""
        C, K, D = self.prototypes.shape
        return f"C={C}, K={K}, D={D}, kernel={self.kernel}, feature_map={self.feature_map}"

    def mapped(self, features: Tensor) -> Tensor:
        """The vectors (..., D) that meet the prototypes, in float32: among them the kernel of Eq. 6 holds."""
        return self._met(self.projection(at_least_float32(features)))

    def in_radii(self, features: Tensor) -> Tensor:
        """Mapped features over the radius; over the mean radius of the classes that are there."""
        if self.kernel != "gaussian":
            return super().in_radii(features)
        return self.mapped(features) / self.radius[self.present].mean()

    def _mapped_prototypes(self) -> Tensor:
        return self.mapped(self.prototypes) if self.map_prototypes else self._met(self.prototypes)

    def _met(self, vectors: Tensor) -> Tensor:
        return apply_feature_map(vectors, self._map)

    def _pulled(self) -> Iterator[tuple[str, Tensor]]:
        yield "prototypes", self.prototypes
        if isinstance(self.projection, nn.Linear):
            yield "projection", self.projection.weight

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Models of older versions knew no class that is not ``present``, and had no bias."""
        state_dict.setdefault(f"{prefix}present", torch.ones_like(self.present))
        if self.bias is not None:
            state_dict.setdefault(f"{prefix}bias", torch.zeros_like(self.bias))
        super()._load_from_state_dict(state_dict, prefix, *args)

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


@heads.register("nce")
def _nce(recipe: HeadRecipe, in_features: int, num_classes: int) -> Head:
    return PrototypeClassifier(in_features, num_classes, **recipe.model_dump(exclude={"name"}))
