"""Why a detector asks for an image: told from one look at each."""

from __future__ import annotations

import pytest
import torch

from ncenet import functional
from ncenet.boxes import Boxes, Detections
from ncenet.learners.box_counts import ExpectedBoxes
from ncenet.loop.reasons import box_reasons
from tests.data.detection.make import CLASSES
from tests.loop.fake_detector import FakeDetector

KNOWN = {
    "a": Boxes(((0, 0, 8, 8), (8, 8, 20, 20), (30, 0, 40, 9)), ("one",) * 3).to_label(),
    "b": Boxes(((0, 0, 8, 8),), ("one",)).to_label(),
    "c": "[]",
}
ASKED = ["x", "y"]
BOXES = ((0, 0, 20, 20), (40, 10, 60, 30), (5, 5, 9, 9))


class Finds(FakeDetector):
    """Finds three boxes on images that it does not know."""

    def objects(self, pool, said):
        for found in super().objects(pool, said):
            guess = Detections(found.id, BOXES, ("one",) * 3, (0.5, 0.3, 0.1))
            yield found if found.id in KNOWN else guess


@pytest.fixture
def learner():
    fake = Finds(CLASSES)
    fake.known = KNOWN
    return fake


def test_every_image_is_predicted_once(learner):
    box_reasons(learner, None, ASKED, KNOWN, neighbours=2)
    assert sorted(learner.predicted) == ["a", "b", "c", "x", "y"]


def test_they_are_those_of_a_look_for_each(learner):
    told = box_reasons(learner, None, ASKED, KNOWN, neighbours=2)
    assert list(told) == ASKED
    want = frozenset({"features"})
    features = {
        id: torch.nn.functional.normalize(next(learner.predict(None, [id], want=want)).features)[0]
        for id in (*KNOWN, *ASKED)
    }
    expected = ExpectedBoxes(KNOWN, None, learner)
    for id, reasons in told.items():
        (probs,) = next(learner.predict(None, [id], want=want)).probs
        assert reasons.rejection == pytest.approx(float(functional.rejection(probs).mean()))
        assert reasons.confusion == pytest.approx(float(functional.confusion(probs).mean()))
        near = sorted(KNOWN, key=lambda other: -float(features[id] @ features[other]))[:2]
        assert reasons.near == tuple((other, KNOWN[other]) for other in near)
        # Drawn were 3 + 1 boxes, and one for the empty image, where likelihoods add up to 4/2; here, to 0.9.
        assert expected(id) == pytest.approx(0.9 * 5 / 2)
        assert [each["box"] for each in reasons.boxes] == [list(box) for box in BOXES[:2]]
