"""The single-shot detector: a backbone's maps, and on each a convolution for classes and one for boxes.

With the NCE head the class convolution emits, instead of C + 1 numbers, a vector of d dimensions for each
anchor (Sec. Object Detection: "to extract features for each anchor"), and the prototypes, shared by all
levels, judge it. The background is a class with prototypes of its own, the last.

Deviation: the paper's d is the number of channels of the level, which takes 88 million parameters; d = 64
takes 8.6 (ours).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from ncenet.nn.anchors import make_anchors
from ncenet.nn.auxiliary import Auxiliary
from ncenet.nn.convolve_at import convolve_at
from ncenet.nn.detection_backbones import DetectionBackbone
from ncenet.nn.heads import Head, build_head
from ncenet.nn.heads.prototypes import COSINE_RADIUS, PrototypeClassifier
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.nn.network import dropout_on
from ncenet.nn.normalization import Normalizing
from ncenet.recipe import ModelRecipe

GAUSSIAN_RADIUS = 1.0
"""Where the radii of a detector start (ours). A step learns three anchors of the background for each on an
object, and from 0.5 their pull, d^2 / R^3 each, throws the radius of the background out so far that it
claims every anchor."""
SPARSE_FROM = 32
"""Dimensions of a vector from which a step reads those that it learns alone. Below, as with softmax, there
is little to save."""


class Detection(NamedTuple):
    """What the network says of B images.

    Attributes:
        features: (B, D), what the backbone sees, averaged over each image.
        vectors: (B, A, d), what the head reads of each anchor. The head is left to the caller: in training it
            judges few of them, and reads those by :meth:`SSD.vectors_at`, because these may lack a gradient.
        codes: (B, A, 4), see :func:`ncenet.functional.boxes.encode_boxes`.
        maps: of the levels, as the class convolutions read them.
        auxiliary: (B,), see :class:`ncenet.nn.auxiliary.Auxiliary`; None when there is no auxiliary.
    """

    features: Tensor
    vectors: Tensor
    codes: Tensor
    maps: list[Tensor]
    auxiliary: Tensor | None = None


class SSD(Normalizing):
    """Normalisation, backbone, convolutions and head in one module.

    Args:
        backbone: maps of several levels.
        head: classifies anchors, on C + 1 classes; the background is the last.
        channels: of an image.
        dropout: probability of dropping a value of the maps on the way to the classes.
        auxiliary: reads the maps.
    """

    anchors: Tensor

    def __init__(
        self,
        backbone: DetectionBackbone,
        head: Head,
        *,
        channels: int,
        dropout: float = 0.0,
        auxiliary: Auxiliary | None = None,
    ) -> None:
        super().__init__(channels)
        self.backbone, self.head, self.auxiliary = backbone, head, auxiliary
        self.dropout = nn.Dropout(dropout)
        counts = [level.per_cell for level in backbone.levels]
        self.class_convs = _convs(backbone, [count * head.in_features for count in counts])
        self.box_convs = _convs(backbone, [count * 4 for count in counts])
        self.register_buffer("anchors", make_anchors(backbone.levels), persistent=False)

    @property
    def background(self) -> int:
        """Index of the class without an object: C."""
        return self.head.num_classes - 1

    @torch.no_grad()
    def set_normalization(self, chunks: Iterable[Tensor]) -> None:
        """Take mean and deviation from images, or as the backbone wants: then no image is read."""
        if self.backbone.normalization is None:
            super().set_normalization(chunks)
        else:
            self.set_moments(*self.backbone.normalization)

    def look(self, images: Tensor) -> Tensor:
        """What the part of the backbone that never learns makes of uint8 images (B, channels, S, S)."""
        return self.backbone.look(self.normalized(images))

    def maps(self, images: Tensor) -> list[Tensor]:
        """Maps of the levels, from uint8 images (B, channels, S, S) in 0..255, or from what was seen of them.

        What was seen, by :meth:`look`, is of floating point.
        """
        seen = images if images.is_floating_point() else self.look(images)
        return self.backbone.read(seen)

    def drop(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """The maps after dropout, when it is on."""
        return [self.dropout(each) for each in maps]

    def vectors(self, maps: Sequence[Tensor]) -> Tensor:
        """What the head reads of each anchor, (B, A, d), from the maps after dropout."""
        return _per_anchor(self.class_convs, maps, self.head.in_features)

    def vectors_at(self, said: Detection, chosen: Tensor) -> Tensor:
        """What the head reads of some anchors, with its gradient, at the cost of those alone.

        Args:
            said: what :meth:`forward` returned.
            chosen: (B, A) bool, n of them.

        Returns:
            (n, d), equal to ``said.vectors[chosen]`` up to rounding.
        """
        if self.head.in_features < SPARSE_FROM:
            return said.vectors[chosen]
        per_cell = [level.per_cell for level in self.backbone.levels]
        counts = [each[0, 0].numel() * count for each, count in zip(said.maps, per_cell, strict=True)]
        numbers = torch.arange(chosen.numel(), device=chosen.device).view_as(chosen)
        vectors, order = [], []
        for conv, map, count, here, number in zip(
            self.class_convs,
            said.maps,
            per_cell,
            chosen.split(counts, 1),
            numbers.split(counts, 1),
            strict=True,
        ):
            assert isinstance(conv, nn.Conv2d)
            places, which = here.reshape(-1, count).nonzero(as_tuple=True)
            of_cells = convolve_at(conv, map, places).reshape(-1, self.head.in_features)
            rows = torch.arange(len(places), device=which.device) * count + which
            vectors.append(of_cells.index_select(0, rows))
            order.append(number[here])
        return torch.cat(vectors).index_select(0, torch.cat(order).argsort())

    def forward(self, images: Tensor) -> Detection:
        """What is said of images, see :meth:`maps`."""
        maps = self.maps(images)
        codes = _per_anchor(self.box_convs, maps, 4)
        said = None if self.auxiliary is None else self.auxiliary(maps)
        dropped = self.drop(maps)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.head.in_features < SPARSE_FROM):
            vectors = self.vectors(dropped)
        return Detection(self.backbone.pooled(maps), vectors, codes, dropped, said)

    def samples(self, images: Tensor, passes: int) -> Tensor:
        """Probabilities of M stochastic passes, (M, B, A, C + 1): dropout on, the rest in eval mode.

        Args:
            images: as for :meth:`forward`.
            passes: M.

        Raises:
            UsageError: the network has no dropout, so all passes would agree.
        """
        with dropout_on(self):
            maps = self.maps(images)
            return torch.stack(
                [self.head.probs(self.head(self.vectors(self.drop(maps)))) for _ in range(passes)]
            )


def build_detection_head(recipe: ModelRecipe, num_classes: int) -> Head:
    """The head that judges anchors.

    Softmax reads the class convolution itself, as SSD has it. The NCE head reads vectors of
    ``anchor_features`` dimensions and has no further linear map before the prototypes: the class convolution
    is one. A head of a plug-in reads such vectors too.

    Args:
        recipe: section ``model``.
        num_classes: C, without the background.
    """
    classes = num_classes + 1
    if recipe.head.name == "softmax":
        return SoftmaxClassifier(classes, classes, linear=False)
    if recipe.head.name != "nce":
        return build_head(recipe.head, recipe.anchor_features, classes)
    return PrototypeClassifier(
        recipe.anchor_features,
        classes,
        **recipe.head.settled().model_dump(exclude={"name", "projection"}),
        projection=False,
        initial_radius=GAUSSIAN_RADIUS if recipe.head.kernel == "gaussian" else COSINE_RADIUS,
    )


def _convs(backbone: DetectionBackbone, outputs: Sequence[int]) -> nn.ModuleList:
    """One convolution a level, drawn as SSD draws them (Xavier, no bias at first)."""
    kernel = backbone.kernel
    convs = nn.ModuleList()
    for inputs, out in zip(backbone.channels, outputs, strict=True):
        conv = nn.Conv2d(inputs, out, kernel, padding=kernel // 2)
        nn.init.xavier_uniform_(conv.weight)
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
        convs.append(conv)
    return convs


def _per_anchor(convs: nn.ModuleList, maps: Sequence[Tensor], width: int) -> Tensor:
    """(B, A, width), in the order of :func:`ncenet.nn.anchors.make_anchors`."""
    said = [_by_place(conv, each) for conv, each in zip(convs, maps, strict=True)]
    return torch.cat([each.reshape(each.shape[0], -1, width) for each in said], 1)


def _by_place(conv: nn.Module, map: Tensor) -> Tensor:
    """The convolution of a map, (B, H, W, out)."""
    if isinstance(conv, nn.Conv2d) and conv.kernel_size == (1, 1):
        # One matrix product, which leaves the numbers in the order in which the anchors are wanted.
        return linear(map.permute(0, 2, 3, 1), conv.weight.flatten(1), conv.bias)
    convolved: Tensor = conv(map)
    return convolved.permute(0, 2, 3, 1)
