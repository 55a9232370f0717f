"""Pretrained networks as backbones of detectors: their maps at three strides, and a pyramid that learns.

The pretrained stages never learn. So what they make of an image is always the same, and whoever trains may
compute it once: :meth:`PretrainedMaps.look` does that part, :meth:`PretrainedMaps.read` the rest.

The pyramid is that of Lin et al., Feature Pyramid Networks for Object Detection, CVPR 2017: what a coarse map
says is added to the finer ones, because fine maps of a network that learned to tell photographs apart know
edges and little of objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ncenet.errors import UsageError
from ncenet.nn.anchors import Level
from ncenet.nn.backbones import timm_net
from ncenet.nn.blocks import conv
from ncenet.nn.detection_backbones import SCALES, WIDTH, DetectionBackbone, detection_backbones
from ncenet.nn.lite import lite_network

STRIDES = (8, 16, 32)
"""Pixels between two cells of a level."""
SIDE = 256
"""Of the square images unless told otherwise, in pixels."""


class PretrainedMaps(DetectionBackbone):
    """Maps of a network that was trained already, and a pyramid on them.

    Args:
        stages: three modules in a row; each gives the map of its level from that of the one before.
        widths: channels of those maps.
        side: of the square images, a multiple of 32.
        normalization: mean and deviation of each channel, in 0..255, that the stages expect.

    Raises:
        UsageError: such a side is not there.
    """

    kernel, feature_level, augment = 1, 2, False

    def __init__(
        self,
        stages: Sequence[nn.Module],
        widths: Sequence[int],
        *,
        side: int | None,
        normalization: tuple[Tensor, Tensor],
    ) -> None:
        super().__init__()
        self.side = side or SIDE
        if self.side % 32 or not 64 <= self.side <= 512:
            raise UsageError(
                f"pretrained detectors take sides that 32 divides, from 64 to 512: data.image_size is {side}"
            )
        self.stages = nn.ModuleList(stages).requires_grad_(False).eval()
        self.normalization = normalization
        self.widths = tuple(widths)
        self.scalings = nn.ModuleList(nn.BatchNorm2d(width, affine=False) for width in widths)
        self.laterals = nn.ModuleList(nn.Conv2d(width, WIDTH, 1) for width in widths)
        self.necks = nn.ModuleList(conv(WIDTH, WIDTH) for _ in widths)
        self.channels = (WIDTH,) * len(self.widths)
        self.levels = tuple(
            Level(self.side // stride, stride / self.side, scale, above, (2.0,))
            for stride, (scale, above) in zip(STRIDES, pairwise(SCALES), strict=True)
        )

    @property
    def frozen(self) -> nn.Module:
        """The pretrained stages."""
        return self.stages

    def train(self, mode: bool = True) -> Self:
        """The pretrained stages stay in eval mode: their statistics are those of a million photographs."""
        super().train(mode)
        self.stages.eval()
        return self

    @torch.no_grad()
    def look(self, images: Tensor) -> Tensor:
        """What the pretrained stages make of images (B, channels, S, S): all maps in one row, (B, W)."""
        maps = []
        for stage in self.stages:
            images = stage(images)
            maps.append(images.flatten(1))
        return torch.cat(maps, 1)

    def read(self, seen: Tensor) -> list[Tensor]:
        """Maps (B, 64, cells, cells) of the levels, from what :meth:`look` said."""
        cells = [level.cells for level in self.levels]
        shapes = [(width, side, side) for width, side in zip(self.widths, cells, strict=True)]
        parts = seen.split([torch.Size(shape).numel() for shape in shapes], 1)
        above: Tensor | None = None
        maps = []
        for part, shape, scaling, lateral, neck in reversed(
            list(zip(parts, shapes, self.scalings, self.laterals, self.necks, strict=True))
        ):
            here = lateral(scaling(part.unflatten(1, shape)))
            above = here if above is None else here + interpolate(above, scale_factor=2.0)
            maps.append(neck(above))
        return maps[::-1]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Three maps, of an eighth, a sixteenth and a thirty-second of the side."""
        return self.read(self.look(images))


