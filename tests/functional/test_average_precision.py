from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ncenet.boxes import Boxes, Detections
from ncenet.functional.average_precision import (
    average_precision,
    judge,
    judge_all,
    mean_average_precision,
    mean_average_precision_interval,
)
from tests.reference import detection as reference

METHODS = ["11-point", "area"]
NAMES = ("ant", "bee")
A, B, C = (0.0, 0.0, 10.0, 10.0), (100.0, 0.0, 110.0, 10.0), (200.0, 0.0, 210.0, 10.0)


def found(*items, id="one"):
    """Detections from (box, label, score)."""
    return Detections(id, *(tuple(item[part] for item in items) for part in range(3)))


def there(*items):
    """Boxes from (box, label) or (box, label, difficult)."""
    rows = [(*item, False)[:3] for item in items]
    return Boxes(*(tuple(row[part] for row in rows) for part in range(3)))


def area(predicted, true):
    return mean_average_precision(judge_all(predicted, true, NAMES), method="area")


class TestByHand:
    def test_all_found(self):
        result = area([found((A, "ant", 0.3), (B, "bee", 0.9))], [there((A, "ant"), (B, "bee"))])
        assert result.mean == 1
        assert result.per_class == {"ant": 1, "bee": 1}
        assert result.objects == {"ant": 1, "bee": 1}

    def test_of_another_class(self):
        assert area([found((A, "bee", 0.9))], [there((A, "ant"))]).per_class == {"ant": 0}

    def test_a_duplicate_is_wrong(self):
        """Right, then its duplicate, then right: precision 1 up to recall .5, then 2/3."""
        predicted = [found((A, "ant", 0.9), (A, "ant", 0.8), (B, "ant", 0.7))]
        true = [there((A, "ant"), (B, "ant"))]
        assert area(predicted, true).mean == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
        points = mean_average_precision(judge_all(predicted, true, NAMES), method="11-point").mean
        assert points == pytest.approx((6 * 1 + 5 * 2 / 3) / 11), "recall 0 to .5, then .6 to 1"

    def test_the_likeliest_is_the_one_that_finds(self):
        """The order in which detections stand does not matter, their scores do."""
        true = [there((A, "ant"))]
        off = (3.0, 0.0, 13.0, 10.0)  # overlaps A by 7/13 > .5
        assert area([found((off, "ant", 0.2), (A, "ant", 0.9))], true).mean == 1
        assert area([found((off, "ant", 0.9), (A, "ant", 0.2))], true).mean == 1, (
            "also found, the other wrong"
        )

    def test_overlap_of_one_half_is_not_enough(self):
        half = (0.0, 0.0, 10.0, 5.0)
        assert area([found((half, "ant", 0.9))], [there((A, "ant"))]).mean == 0
        more = (0.0, 0.0, 10.0, 5.1)
        assert area([found((more, "ant", 0.9))], [there((A, "ant"))]).mean == 1

    def test_difficult_objects_count_neither_way(self):
        true = [there((A, "ant", True), (B, "ant"))]
        result = area([found((A, "ant", 0.9), (A, "ant", 0.8), (B, "ant", 0.7))], true)
        assert (result.mean, result.objects) == (1, {"ant": 1})
        assert area([found((B, "ant", 0.7))], true).mean == 1, "missing it costs nothing"

    def test_classes_without_objects_are_left_out(self):
        result = area([found((A, "ant", 0.9), (B, "bee", 0.9))], [there((A, "ant"), (B, "bee", True))])
        assert result.per_class == {"ant": 1}
        assert result.mean == 1

    def test_nothing_there_nothing_to_say(self):
        assert math.isnan(area([found((A, "ant", 0.9))], [there()]).mean)

    def test_nothing_found(self):
        assert area([found()], [there((A, "ant"))]).mean == 0

    def test_ranks_go_across_images(self):
        predicted = [found((C, "ant", 0.9)), found((A, "ant", 0.8), id="two")]
        assert area(predicted, [there(), there((A, "ant"))]).mean == 0.5

    def test_lengths_must_agree(self):
        with pytest.raises(ValueError, match="detections in 1 images, objects in 0"):
            area([found()], [])


def test_a_detection_is_held_against_the_nearest_object_alone():
    """It overlaps both by more than one half; the nearest is found already, so it is wrong (VOC)."""
    objects = torch.tensor([[0.0, 0.0, 10.0, 10.0], [2.0, 0.0, 12.0, 10.0]])
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.5, 0.0, 10.5, 10.0]])
    right, counts = judge(boxes, objects, torch.tensor([False, False]))
    assert (right.tolist(), counts.tolist()) == ([True, False], [True, True])


