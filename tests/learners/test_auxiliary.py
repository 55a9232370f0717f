"""A classifier that was given an auxiliary: trained, predicted, saved, resumed with the network."""

from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from ncenet.errors import DataError, UsageError
from ncenet.nn.loss_prediction import LossPredictor
from ncenet.recipe import HeadRecipe
from tests.learners.make import classifier, images, labeled, vectors, weights

pytestmark = pytest.mark.usefixtures("global_generators_untouched")

WANT = frozenset({"predicted_loss"})


class Interrupt(Exception):
    """Stands for whatever stops a fit."""


def fitted(pool=None, *, auxiliary=LossPredictor, **options):
    pool = images() if pool is None else pool
    learner = classifier(**{"backbone": "small", "auxiliary": auxiliary, **options})
    learner.fit(labeled(pool), pool, cycle=1)
    return learner, pool


def predicted_loss(learner, pool):
    return torch.cat([each.extras["predicted_loss"] for each in learner.predict(pool, pool.ids(), want=WANT)])


@pytest.mark.parametrize("head", ["nce", "softmax"])
@pytest.mark.parametrize(
    ("pool", "backbone"),
    [(images(), "small"), (images(), "mlp"), (vectors(), "mlp"), (vectors(), "identity")],
    ids=["small", "mlp", "vectors", "identity"],
)
def test_it_is_trained_and_predicts(pool, backbone, head):
    learner, _ = fitted(pool, backbone=backbone, head=HeadRecipe(name=head))
    losses = predicted_loss(learner, pool)
    assert losses.shape == (24,)
    assert torch.isfinite(losses).all()
    with learner.streams.scope("weights", 1):  # as it was before the fit
        untrained = learner.rebuilt(learner.about()).auxiliary
    for name, tensor in learner.network.auxiliary.state_dict().items():
        assert not torch.equal(tensor, untrained.state_dict()[name]), f"{name} was not trained"


def test_only_when_it_is_wanted():
    learner, pool = fitted()
    (bare,) = learner.predict(pool, pool.ids(), want=frozenset())
    assert bare.extras == {}
    without, _ = fitted(auxiliary=None)
    (bare,) = without.predict(pool, pool.ids(), want=WANT)
    assert bare.extras == {}


def test_the_network_starts_with_the_weights_it_has_without(tmp_path):
    still = {"lr": 1e-12, "epochs": 1, "weight_decay": 0}
    beside, alone = weights(fitted(**still)[0]), weights(fitted(auxiliary=None, **still)[0])
    assert {name for name in beside if not name.startswith("auxiliary.")} == set(alone)
    for name, tensor in alone.items():
        assert torch.allclose(torch.tensor(beside[name]), torch.tensor(tensor), atol=1e-6), name


def test_its_loss_is_no_part_of_the_report():
    """In the first step the network is the same, so its own loss is too."""
    one_step = {"epochs": 1, "min_steps": 1, "batch_size": 18}
    losses = []
    for auxiliary in (LossPredictor, None):
        pool = images()
        learner = classifier(backbone="small", auxiliary=auxiliary, **one_step)
        losses.append(learner.fit(labeled(pool), pool, cycle=1).loss)
    assert losses[0] == losses[1]


def test_losses_are_one_an_image_and_detached():
    seen = []

    class Watching(LossPredictor):
        def loss(self, output, losses):
            seen.append((output.shape, losses.shape, losses.requires_grad))
            return super().loss(output, losses)

    fitted(auxiliary=Watching, epochs=1)
    assert seen == [((6,), (6,), False)] * 3


def test_it_is_told_how_far_the_fit_is():
    told = []

    class Watching(LossPredictor):
        def forward(self, stages):
            if self.training:
                told.append(self.done)
            return super().forward(stages)

    fitted(auxiliary=Watching, epochs=4)
    assert told == pytest.approx([step / 12 for step in range(12)])


def test_half_precision():
    learner, pool = fitted(precision="bf16")
    assert predicted_loss(learner, pool).dtype == torch.float32
    assert torch.isfinite(predicted_loss(learner, pool)).all()


def test_resumed_equals_uninterrupted(tmp_path):
    def stop(event):
        if event["step"] == 9:
            raise Interrupt

    pool, checkpoint = images(), tmp_path / "checkpoint.pt"
    plan = {"backbone": "small", "auxiliary": LossPredictor, "epochs": 5, "checkpoint_seconds": 0}
    whole = classifier(**plan)
    whole.fit(labeled(pool), pool, cycle=1)
    with pytest.raises(Interrupt):
        classifier(**plan, notify=stop).fit(labeled(pool), pool, cycle=1, resume=checkpoint)
    told = []
    resumed = classifier(**plan, notify=told.append)
    resumed.fit(labeled(pool), pool, cycle=1, resume=checkpoint)
    assert [event["step"] for event in told] == [9, 12, 15]
    assert weights(resumed) == weights(whole)


def test_a_warm_start_takes_it_over(tmp_path):
    first, pool = fitted()
    before = tmp_path / "before.safetensors"
    first.save(before)
    warm = classifier(
        backbone="small", auxiliary=LossPredictor, warm=True, lr=1e-12, weight_decay=0, epochs=1
    )
    warm.fit(labeled(pool), pool, cycle=2, before=before)
    for name, tensor in first.network.auxiliary.state_dict().items():
        assert torch.allclose(warm.network.auxiliary.state_dict()[name], tensor, atol=1e-6), name


class TestFile:
    def saved(self, tmp_path, **options):
        learner, pool = fitted(**options)
        file = tmp_path / "model.safetensors"
        learner.save(file)
        return learner, pool, file

    def test_round_trip(self, tmp_path):
        learner, pool, file = self.saved(tmp_path)
        other = classifier(backbone="small", auxiliary=LossPredictor, seed=5)
        other.load(file)
        assert weights(other) == weights(learner)
        assert torch.equal(predicted_loss(other, pool), predicted_loss(learner, pool))

    def test_whoever_has_no_use_for_it_loads_the_network_alone(self, tmp_path):
        learner, pool, file = self.saved(tmp_path)
        assert any(name.startswith("auxiliary.") for name in load_file(file))
        other = classifier(backbone="small")
        other.load(file)
        assert other.network.auxiliary is None
        probs = [next(each.predict(pool, pool.ids(), want=frozenset())).probs for each in (learner, other)]
        assert torch.equal(*probs)

    def test_a_model_without_it_is_refused_where_it_is_needed(self, tmp_path):
        _, _, file = self.saved(tmp_path, auxiliary=None)
        with pytest.raises(DataError, match="trained without the module that tells predicted_loss"):
            classifier(backbone="small", auxiliary=LossPredictor).load(file)


def test_a_backbone_without_stages_is_refused_before_anything_is_trained():
    class Own(nn.Linear):
        out_features = 7

        def forward(self, batch):
            return super().forward(batch.flatten(1))

    with pytest.raises(UsageError, match="Own shows none"):
        fitted(own=lambda: Own(64, 7))


def test_a_batch_of_one_image_trains():
    learner, pool = fitted(batch_size=1, epochs=1)
    assert math.isfinite(float(predicted_loss(learner, pool).sum()))
