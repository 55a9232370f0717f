"""Whatever a file says of an answer counts, on every way in; what it can't mean is refused."""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet.errors import DataError, UsageError
from ncenet.labels.changes import apply
from ncenet.labels.transfer import read_labels
from tests.labels.make import new_run, photos, standing


@pytest.fixture
def run(tmp_path):
    with new_run(tmp_path / "run", photos(tmp_path / "photos"), ("ant", "bee")) as run:
        yield run


def rows(suffix, *answers):
    """A file of answers of that form."""
    if suffix == ".csv":
        columns = list(answers[0])
        return "\n".join([",".join(columns), *(",".join(row.values()) for row in answers)]) + "\n"
    if suffix == ".jsonl":
        return "".join(json.dumps(row) + "\n" for row in answers)
    return json.dumps(answers)


WAYS = [("tell", ".csv"), ("tell", ".json"), ("import", ".csv"), ("import", ".jsonl")]


@pytest.mark.parametrize(("command", "suffix"), WAYS)
def test_annotators_that_a_file_names(ncenet, run, tmp_path, command, suffix):
    answers = [{"id": "a.jpg", "label": "ant", "who": "ann"}, {"id": "b.jpg", "label": "bee", "who": ""}]
    (tmp_path / f"a{suffix}").write_text(rows(suffix, *answers))
    assert ncenet(command, "run", f"a{suffix}").code == 0
    by = {id: who for id, (_, _, who, _) in standing(run).items()}
    assert by["a.jpg"] == "ann"
    assert by["b.jpg"] not in ("", "ann")
    assert ncenet(command, "run", f"a{suffix}", "--who", "bob").code == 0


@pytest.mark.parametrize(("command", "suffix"), WAYS)
def test_answers_about_other_bytes_are_refused(ncenet, run, tmp_path, command, suffix):
    fits = {"id": "a.jpg", "label": "ant", "hash": run.pool.content_hash("a.jpg")}
    (tmp_path / f"a{suffix}").write_text(rows(suffix, fits, {"id": "b.jpg", "label": "bee", "hash": "dead"}))
    done = ncenet(command, "run", f"a{suffix}")
    assert (done.code, "'b.jpg'" in done.said, "dead" in done.said) == (1, True, True), done.said
    assert standing(run) == {}
    (tmp_path / f"a{suffix}").write_text(rows(suffix, fits))
    assert ncenet(command, "run", f"a{suffix}").code == 0


@pytest.mark.parametrize(("command", "suffix"), WAYS)
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"label": "ant", "kind": "skip"}, "kind skip has no label"),
        ({"label": "", "kind": "answer"}, "kind answer needs a label"),
        ({"label": "ant", "at": "yesterday"}, "at is 'yesterday', not a time such as"),
        ({"label": "ant", "at": "2026-13-01T00:00:00Z"}, "not a time such as"),
        ({"label": "ant", "at": "0001-01-01T00:00:00+05:00"}, "not a time such as"),
    ],
)
def test_what_contradicts_itself(ncenet, run, tmp_path, command, suffix, answer, why):
    (tmp_path / f"a{suffix}").write_text(rows(suffix, {"id": "a.jpg"} | answer))
    done = ncenet(command, "run", f"a{suffix}")
    assert (done.code, why in done.said) == (1, True), done.said
    assert standing(run) == {}


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("2100-01-01T11:00:00+12:00", "conflicting"),  # 23:00 of the day before
        ("2100-01-01T11:00:00-12:00", "changed"),
        ("2100-01-01 00:00:00.001", "changed"),
    ],
)
def test_times_are_compared_as_times(run, tmp_path, monkeypatch, at, status):
    run.tell({"a.jpg": "bee"}, who="ann")
    stands = [event._replace(at="2100-01-01T00:00:00.000Z") for event in run.ledger.answers()]
    monkeypatch.setattr(run.ledger, "answers", lambda: stands)
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "a.jpg", "label": "ant", "who": "ann", "at": at}))
    (change,) = read_labels(run, tmp_path / "a.jsonl", otherwise="me")
    assert change.status == status


def test_a_key_of_a_box_that_stands_twice(ncenet, tmp_path):
    new_run(tmp_path / "run", photos(tmp_path / "photos"), ("ant",), task="detection").close()
    text = '[{"box": [1, 1, 5, 5], "box": [2, 2, 6, 6], "label": "ant"}]'
    (tmp_path / "a.json").write_text(json.dumps({"a.jpg": text}))
    done = ncenet("tell", "run", "a.json")
    assert (done.code, "the key 'box' stands twice in a record" in done.said) == (1, True), done.said


def test_parquet_that_is_damaged_anywhere_is_named_or_read(run, tmp_path):
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["a.jpg"] * 50, "label": ["ant"] * 50}), file)
    whole, refused = file.read_bytes(), 0
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place : place + 3] = b"\xff\xff\xff"
        file.write_bytes(damaged)
        try:
            read_labels(run, file, otherwise="me")
        except (DataError, UsageError) as error:
            assert str(error).startswith(str(file)), (place, error)
            assert "\n" not in str(error)
            refused += 1
    assert refused > 10
    file.write_bytes(whole)
    assert apply(run.ledger, read_labels(run, file, otherwise="me")) == 1


def test_a_pipe_or_device_is_not_waited_for(run, tmp_path):
    os.mkfifo(tmp_path / "pipe.parquet")
    (tmp_path / "zero.parquet").symlink_to("/dev/zero")
    for name in ("pipe.parquet", "zero.parquet"):
        with pytest.raises(
            DataError, match=rf"{name}: not a Parquet file that can be read: is no regular file"
        ):
            read_labels(run, tmp_path / name, otherwise="me")
