"""Whatever is accepted leaves by every export and comes back by import, unchanged."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ncenet.box_gate import SEEN
from ncenet.boxes import Boxes
from ncenet.class_names import class_name_problem, twin_of
from ncenet.labels.changes import apply, counts
from ncenet.labels.formats import formats
from ncenet.labels.transfer import export_labels, read_labels
from ncenet.ledger import Answer
from tests.labels.make import new_run, photos, standing

WIDTH, HEIGHT = 16, 12
IDS = (
    "a.jpg",
    "A b.jpg",
    "=1+1.jpg",
    "'=q.jpg",
    '-x, "y".jpg',
    "line\rend.jpg",
    "line\nend.jpg",
    "sub/a.jpg",
    "/".join(["2024-survey-of-the-northern-transect"] * 6) + "/img_0001.jpg",
    "/".join(["2024-survey-of-the-northern-transect"] * 6) + "/img_0002.jpg",
    f"{'é' * 110}.jpg",
)
odd = "\"',;=+-@\t \r\n.é漢\u200d\U0001f41c\ufffe<&%/aZ0"
names = st.text(st.sampled_from(odd), max_size=6) | st.text(max_size=220)
class_names = st.lists(
    (st.sampled_from(["skip", "unsure", "undo", "no", "010", "null", ".."]) | names).filter(
        lambda name: class_name_problem(name) is None
    ),
    min_size=2,
    max_size=4,
    unique=True,
).filter(lambda names: not any(twin_of(name, names) for name in names))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return photos(tmp_path_factory.mktemp("photos"), IDS)


def side(length):
    """Two edges along a side, of which the second is beyond the first pixel."""
    edges = st.floats(0, length) | st.integers(0, length) | st.sampled_from([0, 1, length - 0.25, length])
    return st.tuples(edges, edges).map(sorted).filter(lambda e: e[1] - e[0] > 2 * SEEN and e[1] > 1.01)


@st.composite
def objects(draw, classes):
    found = draw(
        st.lists(st.tuples(side(WIDTH), side(HEIGHT), st.sampled_from(classes), st.booleans()), max_size=4)
    )
    return Boxes(
        tuple((x1, y1, x2, y2) for (x1, x2), (y1, y2), _, _ in found),
        tuple(label for _, _, label, _ in found),
        tuple(difficult for _, _, _, difficult in found),
    ).to_label()


@st.composite
def answers(draw, label_of):
    """Classes, and what is said of the images: a label of them, skip, unsure or nothing."""
    classes = draw(class_names)
    said = st.none() | st.sampled_from(list(Answer)) | label_of(classes)
    told = {id: answer for id in IDS if (answer := draw(said)) is not None}
    return tuple(classes), told or {IDS[0]: Answer.SKIP}


def there_and_back(images, classes, told, task, name, raw=False):
    format = formats.get(name)()
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place), Path(place) / f"out{format.suffix}"
        with new_run(folder / "one", images, classes, task=task) as run:
            run.tell(told, who="=ann, \r")
            assert export_labels(run, out, format=name, raw=raw) == len(told)
            before = standing(run)
            assert counts(read_labels(run, out, format=name, otherwise="me")) == {"same": len(told)}
        with new_run(folder / "two", images, classes, task=task) as other:
            changes = read_labels(other, out, format=name, otherwise="me")
            assert apply(other.ledger, changes) == len(told)
            assert standing(other) == before


slow = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("name", [name for name, make in formats if "classification" in make().tasks])
@slow
@given(made=answers(st.sampled_from), raw=st.booleans())
def test_classes(images, name, made, raw):
    there_and_back(images, *made, "classification", name, raw and formats.get(name)().writes_csv)


@pytest.mark.parametrize("name", [name for name, make in formats if "detection" in make().tasks])
@slow
@given(made=answers(objects), raw=st.booleans())
def test_boxes(images, name, made, raw):
    there_and_back(images, *made, "detection", name, raw and formats.get(name)().writes_csv)


@pytest.mark.parametrize("name", ["voc", "yolo"])
def test_long_paths_keep_the_suffix_of_an_image(images, tmp_path, name):
    with new_run(tmp_path / "run", images, ("ant",), task="detection") as run:
        run.tell(dict.fromkeys(IDS, "[]"), who="ann")
        export_labels(run, tmp_path / "out", format=name)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    pictures = [path for path in files if path.suffix == ".jpg"]
    notes = [path for path in files if path.suffix in (".xml", ".txt") and path.parent.name != "Main"]
    assert len(pictures) == len(IDS) == len(notes)
    assert {path.stem for path in pictures} == {path.stem for path in notes}
    assert all(len(path.name.encode()) <= 255 for path in files)
    assert sum("img_000" in path.name for path in pictures) == 2, "people see which is which"
