"""What further labels should bring."""

import numpy as np
import pytest

from ncenet.run.advice import outlook

SIZES = [25, 50, 75, 100, 125, 150]


def truth(n):
    return 0.9 - 1.6 * n**-0.5


def curve(seed, sizes=SIZES, images=50, jitter=0.02):
    """Who is right on which image when models follow the law and wobble a little."""
    random = np.random.default_rng(seed)
    difficulty = random.random(images)
    return np.array([difficulty < truth(n) + jitter * random.standard_normal() for n in sizes])


@pytest.mark.parametrize("sizes", [SIZES[:4], SIZES])
def test_the_interval_holds_the_true_gain_most_of_the_time(sizes):
    gain = truth(sizes[-1] + 100) - truth(sizes[-1])
    found = [outlook(sizes, curve(seed, sizes)) for seed in range(60)]
    held = sum(one.low <= gain <= one.high for one in found)
    assert held >= 48, f"the 95 % interval held the truth in {held} of 60 cases"


def test_many_images_and_a_steady_law_give_the_gain_itself():
    right = curve(0, images=20_000, jitter=0.0)
    found = outlook(SIZES, right)
    assert found.gain == pytest.approx(truth(250) - truth(150), abs=0.004)
    assert found.high - found.low < 0.02


def test_no_more_is_promised_than_is_missing():
    steep = np.arange(20) < np.array([[6], [9], [13], [15]])
    found = outlook([10, 18, 26, 34], steep)
    assert (found.gain, found.high) == (0.25, 0.25), "15 of 20 are right now; the law goes on to 120 %"
    assert 0 < found.low < 0.25
    perfect = outlook([10, 18, 26, 34], np.arange(20) < np.array([[6], [13], [18], [20]]))
    assert (perfect.low, perfect.gain, perfect.high) == (0, 0, 0)


def test_a_flat_curve_promises_nothing():
    found = outlook(SIZES, np.tile(np.arange(50) < 40, (6, 1)))
    assert found.gain == 0 and found.high < 0.01


def test_more_labels_bring_more():
    gains = [outlook(SIZES, curve(1), labels=labels).gain for labels in (25, 100, 400)]
    assert gains == sorted(gains) and gains[0] < gains[-1]


def test_asked_twice_the_same_answer():
    assert outlook(SIZES, curve(3)) == outlook(SIZES, curve(3))


def test_three_points_are_no_law_and_no_images_no_curve():
    assert outlook(SIZES[:3], curve(0, SIZES[:3])) is None
    assert outlook(SIZES, np.zeros((6, 0), bool)) is None
