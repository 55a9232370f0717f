"""The committee: members that differ, what they say together, one file, resuming member by member."""

from __future__ import annotations

import pytest
import torch

from ncenet.errors import DataError, NotFitted, UsageError
from tests.learners.make import SIDE, committee, images, labeled, losses_of_a_reader, weights

pytestmark = pytest.mark.usefixtures("global_generators_untouched")

EVERYTHING = frozenset({"features", "samples"})


@pytest.fixture(scope="module")
def pool():
    return images()


@pytest.fixture(scope="module")
def fitted(pool):
    learner = committee()
    report = learner.fit(labeled(pool), pool, cycle=1)
    return learner, report


def all_weights(learner):
    return [weights(member) for member in learner.members]


def test_members_differ_and_the_first_is_the_one_that_would_be_alone(fitted, pool):
    learner, _ = fitted
    first, second, third = all_weights(learner)
    assert first != second != third != first
    alone = committee(members=1)
    alone.fit(labeled(pool), pool, cycle=1)
    assert weights(alone) == first


def test_they_say_their_mean_and_each_its_own(fitted, pool):
    learner, _ = fitted
    (said,) = learner.predict(pool, pool.ids(), want=EVERYTHING)
    want = frozenset({"features"})
    members = [each for member in learner.members for each in member.predict(pool, pool.ids(), want=want)]
    samples = torch.stack([member.probs for member in members])
    assert torch.equal(said.extras["samples"], samples)
    assert torch.equal(said.probs, samples.mean(0))
    assert torch.equal(said.features, torch.cat([member.features for member in members], 1))


def test_whoever_reads_may_learn_from_it_meanwhile(fitted, pool):
    learner, _ = fitted
    losses = losses_of_a_reader(learner.predict(pool, pool.ids(), want=EVERYTHING, chunk=6))
    assert len(losses) == 4 and losses == sorted(losses, reverse=True) and losses[-1] < 0.5


def test_chunks_and_only_what_is_wanted(fitted, pool):
    learner, _ = fitted
    (whole,) = learner.predict(pool, pool.ids(), want=EVERYTHING)
    chunks = list(learner.predict(pool, pool.ids(), want=frozenset({"probs"}), chunk=10))
    assert [len(chunk.ids) for chunk in chunks] == [10, 10, 4]
    assert [id for chunk in chunks for id in chunk.ids] == list(pool.ids())
    assert all(chunk.features is None and chunk.extras == {} for chunk in chunks)
    torch.testing.assert_close(torch.cat([chunk.probs for chunk in chunks]), whole.probs)
    assert list(learner.predict(pool, [], want=EVERYTHING, chunk=10)) == []


def test_pools_are_decoded_once_for_all(fitted, pool):
    learner, _ = fitted
    inputs = {id(member.tensors_of(pool)) for member in learner.members}
    assert len(inputs) == 1


def test_the_report_is_of_all(fitted):
    _, report = fitted
    assert (report.labeled, report.steps) == (18, 3 * 4 * 3)
    assert len(report.details["members"]) == 3
    assert all("radius" in each for each in report.details["members"])


def test_progress_runs_once_from_start_to_end(pool):
    events = []
    committee(2, notify=events.append).fit(labeled(pool), pool, cycle=1)
    assert [(event["step"], event["steps"]) for event in events] == [(n, 24) for n in range(3, 25, 3)]


def test_one_file_holds_all_members(fitted, pool, tmp_path):
    learner, _ = fitted
    file = tmp_path / "model.safetensors"
    learner.save(file)
    assert [each.name for each in tmp_path.iterdir()] == ["model.safetensors"]
    again = committee()
    again.load(file)
    assert all_weights(again) == all_weights(learner)
    assert (again.class_names, again.shape) == (learner.class_names, (1, SIDE, SIDE))


def test_a_file_of_another_kind_is_refused(fitted, pool, tmp_path):
    learner, _ = fitted
    file = tmp_path / "model.safetensors"
    learner.save(file)
    for other in (committee(members=1), committee(members=2)):
        with pytest.raises(DataError, match="was trained with another model recipe"):
            other.load(file)
    with pytest.raises(NotFitted):
        committee().save(tmp_path / "empty.safetensors")
    with pytest.raises(UsageError, match=r"this model is a committee of 3: train one with model\.members 1"):
        _ = learner.network


def test_a_warm_start_continues_each_member(fitted, pool, tmp_path):
    learner, _ = fitted
    file = tmp_path / "model.safetensors"
    learner.save(file)
    warm = committee(warm=True, lr=1e-9, weight_decay=0.0)
    warm.fit(labeled(pool), pool, cycle=2, before=file)
    for member, before in zip(warm.members, learner.members, strict=True):
        moved = member.network.head.prototypes - before.network.head.prototypes
        assert moved.abs().max() < 1e-6


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("at", [2, 4, 7, 9])
def test_interrupted_and_resumed_equals_never_interrupted(fitted, pool, tmp_path, at):
    """Four epochs a member: within the first, before the second starts to learn, within and at its end."""
    seen = []

    def interrupt(event):
        seen.append(event)
        if len(seen) == at:
            raise Interrupted

    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(Interrupted):
        committee(notify=interrupt).fit(labeled(pool), pool, cycle=1, resume=checkpoint)
    steps = []
    learner = committee(notify=lambda event: steps.append(event["step"]))
    report = learner.fit(labeled(pool), pool, cycle=1, resume=checkpoint)
    assert all_weights(learner) == all_weights(fitted[0])
    # An epoch that was told of and not yet written down is run again; finished members are not.
    assert steps == list(range(3 * at, 37, 3))
    assert report.accuracy == pytest.approx(fitted[1].accuracy)
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"checkpoint-{n}.pt" for n in range(3)]


def test_labels_that_came_since_make_checkpoints_worthless(fitted, pool, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    committee().fit(labeled(pool, 12), pool, cycle=1, resume=checkpoint)
    learner = committee()
    learner.fit(labeled(pool), pool, cycle=1, resume=checkpoint)
    assert all_weights(learner) == all_weights(fitted[0])
