"""Boxes that look wrong: each slip is found where it was made, and good boxes are left alone."""

from __future__ import annotations

import numpy as np
import pytest

from ncenet.boxes import Boxes, Detections
from ncenet.run.box_doubts import agree, box_doubts, overlaps


def scene(seed, count=12):
    """Boxes of two classes on a grid, and finds that lie within a few pixels of them."""
    random = np.random.default_rng(seed)
    boxes, labels = [], []
    for n in range(count):
        x, y = 100 * (n % 4), 100 * (n // 4)
        boxes.append((x + 10, y + 10, x + 70 + int(random.integers(20)), y + 80))
        labels.append("cat" if random.random() < 0.6 else "dog")
    near = tuple(tuple(float(edge) for edge in np.array(box) + random.uniform(-3, 3, 4)) for box in boxes)
    scores = tuple(sorted(random.uniform(0.3, 0.9, count).tolist(), reverse=True))
    return Boxes(tuple(boxes), tuple(labels)), Detections("", near, tuple(labels), scores)


def scenes(count=6):
    drawn, found = {}, {}
    for n in range(count):
        drawn[f"{n}"], found[f"{n}"] = scene(n)
    return drawn, found


def without(boxes, n):
    keep = [m for m in range(len(boxes)) if m != n]
    return Boxes(tuple(boxes.boxes[m] for m in keep), tuple(boxes.labels[m] for m in keep))


def changed(boxes, n, *, box=None, label=None):
    places, labels = list(boxes.boxes), list(boxes.labels)
    places[n], labels[n] = box or places[n], label or labels[n]
    return Boxes(tuple(places), tuple(labels))


def test_boxes_that_are_as_found_are_hardly_doubted():
    assert all(doubt.slip == "loose" and doubt.score < 0.1 for doubt in box_doubts(*scenes()))


@pytest.mark.parametrize("image", ["0", "3"])
def test_a_box_that_is_left_out_is_missing(image):
    drawn, found = scenes()
    gone = drawn[image].boxes[2]
    drawn[image] = without(drawn[image], 2)
    worst, *_ = box_doubts(drawn, found)
    assert (worst.id, worst.slip) == (image, "missing")
    assert overlaps([worst.box], [gone])[0, 0] > 0.8


@pytest.mark.parametrize("image", ["1", "4"])
def test_a_box_of_another_class_is_swapped(image):
    drawn, found = scenes()
    other = "dog" if drawn[image].labels[1] == "cat" else "cat"
    drawn[image] = changed(drawn[image], 1, label=other)
    worst, *_ = box_doubts(drawn, found)
    assert (worst.id, worst.slip, worst.box, worst.label) == (
        image,
        "swapped",
        drawn[image].boxes[1],
        other,
    )


def test_a_box_that_fits_badly_is_loose():
    drawn, found = scenes()
    x1, y1, x2, y2 = drawn["2"].boxes[0]
    wide = (x1 - 5, y1 - 5, x2 + 20, y2 + 40)
    drawn["2"] = changed(drawn["2"], 0, box=wide)
    worst, *_ = box_doubts(drawn, found)
    assert (worst.id, worst.slip, worst.box) == ("2", "loose", wide)


def test_a_neighbour_of_the_same_class_makes_no_box_loose():
    """In a crowd the find of the next object overlaps a box too."""
    drawn = Boxes(((0, 0, 40, 40), (20, 0, 60, 40)), ("cat", "cat"))
    found = Detections("a", ((20, 0, 60, 40), (1, 0, 41, 40)), ("cat", "cat"), (0.9, 0.5))
    assert all(doubt.score < 0.1 for doubt in box_doubts({"a": drawn}, {"a": found}))


def test_finds_that_are_less_sure_than_those_with_a_box_contradict_nobody():
    drawn, found = scenes()
    said = found["0"]
    found["0"] = Detections(
        "0", (*said.boxes, (300.0, 300.0, 340.0, 340.0)), (*said.labels, "cat"), (*said.scores, 0.1)
    )
    assert not [doubt for doubt in box_doubts(drawn, found) if doubt.slip == "missing"]


def test_an_object_is_missing_once_whatever_it_is_taken_for():
    found = Detections("b", ((0, 0, 20, 20), (1, 0, 20, 20)), ("cat", "dog"), (0.9, 0.8))
    drawn, others = scenes()
    doubts = box_doubts(drawn | {"b": Boxes()}, others | {"b": found})
    assert [(doubt.slip, doubt.label) for doubt in doubts if doubt.id == "b"] == [("missing", "cat")]


def test_nothing_is_said_of_images_that_nobody_looked_at():
    drawn, found = scenes()
    del found["0"]
    assert "0" not in {doubt.id for doubt in box_doubts(drawn, found)}
    assert box_doubts({}, {}) == box_doubts({"a": Boxes()}, {"a": Detections("a", (), (), ())}) == []


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Boxes(((2, 2, 22, 20), (41, 40, 60, 60)), ("cat", "dog")), True),
        (Boxes(((41, 40, 60, 60), (2, 2, 22, 20)), ("dog", "cat")), True),
        (Boxes(((2, 2, 22, 20), (41, 40, 60, 60)), ("dog", "cat")), False),
        (Boxes(((2, 2, 22, 20),), ("cat",)), False),
        (Boxes(((2, 2, 22, 20), (80, 80, 99, 99)), ("cat", "dog")), False),
        (Boxes(((0, 0, 20, 20), (0, 0, 20, 20)), ("cat", "dog")), False),
        (Boxes(), False),
    ],
)
def test_two_people_agree_when_they_drew_the_same_objects(other, same):
    one = Boxes(((0, 0, 20, 20), (40, 40, 60, 60)), ("cat", "dog"))
    assert agree(one, other) is same and agree(other, one) is same


def test_overlaps_are_intersection_over_union():
    assert overlaps([(0, 0, 2, 2)], [(1, 0, 3, 2), (5, 5, 6, 6)]).round(4).tolist() == [[0.3333, 0.0]]
    assert overlaps([], [(0, 0, 1, 1)]).shape == (0, 1)
