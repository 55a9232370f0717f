"""A query's file is replaced when nothing in it would be lost."""

import json
import shutil

import pytest

from ncenet.errors import UsageError
from ncenet.labels.query_file import check_replaceable
from ncenet.ledger import Answer, Ledger
from ncenet.tables import write_csv
from tests.labels.make import new_run, photos

BOXES = [{"box": [1, 2, 3.0, 4], "label": "cat"}]


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.add_items((id, f"hash of {id}", None) for id in ("a", "b", "=c", "d"))
        yield ledger


def query(tmp_path, *labels, columns=("id", "score", "label")):
    write_csv(tmp_path / "query.csv", columns, [(id, 0.5, label) for id, label in labels])
    return tmp_path / "query.csv"


def test_what_may_go(tmp_path, ledger):
    check_replaceable(tmp_path / "query.csv", ledger)
    check_replaceable(tmp_path / "query.csv", None)
    (tmp_path / "query.csv").touch()
    check_replaceable(tmp_path / "query.csv", ledger)
    check_replaceable(query(tmp_path, ("a", ""), ("b", " ")), None)
    ledger.tell({"a": "cat", "b": Answer.SKIP, "=c": "dog"}, who="ann", cycle=0)
    file = query(tmp_path, ("a", "cat "), ("b", "skip"), ("=c", "dog"), ("d", ""))
    check_replaceable(file, ledger)
    ledger.tell({"a": "dog", "b": None}, who="bob", cycle=0)
    check_replaceable(file, ledger)  # corrected since, or taken back: it was told
    check_replaceable(query(tmp_path, ("b", "undo")), ledger)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([("a", "dog"), ("b", "skip")], "2 labels in it were not told yet, the first about 'a'"),
        ([("a", "cat"), ("d", "skip")], "1 label in it was not told yet, the first about 'd'"),
        ([("a", "undo")], "1 label in it"),
        ([("somewhere else", "cat")], "1 label in it"),
        ([("=c", "cat")], "the first about '=c'"),
    ],
)
def test_a_label_that_was_not_told(tmp_path, ledger, labels, said):
    ledger.tell({"a": "cat"}, who="ann", cycle=0)
    file = query(tmp_path, *labels)
    before = file.read_bytes()
    with pytest.raises(UsageError) as refused:
        check_replaceable(file, ledger)
    assert said in str(refused.value) and "tell them first" in str(refused.value)
    assert file.read_bytes() == before


def test_boxes_are_told_however_they_are_written(tmp_path, ledger):
    ledger.remember("task", "detection")
    ledger.tell({"a": json.dumps(BOXES)}, who="ann", cycle=0)
    check_replaceable(query(tmp_path, ("a", json.dumps(BOXES, indent=1))), ledger)
    with pytest.raises(UsageError, match="not told yet"):
        check_replaceable(query(tmp_path, ("a", "[]")), ledger)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,score,label,notes\na,1,,mine\n", "no query: its columns are id, score, label, notes"),
        ("id;score;label\na;1;cat\n", "no query: its columns are id;score;label,"),
        ("# my diary\n", "no query: its columns are # my diary"),
        ('id,score,label\n"a,1,cat\n', "not CSV"),
    ],
)
def test_what_is_no_query_stays(tmp_path, ledger, text, said):
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(UsageError) as refused:
        check_replaceable(tmp_path / "mine.csv", ledger)
    assert said in str(refused.value) and "name another file" in str(refused.value)


def test_neither_folders_nor_devices(tmp_path, ledger):
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "folder", "/dev/null"):
        with pytest.raises(UsageError, match="is no file"):
            check_replaceable(tmp_path / place, ledger)


QUERY = "id,score,label\na.jpg,0.5,ant\n"


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("run/ledger.sqlite", "is a file of the run in"),
        ("run/recipe.yaml", "is a file of the run in"),
        ("run/bad_images.csv", "is a file of the run in"),
        ("other.sqlite", "is a database there already, such as a ledger"),
        ("query.csv", "1 label in it was not told yet, the first about 'a.jpg', and would be lost"),
    ],
)
def test_an_export_takes_the_place_of_nothing_that_stands_there_alone(ncenet, tmp_path, out, why):
    with new_run(tmp_path / "run", photos(tmp_path / "photos")) as run:
        run.tell({"b.jpg": "bee"}, who="ann")
    (tmp_path / "run/bad_images.csv").write_text(QUERY)
    (tmp_path / "query.csv").write_text(QUERY)
    shutil.copy(tmp_path / "run/ledger.sqlite", tmp_path / "other.sqlite")
    before = (tmp_path / out).read_bytes()
    done = ncenet("export", "run", out, "--format", "csv")
    assert (done.code, why in done.said) == (2, True), done.said
    assert (tmp_path / out).read_bytes() == before


def test_an_export_replaces_what_was_exported_or_told(ncenet, tmp_path):
    with new_run(tmp_path / "run", photos(tmp_path / "photos")) as run:
        run.tell({"a.jpg": "ant"}, who="ann")
    (tmp_path / "query.csv").write_text(QUERY)
    for _ in range(2):
        assert ncenet("export", "run", "query.csv").code == 0
        assert ncenet("export", "run", "run/labels.csv").code == 0
