"""The recipes of detection: their numbers, written here by hand, and steps of their arms on a VOC folder."""

import math
from pathlib import Path

import pytest

from ncenet.compare import Comparison
from ncenet.compare.heads import check_random_arms
from ncenet.learners.training import learning_rate
from ncenet.loop.open import open_loop
from ncenet.loop.simulate import simulate
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.nn.heads.softmax import SoftmaxClassifier
from tests.data.detection.make import CLASSES, samples, write_voc

FOLDER = Path(__file__).parents[2] / "recipes"

VOC = {
    "task": "detection",
    "data.train": "voc0712",
    "data.image_size": 300,
    "model.backbone": "ssd300-vgg16",
    "model.pretrained": True,
    "model.anchor_features": 64,
    "model.head.name": "nce",
    "model.head.prototypes_per_class": 1,
    "model.head.kernel": "cosine",
    "model.head.radius": "class",
    "model.head.cross_entropy": 0.0,
    "train.epochs": 150,
    "train.min_steps": 0,
    "train.batch_size": 8,
    "train.lr": 0.001,
    "train.schedule": "steps",
    "train.momentum": 0.9,
    "train.nesterov": False,
    "train.weight_decay": 0.0005,
    "train.box_augment": True,
    "train.warm": False,
    "train.precision": "fp32",
    "loop.initial": 1000,
    "loop.query_size": 1000,
    "loop.budget_unit": "image",
    "loop.cycles": 10,
    "loop.pool_subset": None,
}
BCCD = {
    "task": "detection",
    "model.backbone": "small",
    "loop.initial": 25,
    "loop.query_size": 25,
    "loop.budget_unit": "image",
}
ARMS = {
    "voc-paper": {
        "softmax random": ("softmax", "random"),
        "softmax entropy": ("softmax", "entropy"),
        "softmax core-set": ("softmax", "core-set"),
        "softmax LL4AL": ("softmax", "ll4al"),
        "NCE random": ("nce", "random"),
        "NCE rejection": ("nce", "rejection"),
        "NCE confusion": ("nce", "confusion"),
    },
    "bccd": {
        "softmax random": ("softmax", "random"),
        "softmax entropy": ("softmax", "entropy"),
        "NCE random": ("nce", "random"),
        "NCE rejection": ("nce", "rejection"),
        "NCE confusion": ("nce", "confusion"),
    },
}


@pytest.fixture(scope="module")
def voc(tmp_path_factory):
    """A VOC folder of photographs with digits on them, both splits."""
    made = samples(10)
    return write_voc(tmp_path_factory.mktemp("voc") / "VOC2007", {"trainval": made[:6], "test": made[6:]})


def load(name):
    return Comparison.load(FOLDER / f"{name}.yaml")


def value(recipe, path):
    node = recipe.model_dump(mode="json")
    for part in path.split("."):
        node = node[part]
    return node


@pytest.mark.parametrize(("name", "expected"), [("voc-paper", VOC), ("bccd", BCCD)])
def test_the_numbers_are_those_that_were_settled(name, expected):
    comparison = load(name)
    assert {path: value(comparison.base, path) for path in expected} == expected
    assert comparison.seeds == (0, 1, 2)
    arms = {arm.name: comparison.recipe(arm.name, 0) for arm in comparison.arms}
    assert {arm: (r.model.head.name, r.loop.strategy) for arm, r in arms.items()} == ARMS[name]
    check_random_arms(comparison)


def test_the_budget_of_voc_ends_at_ten_thousand():
    loop = load("voc-paper").base.loop
    assert loop.initial + (loop.cycles - 1) * loop.query_size == 10_000


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 1e-3), (99, 1e-3), (100, 1e-4), (124, 1e-4), (125, 1e-5), (149, 1e-5)]
)
@pytest.mark.parametrize("images", [1_000, 10_000])
def test_the_rate_drops_after_100_and_125_of_150_epochs(epoch, rate, images):
    train = load("voc-paper").base.train
    steps = math.ceil(images / train.batch_size)
    for step in (epoch * steps, (epoch + 1) * steps - 1):
        assert learning_rate(train, step / (train.epochs * steps)) == pytest.approx(rate)


@pytest.mark.parametrize("arm", ["NCE rejection", pytest.param("softmax LL4AL", marks=pytest.mark.slow)])
def test_ssd_of_the_paper_takes_steps_on_a_voc_folder(arm, voc, tmp_path):
    recipe = load("voc-paper").recipe(arm, 0)
    recipe = recipe.with_changes(
        {"data.train": str(voc), "model.pretrained": False, "train.epochs": 1, "train.batch_size": 2}
        | {"loop.initial": 2, "loop.query_size": 2, "loop.cycles": 2}
    )
    loop, train = open_loop(recipe, tmp_path / "run")
    with loop.ledger:
        assert loop.class_names == CLASSES
        loop.tell(train.required_oracle().answer(loop.ask(2).ids), who="oracle")
        (prediction,) = fit_and_predict(loop)
        assert prediction.probs.shape == (2, 8732, len(CLASSES) + 1)
        head = loop.learner.network.head
        assert isinstance(head, PrototypeClassifier if "NCE" in arm else SoftmaxClassifier)
        if "NCE" in arm:
            assert head.prototypes.shape == (4, 1, 64)
        scores = prediction.extras[loop.learner.network.auxiliary.extra] if "LL4AL" in arm else None
        assert scores is None or scores.shape == (2,)


def fit_and_predict(loop):
    loop.test = None  # tested below on fewer images
    assert loop.fit() == 1
    report = loop.ledger.fit_report(1)
    assert report["steps"] == 1
    assert math.isfinite(report["loss"])
    return list(
        loop.learner.predict(loop.pool, list(loop.pool.ids())[:2], want=loop.strategy.needs | {"probs"})
    )


@pytest.mark.parametrize("arm", ["softmax entropy", "NCE rejection"])
def test_arms_of_bccd_run_on_a_voc_folder(arm, voc, tmp_path):
    recipe = (
        load("bccd")
        .recipe(arm, 0)
        .with_changes(
            {"data.train": str(voc), "data.test": None, "data.image_size": 64}
            | {"train.epochs": 1, "train.min_steps": 2, "train.batch_size": 2}
            | {"loop.initial": 2, "loop.query_size": 2, "loop.cycles": 2}
        )
    )
    simulate(recipe, tmp_path / "run")
    assert (tmp_path / "run" / "cycles" / "002" / "test.json").exists()
