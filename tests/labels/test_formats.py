"""Every format: what is written is read back, whatever characters ids and labels have."""

from __future__ import annotations

import json
import string
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncenet.data.folders import SUFFIXES
from ncenet.data.pools import ArrayPool
from ncenet.errors import DataError, UsageError
from ncenet.labels.formats import formats
from ncenet.labels.names import file_name
from ncenet.labels.records import Known, Labels, Record
from ncenet.ledger import Item

TABLES = ["csv", "jsonl", "parquet"]
CLASSES = ("ant", "bee")

odd = st.text(
    st.one_of(st.sampled_from('",;\n\r\t\0 =./\\%~:é漢\u2028\ufeff\U0001f41c'), st.characters(codec="utf-8")),
    min_size=1,
    max_size=12,
)
optional = st.none() | odd
times = st.none() | st.datetimes().map(lambda time: f"{time.isoformat(timespec='milliseconds')}Z")
answers = st.tuples(st.just("answer"), odd) | st.tuples(st.sampled_from(["skip", "unsure"]), st.none())


@st.composite
def tables(draw):
    """Answers with every field filled or not."""
    ids = draw(st.lists(odd, unique=True, max_size=5))
    rows = []
    for id in ids:
        kind, label = draw(answers)
        cycle = draw(st.none() | st.integers(0, 2**40))
        rows.append(Record(id, label, kind, draw(optional), draw(optional), draw(times), cycle))
    return rows


