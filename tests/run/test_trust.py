"""When a classifier may choose."""

import pytest

from ncenet.files import write_json
from ncenet.run.advice import ONE_HIT, trusted, trusted_by_records, trusted_detector, wilson
from ncenet.run.folder import CycleFolder
from ncenet.run.record_files import write_predicted, write_test
from ncenet.run.records import ClassTest, PredictedImage


def exact_wilson(right, total):
    """The shares whose score test does not reject what was seen, by bisection."""
    z = 1.959964

    def outside(p):
        return (right / total - p) ** 2 > z * z * p * (1 - p) / total

    def border(inside, beyond):
        for _ in range(60):
            middle = (inside + beyond) / 2
            inside, beyond = (inside, middle) if outside(middle) else (middle, beyond)
        return inside

    share = right / total
    return border(share, 0.0), border(share, 1.0)


@pytest.mark.parametrize(("right", "total"), [(30, 40), (1, 7), (199, 200), (5, 10)])
def test_the_interval_inverts_the_score_test(right, total):
    assert wilson(right, total) == pytest.approx(exact_wilson(right, total), abs=1e-9)


def test_the_interval_stays_within_zero_and_one():
    assert wilson(0, 5)[0] == 0 and wilson(5, 5)[1] == 1


@pytest.mark.parametrize(
    ("right", "expected"), [(40, True), (31, True), (26, False), (20, False), (0, False)]
)
def test_better_than_the_commonest_class_beyond_chance(right, expected):
    truth = ["cat"] * 20 + ["dog"] * 20
    predicted = truth[:right] + ["cow"] * (40 - right)
    assert trusted(truth, predicted, labeled=1000, classes=3) is expected


def test_naming_the_commonest_class_earns_no_trust_however_right_it_is():
    truth = ["cat"] * 39 + ["dog"]
    assert not trusted(truth, ["cat"] * 40, labeled=1000, classes=2)


def test_without_held_out_images_ten_labels_per_class():
    assert not trusted([], [], labeled=29, classes=3)
    assert trusted([], [], labeled=30, classes=3)


@pytest.mark.parametrize(
    ("interval", "expected"), [((ONE_HIT + 0.01, 0.5), True), ((ONE_HIT, 0.9), False), ((0.0, 1.0), False)]
)
def test_a_detector_that_finds_more_than_one_hit_a_class_beyond_chance(interval, expected):
    assert trusted_detector(interval, labeled=1000, classes=2) is expected


def test_a_detector_without_held_out_objects_needs_ten_images_per_class():
    assert not trusted_detector(None, labeled=29, classes=3)
    assert trusted_detector(None, labeled=30, classes=3)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"metric": "mAP", "mAP_interval": [0.2, 0.4]}, True),
        ({"metric": "mAP", "mAP_interval": [0.0, 0.4]}, False),
        ({"metric": "mAP"}, True),  # written before there were intervals: by the number of images
        (None, True),
    ],
)
def test_by_the_records_of_a_detector(tmp_path, record, expected):
    if record is not None:
        rest = {"cycle": 1, "labeled": 40, "images": 9, "mAP": 0.3, "per_class": {}, "seconds": 1.0}
        write_json(tmp_path / "test.json", record | rest)
    assert trusted_by_records(CycleFolder(tmp_path), labeled=40, classes=3) is expected


def test_by_the_records_of_a_classifier(tmp_path):
    files = CycleFolder(tmp_path)
    write_test(files, ClassTest(1, 5, 40, 1.0, 1.0, {"cat": 1.0, "dog": 1.0}, 1.0))
    names = enumerate(["cat", "dog"] * 20)
    write_predicted(files, (PredictedImage(f"{n}\u2028 \n.jpg", name, name) for n, name in names))
    assert trusted_by_records(files, labeled=5, classes=2)


def test_images_whose_label_comes_later_are_no_evidence(tmp_path):
    files = CycleFolder(tmp_path)
    write_test(files, ClassTest(1, 5, 40, 1.0, 1.0, {"cat": 1.0, "dog": 1.0}, 1.0))
    rows = [
        PredictedImage(f"{n}", ("cat", "dog")[n % 2] if n < 3 else None, ("cat", "dog")[n % 2])
        for n in range(40)
    ]
    write_predicted(files, rows)
    assert not trusted_by_records(files, labeled=5, classes=2), "three images that are right prove little"
