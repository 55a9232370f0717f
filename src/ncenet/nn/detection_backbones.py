"""Backbones of detectors: square images (B, channels, S, S) to maps of several levels, with their anchors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from ncenet.errors import DataError, UsageError
from ncenet.nn.anchors import Level
from ncenet.nn.blocks import conv
from ncenet.nn.sources import check_reachable
from ncenet.recipe import ModelRecipe
from ncenet.registry import Registry
from ncenet.unread import BRINGS_WEIGHTS

IMAGENET_MEANS = (123.0, 117.0, 104.0)
"""Of red, green and blue, in 0..255; the VGG-16 of SSD comes from Caffe, which divides by no deviation."""
SCALES = (0.07, 0.15, 0.35, 0.8)
"""Sides of anchors at strides of 8, 16 and 32 pixels and beyond (ours): an eighth, a quarter and a half of
the image, and some between. With ratio 2 an object of an area between two scales overlaps an anchor by more
than one half."""
WIDTH = 64
"""Channels of the maps of the small detector, and of the pyramid on pretrained networks (ours)."""


class DetectionBackbone(nn.Module):
    """Maps an image to the maps on which objects of rising size are sought.

    Attributes:
        side: S, side of the square images that it takes.
        channels: of the map of each level.
        levels: the anchors of each level.
        kernel: side of the convolutions that turn a map into classes and boxes.
        feature_level: the level whose mean over the image stands for the image, for strategies that compare
            images.
        augment: whether it trains on distorted colours, zooms and crops unless told otherwise.
        normalization: mean and deviation of each channel, in 0 to 255, that pretrained weights expect; None
            takes those of the labelled images.
    """

    side: int
    channels: tuple[int, ...]
    levels: tuple[Level, ...]
    kernel: int
    feature_level: int
    augment: bool = True
    normalization: tuple[Tensor, Tensor] | None = None

    @abstractmethod
    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps (B, channels[l], cells, cells) of the levels."""

    @property
    def frozen(self) -> nn.Module | None:
        """The part that never learns, so that :meth:`look` says the same of an image for ever."""
        return None

    def look(self, images: Tensor) -> Tensor:
        """What the part that never learns makes of images (B, channels, S, S): any (B, ...)."""
        return images

    def read(self, seen: Tensor) -> list[Tensor]:
        """Maps of the levels, from what :meth:`look` said."""
        maps: list[Tensor] = self(seen)
        return maps

    def pooled(self, maps: Sequence[Tensor]) -> Tensor:
        """Features (B, D) of the images whose maps these are."""
        return maps[self.feature_level].mean((2, 3))

    def forward_stages(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features (B, D) and the maps of the levels, for an auxiliary."""
        maps = self(images)
        return self.pooled(maps), maps


detection_backbones: Registry[DetectionBackbone] = Registry(
    "detection backbone", package=None, group="ncenet.detection_backbones"
)
"""Factories that take ``channels``, ``side`` (None for their own) and ``pretrained``."""


@detection_backbones.register("ssd300-vgg16")
class VGG16(DetectionBackbone):
    """SSD300's, on VGG-16: torchvision's layers, with the anchors of the paper's VOC models; 8,732 of them.

    Args:
        channels: of an image: 3.
        side: 300, which is also the default.
        pretrained: download the weights of VGG-16 on ImageNet; else they are random.

    Raises:
        UsageError: the images are gray, or the side is another.
    """

    side, kernel, feature_level = 300, 3, 1
    channels = (512, 1024, 512, 256, 256, 256)

    def __init__(self, channels: int, side: int | None = None, *, pretrained: bool = False) -> None:
        super().__init__()
        if channels != 3:
            raise UsageError("detection backbone ssd300-vgg16 takes images in colour, these are gray")
        if side not in (None, self.side):
            raise UsageError(f"ssd300-vgg16 takes images of 300 pixels a side: data.image_size is {side}")
        from torchvision.models.detection.ssd import SSDFeatureExtractorVGG

        self.net = SSDFeatureExtractorVGG(_vgg16_layers(pretrained), highres=False)
        if pretrained:
            self.normalization = (torch.tensor(IMAGENET_MEANS), torch.ones(3))
        # Liu et al., Sec. 3.1: scales for VOC; torchvision's own are those for COCO.
        scales = (0.1, 0.2, 0.37, 0.54, 0.71, 0.88, 1.05)
        cells, steps = (38, 19, 10, 5, 3, 1), (8, 16, 32, 64, 100, 300)
        ratios: list[tuple[float, ...]] = [(2.0,), *[(2.0, 3.0)] * 3, (2.0,), (2.0,)]
        self.levels = tuple(
            Level(cells[n], steps[n] / self.side, scales[n], scales[n + 1], ratios[n]) for n in range(6)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Six maps, of 38, 19, 10, 5, 3 and 1 cells a side."""
        return list(self.net(images).values())


@detection_backbones.register("small")
class LightNet(DetectionBackbone):
    """A small network of three levels that trains on a CPU (ours).

    Stride 2 from the first layer on, widths 16, 32, 64, 128; objects are sought at a stride of 8, 16 and 32
    pixels. Each map passes a convolution of its own, after which classes and boxes need no more than 1 x 1.
    SSD's augmentation is off by default: it needs far more steps than a CPU has time for.

    Args:
        channels: of an image, 1 or 3.
        side: a multiple of 32, up to 300. Default: 160.
        pretrained: there are no such weights.

    Raises:
        UsageError: such a side or pretrained weights are not there.
    """

    kernel, feature_level, augment = 1, 1, False

    def __init__(self, channels: int, side: int | None = None, *, pretrained: bool = False) -> None:
        super().__init__()
        self.side = side or 160
        if self.side % 32 or not 64 <= self.side <= 300:
            raise UsageError(f"small takes sides that 32 divides, from 64 to 288: data.image_size is {side}")
        if pretrained:
            raise UsageError("model.pretrained: there are no weights for small; lite0 brings some")
        self.stem = nn.Sequential(conv(channels, 16, stride=2), conv(16, 32, stride=2), conv(32, 32))
        self.stages = nn.ModuleList(
            [
                nn.Sequential(conv(32, 64, stride=2), conv(64, 64)),
                nn.Sequential(conv(64, 128, stride=2), conv(128, 128)),
                nn.Sequential(conv(128, 128, stride=2), conv(128, 128)),
            ]
        )
        self.necks = nn.ModuleList(conv(inputs, WIDTH) for inputs in (64, 128, 128))
        self.channels = (WIDTH,) * 3
        self.levels = tuple(
            Level(self.side // stride, stride / self.side, SCALES[n], SCALES[n + 1], (2.0,))
            for n, stride in enumerate((8, 16, 32))
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Three maps, of an eighth, a sixteenth and a thirty-second of the side."""
        x: Tensor = self.stem(images)
        maps = []
        for stage, neck in zip(self.stages, self.necks, strict=True):
            x = stage(x)
            maps.append(neck(x))
        return maps


def _vgg16_layers(pretrained: bool) -> nn.Sequential:
    """The convolutions of VGG-16, without its classifier, whose 124 million weights nobody would read.

    Random weights keep the variance of what goes forward (ours). torchvision draws a fresh VGG so that it is
    kept backwards, and then the map of 38 cells, which is normalised to a length of 20, is 20 to 300 times as
    large as those above it, which are not: a rate that its class convolution bears teaches the others little.
    """
    from torchvision.models import VGG16_Weights, vgg16
    from torchvision.models.vgg import cfgs, make_layers

    if pretrained:
        weights = VGG16_Weights.IMAGENET1K_FEATURES
        kept = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
        if not kept.exists():
            check_reachable("the pretrained weights of ssd300-vgg16", weights.url)
        try:
            downloaded: nn.Sequential = vgg16(weights=weights).features
        except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
            raise DataError(
                f"{kept}: no weights of VGG-16 ({error}): remove it, and it is fetched"
            ) from error
        return downloaded
    layers: nn.Sequential = make_layers(cfgs["D"])
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return layers


def build_detection_backbone(
    recipe: ModelRecipe, channels: int, side: int | None, *, empty: bool = False
) -> DetectionBackbone:
    """The detection backbone that a recipe names.

    Args:
        recipe: section ``model``.
        channels: of an image, 1 or 3.
        side: of the square images; None takes the backbone's own.
        empty: leave pretrained weights out: they come from the file of a model next.

    Raises:
        UnknownName: there is no such detection backbone.
        UsageError: the backbone does not take such images, or its weights are not to be had.
        MissingExtra: a package that it needs is not installed.
    """
    from ncenet.nn import pretrained_maps  # enters its own

    name, pretrained = recipe.backbone, recipe.pretrained and not empty
    if name.startswith("timm:"):
        return pretrained_maps.of_timm(name, channels, side, pretrained=pretrained)
    pretrained = pretrained or (name in BRINGS_WEIGHTS and not empty)
    return detection_backbones.use(name, lambda make: make(channels, side, pretrained=pretrained))