def pool_of(ids):
    pixels = np.arange(len(ids), dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    return ArrayPool(pixels, ids)


def round_trip(name, records, classes=CLASSES, *, known_classes=None):
    format = formats.get(name)()
    pool = pool_of([record.id for record in records])
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"out{format.suffix}"
        format.write(Labels(records, tuple(classes), lambda: pool), target)
        items = [Item(record.id, record.hash or "") for record in records]
        return list(format.read(target, Known(items, tuple(known_classes or classes), lambda: pool)))


def test_the_formats_are_registered():
    assert set(formats.names()) >= {*TABLES, "class-folders"}


@pytest.mark.parametrize("name", TABLES)
@given(records=tables())
def test_tables_lose_nothing(name, records):
    if name == "csv" and holds_nul(records):
        with pytest.raises(DataError, match="holds the character NUL, and CSV can't: JSONL and Parquet can"):
            round_trip(name, records)
    else:
        assert round_trip(name, records) == records


def holds_nul(records):
    """What a CSV file can't hold, since whoever reads it takes it for no text."""
    return any("\0" in str(value) for record in records for value in record.row().values())


@settings(max_examples=40)
@given(records=tables())
def test_class_folders_lose_nothing(records):
    classes = list(dict.fromkeys(record.label for record in records if record.label)) or ["ant"]
    unhashed = [replace(record, hash=None) for record in records]  # the hashes are made up
    if holds_nul(unhashed):
        with pytest.raises(DataError, match="holds the character NUL"):
            round_trip("class-folders", unhashed, classes)
        return
    found = round_trip("class-folders", unhashed, classes)
    assert {record.id: record for record in found} == {record.id: record for record in unhashed}


def test_ids_that_differ_in_case_alone_and_long_ones_keep_their_images(tmp_path):
    ids = ["a.png", "A.png", "x" * 300 + ".png", "x" * 300 + "y.png", "../up.png", "/etc/a.png", "CON", "é/b"]
    records = [Record(id, CLASSES[n % 2]) for n, id in enumerate(ids)]
    assert {r.id: r.label for r in round_trip("class-folders", records)} == {
        record.id: record.label for record in records
    }
    format = formats.get("class-folders")()
    pool = pool_of(ids)
    format.write(Labels(records, CLASSES, lambda: pool), tmp_path / "out")
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(files) == len(ids) + 1
    assert len({str(path).casefold() for path in files}) == len(files)
    assert all(path.suffix in SUFFIXES for path in files if path.name != "labels.csv")


def test_classes_that_differ_in_case_alone_keep_folders_of_their_own():
    records = [Record("1", "cat"), Record("2", "Cat"), Record("3", "..")]
    assert {r.id: r.label for r in round_trip("class-folders", records, ("cat", "Cat", ".."))} == {
        "1": "cat", "2": "Cat", "3": "..",
    }  # fmt: skip


def test_feature_vectors_have_no_image_files(tmp_path):
    pool = ArrayPool(np.zeros((1, 3), np.float32), ["v"])
    with pytest.raises(DataError, match="feature vectors are no images: export their labels as csv"):
        formats.get("class-folders")().write(
            Labels([Record("v", "ant")], CLASSES, lambda: pool), tmp_path / "o"
        )


def test_rows_of_a_table_cannot_be_linked(tmp_path):
    labels = Labels([Record("1", "ant")], CLASSES, lambda: pool_of(["1"]), link=True)
    with pytest.raises(UsageError, match="`link` needs image files"):
        formats.get("class-folders")().write(labels, tmp_path / "out")


class TestFilesOfOtherTools:
    def read(self, tmp_path, name, text, classes=CLASSES):
        file = tmp_path / f"in.{name}"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return list(formats.get(name)().read(file, Known((), classes, lambda: pool_of([]))))

    def test_two_columns_are_enough(self, tmp_path):
        text = "\ufefflabel,id,note\r\nant,1.jpg,x\r\n,2.jpg,\r\nskip,3.jpg,\r\nunsure,4.jpg,\r\n"
        expected = [Record("1.jpg", "ant"), Record("3.jpg", None, "skip"), Record("4.jpg", None, "unsure")]
        assert self.read(tmp_path, "csv", text) == expected
        lines = "".join(
            json.dumps({"id": f"{n}.jpg", "label": label}) + "\n"
            for n, label in enumerate(["ant", "", "skip", "unsure"], start=1)
        )
        assert self.read(tmp_path, "jsonl", lines + "\n") == expected

    def test_a_class_that_is_called_skip_is_a_class(self, tmp_path):
        assert self.read(tmp_path, "csv", "id,label\n1,skip\n", ("skip", "ant")) == [Record("1", "skip")]

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("csv", "path,label\n", r"in\.csv:1 needs columns id and label, found path, label"),
            ("csv", "", r"in\.csv:1 needs columns id and label, found none"),
            ("csv", "id,label\n1\n", r"in\.csv:2 has fewer fields than the header, 1 of 2"),
            ("csv", 'id,label\n1,"a\n', r"in\.csv:\d not CSV"),
            ("csv", b"id,label\n\xff,a\n", r"in\.csv: not text in UTF-8"),
            ("csv", "id,label\n,a\n", r"in\.csv:2 the id is missing"),
            ("csv", "id,label,cycle\n1,a,x\n", r"in\.csv:2 cycle is 'x', not a whole number"),
            ("csv", "id,label,kind\n1,a,maybe\n", r"in\.csv:2 kind is 'maybe', not one of answer, skip"),
            ("csv", "id,label,kind\n1,a,skip\n", r"in\.csv:2 kind skip has no label"),
            ("csv", "id,label,kind\n1,,answer\n", r"in\.csv:2 kind answer needs a label"),
            ("jsonl", '{"id": "1", "label": "a"}\n{', r"in\.jsonl:2 not JSON"),
            ("jsonl", "[1]\n", r"in\.jsonl:1 expected an object with the keys id and label, got \[1\]"),
            ("jsonl", '{"id": 1, "label": "a"}\n', r"in\.jsonl:1 id is 1, not text"),
            ("jsonl", '{"id": "1", "label": "a", "cycle": true}\n', "cycle is True, not a whole number"),
            ("parquet", "nothing", r"in\.parquet: not a Parquet file"),
        ],
    )  # fmt: skip
    def test_mistakes_are_named_by_file_and_line(self, tmp_path, name, text, message):
        with pytest.raises(DataError, match=message):
            self.read(tmp_path, name, text)

    def test_parquet_without_its_columns(self, tmp_path):
        pyarrow.parquet.write_table(pyarrow.table({"path": ["a"]}), tmp_path / "in.parquet")
        with pytest.raises(DataError, match="has no column id and no label"):
            list(
                formats.get("parquet")().read(
                    tmp_path / "in.parquet", Known((), CLASSES, lambda: pool_of([]))
                )
            )


def test_every_printable_character_makes_a_harmless_name():
    for character in string.printable:
        name = file_name(character)
        assert name not in {"", ".", ".."}
        assert not set(name) & set('<>:"/\\|?*\n\r\t\0')
