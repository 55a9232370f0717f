"""What a strategy sees of a learner and a pool."""

from __future__ import annotations

import pytest
import torch

from ncenet.loop.view import LearnerView
from tests.learners.make import classifier, images, labeled, vectors


@pytest.mark.parametrize("pool", [images(channels=3), vectors()], ids=["images", "vectors"])
def test_inputs_are_what_the_network_reads(pool):
    learner = classifier()
    learner.fit(labeled(pool), pool, cycle=1)
    view = LearnerView(learner, pool, list(pool.ids())[18:], labeled(pool), frozenset({"inputs"}))
    ids = [view.ids[2], view.labeled_ids[0], view.ids[0]]
    inputs = view.inputs(ids)
    stored = torch.stack([torch.from_numpy(pool.load(id)) for id in ids])
    assert torch.equal(inputs, stored.permute(0, 3, 1, 2) if stored.ndim == 4 else stored)
    (prediction,) = learner.predict(pool, ids, want=frozenset())
    with torch.no_grad():
        probs = learner.network.head.probs(learner.network(inputs).output)
    torch.testing.assert_close(probs, prediction.probs)


def test_labels_are_the_classes_of_the_labelled_alone():
    pool = vectors()
    view = LearnerView(classifier(), pool, list(pool.ids())[18:], labeled(pool), frozenset())
    assert view.labels == [0, 1, 2] * 6
    assert len(view.labels) == len(view.labeled_ids) == 18
    assert not set(view.ids) & set(view.labeled_ids)
