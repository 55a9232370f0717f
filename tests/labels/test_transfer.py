"""Labels out of a run and into another: nothing lost, nothing overwritten unasked, mistakes named."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil

import numpy as np
import pytest

import ncenet
from ncenet.errors import DataError, LedgerError, UnknownName, UsageError
from ncenet.labels.changes import apply, counts
from ncenet.labels.transfer import export_labels, known_of, read_labels
from ncenet.ledger import Answer, Ledger
from ncenet.run.opening import open_run
from tests.data.make import jpeg
from tests.labels.make import new_run, photos, standing

TOLD = {"a.jpg": "ant", "b.jpg": "bee", "sub/a.jpg": Answer.SKIP, "sub/c.jpg": "bee"}


@pytest.fixture
def data(tmp_path):
    return photos(tmp_path / "photos")


@pytest.fixture
def run(tmp_path, data):
    run = new_run(tmp_path / "run", data)
    yield run
    run.ledger.close()


@pytest.fixture
def other(tmp_path, data):
    run = new_run(tmp_path / "other", data)
    yield run
    run.ledger.close()


@pytest.fixture
def told(run):
    run.ledger.tell({"a.jpg": "bee"}, who="bob", cycle=0)
    run.ledger.tell(TOLD, who="ann", cycle=0)
    return run


def take(run, source, format=None, who=None):
    return read_labels(run, source, format=format, who=who, otherwise="me")


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "class-folders"])
class TestEachFormat:
    def test_another_run_gets_the_same_answers(self, tmp_path, told, other, format):
        out = tmp_path / "out"
        assert export_labels(told, out, format=format) == 4
        changes = take(other, out, format)
        assert counts(changes) == {"new": 4}
        assert standing(other) == {}, "comparing writes nothing"
        assert apply(other.ledger, changes) == 4
        assert standing(other) == standing(told)

    def test_what_is_there_already_is_not_recorded_again(self, tmp_path, told, format):
        export_labels(told, tmp_path / "out", format=format)
        before = told.ledger.dump()
        changes = take(told, tmp_path / "out", format, who="bob")
        assert counts(changes) == {"same": 4}
        assert apply(told.ledger, changes) == 0
        assert told.ledger.dump() == before


def test_the_end_of_the_name_says_the_format(tmp_path, told):
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        export_labels(told, tmp_path / name)
        assert counts(take(told, tmp_path / name)) == {"same": 4}
    with pytest.raises(UsageError, match=r"out: looks like no format; name one of class-folders, "):
        export_labels(told, tmp_path / "out")
    with pytest.raises(UnknownName, match="unknown label format 'cvs': did you mean 'csv'"):
        export_labels(told, tmp_path / "out", format="cvs")


class TestWhoSaysSo:
    def test_the_file_the_flag_or_the_login(self, tmp_path, told, other):
        export_labels(told, tmp_path / "out.csv")
        assert {change.who for change in take(other, tmp_path / "out.csv")} == {"ann"}
        assert {change.who for change in take(other, tmp_path / "out.csv", who="eve")} == {"eve"}
        (tmp_path / "plain.csv").write_text("id,label\na.jpg,ant\n")
        assert {change.who for change in take(other, tmp_path / "plain.csv")} == {"me"}


class TestWhatStands:
    def edited(self, told, tmp_path, old="ant", new="bee"):
        export_labels(told, tmp_path / "out.csv")
        text = (tmp_path / "out.csv").read_text()
        (tmp_path / "out.csv").write_text(text.replace(f",{old},", f",{new},"))
        return tmp_path / "out.csv"

    def test_an_edited_file_corrects_its_annotators_own_answers(self, tmp_path, told):
        changes = take(told, self.edited(told, tmp_path))
        assert counts(changes) == {"same": 3, "changed": 1}
        assert apply(told.ledger, changes) == 1
        assert standing(told)["a.jpg"][:3] == ("answer", "bee", "ann")

    def test_somebody_elses_answer_is_a_conflict(self, tmp_path, told):
        changes = take(told, self.edited(told, tmp_path), who="bob")
        assert counts(changes) == {"same": 3, "conflicting": 1}
        before = told.ledger.dump()
        with pytest.raises(DataError, match=r"(?s)'a\.jpg': bee, stands as ant by ann.*`on_conflict`"):
            apply(told.ledger, changes)
        assert apply(told.ledger, changes, on_conflict="keep") == 0
        assert told.ledger.dump() == before
        assert apply(told.ledger, changes, on_conflict="replace") == 1
        assert standing(told)["a.jpg"][:3] == ("answer", "bee", "bob")
        said = [(event.who, event.label) for event in told.ledger.events() if event.id == "a.jpg"]
        assert said == [("bob", "bee"), ("ann", "ant"), ("bob", "bee")], "nothing is overwritten"

    @pytest.mark.parametrize("meanwhile", ["bee", Answer.SKIP])
    def test_an_answer_that_came_in_between_is_a_conflict(self, tmp_path, told, other, meanwhile):
        """The import looked, then somebody answered, then the import writes."""
        export_labels(told, tmp_path / "out.csv")
        changes = take(other, tmp_path / "out.csv")
        assert counts(changes) == {"new": len(TOLD)}
        with Ledger(other.ledger.file) as page:
            page.tell({"a.jpg": meanwhile}, who="cleo", cycle=0)
        before = other.ledger.dump()
        with pytest.raises(DataError, match=r"(?s)conflicting: 'a\.jpg': ant, stands as (bee|skip) by cleo"):
            apply(other.ledger, changes)
        assert other.ledger.dump() == before, "all or none"
        assert apply(other.ledger, changes, on_conflict="keep") == len(TOLD) - 1
        assert standing(other)["a.jpg"][2] == "cleo"

    def test_an_image_that_changed_in_between_is_a_mismatch(self, tmp_path, told, other):
        export_labels(told, tmp_path / "out.csv")
        changes = take(other, tmp_path / "out.csv")
        with Ledger(other.ledger.file) as page:
            page.add_items([("a.jpg", "other bytes", None)])
        with pytest.raises(DataError, match=r"hash differs: 'a\.jpg'.*other bytes is there"):
            apply(other.ledger, changes)
        assert apply(other.ledger, changes, on_mismatch="skip") == len(TOLD) - 1
        assert "a.jpg" not in standing(other)

    def test_an_old_file_does_not_revert_a_later_answer(self, tmp_path, told):
        export_labels(told, tmp_path / "out.csv")
        text = (tmp_path / "out.csv").read_text()
        (tmp_path / "out.csv").write_text(re.sub(r"20\d\d-", "2001-", text))
        told.ledger.tell({"a.jpg": "bee"}, who="ann", cycle=0)
        assert counts(take(told, tmp_path / "out.csv")) == {"same": 3, "conflicting": 1}


class TestWhatDoesNotFit:
    def test_each_mismatch_is_named_and_stops_the_import_or_is_left_out(self, tmp_path, told, data):
        export_labels(told, tmp_path / "out.csv")
        text = (tmp_path / "out.csv").read_text()
        (tmp_path / "out.csv").write_text(text + '"d.jpg","ant","answer","","","","",""\n')
        fresh_data = photos(tmp_path / "fresh")
        (fresh_data / "b.jpg").write_bytes(jpeg(77))
        fresh = new_run(tmp_path / "fresh-run", fresh_data, classes=("ant", "cow"))
        fresh.ledger.add_items([("a.jpg", known_of(fresh).items[0].hash, "too dark")])
        changes = take(fresh, tmp_path / "out.csv")
        assert {change.record.id: change.status for change in changes} == {
            "a.jpg": "unreadable",
            "b.jpg": "hash differs",
            "sub/a.jpg": "new",
            "sub/c.jpg": "unknown class",
            "d.jpg": "unknown id",
        }
        with pytest.raises(DataError, match=r"(?s)4 answers do not fit.*too dark.*`on_mismatch=skip`"):
            apply(fresh.ledger, changes)
        assert standing(fresh) == {}
        assert apply(fresh.ledger, changes, on_mismatch="skip") == 1
        assert list(standing(fresh)) == ["sub/a.jpg"]
        fresh.ledger.close()

    def test_two_answers_for_one_image(self, tmp_path, run):
        (tmp_path / "in.csv").write_text("id,label\na.jpg,ant\na.jpg,ant\na.jpg,bee\n")
        with pytest.raises(DataError, match=r"in\.csv: answers 'a\.jpg' twice, and differently"):
            take(run, tmp_path / "in.csv")

    def test_no_file(self, tmp_path, run):
        with pytest.raises(UsageError, match=r"no\.csv: there is no such file or folder"):
            take(run, tmp_path / "no.csv")


class TestClassFolders:
    @pytest.fixture
    def folders(self, tmp_path, told):
        export_labels(told, tmp_path / "out", format="class-folders")
        return tmp_path / "out"

    def test_the_files_are_those_that_were_labelled(self, folders, data):
        assert (folders / "bee" / "sub" / "c.jpg").read_bytes() == (data / "sub" / "c.jpg").read_bytes()
        assert not (folders / "ant" / "a.jpg").is_symlink()
        assert sorted(path.name for path in folders.iterdir()) == ["ant", "bee", "labels.csv"]

    def test_links(self, tmp_path, told, data):
        export_labels(told, tmp_path / "out", format="class-folders", link=True)
        file = tmp_path / "out" / "ant" / "a.jpg"
        assert file.is_symlink() and file.resolve() == (data / "a.jpg").resolve()
        with pytest.raises(UsageError, match="`link` is for formats that copy images"):
            export_labels(told, tmp_path / "a.csv", link=True)

    def test_moving_a_file_changes_its_label(self, told, folders):
        (folders / "bee" / "sub").mkdir(exist_ok=True)
        os.renames(folders / "ant" / "a.jpg", folders / "bee" / "a.jpg")
        changes = {change.record.id: change for change in take(told, folders, "class-folders")}
        assert changes["a.jpg"].status == "changed" and changes["a.jpg"].record.label == "bee"
        assert counts(changes.values()) == {"same": 3, "changed": 1}

    def test_removing_a_file_removes_its_answer_from_the_file_alone(self, told, folders):
        (folders / "ant" / "a.jpg").unlink()
        assert counts(take(told, folders, "class-folders")) == {"same": 3}

    def test_without_the_table_images_are_known_by_their_bytes(self, told, folders):
        (folders / "labels.csv").unlink()
        os.renames(folders / "ant" / "a.jpg", folders / "ant" / "renamed.jpg")
        changes = take(told, folders, "class-folders", who="ann")
        assert {change.record.id for change in changes} == {"a.jpg", "b.jpg", "sub/c.jpg"}
        assert counts(changes) == {"same": 3}

    def test_copies_of_one_image_are_told_apart_by_name_or_not_at_all(self, tmp_path, data):
        shutil.copy(data / "a.jpg", data / "copy.jpg")
        run = new_run(tmp_path / "copies", data)
        named = photos(tmp_path / "in" / "ant", ("copy.jpg", "x.jpg")).parent
        (named / "ant" / "x.jpg").unlink()
        assert [change.record.id for change in take(run, named, "class-folders")] == ["copy.jpg"]
        (named / "ant" / "copy.jpg").rename(named / "ant" / "other.jpg")
        with pytest.raises(DataError, match=r"ant/other\.jpg: 2 images of the run have these bytes"):
            take(run, named, "class-folders")
        run.ledger.close()

    def test_an_image_in_no_folder(self, told, folders, data):
        shutil.copy(data / "b.jpg", folders / "b.jpg")
        with pytest.raises(DataError, match=r"b\.jpg: lies in no class folder"):
            take(told, folders, "class-folders")

    def test_an_image_that_changed_since_is_not_exported(self, tmp_path, told, data):
        (data / "b.jpg").write_bytes(jpeg(77))
        with pytest.raises(DataError, match=r"'b\.jpg' changed since it was entered or labelled"):
            export_labels(told, tmp_path / "out", format="class-folders")
        assert not (tmp_path / "out").exists() and not list(tmp_path.glob("*.partial"))

    def test_a_folder_that_is_there_is_left_alone(self, told, folders):
        with pytest.raises(UsageError, match="is there already; remove it or name another"):
            export_labels(told, folders, format="class-folders")

    def test_a_file_is_no_folder(self, tmp_path, told):
        (tmp_path / "file").write_text("")
        with pytest.raises(DataError, match="is no folder"):
            take(told, tmp_path / "file", "class-folders")


def test_nothing_to_export(tmp_path, run):
    with pytest.raises(DataError, match="there are no answers yet"):
        export_labels(run, tmp_path / "a.csv")


def test_a_reader_of_a_read_only_ledger_writes_nothing(tmp_path, told):
    export_labels(told, tmp_path / "out.csv")
    with open_run(told.folder, read_only=True) as run:
        told.ledger.undo("a.jpg", who="ann")
        changes = read_labels(run, tmp_path / "out.csv", otherwise="me")
        with pytest.raises((LedgerError, DataError)):
            apply(run.ledger, changes, on_conflict="replace")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_held_out_images_are_marked(tmp_path, suffix):
    pool = ncenet.ArrayPool(np.arange(60, dtype=np.float32).reshape(20, 3))
    recipe = {"loop.held_out": 4}
    with ncenet.open(tmp_path / "run", pool=pool, classes=["a", "b"], backbone="mlp", recipe=recipe) as run:
        held_out = run.ask(4).ids
        run.tell(dict.fromkeys(held_out, "a"))
        asked = run.ask(3).ids
        run.tell(dict.fromkeys(asked, "b"))
        out = tmp_path / f"labels.{suffix}"
        run.export(out)
        assert {change.status for change in run.read_labels(out)} == {"same"}
    if suffix == "parquet":
        rows = pytest.importorskip("pyarrow.parquet").read_table(out).to_pylist()
    else:
        text = out.read_text().splitlines()
        rows = [json.loads(line) for line in text] if suffix == "jsonl" else list(csv.DictReader(text))
    marks = {row["id"]: row["held_out"] for row in rows}
    assert marks == dict.fromkeys(held_out, "yes") | dict.fromkeys(asked, "")
