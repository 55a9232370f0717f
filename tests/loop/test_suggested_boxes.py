"""What is told of the boxes that a detector finds: how many, which, and at which pixels."""

from __future__ import annotations

import numpy as np
import pytest

from ncenet.boxes import Boxes, Detections
from ncenet.data.pools import ArrayPool
from ncenet.learners.box_counts import LEAST_SCORE, MOST_SUGGESTED
from ncenet.loop.reasons import box_reasons
from tests.loop.fake_detector import FakeDetector

POOL = ArrayPool(np.zeros((3, 120, 120, 3), np.uint8), ["asked", "a", "b"])
FIRST, SECOND, THIRD = (10.4, 20.6, 30.5, 41.5), (0.2, 0.4, 9.7, 9.9), (50, 50, 60, 60)


class Finds(FakeDetector):
    """Finds one box at likelihood 1/2 on every labelled image, and on ``asked`` what it is told."""

    def __init__(self, *found) -> None:
        super().__init__(("cat", "dog"))
        self.found = found

    def objects(self, pool, said):
        for id in said.ids:
            found = self.found if id == "asked" else ((THIRD, "cat", 0.5),)
            boxes, labels, scores = zip(*found, strict=True) if found else ((), (), ())
            yield Detections(id, boxes, labels, scores)


def people_drew(count):
    """So many boxes on each of two images, so that a likelihood of 1/2 stands for as many."""
    return {id: Boxes((THIRD,) * count, ("cat",) * count).to_label() for id in ("a", "b")}


def told(*found, drawn=1):
    return list(box_reasons(Finds(*found), POOL, ["asked"], people_drew(drawn), 1)["asked"].boxes)


def test_edges_are_rounded_to_whole_pixels_and_the_likeliest_come_first():
    found = told((FIRST, "dog", 0.91239), (SECOND, "cat", 0.6))
    assert found == [
        {"box": [10, 21, 30, 42], "label": "dog", "score": 0.9124},
        {"box": [0, 0, 10, 10], "label": "cat", "score": 0.6},
    ]
    assert all(isinstance(edge, int) for each in found for edge in each["box"])


@pytest.mark.parametrize(
    ("scores", "drawn", "count"),
    [
        ((0.3, 0.2, 0.1), 1, 1),  # 0.6 in all, and 0.5 stood for one box
        ((0.3, 0.2, 0.1), 2, 2),  # now 0.5 stands for two boxes
        ((0.3, 0.2, 0.1), 5, 3),  # there are no more
        ((0.06,), 1, 1),  # somebody has to look at it: one at least
    ],
)
def test_as_many_are_told_as_people_drew_where_as_much_was_found(scores, drawn, count):
    found = told(*((FIRST, "dog", score) for score in scores), drawn=drawn)
    assert [each["score"] for each in found] == list(scores[:count])


def test_a_box_that_rounding_leaves_without_area_is_none_and_the_next_takes_its_place():
    narrow = (10.6, 20, 11.4, 60)
    assert told((narrow, "dog", 0.5), (SECOND, "cat", 0.2)) == [
        {"box": [0, 0, 10, 10], "label": "cat", "score": 0.2}
    ]


def test_none_below_the_least_likelihood():
    found = told((FIRST, "dog", LEAST_SCORE), (SECOND, "cat", LEAST_SCORE - 0.001), drawn=40)
    assert [each["score"] for each in found] == [LEAST_SCORE]


def test_nothing_found_and_a_clutter():
    assert told() == []
    assert len(told(*[(FIRST, "dog", 0.5)] * (MOST_SUGGESTED + 5))) == MOST_SUGGESTED
