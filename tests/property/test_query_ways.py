"""The ids of a query come through every file on their way unchanged: scores in, a query out, answers back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ncenet
from ncenet.label_studio.annotations import record_of
from ncenet.label_studio.image_names import ImageNames
from ncenet.label_studio.tasks import HASH, ID, class_result, our_control
from ncenet.labels.changes import apply, effects_of
from ncenet.labels.query_file import write_query_file
from ncenet.labels.records import Known
from ncenet.labels.table import read_answers
from ncenet.ledger import Item
from ncenet.tables import read_csv, write_csv
from ncenet.web.messages import Parcel, deliveries
from tests.labels.make import new_run, photos, standing

CLASSES = ("ant", "bee")
ODD = "\"',;=+-@\t\r\n .é漢\u200d\U0001f41c\ufeff<&%/aZ0\\:"
ids = st.lists(
    st.text(st.sampled_from(ODD), min_size=1, max_size=12).filter(str.strip),
    min_size=2,
    max_size=5,
    unique=True,
)
slow = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def csv_scores(file, rows):
    write_csv(file, tuple(rows[0]), [tuple(row.values()) for row in rows])


def raw_csv_scores(file, rows):
    write_csv(file, tuple(rows[0]), [tuple(row.values()) for row in rows], raw=True)


def parquet_scores(file, rows):
    pq.write_table(pa.Table.from_pylist(rows), file)


FORMS = {
    "scores.csv": csv_scores,
    "raw.csv": raw_csv_scores,
    "scores.parquet": parquet_scores,
}


@pytest.mark.parametrize("name", FORMS)
@slow
@given(wanted=ids, raw=st.booleans())
def test_from_scores_to_answers(name, wanted, raw):
    rows = [
        {"id": id, "likelihood[ant]": 0.5 + n / 100, "likelihood[bee]": 0.5 - n / 100}
        for n, id in enumerate(wanted)
    ]
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / name, Path(folder) / "query.csv"
        FORMS[name](file, rows)
        query = ncenet.select(str(file), len(rows))
        assert query.ids == tuple(wanted), "the least certain first"
        write_query_file(out, query, None, raw=raw)
        known = Known([Item(id, "") for id in wanted], CLASSES, lambda: None)
        columns, lines = read_csv(out)
        write_csv(out, columns, [(id, score, "ant") for id, score, _ in lines], raw=raw)
        answers = [(record.id, record.label) for record, _ in read_answers(out, known)]
        assert answers == [(id, "ant") for id in wanted]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ids")
    names = ("a b.jpg", "=1.jpg", "é漢.jpg", "sub/a b.jpg", "x%41.jpg", "A B.jpg", "q?#&.jpg")
    with new_run(folder / "run", photos(folder / "photos", names), CLASSES) as run:
        yield run


@slow
@given(data=st.data())
def test_answers_by_the_page_and_by_label_studio_are_about_their_images(run, data):
    items = {item.id: item for item in run.ledger.items()}
    id, label = data.draw(st.sampled_from(sorted(items))), data.draw(st.sampled_from(CLASSES))
    control, find = our_control(CLASSES, "classification"), ImageNames(list(items.values())).find
    task = {"id": 1, "data": {ID: id, HASH: items[id].hash, control.key: "/data/upload/1/x.jpg"}}
    said = {"id": 1, "result": class_result(label, control), "completed_by": {"id": 7, "email": "ann@b.c"}}
    record = record_of(task, said, {}, "classification", control, find=lambda about: find(about, control.key))
    apply(run.ledger, effects_of(run, [record], otherwise="me"), on_conflict="replace")
    assert standing(run)[id][1] == label
    entry = {"key": f"key-{uuid4()}", "id": id, "kind": "answer", "label": label}
    (delivery,) = deliveries(Parcel(who="bob", entries=[entry]), detection=False, gate=run.sizes.gate())
    assert run.ledger.inbox.deliver([delivery], cycle=0, classes=CLASSES) == {delivery.key: None}
    assert standing(run)[id] == ("answer", label, "bob", items[id].hash)
