"""Images without a label move the prototypes of a head that learns alone on stored features."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ncenet.data.pools import ArrayPool
from ncenet.learners.committee import build_learner
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet

NAMES = ("ant", "bee", "cow", "dog")


@pytest.fixture
def lesson():
    """One image of each of three classes is labelled, far from where its class is."""
    random = np.random.default_rng(0)
    targets = np.arange(300) % 3
    vectors = 2.5 * np.eye(3, 12)[targets] + 0.7 * random.standard_normal((300, 12))
    pool = ArrayPool(vectors.astype(np.float32))
    return LabeledSet(pool.ids()[:3], [NAMES[c] for c in targets[:3]], NAMES), pool, targets


def learned(lesson, unlabeled):
    labeled, pool, _ = lesson
    recipe = Recipe().with_changes({"model.features": "vectors.npz", "model.head.unlabeled": unlabeled})
    made = build_learner(recipe.model, recipe.train, recipe.data, Streams(0))
    made.fit(labeled, pool, cycle=1)
    return made


def guesses(learner, pool):
    chunks = learner.predict(pool, pool.ids(), want=frozenset())
    return torch.cat([chunk.probs.argmax(1) for chunk in chunks]).numpy()


def test_few_labels_are_worth_more(lesson):
    _, pool, targets = lesson
    right = {weight: (guesses(learned(lesson, weight), pool) == targets).mean() for weight in (0.0, 2.0)}
    assert right[2.0] > right[0.0] + 0.02


def test_it_is_what_settling_the_fitted_head_would_be_and_survives_a_file(lesson, tmp_path):
    labeled, pool, _ = lesson
    plain, moved = learned(lesson, 0.0), learned(lesson, 2.0)
    head = plain.network.head
    before = head.prototypes.clone()
    head.unlabeled = 2.0
    head.settle(plain.features(pool.ids()[3:], pool), torch.tensor(labeled.targets()))
    torch.testing.assert_close(moved.network.head.prototypes, head.prototypes)
    assert not torch.allclose(before, head.prototypes)
    moved.save(tmp_path / "model.safetensors")
    again = learned(lesson, 2.0)
    again.load(tmp_path / "model.safetensors")
    assert (guesses(again, pool) == guesses(moved, pool)).all()


def test_it_sees_what_has_no_label_and_nothing_else(lesson, monkeypatch):
    seen = []
    monkeypatch.setattr(PrototypeClassifier, "settle", lambda head, *given: seen.append(given))
    made = learned(lesson, 2.0)
    labeled, pool, _ = lesson
    ((features, targets),) = seen
    torch.testing.assert_close(features, made.features(pool.ids()[3:], pool))
    assert targets.tolist() == labeled.targets()
    learned(lesson, 0.0)
    assert len(seen) == 1, "it is not asked for unless the recipe says so"


def test_a_class_without_a_label_is_not_predicted_still(lesson):
    _, pool, _ = lesson
    assert NAMES.index("dog") not in guesses(learned(lesson, 50.0), pool)
