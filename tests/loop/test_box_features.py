"""Image features beside a detector: strategies and the first query compare images by them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ncenet.data.dataset import Dataset
from ncenet.loop.open import open_loop
from ncenet.recipe import Recipe
from ncenet.types import FitReport, Prediction
from tests.learners.make_scenes import CLASSES, scenes


class Blind:
    """A detector that sees nothing, and says nothing of what an image looks like."""

    def fit(self, labeled, pool, *, cycle, before=None, resume=None):
        return FitReport(len(labeled), 1, 0.0, 0.0, 0.0)

    def predict(self, pool, ids, *, want):
        assert "features" not in want, "nobody asks the learner for what is stored"
        yield Prediction(ids, torch.full((len(ids), 2, len(CLASSES) + 1), 0.3))

    def inputs(self, pool, ids):
        return torch.zeros(len(ids), 3, 8, 8)

    def save(self, file):
        file.write_bytes(b"blind")

    def load(self, file):
        pass


@pytest.fixture
def opened(tmp_path):
    def opened(**changes):
        pool, truth = scenes()
        ids = list(pool.ids())
        # Two groups far apart: the first image of each speaks for the others.
        vectors = np.array([[0.01 * n, 10.0 * (n >= 4)] for n in range(8)], np.float32)
        np.savez(tmp_path / "v.npz", ids=ids, vectors=vectors)
        recipe = Recipe().with_changes(
            {
                "task": "detection",
                "data.train": "given:pool",
                "model.backbone": "given:Blind",
                "model.features": str(tmp_path / "v.npz"),
                **changes,
            }
        )
        train = Dataset("scenes", pool, class_names=CLASSES, task="detection")
        loop, _ = open_loop(recipe, tmp_path / "run", train=train, learner=Blind())
        return loop, ids, truth

    return opened


@pytest.mark.parametrize("strategy", ["core-set", "max-herding"])
def test_strategies_compare_images_by_the_stored_features(opened, strategy):
    loop, ids, truth = opened(**{"loop.strategy": strategy})
    with loop.ledger:
        loop.tell({ids[0]: truth[0].to_label(), ids[1]: truth[1].to_label()}, who="ann")
        (asked,) = loop.ask(1).ids
        assert ids.index(asked) >= 4, "the group without a label"


@pytest.mark.parametrize("first", ["typical", "herding"])
def test_the_first_query_does_too(opened, first):
    loop, ids, _ = opened(**{"loop.first": first})
    with loop.ledger:
        asked = [ids.index(id) for id in loop.ask(2).ids]
        assert sorted(row >= 4 for row in asked) == [False, True], "one of each group"
