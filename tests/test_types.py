"""Boxes as answers: the text that goes into the ledger, and what is refused on the way."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncenet.boxes import Boxes
from ncenet.errors import DataError, UnknownName
from ncenet.types import LabeledSet

edges = st.floats(-1e6, 1e6)
boxes = st.tuples(edges, edges, edges, edges).filter(lambda b: b[0] < b[2] and b[1] < b[3])
objects = st.lists(st.tuples(boxes, st.text(min_size=1), st.booleans()), max_size=4)


@given(objects)
def test_what_is_written_is_read_back(objects):
    seen = Boxes(*(tuple(column) for column in zip(*objects, strict=True))) if objects else Boxes()
    again = Boxes.from_label(seen.to_label())
    assert again == seen
    assert again.to_label() == seen.to_label()


def test_the_same_boxes_are_the_same_text():
    whole = Boxes(((1, 2, 3, 4),), ("cat",), (False,))
    assert Boxes(((1.0, 2.0, 3.0, 4.0),), ("cat",)).to_label() == whole.to_label()
    spaced = json.dumps([{"label": "cat", "difficult": False, "box": [1.0, 2.0, 3.0, 4.0]}], indent=2)
    assert Boxes.from_label(spaced).to_label() == whole.to_label()


def test_difficult_objects_and_names_in_any_script_survive():
    seen = Boxes(((0, 0, 1, 1), (2, 2, 3, 3)), ("größe", '"a",b'), (True, False))
    assert "größe" in seen.to_label()
    assert Boxes.from_label(seen.to_label()).difficult == (True, False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cat", "not boxes in JSON"),
        ('{"box": [1, 2, 3, 4]}', "a JSON list of objects"),
        ('[{"box": [1, 2, 3, 4]}]', "object 1: expected the keys box, label"),
        ('[{"box": [1, 2, 3, 4], "label": "cat", "score": 1}]', "object 1: expected the keys"),
        ('[{"box": [1, 2, 3, 4], "label": "cat"}, "dog"]', "object 2: expected the keys"),
        ('[{"box": [1, 2, 3], "label": "cat"}]', "object 1: the box is not four numbers"),
        ('[{"box": "1234", "label": "cat"}]', "object 1: the box is not four numbers"),
        ('[{"box": [1, 2, "3", 4], "label": "cat"}]', "x2 '3', which is not a finite number"),
        ('[{"box": [1, 2, true, 4], "label": "cat"}]', "x2 True, which is not a finite number"),
        ('[{"box": [1, NaN, 3, 4], "label": "cat"}]', "y1 nan, which is not a finite number"),
        ('[{"box": [1, 2, 1e999, 4], "label": "cat"}]', "x2 inf, which is not a finite number"),
        ('[{"box": [3, 2, 3, 4], "label": "cat"}]', "no area: x1 3 is not below x2 3"),
        ('[{"box": [1, 5, 3, 4], "label": "cat"}]', "no area: y1 5 is not below y2 4"),
        ('[{"box": [1, 2, 3, 4], "label": ""}]', "object 1: the label is ''"),
        ('[{"box": [1, 2, 3, 4], "label": 7}]', "object 1: the label is 7"),
        ('[{"box": [1, 2, 3, 4], "label": "cat", "difficult": 1}]', "difficult is 1, not true or false"),
    ],
)
def test_what_is_wrong_is_said(text, why):
    with pytest.raises(DataError) as error:
        Boxes.from_label(text)
    assert why in str(error.value)


def test_unknown_classes_are_refused_with_the_nearest_known():
    text = Boxes(((0, 0, 1, 1), (0, 0, 2, 2)), ("cat", "dgo")).to_label()
    assert Boxes.from_label(text, classes=("cat", "dgo")).labels == ("cat", "dgo")
    with pytest.raises(UnknownName, match="object 2: unknown class 'dgo': did you mean 'dog'"):
        Boxes.from_label(text, classes=("cat", "dog"))


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="1 boxes, 2 labels and 1 marks"):
        Boxes(((0, 0, 1, 1),), ("cat", "dog"))


def test_a_labelled_set_gives_its_boxes():
    seen = Boxes(((0, 0, 1, 1),), ("cat",))
    labeled = LabeledSet(["a", "b"], [seen.to_label(), "[]"], ("cat", "dog"))
    assert labeled.boxes() == [seen, Boxes()]
