"""One fit: its schedule, its batches, its random numbers, and that an interrupt leaves no trace."""

from __future__ import annotations

import math

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

import ncenet.learners.lesson as lesson
import ncenet.learners.training as training
from ncenet.errors import Diverged
from ncenet.learners.training import WARMUP, epoch_batches, learning_rate
from ncenet.recipe import TrainRecipe
from tests.learners.make import classifier, images, labeled, vectors, weights

pytestmark = pytest.mark.usefixtures("global_generators_untouched")


@pytest.fixture
def rates():
    """The learning rate of every optimizer step that is taken."""
    taken: list[float] = []
    hook = register_optimizer_step_post_hook(
        lambda optimizer, args, kwargs: taken.append(optimizer.param_groups[0]["lr"])
    )
    yield taken
    hook.remove()


class Interrupt(Exception):
    """Stands for whatever stops a fit."""


def interrupt_at(epoch: int, steps_per_epoch: int):
    def notify(event):
        if event["step"] == epoch * steps_per_epoch:
            raise Interrupt

    return notify


class TestLearningRate:
    def test_the_papers_schedule(self):
        paper = TrainRecipe(schedule="steps", lr=0.1, lr_drops=(0.8,))
        rates = [learning_rate(paper, epoch / 200) for epoch in range(200)]
        assert rates[:160] == [0.1] * 160
        assert rates[160:] == pytest.approx([0.01] * 40)

    def test_each_drop_divides_by_ten(self):
        recipe = TrainRecipe(schedule="steps", lr=1.0, lr_drops=(0.5, 0.75))
        at = [learning_rate(recipe, done) for done in (0.49, 0.5, 0.74, 0.75, 0.99)]
        assert at == pytest.approx([1, 0.1, 0.1, 0.01, 0.01])

    def test_the_cosine_climbs_then_falls_to_nothing(self):
        recipe = TrainRecipe(schedule="cosine", lr=0.2)
        rates = [learning_rate(recipe, step / 1000) for step in range(1000)]
        top = round(WARMUP * 1000)
        assert rates[0] == pytest.approx(0.05 * 0.2)
        assert rates[:top] == sorted(rates[:top])
        assert rates[top] == max(rates) == pytest.approx(0.2)
        assert rates[top:] == sorted(rates[top:], reverse=True)
        assert learning_rate(recipe, (1 + WARMUP) / 2) == pytest.approx(0.1), "half-way down, half the rate"
        assert 0 < rates[-1] < 1e-5


class TestEpochBatches:
    @pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 63, 65, 100])
    @pytest.mark.parametrize("batch_size", [1, 7, 32, 200])
    def test_every_position_once_in_few_even_batches(self, count, batch_size):
        batches = epoch_batches(count, batch_size, torch.Generator().manual_seed(0))
        assert sorted(torch.cat(batches).tolist()) == list(range(count))
        sizes = [len(batch) for batch in batches]
        assert max(sizes) <= batch_size
        assert max(sizes) - min(sizes) <= 1
        assert len(sizes) == math.ceil(count / batch_size), "no more batches than needed"

    def test_the_order_is_random_and_the_generators(self):
        first, again, other = (
            torch.cat(epoch_batches(50, 8, torch.Generator().manual_seed(seed))).tolist()
            for seed in (0, 0, 1)
        )
        assert first == again
        assert len({tuple(order) for order in (first, other, range(50))}) == 3


class TestSteps:
    @pytest.mark.parametrize(
        ("count", "epochs", "min_steps", "steps"),
        [
            (18, 4, 0, 4 * 3),
            (18, 4, 12, 4 * 3),
            (18, 4, 13, 5 * 3),  # whole epochs, so two more than asked for
            (2, 1, 9, 9),  # a small set takes more epochs
            (19, 2, 0, 2 * 4),  # 19 images are four batches of at most 6
        ],
    )
    def test_as_many_steps_as_the_recipe_says(self, rates, count, epochs, min_steps, steps):
        pool = vectors()
        learner = classifier(epochs=epochs, min_steps=min_steps)
        report = learner.fit(labeled(pool, count), pool, cycle=1)
        assert len(rates) == report.steps == steps
        assert report.labeled == count

    def test_the_schedule_spans_the_whole_fit(self, rates):
        pool = vectors()
        learner = classifier(epochs=5, schedule="steps", lr=0.1, lr_drops=(0.6,))
        learner.fit(labeled(pool), pool, cycle=1)
        assert rates == pytest.approx([0.1] * 9 + [0.01] * 6)

    def test_every_epoch_is_told_with_its_loss(self):
        pool, told = vectors(), []
        report = classifier(notify=told.append).fit(labeled(pool), pool, cycle=7)
        assert [(event["event"], event["cycle"], event["steps"]) for event in told] == [("fit", 7, 12)] * 4
        assert [event["step"] for event in told] == [3, 6, 9, 12]
        assert told[-1]["loss"] == report.loss < told[0]["loss"]

    def test_a_fit_that_diverges_ends_at_once_and_says_what_to_do(self, tmp_path):
        pool, told = vectors(), []
        learner = classifier(lr=1e30, notify=told.append, checkpoint_seconds=0)
        with pytest.raises(Diverged, match=r"epoch \d of 4: training has diverged\. .* train\.lr = 1e\+30"):
            learner.fit(labeled(pool), pool, cycle=1, resume=tmp_path / "checkpoint.pt")
        assert all(math.isfinite(event["loss"]) for event in told), "nothing after it is trained or kept"

    def test_it_learns(self):
        pool = vectors()
        report = classifier(epochs=20).fit(labeled(pool), pool, cycle=1)
        assert report.accuracy == 1


