"""Settings that nobody reads are refused, whoever sets them; what loses its reader goes with it."""

import pytest

from ncenet.errors import RecipeError
from ncenet.recipe import Recipe
from ncenet.section import flat
from ncenet.unread import UNREAD

BOXES = {"task": "detection"}
SOFTMAX = {"model.head.name": "softmax"}
COSINE = {"model.head.kernel": "cosine"}
STORED = {"model.features": "lite0"}
CASES = [
    ({"model.head.radius": 0.5}, SOFTMAX),
    ({"model.head.kernel": "cosine"}, SOFTMAX),
    ({"model.head.prototypes_per_class": 2}, SOFTMAX),
    ({"model.head.feature_map": "none"}, SOFTMAX),
    ({"model.head.init": "class-mean"}, SOFTMAX),
    ({"model.head.projection": False}, SOFTMAX),
    ({"model.head.reduction": "mean"}, SOFTMAX),
    ({"model.head.cross_entropy": 0.5}, SOFTMAX),
    ({"model.head.map_prototypes": True}, SOFTMAX),
    ({"model.head.bias": True}, SOFTMAX),
    ({"model.head.bias": True}, {}),
    ({"model.head.bias": True}, STORED | {"model.head.cross_entropy": 0.0}),
    ({"model.head.unlabeled": 2.0}, SOFTMAX | STORED),
    ({"model.head.unlabeled": 2.0}, {}),
    ({"model.head.unlabeled": 2.0}, STORED | {"model.head.prototypes_per_class": 2}),
    ({"model.head.feature_map": "scaled"}, COSINE),
    ({"model.head.reduction": "mean"}, {"model.head.cross_entropy": 1.0}),
    ({"model.head.projection": False}, BOXES),
    ({"model.head.pull": 1.0}, BOXES),
    ({"model.head.map_prototypes": True}, {"model.head.projection": False}),
    ({"model.anchor_features": 32}, {}),
    ({"model.anchor_features": 32}, BOXES | SOFTMAX),
    ({"model.mirrored": True}, BOXES),
    ({"model.mirrored": True}, STORED),
    ({"model.passes": 5}, {}),
    ({"model.passes": 5}, {"model.members": 3, "model.dropout": 0.2}),
    ({"model.pretrained": True}, {}),
    ({"model.pretrained": True}, BOXES),
    ({"model.pretrained": True}, BOXES | {"model.backbone": "lite0"}),
    ({"train.backbone_rate": 0.5}, {}),
    ({"train.backbone_rate": 0.5}, BOXES | {"model.backbone": "lite0"}),
    ({"train.lr_drops": (0.5,)}, {}),
    ({"train.nesterov": True}, {"train.momentum": 0.0}),
    ({"train.crop_padding": 2}, BOXES),
    ({"train.box_augment": True}, {}),
    ({"train.epochs": 5}, STORED),
    ({"train.min_steps": 5}, STORED),
    ({"train.batch_size": 5}, STORED),
    ({"train.lr": 0.5}, STORED),
    ({"train.schedule": "steps"}, STORED),
    ({"train.momentum": 0.5}, STORED),
    ({"train.nesterov": True}, STORED),
    ({"train.weight_decay": 0.5}, STORED),
    ({"train.crop_padding": 2}, STORED),
    ({"train.flip": True}, STORED),
    ({"train.warm": True}, STORED),
    ({"train.precision": "bf16"}, STORED),
]


@pytest.mark.parametrize(("setting", "where"), CASES)
def test_what_nobody_reads_is_refused(tmp_path, setting, where):
    (path,) = setting
    with pytest.raises(RecipeError, match=rf"^{path}: .*leave it out$"):
        Recipe().with_changes(setting | where)
    file = tmp_path / "r.yaml"
    file.write_text(nested(setting | where))
    with pytest.raises(RecipeError, match=rf"r\.yaml:\d+ {path}: "):
        Recipe.load(file)


def nested(changes):
    """The changes as a file, one line a field of each section."""
    tree = {}
    for path, value in changes.items():
        *parents, last = path.split(".")
        section = tree
        for parent in parents:
            section = section.setdefault(parent, {})
        section[last] = list(value) if isinstance(value, tuple) else value
    import yaml

    return yaml.safe_dump(tree)


def test_every_rule_has_a_case():
    assert {path for paths, _, _ in UNREAD for path in paths} == {
        path for setting, _ in CASES for path in setting
    }
    assert {path for paths, _, _ in UNREAD for path in paths} <= flat(Recipe().model_dump()).keys()


def test_the_line_is_that_of_the_setting(tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text("model:\n  head:\n    name: softmax\n    radius: 0.5\n")
    with pytest.raises(RecipeError, match=r"r\.yaml:4 model\.head\.radius: the softmax head"):
        Recipe.load(file)


def test_what_loses_its_reader_by_a_change_goes_with_it():
    base = Recipe().with_changes({"model.head.radius": 0.5, "model.head.kernel": "cosine", "train.lr": 0.3})
    softmax = base.with_changes(SOFTMAX)
    assert softmax == Recipe().with_changes(SOFTMAX | {"train.lr": 0.3})
    with pytest.raises(RecipeError, match=r"model\.head\.radius"):
        base.with_changes(SOFTMAX | {"model.head.radius": 0.5})
    vaal = Recipe().with_changes({"loop.strategy": "vaal", "loop.options.steps": 5})
    assert vaal.with_changes({"loop.strategy": "margin"}).loop.options == {}
    assert vaal.with_changes({"loop.seed": 1}).loop.options == {"steps": 5}
