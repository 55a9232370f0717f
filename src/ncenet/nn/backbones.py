"""Backbones: images (B, channels, H, W) or vectors (B, D0) to features (B, D).

A backbone is a module with an attribute ``out_features`` = D. Any module of a user's own works too; one that
shows its stages, as :class:`Backbone` does, also takes an auxiliary (:mod:`ncenet.nn.auxiliary`).
"""

from __future__ import annotations

import difflib
import os
from abc import abstractmethod
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ncenet.errors import DataError, MissingExtra, UsageError
from ncenet.given import is_given, missing
from ncenet.nn.blocks import Stage
from ncenet.nn.sources import PLAIN, check_reachable, check_source
from ncenet.nn.whitening import Whitening
from ncenet.recipe import ModelRecipe
from ncenet.registry import Registry
from ncenet.unread import BRINGS_WEIGHTS

backbones: Registry[nn.Module] = Registry("backbone", package=None, group="ncenet.backbones")
"""Factories that take the shape of one input, ``(channels, H, W)`` or ``(D0,)``."""


class Backbone(nn.Module):
    """A network from inputs to features whose stages can be read on the way.

    Attributes:
        out_features: D.
    """

    out_features: int

    @abstractmethod
    def forward_stages(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features (B, D), and what the stages before them gave: maps (B, C_s, H, W) or vectors (B, C_s)."""

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, D) of inputs (B, channels, H, W) or (B, D0)."""
        return self.forward_stages(x)[0]

    def stages(self, x: Tensor) -> list[Tensor]:
        """Maps (B, C_s, H, W) or vectors (B, C_s) of the stages, from the input on."""
        return self.forward_stages(x)[1]


@backbones.register("small")
class SmallNet(Backbone):
    """Four narrow stages of two convolutions, downsampled early: trains fast on a CPU.

    Args:
        shape: (channels, H, W) of one image.
        widths: channels of the stages; the last is D. ``benchmarks/results/small_backbone.md`` compares some.
        whitened: a fixed stem that whitens and a 1x1 convolution that learns take the first one's place.
    """

    _called = "small"

    def __init__(
        self,
        shape: tuple[int, ...],
        widths: tuple[int, ...] = (16, 32, 64, 128),
        *,
        whitened: bool = False,
    ) -> None:
        super().__init__()
        _check_image(shape, self._called)
        self.stem = Whitening(shape[0]) if whitened else nn.Identity()
        first = Stage(9 * shape[0], widths[0], side=1) if whitened else Stage(shape[0], widths[0])
        self.blocks = nn.ModuleList([first, *(Stage(a, b) for a, b in pairwise(widths))])
        self.out_features = widths[-1]

    def forward_stages(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features (B, D), and the maps of the stages."""
        x, maps = self.stem(x), []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        return x.mean((2, 3)), maps


@backbones.register("small-whitened")
class SmallWhitenedNet(SmallNet):
    """The small network behind a stem that whitens (:mod:`ncenet.nn.whitening`): more accurate, as fast."""

    _called = "small-whitened"

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape, whitened=True)


@backbones.register("medium")
class MediumNet(SmallNet):
    """The small network, twice as wide: for thousands of labels of small images. D = 256.

    Args:
        shape: (channels, H, W) of one image.
    """

    _called = "medium"
    _whitened = False

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape, (32, 64, 128, 256), whitened=self._whitened)


@backbones.register("medium-whitened")
class MediumWhitenedNet(MediumNet):
    """The medium network behind a stem that whitens (:mod:`ncenet.nn.whitening`): more accurate, as fast."""

    _called = "medium-whitened"
    _whitened = True


@backbones.register("resnet18")
class ResNet18(Backbone):
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

    def forward_stages(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features (B, 512), and the maps of the four stages."""
        net, maps = self.net, []
        x = net.relu(net.bn1(net.conv1(x)))
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = layer(x)
            maps.append(x)
        return net.avgpool(x).flatten(1), maps


@backbones.register("mlp")
class MLP(Backbone):
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

    def forward_stages(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features (B, D), and what either layer gave: the second is the features."""
        hidden: Tensor = self.layers[:3](x)
        features: Tensor = self.layers[3:](hidden)
        return features, [hidden, features]


@backbones.register("identity")
class Identity(Backbone):
    """Feature vectors as they are: the head alone learns.

    Args:
        shape: (D,).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        if len(shape) != 1:
            raise UsageError(f"backbone identity takes feature vectors, got images of shape {shape}")
        self.out_features = shape[0]

    def forward_stages(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The input, which is its own only stage."""
        return x, [x]


class TimmNet(Backbone):
    """A model of timm without its classifier.

    Args:
        net: made with ``num_classes=0``.
    """

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net
        # Not `num_features`: some models widen once more before the classifier that was left out.
        self.out_features = net.head_hidden_size

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, D) of images (B, channels, H, W)."""
        features: Tensor = self.net(x)
        return features

    def forward_stages(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features (B, D), and the maps that timm calls intermediates.

        Raises:
            UsageError: timm shows none for this model.
        """
        if not hasattr(self.net, "forward_intermediates"):
            raise UsageError(f"model.backbone: timm shows no stages of {type(self.net).__name__}")
        last, maps = self.net.forward_intermediates(x)
        return self.net.forward_head(last), maps


def width_of(backbone: nn.Module, shape: tuple[int, ...]) -> int:
    """D, the length of a backbone's features: its attribute ``out_features``, or what it gives for a zero.

    Args:
        backbone: any module that maps (B, channels, H, W) or (B, D0) to (B, D).
        shape: (channels, H, W) of one image or (D0,) of one vector.

    Raises:
        UsageError: it does not take such inputs, or gives something else than (B, D).

    >>> width_of(nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), (3, 2, 2))
    5
    """
    stated = getattr(backbone, "out_features", None)
    if isinstance(stated, int):
        return stated
    name, was_training = type(backbone).__name__, backbone.training
    backbone.eval()  # statistics of batch normalisation are none of made-up inputs
    try:
        with torch.no_grad():
            given = backbone(torch.zeros(1, *shape))
    except RuntimeError as error:
        why = str(error).partition("\n")[0]
        raise UsageError(f"the backbone {name} does not take inputs of shape {shape}: {why}") from error
    finally:
        backbone.train(was_training)
    if not isinstance(given, Tensor) or given.dim() != 2:
        what = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        raise UsageError(f"the backbone {name} gives {what} for one input, expected features (1, D)")
    return given.shape[1]


def build_backbone(recipe: ModelRecipe, shape: tuple[int, ...]) -> nn.Module:
    """The backbone that a recipe names.

    Args:
        recipe: section ``model``.
        shape: (channels, H, W) of one image or (D0,) of one vector.

    Raises:
        UnknownName: there is no such backbone.
        UsageError: the backbone does not take inputs of this shape, or pretrained weights are not there.
        MissingExtra: timm is not installed.
    """
    if is_given(recipe.backbone):
        missing(recipe.backbone, "backbone or learner")
    if recipe.backbone.startswith("timm:"):
        return timm_net(recipe.backbone.removeprefix("timm:"), shape, pretrained=recipe.pretrained)
    if recipe.backbone in BRINGS_WEIGHTS:
        from ncenet.nn.pretrained import pretrained_net

        return pretrained_net(recipe, shape)
    if recipe.pretrained:
        raise UsageError(
            f"model.pretrained: there are no weights for {recipe.backbone}; a backbone timm:NAME has some"
        )
    return backbones.use(recipe.backbone, lambda make: make(shape))


_INSTEAD = {
    "model.backbone": "leave `model.pretrained` away",
    "model.features": "name a file of them in `model.weights`",
}
"""Of weights that are not to be had."""


def timm_net(
    name: str, shape: tuple[int, ...], *, pretrained: bool, field: str = "model.backbone"
) -> TimmNet:
    """A model of timm without its classifier.

    Args:
        name: as timm has it.
        shape: (channels, H, W) of one image.
        pretrained: with its weights, from this machine or else from the network.
        field: of the recipe, which names it: ``model.backbone`` or ``model.features``.

    Raises:
        UsageError: timm has no such model, or its weights are not to be had.
        MissingExtra: timm is not installed.
    """
    _check_image(shape, f"timm:{name}")
    try:
        import timm
    except ImportError:
        raise MissingExtra("a timm backbone", "timm", "3 MB") from None
    check_source(f"timm:{name}", field=field)
    overlay: dict[str, Any] = {}
    if PLAIN.fullmatch(name):
        about = _about(name, field)
        if pretrained and not (about and about.has_weights):
            raise UsageError(f"{field}: timm has no pretrained weights for {name!r}")
        cached = cached_weights(about) if pretrained else None
        if cached is not None:  # named, they are not asked for on the network, where there may be none
            overlay = {"pretrained_cfg_overlay": {"file": str(cached)}}
        elif pretrained:
            _check_hub(name, field)
    elif pretrained and not _is_cached(name):
        _check_hub(name, field)
    try:
        net = timm.create_model(name, pretrained=pretrained, num_classes=0, in_chans=shape[0], **overlay)
        return TimmNet(net)
    except Exception as error:  # timm and the libraries below it raise each their own
        missing = " with its pretrained weights" if pretrained else ""
        raise UsageError(f"{field}: timm can't build {name!r}{missing}: {error}") from error


def _about(name: str, field: str) -> Any:
    """What timm knows of the weights of one of its names.

    Raises:
        UsageError: it knows no such model, or none that was trained like this.
    """
    import timm

    family = name.partition(".")[0]
    if not timm.is_model(family):
        known, what = timm.list_models(), "model"
    else:
        known, what = timm.list_models(f"{family}.*", pretrained=True, include_tags=True), "weights"
        try:
            return timm.get_pretrained_cfg(name)
        except RuntimeError:  # there is no such tag
            pass
    near = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f": did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"{field}: timm has no {what} {name!r}{hint}")


def _is_cached(name: str) -> bool:
    """Whether what ``hf-hub:OWNER/NAME`` stands for was fetched before; other names need no network."""
    from huggingface_hub import try_to_load_from_cache

    scheme, _, place = name.partition(":")
    if scheme not in ("hf-hub", "hf_hub"):
        return True
    owner, _, revision = place.partition("@")
    try:
        return isinstance(try_to_load_from_cache(owner, "config.json", revision=revision or None), str)
    except ValueError:  # no name of the hub, as timm will say
        return True


def _check_hub(name: str, field: str) -> None:
    server = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    check_reachable(f"the pretrained weights of timm:{name}", server, instead=_INSTEAD[field])


def cached_weights(about: Any) -> Path | None:
    """The file of the pretrained weights that timm knows of; None when it is not on this machine.

    Raises:
        DataError: it is there in part.
    """
    if about is None or not about.hf_hub_id or about.custom_load:
        return None
    from huggingface_hub import try_to_load_from_cache
    from safetensors import SafetensorError, safe_open

    name = Path(about.hf_hub_filename or "model.safetensors").with_suffix(".safetensors")
    file = try_to_load_from_cache(about.hf_hub_id, str(name))
    if not isinstance(file, str):
        return None
    try:
        with safe_open(file, "np"):
            return Path(file)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{file}: not whole ({error}): remove it, and it is fetched again") from error


def _check_image(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 3:
        raise UsageError(f"backbone {name} takes images, got vectors of shape {shape}: name mlp or identity")