class TestRandomNumbers:
    def fitted(self, seed=0, cycle=1):
        pool = images()
        learner = classifier(seed=seed, dropout=0.3)
        learner.fit(labeled(pool), pool, cycle=cycle)
        return weights(learner)

    def test_same_seed_same_weights(self):
        assert self.fitted() == self.fitted()

    def test_another_seed_or_cycle_other_weights(self):
        assert self.fitted() != self.fitted(seed=1)
        assert self.fitted() != self.fitted(cycle=2)

    @pytest.mark.parametrize("stream", ["weights", "order", "augment", "dropout"])
    def test_each_stream_matters(self, monkeypatch, stream):
        """The same fit with one stream of another seed is another fit."""
        before = self.fitted()
        seed = training.Streams.seed
        monkeypatch.setattr(
            training.Streams,
            "seed",
            lambda streams, name, *keys: seed(streams, name, *keys) ^ (name == stream),
        )
        assert self.fitted() != before


class TestInterrupted:
    """Three epochs of five are done, the third is lost."""

    def plan(self, warm, notify=None):
        return classifier(
            backbone="small", dropout=0.3, epochs=5, warm=warm, checkpoint_seconds=0, notify=notify
        )

    @pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
    def test_resumed_equals_uninterrupted(self, tmp_path, warm):
        pool = images()
        before = None
        if warm:
            first = self.plan(warm)
            first.fit(labeled(pool, 9), pool, cycle=1)
            before = tmp_path / "before.safetensors"
            first.save(before)

        def fit(learner, resume):
            return learner.fit(labeled(pool), pool, cycle=2, before=before, resume=resume)

        whole = self.plan(warm)
        expected = fit(whole, None)
        checkpoint = tmp_path / "checkpoint.pt"
        with pytest.raises(Interrupt):
            fit(self.plan(warm, interrupt_at(3, 3)), checkpoint)
        assert checkpoint.exists()

        told = []
        resumed = self.plan(warm, told.append)
        report = fit(resumed, checkpoint)
        assert [event["step"] for event in told] == [9, 12, 15], "two epochs were on disk"
        assert weights(resumed) == weights(whole)
        assert (report.loss, report.accuracy, report.steps) == (
            expected.loss,
            expected.accuracy,
            expected.steps,
        )
        assert not list(tmp_path.glob("*.partial"))

    @pytest.mark.parametrize("what", ["checkpoint.pt", "model.safetensors"])
    def test_a_full_disk_is_called_so_and_what_was_there_stays(self, tmp_path, what, disk_for):
        file, pool = tmp_path / what, vectors()
        learner = self.plan_of_vectors()
        learner.fit(labeled(pool), pool, cycle=1, resume=tmp_path / "checkpoint.pt")
        learner.save(tmp_path / "model.safetensors")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert set(before) == {"checkpoint.pt", "model.safetensors"}
        with disk_for(1000), pytest.raises(OSError, match=f"too large: .*{what}"):
            if what == "checkpoint.pt":
                self.plan_of_vectors().fit(labeled(pool), pool, cycle=2, resume=file)
            else:
                learner.save(file)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_time_before_the_interrupt_counts(self, tmp_path):
        pool, checkpoint = vectors(), tmp_path / "checkpoint.pt"
        with pytest.raises(Interrupt):
            self.plan_of_vectors(interrupt_at(3, 3)).fit(labeled(pool), pool, cycle=1, resume=checkpoint)
        state = torch.load(checkpoint, weights_only=True)
        torch.save(state | {"seconds": 1000.0}, checkpoint)
        report = self.plan_of_vectors().fit(labeled(pool), pool, cycle=1, resume=checkpoint)
        assert 1000 < report.seconds < 1100

    def plan_of_vectors(self, notify=None, **changes):
        return classifier(**{"epochs": 5, "checkpoint_seconds": 0, "notify": notify, **changes})

    @pytest.mark.parametrize("change", ["labels", "recipe", "cycle"])
    def test_a_checkpoint_of_another_fit_is_ignored(self, tmp_path, change):
        pool, checkpoint = vectors(), tmp_path / "checkpoint.pt"
        with pytest.raises(Interrupt):
            self.plan_of_vectors(interrupt_at(3, 3)).fit(labeled(pool), pool, cycle=1, resume=checkpoint)
        count = 17 if change == "labels" else 18
        cycle = 2 if change == "cycle" else 1
        lr = {"lr": 0.05} if change == "recipe" else {}
        told = []
        learner = self.plan_of_vectors(told.append, **lr)
        learner.fit(labeled(pool, count), pool, cycle=cycle, resume=checkpoint)
        assert len(told) == 5, "all epochs were trained"
        fresh = self.plan_of_vectors(**lr)
        fresh.fit(labeled(pool, count), pool, cycle=cycle)
        assert weights(learner) == weights(fresh)

    def test_checkpoints_keep_their_distance(self, tmp_path):
        pool, checkpoint = vectors(), tmp_path / "checkpoint.pt"
        plan = self.plan_of_vectors(checkpoint_seconds=1000)
        plan.fit(labeled(pool), pool, cycle=1, resume=checkpoint)
        assert not checkpoint.exists()


