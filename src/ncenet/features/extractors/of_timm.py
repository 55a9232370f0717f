"""Any network of timm with its pretrained weights: ``timm:NAME``.

The weights come from the network, from timm's local cache, or from a file.
"""

from __future__ import annotations

from typing import Any

from ncenet.errors import UsageError
from ncenet.features.extractor import Extractor, Wanted, extractors
from ncenet.features.framing import Interpolation, Preprocessing
from ncenet.nn.backbones import timm_net
from ncenet.nn.weights import fill, read_weights

INTERPOLATIONS: dict[str, Interpolation] = {
    "bicubic": "bicubic",
    "bilinear": "bilinear",
    "lanczos": "lanczos",
}


@extractors.register("timm")
def of_timm(wanted: Wanted) -> Extractor:
    """A model of timm without its classifier, under the size, crop and scale that it was trained with."""
    name = wanted.name.partition(":")[2]
    if not name:
        raise UsageError("model.features: name a model of timm, such as timm:vit_small_patch14_dinov2")
    download = wanted.weights is None and not wanted.empty
    net: Any = timm_net(name, (3, 224, 224), pretrained=download, field="model.features").net
    about = net.pretrained_cfg
    if wanted.weights is not None and not wanted.empty:
        fill(net, read_weights(wanted.weights), what=wanted.name, source=wanted.weights)
    return Extractor(
        wanted.name,
        net,
        Preprocessing(
            side=about["input_size"][-1],
            framing=wanted.framing or "crop",
            kept=about.get("crop_pct") or 1.0,
            interpolation=INTERPOLATIONS.get(about["interpolation"], "bicubic"),
            mean=tuple(about["mean"]),
            std=tuple(about["std"]),
        ),
    )
