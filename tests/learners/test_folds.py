"""Labels that are left out in turn: who predicts an image has not learned it, nor a copy of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ncenet.data.pools import ArrayPool
from ncenet.functional.calibration import calibration_error, tempered
from ncenet.learners.classifier import Classifier
from ncenet.learners.committee import build_learner
from ncenet.learners.folds import FOLDS, LEAST, dealt, left_out, temperature_of
from ncenet.recipe import Recipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet

NAMES = ("ant", "bee", "cow")


def lesson(count=60, noise=0.6, seed=0):
    """Vectors around three directions, and their classes in turn."""
    random = np.random.default_rng(seed)
    centers = 2 * np.random.default_rng(9).standard_normal((3, 16))
    targets = np.arange(count) % 3
    vectors = centers[targets] + noise * random.standard_normal((count, 16))
    pool = ArrayPool(vectors.astype(np.float32))
    return LabeledSet(pool.ids(), [NAMES[c] for c in targets], NAMES), pool


def learner(seed=0, **changes):
    recipe = Recipe().with_changes({"model.features": "vectors.npz", **changes})
    return build_learner(recipe.model, recipe.train, recipe.data, Streams(seed))


def learned(labeled, pool, **changes):
    made = learner(**changes)
    made.fit(labeled, pool, cycle=1)
    return made


def test_it_is_near_the_accuracy_on_other_images():
    labeled, pool = lesson(noise=3.0)
    others, elsewhere = lesson(3000, noise=3.0, seed=1)
    model = learned(labeled, pool)
    said = np.array(left_out(model, labeled, pool).guesses)
    truth = np.concatenate(
        [c.probs.argmax(-1).numpy() for c in model.predict(elsewhere, elsewhere.ids(), want=frozenset())]
    )
    right = (truth == others.targets()).mean()
    assert 0.5 < right < 0.95, "there is something to tell"
    assert abs((said == labeled.targets()).mean() - right) < 0.15


def test_a_label_of_chance_is_not_known_by_heart():
    labeled, pool = lesson(150)
    random = np.random.default_rng(3).integers(0, 3, 150)
    labeled = LabeledSet(labeled.ids, [NAMES[c] for c in random], NAMES)
    model = learned(labeled, pool)
    said = np.array(left_out(model, labeled, pool).guesses)
    assert (said == random).mean() < 0.5, "who has learned an image is right far more often"


def test_the_parts_are_as_large_as_can_be_and_copies_are_together():
    model = learner()
    parts = np.array(dealt([f"{n:02d}" for n in range(23)], model))
    assert sorted(np.bincount(parts).tolist()) == [4, 4, 5, 5, 5] and len(set(parts)) == FOLDS
    copies = dealt(["a", "b", "a", "c", "b", *"defgh"], model)
    assert copies[0] == copies[2] and copies[1] == copies[4]


def test_it_is_the_same_again_and_leaves_the_model_alone():
    labeled, pool = lesson()
    model = learned(labeled, pool)
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    torch.manual_seed(5)
    first = left_out(model, labeled, pool).guesses
    assert first == left_out(model, labeled, pool).guesses
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.network.state_dict().items())


@pytest.mark.parametrize(
    "changes",
    [{"model.dropout": 0.2}, {"model.backbone": "mlp"}, {"model.members": 2, "model.dropout": 0.2}],
    ids=str,
)
def test_nothing_is_said_where_it_would_take_long(changes):
    labeled, pool = lesson()
    assert left_out(learner(**changes), labeled, pool) is None


def test_nothing_is_said_of_few_labels():
    labeled, pool = lesson(LEAST - 1)
    model = learned(labeled, pool)
    assert isinstance(model, Classifier) and left_out(model, labeled, pool) is None


def test_a_class_that_is_in_one_part_alone_is_never_said_there():
    labeled, pool = lesson()
    labels = ["ant" if label == "cow" else label for label in labeled.labels]
    labels[7] = "cow"
    odd = LabeledSet(labeled.ids, labels, NAMES)
    assert left_out(learned(odd, pool), odd, pool).guesses[7] != NAMES.index("cow")


@pytest.mark.parametrize("members", [1, 3])
def test_the_temperature_makes_likelihoods_of_other_images_honest(members):
    labeled, pool = lesson(150, noise=3.0)
    others, elsewhere = lesson(3000, noise=3.0, seed=1)
    model = learned(labeled, pool, **{"model.members": members})
    found = temperature_of(model, labeled, pool)
    said = torch.cat([c.probs for c in model.predict(elsewhere, elsewhere.ids(), want=frozenset())])
    targets = torch.tensor(others.targets())
    before = calibration_error(said, targets)
    after = calibration_error(tempered(said.clamp_min(1e-12).log(), found), targets)
    assert after < before / 2 and after < 0.06
    assert temperature_of(model, labeled, pool) == found


def test_of_a_committee_it_is_the_mean_of_members_that_learn_as_theirs_do():
    labeled, pool = lesson(noise=3.0)
    model = learned(labeled, pool, **{"model.members": 2})
    said = left_out(model, labeled, pool)
    first = left_out(model.members[0], labeled, pool).probs
    second = 2 * said.probs - first
    assert (first - second).abs().max() > 0.05 and second.min() >= -1e-6
    rows = model.members[1].drawn(48, 1)  # of four fifths
    assert len(rows.unique()) < 48 and torch.equal(rows, model.members[1].drawn(48, 1))


def test_a_class_that_no_part_can_have_learned_spoils_no_temperature():
    labeled, pool = lesson(noise=3.0)
    odd = LabeledSet(labeled.ids, ["dog", *labeled.labels[1:]], (*NAMES, "dog"))
    assert temperature_of(learned(odd, pool), odd, pool) < 3


def test_no_temperature_where_nothing_is_left_out():
    labeled, pool = lesson(LEAST - 1)
    assert temperature_of(learned(labeled, pool), labeled, pool) is None
    labeled, pool = lesson()
    assert temperature_of(learner(**{"model.dropout": 0.2}), labeled, pool) is None
    for members in (1, 2):
        changes = {"model.head.name": "softmax", "model.members": members}
        assert temperature_of(learned(labeled, pool, **changes), labeled, pool) is None
