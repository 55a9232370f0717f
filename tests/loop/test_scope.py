"""Images of no class are left out of a query once some of their kind were skipped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ncenet.data.dataset import Dataset
from ncenet.data.open import open_dataset
from ncenet.data.pools import ArrayPool
from ncenet.errors import RecipeError, UsageError
from ncenet.ledger import Answer, Ledger
from ncenet.ledger.provenance import Kind
from ncenet.loop.open import open_loop
from ncenet.loop.scope import of_scope
from ncenet.recipe import Recipe
from ncenet.types import Prediction

QUICK = {"train.epochs": 1, "train.min_steps": 80, "model.backbone": "mlp", "loop.strategy": "margin"}


class Seer:
    """Predicts the vectors themselves as features, or none."""

    def __init__(self, blind=False):
        self.blind = blind

    def predict(self, pool, ids, *, want):
        assert want == {"features"}
        rows = torch.stack([torch.as_tensor(pool.load(id)) for id in ids])
        yield Prediction(ids, torch.full((len(ids), 2), torch.nan), None if self.blind else rows)


@pytest.fixture
def heaps():
    """Vectors of two heaps: the first twenty, and the others."""
    random = np.random.default_rng(0)
    places = random.standard_normal((60, 3)) + 9 * (np.arange(60) >= 20)[:, None]
    return ArrayPool(places.astype(np.float32))


def scope(pool, labeled, skipped, learner=None, *, weigh=False):
    ids = pool.ids()
    taken = {*labeled, *skipped}
    left = [ids[row] for row in range(len(ids)) if row not in taken]
    kept, chances = of_scope(
        learner or Seer(), pool, left, [ids[row] for row in labeled], [ids[row] for row in skipped],
        least=3, rng=torch.Generator().manual_seed(0), weigh=weigh,
    )  # fmt: skip
    assert list(chances) == (kept if weigh else [])
    assert not weigh or min(chances.values(), default=1) >= 0.5 or len(kept) == 3
    return [ids.index(id) for id in kept]


def test_what_looks_skipped_is_left_out_and_the_rest_keeps_its_order(heaps):
    for labeled, skipped, ours in (
        (range(5), range(20, 25), range(5, 20)),
        (range(20, 25), range(5), range(25, 60)),
    ):
        kept = scope(heaps, labeled, skipped)
        assert kept == sorted(kept) and set(kept) <= set(ours)
        assert len(kept) > 0.6 * len(ours), "and most of what looks labelled stays"


def test_to_be_weighed_only_what_rather_has_no_class_is_left_out(heaps):
    assert scope(heaps, range(5), range(20, 25), weigh=True) == list(range(5, 20))
    assert scope(heaps, range(20, 25), range(5), weigh=True) == list(range(25, 60))
    assert len(scope(heaps, range(20), range(20, 40), weigh=True)) == 3, "so many stay at least"
    assert scope(heaps, range(0, 60, 2), range(1, 60, 2), weigh=True) == [], "all have an answer"


def test_the_order_of_the_answers_changes_nothing(heaps):
    assert scope(heaps, [4, 2, 0], [30, 22]) == scope(heaps, [0, 2, 4], [22, 30])


def test_nothing_labelled_yet_nothing_left_out(heaps):
    assert len(scope(heaps, [], range(20, 25))) == 55


def test_a_learner_without_features_is_refused(heaps):
    with pytest.raises(UsageError, match="foreign leave-out needs features"):
        scope(heaps, range(5), range(20, 25), Seer(blind=True))


@pytest.mark.parametrize("strategy", ["margin", "herding"])
@pytest.mark.parametrize("foreign", ["ask", "leave-out"])
def test_a_run_asks_for_what_is_in_scope(tmp_path, foreign, strategy):
    changes = {"data.train": "digits", "loop.foreign": foreign, "loop.strategy": strategy}
    recipe = Recipe().with_changes(QUICK | changes | {"model.head.radius": "shared"})
    true = open_dataset("digits").required_oracle().answer(open_dataset("digits").pool.ids())
    loop, _ = open_loop(recipe, tmp_path)
    with loop.ledger:
        first = loop.ask(60)
        answers = {id: true[id] if true[id] in ("0", "1", "2") else Answer.SKIP for id in first.ids}
        loop.tell(answers, who="ann")
        ledger: Ledger = loop.ledger
        assert ledger.skipped_ids() == sorted(id for id in first.ids if answers[id] is Answer.SKIP)
        asked = loop.ask(30)
        inside = np.mean([true[id] in ("0", "1", "2") for id in asked.ids])
        # Herding speaks for the doubtful, and so asks nearer to the line than margin, which keeps off it.
        assert inside > {"margin": 0.9, "herding": 0.6}[strategy] if foreign == "leave-out" else inside < 0.5
        assert len(asked) == 30 and not set(asked.ids) & set(first.ids)


@pytest.mark.parametrize("foreign", ["ask", "leave-out"])
def test_typical_images_are_in_scope_too_once_there_is_a_model(tmp_path, foreign):
    random = np.random.default_rng(0)
    kinds = np.arange(120) % 6
    rows = 4 * random.standard_normal((6, 64))[kinds] + random.standard_normal((120, 64))
    changes = {"loop.foreign": foreign, "loop.first": "typical", "model.features": "data"}
    recipe = Recipe().with_changes(changes | {"data.train": "vectors", "data.classes": ["a", "b"]})
    train = Dataset("vectors", ArrayPool(rows.astype(np.float32)))
    true = dict(zip(train.pool.ids(), kinds.tolist(), strict=True))
    loop, _ = open_loop(recipe, tmp_path, train=train)
    with loop.ledger:
        first = loop.ask(12)
        loop.tell({id: "ab"[true[id]] if true[id] < 2 else Answer.SKIP for id in first.ids}, who="ann")
        asked = loop.ask(12)
        assert loop.ledger.latest_query().asked.kind is Kind.TYPICAL
    inside = np.mean([true[id] < 2 for id in asked.ids])
    assert inside == 1 if foreign == "leave-out" else inside < 0.7


def test_a_skip_that_was_taken_back_is_none(tmp_path):
    loop, _ = open_loop(Recipe().with_changes({"data.train": "digits"}), tmp_path)
    with loop.ledger:
        a, b = loop.ask(2).ids
        loop.tell({a: Answer.SKIP, b: Answer.UNSURE}, who="ann")
        assert loop.ledger.skipped_ids() == [a], "unsure is not out of scope"
        loop.tell({a: None}, who="ann")
        assert loop.ledger.skipped_ids() == []


def test_boxes_know_no_strangers():
    with pytest.raises(RecipeError, match=r"loop\.foreign: an image without objects is no stranger"):
        Recipe().with_changes({"task": "detection", "loop.foreign": "leave-out"})
