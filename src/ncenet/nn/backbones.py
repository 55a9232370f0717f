"""Backbones: images (B, channels, H, W) or vectors (B, D0) to features (B, D).

A backbone is a module with an attribute ``out_features`` = D. Any module of a user's own works too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ncenet.errors import MissingExtra, UsageError
from ncenet.recipe import ModelRecipe
from ncenet.registry import Registry

backbones: Registry[nn.Module] = Registry("backbone", package=None, group="ncenet.backbones")
"""Factories that take the shape of one input, ``(channels, H, W)`` or ``(D0,)``."""


class _ConvBlock(nn.Sequential):
    """3x3 convolution, batch normalisation, ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class _Stage(nn.Module):
    """Widen, halve the side, refine: the costly second convolution runs on a quarter of the pixels."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.widen = _ConvBlock(in_channels, out_channels)
        self.halve = nn.MaxPool2d(2, ceil_mode=True)
        self.refine = _ConvBlock(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.halve(self.widen(x))
        refined: Tensor = self.refine(x)
        return x + refined


@backbones.register("small")
class SmallNet(nn.Module):
    """Four narrow stages of two convolutions, downsampled early: trains fast on a CPU.

    Args:
        shape: (channels, H, W) of one image.
        widths: channels of the stages; the last is D. ``benchmarks/results/small_backbone.md`` compares some.
    """

    def __init__(self, shape: tuple[int, ...], widths: tuple[int, ...] = (16, 32, 64, 128)) -> None:
        super().__init__()
        _check_image(shape, "small")
        channels = (shape[0], *widths)
        self.stages = nn.ModuleList(_Stage(a, b) for a, b in zip(channels, widths, strict=False))
        self.out_features = widths[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, D) of images (B, channels, H, W)."""
        for stage in self.stages:
            images = stage(images)
        return images.mean((2, 3))


@backbones.register("resnet18")
class ResNet18(nn.Module):
    """ResNet-18 for small images: 3x3 stem of stride 1, no max-pool (Sec. Experimental Settings). D = 512.

    Args:
        shape: (channels, H, W) of one image.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        _check_image(shape, "resnet18")
        from torchvision.models import resnet18

        self.net = resnet18(num_classes=1)
        self.net.conv1 = nn.Conv2d(shape[0], 64, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(self.net.conv1.weight, mode="fan_out", nonlinearity="relu")
        self.net.maxpool = nn.Identity()
        self.net.fc = nn.Identity()
        self.out_features = 512

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, 512) of images (B, channels, H, W)."""
        features: Tensor = self.net(images)
        return features


@backbones.register("mlp")
class MLP(nn.Module):
    """Two fully connected layers for feature vectors, or for images laid flat.

    Args:
        shape: shape of one input.
        width: of both layers; the last is D.
    """

    def __init__(self, shape: tuple[int, ...], width: int = 128) -> None:
        super().__init__()
        inputs = int(torch.Size(shape).numel())
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.out_features = width

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, D) of inputs (B, ...)."""
        features: Tensor = self.layers(x)
        return features


@backbones.register("identity")
class Identity(nn.Module):
    """Feature vectors as they are: the head alone learns.

    Args:
        shape: (D,).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        if len(shape) != 1:
            raise UsageError(f"backbone identity takes feature vectors, got images of shape {shape}")
        self.out_features = shape[0]

    def forward(self, x: Tensor) -> Tensor:
        """The input."""
        return x


def build_backbone(recipe: ModelRecipe, shape: tuple[int, ...]) -> nn.Module:
    """The backbone that a recipe names.

    Args:
        recipe: section ``model``.
        shape: (channels, H, W) of one image or (D0,) of one vector.

    Raises:
        UnknownName: there is no such backbone.
        UsageError: the backbone does not take inputs of this shape.
        MissingExtra: timm is not installed.
    """
    if recipe.backbone.startswith("timm:"):
        return _timm(recipe.backbone.removeprefix("timm:"), shape, pretrained=recipe.pretrained)
    return backbones.get(recipe.backbone)(shape)


def _timm(name: str, shape: tuple[int, ...], *, pretrained: bool) -> nn.Module:
    _check_image(shape, f"timm:{name}")
    try:
        import timm
    except ImportError:
        raise MissingExtra("a timm backbone", "timm", "3 MB") from None
    try:
        net: Any = timm.create_model(name, pretrained=pretrained, num_classes=0, in_chans=shape[0])
    except RuntimeError as error:
        raise UsageError(f"model.backbone: timm has no model {name!r}: {error}") from error
    # Not `num_features`: some models widen once more before the classifier that was left out.
    net.out_features = net.head_hidden_size
    module: nn.Module = net
    return module


def _check_image(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 3:
        raise UsageError(f"backbone {name} takes images, got vectors of shape {shape}: use mlp or identity")
