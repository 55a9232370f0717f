"""Settings that nothing would read: a recipe that changes one is refused.

Whoever changes a setting expects something of it. One is unread when its value is another than the default
and the rest of the recipe holds nobody who looks at it. What a query strategy reads it says itself, see
:mod:`ncenet.strategies.options`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Values: TypeAlias = Mapping[str, Any]
"""A recipe by dotted path."""

BRINGS_WEIGHTS = frozenset({"lite0", "lite2"})
"""Backbones that are pretrained, whatever is said."""

PROTOTYPES = (
    "prototypes_per_class",
    "kernel",
    "feature_map",
    "radius",
    "init",
    "projection",
    "reduction",
    "map_prototypes",
    "bias",
    "unlabeled",
)
STEPS = (
    "epochs",
    "min_steps",
    "batch_size",
    "lr",
    "schedule",
    "lr_drops",
    "momentum",
    "nesterov",
    "weight_decay",
    "crop_padding",
    "flip",
    "warm",
    "precision",
)
"""What the training of a network reads."""


def _softmax(values: Values) -> bool:
    return values.get("model.head.name") == "softmax"


def head_alone(values: Values) -> bool:
    """Whether a head is fitted to stored features in one go."""
    plain = values.get("model.backbone") == "identity" and values.get("model.dropout") == 0
    return values.get("model.features") is not None and plain and values.get("loop.strategy") != "ll4al"


def _detection(values: Values) -> bool:
    return values.get("task") == "detection"


def _no_weights(values: Values) -> bool:
    backbone = str(values.get("model.backbone"))
    return backbone in BRINGS_WEIGHTS | {"small"} if _detection(values) else not backbone.startswith("timm:")


def _learns_anew(values: Values) -> bool:
    """Whether no classifier goes on learning weights that its backbone brought."""
    backbone = str(values.get("model.backbone"))
    brings = backbone in BRINGS_WEIGHTS or (values.get("model.pretrained") and backbone.startswith("timm:"))
    return _detection(values) or not brings


def _no_bias(values: Values) -> bool:
    """Whether a bias is wanted of a head that has no term to learn it by."""
    weight = values.get("model.head.cross_entropy")
    learns = weight if weight is not None else values.get("model.features") is not None
    return bool(values.get("model.head.bias")) and not learns


UNREAD: tuple[tuple[tuple[str, ...], Callable[[Values], bool], str], ...] = (
    (
        tuple(f"model.head.{name}" for name in (*PROTOTYPES, "cross_entropy")),
        _softmax,
        "the softmax head has no prototypes and doesn't read it",
    ),
    (
        ("model.head.feature_map",),
        lambda values: (
            values.get("model.head.kernel") == "cosine"
            and values.get("model.head.feature_map") in ("none", "scaled")
        ),
        "the cosine kernel normalises by itself",
    ),
    (
        ("model.head.reduction",),
        lambda values: values.get("model.head.cross_entropy") == 1,
        "with model.head.cross_entropy 1 nothing is left of the loss that it is about",
    ),
    (
        ("model.head.bias",),
        _no_bias,
        "the cross-entropy term teaches it, and there is none: model.head.cross_entropy 0.5",
    ),
    (
        ("model.head.unlabeled",),
        lambda values: not head_alone(values) or values.get("model.head.prototypes_per_class") != 1,
        "they move one prototype a class, of a head that learns alone on stored features (model.features)",
    ),
    (
        ("model.head.map_prototypes",),
        lambda values: _detection(values) or values.get("model.head.projection") is False,
        "without model.head.projection, and in detection, there is no linear map that prototypes could share",
    ),
    (("model.head.pull",), _detection, "a detector's loss has no such term"),
    (("model.head.projection",), _detection, "a detector has its convolution for that"),
    (
        ("model.anchor_features",),
        lambda values: not _detection(values) or _softmax(values),
        "only a detector's NCE head reads it",
    ),
    (
        ("model.passes",),
        lambda values: values.get("model.dropout") == 0 or values.get("model.members") != 1,
        "passes are those of one network with dropout (model.dropout above 0, model.members 1)",
    ),
    (
        ("model.mirrored",),
        lambda values: _detection(values) or values.get("model.features") is not None,
        "a classifier that looks at the images themselves can see their mirror images, a detector or a head "
        "on features (model.features) doesn't",
    ),
    (
        ("model.pretrained",),
        _no_weights,
        "there are none to download for this backbone; timm:NAME has some, in detection ssd300-vgg16 too, "
        "and lite0 brings its own",
    ),
    (
        ("train.backbone_rate",),
        _learns_anew,
        "it is the rate of a classifier's pretrained weights (model.backbone lite0, or timm:NAME with "
        "model.pretrained), and there are none",
    ),
    (
        ("train.lr_drops",),
        lambda values: values.get("train.schedule") != "steps",
        "train.schedule steps alone drops the rate",
    ),
    (
        ("train.nesterov",),
        lambda values: values.get("train.momentum") == 0,
        "without momentum there is none of Nesterov's",
    ),
    (
        tuple(f"train.{name}" for name in STEPS),
        head_alone,
        "a head on features is fitted to all labels at once, until it settles, and takes no such steps",
    ),
    (("train.crop_padding",), _detection, "task detection doesn't read it; it crops with train.box_augment"),
    (("train.box_augment",), lambda values: not _detection(values), "task classification has no boxes"),
)
"""Fields, when nobody reads them, and why not."""


def unread(values: Values, defaults: Values) -> dict[str, str]:
    """The fields that differ from their defaults for nothing, and why each is read by nobody.

    Args:
        values: a recipe by dotted path.
        defaults: those of all fields, likewise.

    >>> unread({"task": "classification", "train.box_augment": True}, {"train.box_augment": None})
    {'train.box_augment': 'task classification has no boxes'}
    """
    return {
        path: why
        for paths, when, why in UNREAD
        for path in paths
        if path in values and values[path] != defaults.get(path) and when(values)
    }