def random_case(seed, *, images=12, difficult=True):
    """Objects far from one another, and detections that jitter around them, miss, double and go astray."""
    rng = torch.Generator().manual_seed(seed)

    def number(low=0.0, high=1.0):
        return low + (high - low) * float(torch.rand((), generator=rng))

    predicted, true = [], []
    for image in range(images):
        objects, detections = [], []
        for place in range(int(number(0, 5))):
            left, top = 100.0 * place, number(0, 50)
            width, height = number(20, 40), number(20, 40)
            label = NAMES[int(number(0, 2))]
            box = (left, top, left + width, top + height)
            objects.append((box, label, difficult and number() < 0.2))
            for _ in range(int(number(0, 3))):
                moved = tuple(edge + number(-6, 6) for edge in box)
                named = label if number() < 0.8 else NAMES[int(number(0, 2))]
                detections.append((moved, named, number()))
        detections.append(((10.0, 90.0, 30.0, 99.0), NAMES[image % 2], number()))
        predicted.append(found(*detections, id=str(image)))
        true.append(there(*objects))
    return predicted, true


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_reference(method, seed):
    predicted, true = random_case(seed)
    result = mean_average_precision(judge_all(predicted, true, NAMES), method=method)
    for name in NAMES:
        detections = [
            [(s, b) for b, label, s in zip(d.boxes, d.labels, d.scores, strict=True) if label == name]
            for d in predicted
        ]
        objects = [
            [
                (b, hard)
                for b, label, hard in zip(t.boxes, t.labels, t.difficult, strict=True)
                if label == name
            ]
            for t in true
        ]
        expected = reference.average_precision(detections, objects, method)
        assert 0 < expected < 1
        assert result.per_class[name] == pytest.approx(expected, abs=1e-9)
    assert result.mean == pytest.approx(sum(result.per_class.values()) / 2)


@pytest.mark.filterwarnings("ignore")  # of the other library, not of ours
@pytest.mark.parametrize("seed", range(3))
def test_equals_torchmetrics_where_the_definitions_meet(seed):
    """COCO's rule at an overlap of .5 and recalls 0, .1 ... 1, no object difficult, none near another.

    It gives a detection to the best object that is still free, and VOC to the best of all; where objects lie
    apart that is the same one.
    """
    from torchmetrics.detection import MeanAveragePrecision

    predicted, true = random_case(seed, difficult=False)
    theirs = MeanAveragePrecision(
        iou_thresholds=[0.5],
        rec_thresholds=[n / 10 for n in range(11)],
        class_metrics=True,
        backend="faster_coco_eval",
    )
    theirs.update(
        [
            {
                "boxes": torch.tensor(d.boxes).reshape(-1, 4),
                "scores": torch.tensor(d.scores),
                "labels": torch.tensor([NAMES.index(label) for label in d.labels], dtype=torch.int64),
            }
            for d in predicted
        ],
        [
            {
                "boxes": torch.tensor(t.boxes).reshape(-1, 4),
                "labels": torch.tensor([NAMES.index(label) for label in t.labels], dtype=torch.int64),
            }
            for t in true
        ],
    )
    expected = theirs.compute()
    ours = mean_average_precision(judge_all(predicted, true, NAMES), method="11-point")
    assert ours.mean == pytest.approx(float(expected["map"]), abs=1e-6)
    assert [ours.per_class[name] for name in NAMES] == pytest.approx(
        expected["map_per_class"].tolist(), abs=1e-6
    )


@pytest.mark.parametrize("method", METHODS)
def test_monotone_in_what_is_found(method):
    values = [average_precision(torch.tensor([True] * n), 10, method=method) for n in range(11)]
    assert values[0] == 0 and values[10] == 1
    assert values == sorted(values)


class Draws:
    """Draws the rows of images that it is told to."""

    def __init__(self, *rows):
        self.rows = list(rows)

    def integers(self, high, size):
        return np.array(self.rows.pop(0))


class TestInterval:
    PREDICTED = (
        found((A, "ant", 0.9), (C, "ant", 0.35), (B, "bee", 0.3)),
        found((C, "ant", 0.8), (B, "ant", 0.6), id="two"),
        found((A, "bee", 0.7), (C, "bee", 0.2), id="three"),
    )
    TRUE = (there((A, "ant"), (B, "bee")), there((B, "ant"), (A, "ant", True)), there((C, "bee")))

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("rows", [(0, 1, 2), (2, 2, 0), (1, 1, 1), (0, 2, 2), (2, 2, 2)])
    def test_a_draw_is_the_mean_of_its_images_however_often_each_was_drawn(self, method, rows):
        predicted, true = [self.PREDICTED[row] for row in rows], [self.TRUE[row] for row in rows]
        wanted = mean_average_precision(judge_all(predicted, true, NAMES), method=method).mean
        ends = mean_average_precision_interval(
            judge_all(self.PREDICTED, self.TRUE, NAMES), method=method, rng=Draws(rows), replicates=1
        )
        assert ends == pytest.approx((wanted, wanted))

    def test_it_holds_the_middle_of_the_draws(self):
        """Two images, one found and one not: a draw has none, one or two of the found."""
        predicted, true = [found((A, "ant", 0.9)), found(id="two")], [there((A, "ant")), there((A, "ant"))]
        rng = np.random.default_rng(0)
        judged = judge_all(predicted, true, NAMES)
        assert mean_average_precision_interval(judged, method="area", rng=rng) == (0, 1)
        rare = Draws(*[(0, 1)] * 98, (0, 0), (1, 1))
        ends = mean_average_precision_interval(judged, method="area", rng=rare, replicates=100)
        assert ends == (0.5, 0.5), "what happens in one draw of a hundred lies outside"

    def test_without_an_object_there_is_none(self):
        rng = np.random.default_rng(0)
        assert mean_average_precision_interval(judge_all([found()], [there()], NAMES), rng=rng) is None

    def test_a_draw_of_images_without_objects_is_left_out(self):
        predicted, true = [found((A, "ant", 0.9)), found(id="two")], [there((A, "ant")), there()]
        ends = mean_average_precision_interval(
            judge_all(predicted, true, NAMES), method="area", rng=Draws((1, 1), (0, 1)), replicates=2
        )
        assert ends == (1, 1)
