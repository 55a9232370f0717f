"""The gate for boxes: what rounding explains is cut and counted, what nothing explains is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ncenet.box_gate import SEEN, BoxGate, fit_box, fit_boxes, reach, size_problem
from ncenet.boxes import Boxes
from ncenet.errors import DataError, UnknownName

sides = st.integers(3, 5000)


@st.composite
def boxes_of(draw):
    """A box within an image that is not within its first pixel, and the image's size."""
    size = draw(sides), draw(sides)
    low, high = zip(*(sorted(draw(st.tuples(*[st.floats(0, side)] * 2))) for side in size), strict=True)
    assume(high[0] - low[0] > 2 * SEEN and high[1] - low[1] > 2 * SEEN and max(high) > 1.01)
    return (*low, *high), size


@given(boxes_of())
def test_what_lies_within_its_image_passes_unchanged(made):
    box, size = made
    assert fit_box(box, size) == (box, False)


@given(boxes_of(), st.tuples(*[st.floats(0, 1)] * 4))
def test_what_rounding_puts_beyond_is_cut_at_the_edge(made, shares):
    (_, size), (width, height) = made, made[1]
    by = [share * reach(side) for share, side in zip(shares, size * 2, strict=True)]
    assume(abs(max(by) - 1e-3) > 1e-9)
    box = (-by[0], -by[1], width + by[2], height + by[3])
    assert fit_box(box, size) == ((0, 0, width, height), max(by) > 1e-3)


@given(boxes_of(), st.integers(0, 3), st.floats(1.001, 1e6))
def test_what_reaches_further_is_refused(made, edge, times):
    box, size = list(made[0]), made[1]
    side = size[edge % 2]
    box[edge] = -reach(side) * times if edge < 2 else side + reach(side) * times
    with pytest.raises(DataError, match=f"reaches beyond the image, which is {size[0]} x {size[1]}"):
        fit_box(box, size)


def test_how_far_rounding_reaches():
    assert fit_box((0, 0, 101, 10), (100, 100)) == ((0, 0, 100, 10), True)
    assert fit_box((0, 0, 4020, 10), (4000, 100)) == ((0, 0, 4000, 10), True)
    assert fit_box((0, 0, 64.00000000000001, 10), (64, 48)) == ((0, 0, 64, 10), False), "no cut to tell of"
    for box, size in (((0, 0, 101.1, 10), (100, 100)), ((0, 0, 10, 102), (4000, 100))):
        with pytest.raises(DataError, match="reaches beyond"):
            fit_box(box, size)


@pytest.mark.parametrize(
    "box", [(0.1, 0.2, 0.5, 0.6), (0, 0, 1, 1), (-0.9, -0.8, 0.5, 0.6), (0, 0, 1.001, 0.5)]
)
def test_fractions_where_pixels_belong(box):
    with pytest.raises(DataError, match="within the first pixel: fractions of the image, where pixels"):
        fit_box(box, (64, 48))
    assert fit_box((0, 0, 1, 1), (1, 1)) == ((0, 0, 1, 1), False), "the whole of an image of one pixel"
    assert fit_box((7.2, 0.1, 7.8, 0.6), (64, 48))[1] is False, "a small object elsewhere"


def test_a_box_that_is_hardly_one():
    with pytest.raises(DataError, match="narrower than a thousandth of a pixel"):
        fit_box((5, 5, 5.0005, 9), (64, 48))
    assert fit_box((5, 5, 5.002, 9), (64, 48)) == ((5, 5, 5.002, 9), False)


def test_a_box_that_only_touches_its_image():
    with pytest.raises(DataError, match="lies outside the image, which is 64 x 48"):
        fit_box((64.2, 3, 64.9, 8), (64, 48))


@pytest.mark.parametrize("edge", [10**400, float("nan"), float("-inf"), "3", None, True, [1]])
def test_what_is_no_number_is_named(edge):
    with pytest.raises(DataError, match=r"the box has x2 .*, which is not a finite number"):
        fit_box((1, 2, edge, 4), (64, 48))


@pytest.mark.parametrize(
    ("drawn_on", "why"),
    [
        ((640, 480), "of an image of 640 x 480, and this one is 64 x 48"),
        ((48, 64), "of an image of 48 x 64, and this one, turned upright, is 64 x 48"),
        ((64, 50), "this one is 64 x 48"),
        ((32, 24), "this one is 64 x 48"),
    ],
)
def test_boxes_of_a_copy_of_another_size(drawn_on, why):
    boxes = Boxes(((1, 1, 20, 20),), ("cat",))
    with pytest.raises(DataError, match=why):
        fit_boxes(boxes, (64, 48), drawn_on)
    assert fit_boxes(Boxes(), (64, 48), drawn_on) == (Boxes(), 0), "no box can be in the wrong place"


@pytest.mark.parametrize("drawn_on", [None, (64, 48), (65, 47), (0, 0), (0, 48), (-1, -1)])
def test_sizes_that_say_nothing_against_it(drawn_on):
    assert size_problem(drawn_on, (64, 48)) is None
    assert size_problem((3, 3), None) is None


def test_the_gate_counts_and_names():
    gate = BoxGate({"a.jpg": (100, 80), "gone.jpg": None}.__getitem__, ("cat",))
    first = '{"box": [-1, 0, 50, 80.2], "label": "cat", "difficult": true}'
    label = f'[{first}, {{"box": [1, 1, 9, 9], "label": "cat"}}]'
    passed = gate.answers({"a.jpg": label, "gone.jpg": label})
    assert Boxes.from_label(passed["a.jpg"]).boxes == ((0, 0, 50, 80), (1, 1, 9, 9))
    assert Boxes.from_label(passed["a.jpg"]).difficult == (True, False)
    assert gate.cut == 1, "an image that can't be read has no edge"
    with pytest.raises(DataError, match=r"^'a\.jpg': object 2: the box 1, 1, 9, 90 reaches beyond"):
        gate.answers({"a.jpg": label.replace("9, 9]", "9, 90]")})
    with pytest.raises(UnknownName, match=r"^'a\.jpg', object 1: unknown class 'dog'"):
        gate.answers({"a.jpg": label.replace("cat", "dog", 1)})
    with pytest.raises(DataError, match=r"^'a\.jpg': not boxes in JSON"):
        gate.answers({"a.jpg": "[" * 100_000})