class TestAugmentation:
    @pytest.fixture
    def calls(self, monkeypatch):
        """Batch size and options of every call."""
        made = []
        augment = lesson.augment

        def recording(batch, **options):
            made.append((len(batch), options["crop_padding"], options["flip"]))
            return augment(batch, **options)

        monkeypatch.setattr(lesson, "augment", recording)
        return made

    def test_in_training_alone(self, calls):
        pool = images()
        learner = classifier()
        learner.fit(labeled(pool), pool, cycle=1)
        assert calls == [(6, 1, True)] * 12, "an eighth of 8 pixels, and flips"
        calls.clear()
        first, again = (
            torch.cat([p.probs for p in learner.predict(pool, pool.ids(), want=frozenset())]) for _ in "12"
        )
        assert calls == []
        assert torch.equal(first, again)

    @pytest.mark.parametrize(
        ("flip_safe", "recipe", "expected"),
        [(True, None, True), (False, None, False), (False, True, True), (True, False, False)],
    )
    def test_flips_unless_mirroring_changes_the_meaning_or_the_recipe_says(
        self, calls, flip_safe, recipe, expected
    ):
        pool = images()
        learner = classifier(flip=recipe, crop_padding=2, epochs=1)
        learner.flip_safe = flip_safe
        learner.fit(labeled(pool), pool, cycle=1)
        assert set(calls) == {(6, 2, expected)}

    def test_none_when_switched_off(self, calls):
        pool = images()
        classifier(flip=False, crop_padding=0).fit(labeled(pool), pool, cycle=1)
        assert calls == []

    def test_vectors_are_left_alone(self, calls):
        pool = vectors()
        classifier(flip=True, crop_padding=2).fit(labeled(pool), pool, cycle=1)
        assert calls == []


class TestPrecision:
    def test_half_precision_trains_and_predicts_in_single(self):
        pool, seen = images(), []
        learner = classifier(precision="bf16", own=lambda: Watched(seen))
        report = learner.fit(labeled(pool), pool, cycle=1)
        assert math.isfinite(report.loss)
        assert set(seen) == {torch.bfloat16}
        seen.clear()
        (prediction,) = learner.predict(pool, pool.ids(), want=frozenset({"features"}))
        assert set(seen) == {torch.float32}
        assert prediction.probs.dtype == prediction.features.dtype == torch.float32

    def test_one_process_may_fit_in_several_precisions(self):
        pool = vectors()
        losses = [
            classifier(precision=precision).fit(labeled(pool), pool, cycle=1).loss
            for precision in ("fp32", "bf16", "fp32")
        ]
        assert losses[0] == losses[2] != losses[1]


class Watched(torch.nn.Module):
    """A linear backbone that notes the type of its features."""

    out_features = 4

    def __init__(self, seen):
        super().__init__()
        self.linear, self.seen = torch.nn.Linear(64, 4), seen

    def forward(self, inputs):
        features = self.linear(inputs.flatten(1))
        self.seen.append(features.dtype)
        return features
