"""Networks that learned on other photographs as backbones of a classifier that goes on learning them."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from ncenet.errors import UsageError
from ncenet.nn.backbones import Backbone, TimmNet, timm_net
from ncenet.nn.lite import SIDES, lite_network
from ncenet.nn.principal import PrincipalComponents
from ncenet.recipe import ModelRecipe


class InColour(TimmNet):
    """A network that learned on photographs in colour; gray images are as colours that are all alike."""

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, D) of images (B, 1 or 3, H, W)."""
        return super().forward(x.expand(-1, 3, -1, -1))

    def forward_stages(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The same, and the maps of timm's stages."""
        return super().forward_stages(x.expand(-1, 3, -1, -1))


class PretrainedBackbone(Backbone):
    """A network of timm that brings weights, and principal components of what it says, at length 1.

    So the head begins as one on stored features does. Batch normalisation keeps the statistics that it
    brings: those of a few labelled images in small batches are worse.

    Args:
        net: without its classifier; its weights learn.
        reduce: of its features; learns nothing.
    """

    def __init__(self, net: TimmNet, reduce: PrincipalComponents) -> None:
        super().__init__()
        self.net, self.reduce = net, reduce
        self.out_features = reduce.out_features

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, P) of images (B, channels, H, W)."""
        features: Tensor = self.reduce(self.net(x))
        return features

    def forward_stages(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features (B, P), and the maps of timm's stages."""
        features, maps = self.net.forward_stages(x)
        return self.reduce(features), maps

    def train(self, mode: bool = True) -> Self:
        """Everything but batch normalisation."""
        super().train(mode)
        for module in self.net.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
        return self


def pretrained_net(recipe: ModelRecipe, shape: tuple[int, ...], *, empty: bool = False) -> InColour:
    """The network that a recipe names, with the weights that it brings.

    Args:
        recipe: section ``model``; its backbone brings weights.
        shape: (channels, H, W) of one image.
        empty: leave the weights out: they come from the file of a model next.

    Raises:
        UsageError: the inputs are vectors, or its weights are not to be had.
        MissingExtra: a package that it needs is not installed.
    """
    if len(shape) != 3:
        raise UsageError(f"backbone {recipe.backbone} takes images, got vectors of shape {shape}")
    if recipe.backbone.startswith("timm:"):
        name = recipe.backbone.removeprefix("timm:")
        return InColour(timm_net(name, (3, *shape[1:]), pretrained=not empty).net)
    return InColour(lite_network(recipe.backbone, empty=empty))


def moments_of(net: TimmNet, channels: int) -> tuple[Tensor, Tensor]:
    """Mean and deviation (channels,) of pixels in 0..255 that a network was trained with."""
    about: Any = net.net.pretrained_cfg
    mean, std = (255 * torch.tensor(about[name]) for name in ("mean", "std"))
    return (mean, std) if channels == 3 else (mean.mean()[None], std.mean()[None])


def trained_side(recipe: ModelRecipe) -> int:
    """Side in pixels of the images that a network was trained with.

    Args:
        recipe: section ``model``; its backbone brings weights.

    Raises:
        MissingExtra: timm is not installed.
    """
    if recipe.backbone in SIDES:
        return SIDES[recipe.backbone]
    # The architecture alone says it, without its weights; the channels make no difference.
    with torch.device("meta"):
        net = timm_net(recipe.backbone.removeprefix("timm:"), (3, 224, 224), pretrained=False)
    about: Any = net.net.pretrained_cfg
    return int(about["input_size"][-1])
