"""What others do between the look at an answer and its record counts: they may answer, or change classes."""

import threading

import pytest

from ncenet.errors import DataError, UnknownName, UsageError
from ncenet.label_studio import backend as studio
from ncenet.label_studio.annotations import NoAnswer
from ncenet.labels.changes import apply, effects_of
from ncenet.labels.query_file import write_query_file
from ncenet.labels.records import Record
from ncenet.ledger import Ledger
from ncenet.run.opening import open_run
from ncenet.types import Query
from tests.labels.make import new_run, photos, standing

CLASSES = ("ant", "bee", "fly")


@pytest.fixture
def run(tmp_path):
    with new_run(tmp_path / "run", photos(tmp_path / "photos"), CLASSES) as run:
        yield run


@pytest.fixture
def elsewhere(run):
    """The same ledger, as another process has it open."""
    with Ledger(run.folder / "ledger.sqlite") as ledger:
        yield ledger


def looked_at(run):
    records = [Record("a.jpg", "ant"), Record("b.jpg", "bee"), Record("sub/a.jpg", "fly")]
    return effects_of(run, records, otherwise="me")


@pytest.mark.parametrize("change", ["rename", "merge"])
def test_a_class_that_got_another_name_is_recorded_as_that(run, elsewhere, change):
    changes = looked_at(run)
    getattr(elsewhere.classes, change)("ant", {"rename": "Ant", "merge": "fly"}[change], who="cleo")
    assert apply(run.ledger, changes) == 3
    assert {label for _, label, _, _ in standing(run).values()} <= set(run.class_names)
    assert standing(run)["a.jpg"][1] == {"rename": "Ant", "merge": "fly"}[change]


@pytest.mark.parametrize("on_mismatch", ["stop", "skip"])
def test_a_class_that_is_gone_is_none(run, elsewhere, on_mismatch):
    changes = looked_at(run)
    elsewhere.classes.delete("ant", who="cleo")
    if on_mismatch == "stop":
        with pytest.raises(DataError, match=r"unknown class: .a\.jpg.: ant"):
            apply(run.ledger, changes)
        assert standing(run) == {}
    else:
        assert apply(run.ledger, changes, on_mismatch="skip") == 2
        assert set(standing(run)) == {"b.jpg", "sub/a.jpg"}


def test_what_is_told_is_of_the_classes_of_that_moment(run, elsewhere):
    """Many answers and one deletion: never does an answer stand whose class is gone."""
    ids, stop = [item.id for item in run.ledger.items()], threading.Event()

    def change():
        for _ in range(10):
            elsewhere.classes.delete("ant", who="cleo")
            elsewhere.classes.undo(who="cleo")
        elsewhere.classes.delete("ant", who="cleo")
        stop.set()

    thread = threading.Thread(target=change)
    with open_run(run.folder) as other:
        thread.start()
        while not stop.is_set():
            for id in ids:
                try:
                    other.tell({id: "ant"}, who="ann")
                except UnknownName:
                    continue
                other.tell({id: None}, who="ann")
        thread.join()
    assert {label for _, label, _, _ in standing(run).values()} <= {"bee", "fly"}


def test_a_skip_takes_no_answer_away_that_came_while_it_was_read(run, elsewhere, monkeypatch):
    task = {"id": 1, "data": {"ncenet_id": "a.jpg"}}
    skip = {"id": 1, "was_cancelled": True, "result": [], "completed_by": 7}
    looked = studio.effects_of

    def slow(*args, **changes):
        found = looked(*args, **changes)
        elsewhere.tell({"a.jpg": "bee"}, who="ann", cycle=0)
        return found

    monkeypatch.setattr(studio, "effects_of", slow)
    with pytest.raises(NoAnswer, match="ann answered: the answer stands"):
        studio.MlBackend(run)._record(task, skip, None)
    assert standing(run)["a.jpg"][:3] == ("answer", "bee", "ann")


def test_labels_that_were_filled_in_while_a_query_was_made_stay(run, tmp_path):
    out = tmp_path / "query.csv"
    write_query_file(out, Query(("a.jpg", "b.jpg"), (1.0, 0.5)), run.ledger)
    out.write_text(out.read_text().replace("a.jpg,1.0,", "a.jpg,1.0,ant"))
    with pytest.raises(UsageError, match=r"1 label in it was not told yet, the first about 'a\.jpg'"):
        write_query_file(out, Query(("b.jpg",), (0.5,)), run.ledger)
    assert "a.jpg,1.0,ant" in out.read_text()
    run.tell({"a.jpg": "ant"}, who="ann")
    write_query_file(out, Query(("b.jpg",), (0.5,)), run.ledger)
    assert out.read_text() == "id,score,label\nb.jpg,0.5,\n"