@detection_backbones.register("lite0")
def lite0(channels: int, side: int | None = None, *, pretrained: bool = False) -> PretrainedMaps:
    """EfficientNet-Lite0, whose weights come in a package; maps of 40, 112 and 320 channels."""
    return _of_lite("lite0", channels, side, pretrained=pretrained)


@detection_backbones.register("lite2")
def lite2(channels: int, side: int | None = None, *, pretrained: bool = False) -> PretrainedMaps:
    """EfficientNet-Lite2, likewise; maps of 48, 120 and 352 channels."""
    return _of_lite("lite2", channels, side, pretrained=pretrained)


def of_timm(name: str, channels: int, side: int | None, *, pretrained: bool) -> PretrainedMaps:
    """A convolutional network of timm.

    Args:
        name: ``timm:`` and a name of timm's.
        channels: of an image, 1 or 3.
        side: of the square images; None for :data:`SIDE`.
        pretrained: with its weights; else they come from a file next.

    Raises:
        UsageError: timm has no such model, it has no such maps, or its weights are not to be had.
        MissingExtra: timm is not installed.
    """
    shape = (channels, side or SIDE, side or SIDE)
    net = timm_net(name.removeprefix("timm:"), shape, pretrained=pretrained).net
    mean, std = (torch.tensor(net.pretrained_cfg[which]) for which in ("mean", "std"))
    if channels == 1:  # timm adds the weights of the three colours up
        mean, std = mean.mean(0, keepdim=True), std.mean(0, keepdim=True)
    return _of_network(name, net, channels, side, (255 * mean, 255 * std))


def _of_lite(name: str, channels: int, side: int | None, *, pretrained: bool) -> PretrainedMaps:
    if channels != 3:
        raise UsageError(f"detection backbone {name} takes images in colour, these are gray")
    half = torch.full((3,), 127.5)
    return _of_network(name, lite_network(name, empty=not pretrained), channels, side, (half, half))


def _of_network(
    name: str, net: Any, channels: int, side: int | None, normalization: tuple[Tensor, Tensor]
) -> PretrainedMaps:
    """From a network of timm, whose modules are applied in the order in which they stand there.

    Raises:
        UsageError: they aren't, or there is no map for one of the strides.
    """
    at = {about["reduction"]: about["module"] for about in getattr(net, "feature_info", ())}
    problem = f"model.backbone: {name} shows no maps at strides of 8, 16 and 32 pixels; convolutional ones do"
    if not at.keys() >= set(STRIDES):
        raise UsageError(problem)
    ends = [at[stride] for stride in STRIDES]
    stages: list[nn.Module] = []
    steps: list[nn.Module] = []
    for place, step in _in_order(net, ends):
        steps.append(step)
        if place in ends:
            stages.append(nn.Sequential(*steps))
            steps = []
    image = torch.linspace(-1, 1, channels * 64 * 64).view(1, channels, 64, 64)
    maps: list[Tensor] = []
    net.eval()
    with torch.no_grad():
        try:
            theirs = net.forward_intermediates(image, intermediates_only=True)
            for stage in stages:
                image = stage(image)
                maps.append(image)
        except (RuntimeError, AssertionError, AttributeError, TypeError) as error:
            raise UsageError(problem) from error
    same = [
        # A sketch of a network holds no numbers to compare.
        any(map.shape == other.shape and (map.is_meta or map.allclose(other, atol=1e-4)) for other in theirs)
        for map in maps
    ]
    if len(same) != len(STRIDES) or not all(same):
        raise UsageError(problem)
    return PretrainedMaps(stages, [map.shape[1] for map in maps], side=side, normalization=normalization)


def _in_order(module: nn.Module, ends: Sequence[str], prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Modules with their names, those that hold one of the ends taken apart."""
    for name, child in module.named_children():
        place = prefix + name
        if any(end.startswith(place + ".") for end in ends):
            yield from _in_order(child, ends, place + ".")
        else:
            yield place, child
