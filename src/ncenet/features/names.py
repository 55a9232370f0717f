"""The names of networks in a recipe: whether they stand for something that fits, told before all else."""

from __future__ import annotations

from typing import Any

from ncenet.data.pools import channels_of
from ncenet.errors import UnreadableImage, UsageError
from ncenet.features.vectors import is_vectors
from ncenet.given import is_given
from ncenet.recipe import OWN, Recipe
from ncenet.registry import Registry
from ncenet.types import Pool
from ncenet.unread import BRINGS_WEIGHTS

BUILT_IN: dict[str, frozenset[str]] = {
    "head": frozenset({"nce", "softmax"}),
    "backbone": frozenset(
        {"small", "small-whitened", "medium", "medium-whitened", "resnet18", "mlp", "identity"}
    ),
    "detection backbone": frozenset({"small", "ssd300-vgg16", "lite0", "lite2"}),
    "extractor": frozenset({"gist", "lite0", "lite2", "timm"}),
}
"""What is known without the registries, which bring torch."""
VECTORS_ALREADY = "feature vectors already, nothing to embed: `model.features=data` learns on them"
OF_IMAGES = BUILT_IN["backbone"] - {"mlp", "identity"} | BRINGS_WEIGHTS
"""Backbones that take no vectors."""


def check_network_names(recipe: Recipe) -> None:
    """Make sure that head, backbone and features of a recipe are such as there are.

    Of ``timm:NAME`` and of files that is all: only opening them tells whether there are such.

    Raises:
        UnknownName: there is no such head, backbone or extractor; the message names the nearest.
        UsageError: it is that of a plug-in which can't be loaded.

    >>> check_network_names(Recipe().with_changes({"model.backbone": "smal"}))
    Traceback (most recent call last):
    ...
    ncenet.errors.UnknownName: unknown backbone 'smal': did you mean 'small'? known: identity, medium, medium-whitened, mlp, resnet18, small, small-whitened
    """  # noqa: E501 - a message is one line
    model = recipe.model
    if model.head.name not in BUILT_IN["head"]:
        from ncenet.nn.heads import heads

        heads.get(model.head.name)
    kind = "backbone" if recipe.task == "classification" else "detection backbone"
    elsewhere = is_given(model.backbone) or model.backbone.startswith("timm:")
    if not elsewhere and model.backbone not in BUILT_IN[kind] | BRINGS_WEIGHTS:
        _backbones(recipe).get(model.backbone)
    extractor = (model.features or "").partition(":")[0]
    known = extractor in BUILT_IN["extractor"] | {OWN}
    if model.features and not is_vectors(model.features) and not known:
        from ncenet.features.extractor import extractors

        extractors.get(extractor)


def check_inputs(recipe: Recipe, pool: Pool) -> None:
    """Refuse a network for images where the pool holds vectors, and the other way round, without building it.

    Raises:
        UsageError: its backbone or features don't take such inputs, or mirror images are wanted of vectors.
    """
    model = recipe.model
    try:
        if not pool.ids():
            return
        vectors = channels_of(pool) == 0
    except UnreadableImage:  # a look at every image names it
        return
    if model.features == OWN and not vectors:
        raise UsageError("features data are for data that are vectors, and these are images: name a network")
    if model.features not in (None, OWN) and vectors:
        raise UsageError(VECTORS_ALREADY)
    if model.features is not None:
        return
    if not vectors and model.backbone == "identity":
        raise UsageError("backbone identity takes feature vectors, got images: name their model.features")
    if not vectors:
        return
    if model.backbone.startswith("timm:") or model.backbone in OF_IMAGES:
        raise UsageError(
            f"backbone {model.backbone} takes images, got vectors: name `model.features=data`, and a head "
            "learns on them as on those of a network, or the backbone mlp or identity"
        )
    if model.mirrored:
        raise UsageError(
            "model.mirrored is for images, and these are vectors, which have no mirror image: leave it out"
        )


def _backbones(recipe: Recipe) -> Registry[Any]:
    if recipe.task == "classification":
        from ncenet.nn.backbones import backbones

        return backbones
    from ncenet.nn import pretrained_maps  # noqa: F401 - enters its own
    from ncenet.nn.detection_backbones import detection_backbones

    return detection_backbones
