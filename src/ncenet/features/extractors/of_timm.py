"""Any network of timm with its pretrained weights: ``timm:NAME``.

The weights come from the network, from timm's local cache, or from a file.
"""

from __future__ import annotations

from typing import Any

from ncenet.errors import UsageError
from ncenet.features.extractor import Extractor, Wanted, extractors
from ncenet.features.framing import Interpolation, Preprocessing
from ncenet.nn.backbones import build_backbone
from ncenet.nn.weights import fill, read_weights
from ncenet.recipe import ModelRecipe

INTERPOLATIONS: dict[str, Interpolation] = {
    "bicubic": "bicubic",
    "bilinear": "bilinear",
    "lanczos": "lanczos",
}


@extractors.register("timm")
def of_timm(wanted: Wanted) -> Extractor:
    """A model of timm without its classifier, under the size, crop and scale that it was trained with."""
    if not wanted.name.partition(":")[2]:
        raise UsageError("model.features: name a model of timm, such as timm:vit_small_patch14_dinov2")
    download = wanted.weights is None and not wanted.empty
    recipe = ModelRecipe(backbone=wanted.name, pretrained=download)
    backbone: Any = build_backbone(recipe, (3, 224, 224))
    about = backbone.net.pretrained_cfg
    if wanted.weights is not None and not wanted.empty:
        fill(backbone.net, read_weights(wanted.weights), what=wanted.name, source=wanted.weights)
    return Extractor(
        wanted.name,
        backbone.net,
        Preprocessing(
            side=about["input_size"][-1],
            framing=wanted.framing or "crop",
            kept=about.get("crop_pct") or 1.0,
            interpolation=INTERPOLATIONS.get(about["interpolation"], "bicubic"),
            mean=tuple(about["mean"]),
            std=tuple(about["std"]),
        ),
    )
