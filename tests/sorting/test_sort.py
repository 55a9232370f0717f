"""Images into folders: what people said, what the model is sure of, and nothing lost on the way."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

import ncenet
from ncenet.errors import DataError, UsageError
from ncenet.files import whole
from ncenet.run.opening import open_run
from ncenet.run.relink import relink
from ncenet.sorting import sort as module
from ncenet.sorting.plan import Opinion, evidence_of, plan, read_plan
from ncenet.sorting.sort import expected_of, sort_images, undo_sort
from tests.commands import run_command
from tests.data.make import bomb_png
from tests.web.conftest import CLASSES, TINY, paint, truth


def surely(run, notify=None):
    """A model that is sure of all images but those whose number ends in 7."""
    return {
        item.id: Opinion(truth(item.id), 0.3 if item.id[3] == "7" else 0.97)
        for item in run.ledger.items()
        if item.problem is None
    }


def sort(run, out, said=None, **options):
    """Sort, by the word of that model unless another is given."""
    return sort_images(run, out, said=surely(run) if said is None else said, **options)


@pytest.fixture
def run(tmp_path):
    photos = paint(tmp_path / "photos")
    (photos / "b099.png").write_bytes(b"no image")
    recipe = {**TINY, "data.on_bad_image": "skip"}
    with ncenet.open(tmp_path / "run", images=photos, classes=CLASSES, recipe=recipe):
        pass
    with open_run(tmp_path / "run") as opened:
        told = {"r000.png": "red", "g001.png": "blue", "b002.png": ncenet.Answer.SKIP}
        opened.tell(told | {"r003.png": ncenet.Answer.UNSURE}, who="ann")
        yield opened


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("sorted.csv", "sorting.json", ".sort.lock")
    }


@pytest.mark.parametrize("how", ["copy", "link", "move"])
def test_each_image_lies_where_people_or_the_model_say(run, tmp_path, how):
    before = files(tmp_path / "photos")
    done = sort(run, tmp_path / "sorted", how=how)
    after = files(tmp_path / "sorted")
    assert done.counts == {"red": 12, "green": 10, "blue": 12, "review": 5, "skipped": 1, "unreadable": 1}
    assert "blue/g001.png" in after, "what a person said counts, whatever the model thinks"
    assert "review/red/r003.png" in after, "an unsure answer is for review"
    assert "review/green/g007.png" in after and "red/r006.png" in after
    assert all(before[path.rpartition("/")[2]] == data for path, data in after.items())
    kept = files(tmp_path / "photos")
    assert kept == before if how != "move" else set(kept) == {"b099.png"}
    assert ("skipped/b002.png" in after) == (how == "move"), "nothing stays behind that is needed"
    if how == "link":
        assert (tmp_path / "sorted/red/r006.png").samefile(tmp_path / "photos/r006.png")
    said = {row.id: row.by for row in read_plan(tmp_path / "sorted/sorted.csv")}
    assert (said["r000.png"], said["r006.png"], said["g007.png"]) == ("person", "model", "unlikely")
    assert (said["b002.png"], said["b099.png"], said["r003.png"]) == ("skipped", "unreadable", "unsure")

    assert undo_sort(tmp_path / "sorted", run.folder) == {}
    assert files(tmp_path / "photos") == before and not (tmp_path / "sorted").exists()


def test_a_sort_that_was_killed_before_it_began_begins_again(run, tmp_path):
    sort(run, tmp_path / "whole")
    out = tmp_path / "sorted"
    out.mkdir()
    shutil.copy(tmp_path / "whole/sorted.csv", out)
    with pytest.raises(RuntimeError), whole(out / "sorting.json") as partial:
        left = partial.name
        raise RuntimeError
    (out / re.sub(r"-\d+-", f"-{10**9}-", left)).write_text("{")  # of a process that lives no more
    sort(run, out)
    assert sorted(files(out)) == sorted(files(tmp_path / "whole"))


def test_nothing_is_overwritten(run, tmp_path):
    out = tmp_path / "sorted"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something else"):
        sort(run, out)
    assert files(out) == {"mine.txt": b"mine"}
    with pytest.raises(UsageError, match="lies within the images"):
        sort(run, tmp_path / "photos" / "sorted")
    sort(run, tmp_path / "there")
    with pytest.raises(UsageError, match="is sorted already"):
        sort(run, tmp_path / "there", above=0.5)
    changed = tmp_path / "there/red/r006.png"
    changed.write_bytes(b"edited")
    assert undo_sort(tmp_path / "there", run.folder) == {"r006.png": "was changed since it was sorted"}
    assert files(tmp_path / "there") == {"red/r006.png": b"edited"}


def test_a_file_that_came_meanwhile_stays_and_stops_the_sort(run, tmp_path, monkeypatch):
    real, out = module.place, tmp_path / "sorted"

    def place(pool, row, folder, how):
        if row.id == "r006.png":
            (folder / row.to).write_bytes(b"somebody else's")
        real(pool, row, folder, how)

    monkeypatch.setattr(module, "place", place)
    with pytest.raises(UsageError, match=r"r006\.png: is there already, and is something else"):
        sort(run, out, how="move")
    assert (out / "red/r006.png").read_bytes() == b"somebody else's"
    assert (tmp_path / "photos/r006.png").exists()


def test_images_that_changed_or_went_are_left_and_named(run, tmp_path):
    shutil.copyfile(tmp_path / "photos/g004.png", tmp_path / "photos/r006.png")
    (tmp_path / "photos/r009.png").unlink()
    done = sort(run, tmp_path / "sorted", how="move")
    assert done.left["r006.png"] == "changed since it was looked at"
    assert "no such file" in done.left["r009.png"]
    assert (tmp_path / "photos/r006.png").exists() and len(done.left) == 2


KILLED = """
import os, signal, sys
from pathlib import Path
import ncenet.sorting.{where} as at, ncenet.sorting.sort as module
from ncenet.files import whole
from ncenet.run.opening import open_run
from tests.sorting.test_sort import sort
real, left = at.{step}, [{after}]
def step(*words, **named):
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return real(*words, **named)
at.{step} = step
if {undo}:
    module.undo_sort(Path(sys.argv[2]), Path(sys.argv[1]))
else:
    sort(open_run(Path(sys.argv[1]), read_only=True), Path(sys.argv[2]), how="{how}")
"""


def killed(run, out, *, where, step, after, how="move", undo=False):
    code = KILLED.format(where=where, step=step, after=after, how=how, undo=undo)
    done = subprocess.run([sys.executable, "-c", code, run.folder, out], check=False)
    assert done.returncode == -9


@pytest.mark.parametrize(
    ("where", "step", "after"),
    [
        ("sort", "write_plan", 0),
        ("sort", "write_json", 0),
        ("sort", "place", 0),
        ("sort", "place", 9),
        ("place", "_finish_move", 5),  # the image has both names
        ("sort", "write_json", 1),  # all are there, and nothing says so
    ],
)
def test_a_sort_that_is_killed_goes_on_and_loses_nothing(run, tmp_path, where, step, after):
    before, out = files(tmp_path / "photos"), tmp_path / "sorted"
    killed(run, out, where=where, step=step, after=after)
    assert set(before.values()) <= set((files(tmp_path / "photos") | files(out)).values())
    done = sort(run, out, how="move")
    assert done.left == {} and len(files(out)) == 40
    killed(run, out, where="sort", step="undo_place", after=11, undo=True)
    with pytest.raises(UsageError, match="is being taken back"):
        sort(run, out, how="move")
    undo_sort(out, run.folder)
    assert files(tmp_path / "photos") == before and not out.exists()


def test_a_copy_that_was_cut_off_is_no_image(run, tmp_path):
    out = tmp_path / "sorted"
    killed(run, out, where="place", step="_named", after=3, how="copy")
    assert (out / ".placing").exists()
    done = sort(run, out)
    assert done.left == {} and not (out / ".placing").exists()
    assert set(files(out).values()) <= set(files(tmp_path / "photos").values())
    with pytest.raises(UsageError, match="name another folder"):
        sort(run, out)


def test_an_interrupted_sort_goes_on_as_it_was_begun(run, tmp_path):
    killed(run, tmp_path / "sorted", where="sort", step="place", after=4, how="copy")
    with pytest.raises(UsageError, match=r"with above 0\.9 was interrupted here, and this one has 0\.5"):
        sort(run, tmp_path / "sorted", above=0.5)


def test_names_that_are_odd_get_a_place_of_their_own(tmp_path):
    photos = tmp_path / "photos"
    paint(photos, 6)
    (photos / "deep").mkdir()
    shutil.copy(photos / "r000.png", photos / "deep/what? a: name .png")
    shutil.copy(photos / "r000.png", photos / "R000.PNG")
    classes = ("review", "a/b", "Sorted.csv", "..", "CON")
    with ncenet.open(tmp_path / "run", images=photos, classes=classes, recipe=TINY):
        pass
    with open_run(tmp_path / "run") as run:
        ids = [item.id for item in run.ledger.items()]
        run.tell({id: classes[n % 5] for n, id in enumerate(ids)}, who="ann")
        rows = plan(run, evidence_of(run, {}), 0.9)
        sort(run, tmp_path / "sorted", said={})
    assert len({row.to.casefold() for row in rows}) == len(ids) == 8
    assert not any(row.to.startswith("review/") for row in rows), "that is for the doubtful"
    assert len(files(tmp_path / "sorted")) == 8


def test_what_is_to_be_expected_comes_from_held_out_images(run):
    from ncenet.run.held_out import held_out_ids

    ids = held_out_ids(run.ledger)
    run.tell({id: truth(id) for id in ids}, who="ann")
    wrong = {ids[0]: Opinion("red" if truth(ids[0]) != "red" else "blue", 0.95)}
    (at,) = expected_of(run, (0.9,), said=surely(run) | wrong)
    sure = sum(id[3] != "7" for id in ids)
    assert (at.wrong, at.held_out) == (1, sure) and at.by_people == len({*ids, "r000.png", "g001.png"})
    assert at.interval[0] < 1 / sure < at.interval[1]


def test_by_command_from_a_model_that_was_trained(tmp_path, capsys):
    photos = paint(tmp_path / "photos", 60)
    folder = tmp_path / "run"
    recipe = {**TINY, "loop.held_out": 12, "train.epochs": 3}
    with ncenet.open(folder, images=photos, classes=CLASSES, recipe=recipe) as run:
        for _ in range(2):
            run.tell({id: truth(id) for id in run.ask(12).ids})
        run.fit()
        assert len(run.labels) == 24
        found = run.sort(tmp_path / "by-python", above=0.0)
        assert sum(found.counts.values()) == 60
    told = run_command(capsys, ["sort", folder, "--json"])
    table = json.loads(told.out)["expected"]
    assert [row["above"] for row in table] == [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]
    assert all(row["of"] == 60 and row["by_people"] == 24 for row in table)
    assert table[0]["held_out"] >= table[-1]["held_out"]
    done = run_command(capsys, ["sort", folder, tmp_path / "sorted", "--above", "0", "--how", "link"])
    assert done.code == 0 and "at 0: 60 of 60 sorted, 24 of them by people" in done.out
    assert {path.name for path in (tmp_path / "sorted").iterdir()} > set(CLASSES)
    again = run_command(capsys, ["sort", folder, tmp_path / "sorted"])
    assert again.code == 2 and "is sorted already" in again.said
    undone = run_command(capsys, ["sort", folder, tmp_path / "sorted", "--undo"])
    assert undone.code == 0 and not (tmp_path / "sorted").exists()


def test_without_a_model_it_says_what_is_missing(tmp_path, capsys):
    photos = paint(tmp_path / "photos", 9)
    with ncenet.open(tmp_path / "run", images=photos, classes=CLASSES, recipe=TINY):
        pass
    told = run_command(capsys, ["sort", tmp_path / "run", tmp_path / "sorted"])
    assert told.code == 2 and "no model yet, and 9 images without a label" in told.said
    assert not (tmp_path / "sorted").exists()


def test_after_a_move_the_run_goes_on_with_the_sorted_folder(run, tmp_path):
    before = dict(run.ledger.labeled())
    sort(run, tmp_path / "sorted", how="move")
    found = relink(run.folder, str(tmp_path / "sorted"))
    assert not found.missing and found.found["r006.png"] == "red/r006.png"
    assert found.found["b002.png"] == "skipped/b002.png", "what was skipped has an answer too"
    with open_run(run.folder) as again:
        assert dict(again.ledger.labeled()) == before
        assert again.pool.read("r006.png") == (tmp_path / "sorted/red/r006.png").read_bytes()
    assert undo_sort(tmp_path / "sorted", run.folder) == {}
    assert relink(run.folder, str(tmp_path / "photos")).missing == []


class TestFromAStranger:
    """A table says where files go, and may be somebody else's: none leaves the sorted folder or the run."""

    def test_undo_moves_only_images_of_the_run_that_is_named(self, run, tmp_path):
        out, mine = tmp_path / "sorted", tmp_path / "mine"
        sort(run, out, how="move")
        header = json.loads((out / "sorting.json").read_text())
        (out / "sorting.json").write_text(json.dumps(header | {"root": str(mine)}))
        table = (out / "sorted.csv").read_text()
        (out / "sorted.csv").write_text(table.replace("r006.png", ".bashrc"))
        with pytest.raises(UsageError, match=r"sorted from .*/run, and .*/run holds no such image '.bashrc'"):
            undo_sort(out, run.folder)
        assert not mine.exists()

    def test_undo_with_another_run_changes_nothing(self, run, tmp_path):
        sort(run, tmp_path / "sorted")
        before = files(tmp_path / "sorted")
        other = tmp_path / "others"
        other.mkdir()
        for file in (tmp_path / "photos").glob("r00*.png"):
            (other / f"x{file.name}").write_bytes(file.read_bytes())
        with ncenet.open(tmp_path / "other", images=other, classes=CLASSES, recipe=TINY):
            pass
        with pytest.raises(
            UsageError, match=r"sorted: was sorted from .*/run, and .*/other holds no such image"
        ):
            undo_sort(tmp_path / "sorted", tmp_path / "other")
        assert files(tmp_path / "sorted") == before

    @pytest.mark.parametrize("how", ["copy", "link", "move"])
    def test_a_link_in_it_leads_nowhere(self, run, tmp_path, how):
        out, elsewhere = tmp_path / "sorted", tmp_path / "elsewhere"
        sort(run, out, how=how)
        (out / "red").rename(elsewhere)
        (out / "red").symlink_to(elsewhere)
        before = files(elsewhere)
        with pytest.raises(UsageError, match="a link leads out of the sorted folder"):
            undo_sort(out, run.folder)
        assert files(elsewhere) == before

    @pytest.mark.parametrize("kind", ["pipe", "device", "sparse", "folder", "bomb"])
    def test_what_lies_in_the_place_of_an_image_is_looked_at_in_time(self, run, tmp_path, kind):
        out = tmp_path / "sorted"
        sort(run, out)
        place = out / "red/r006.png"
        place.unlink()
        match kind:
            case "pipe":
                os.mkfifo(place)
            case "device":
                place.symlink_to("/dev/zero")
            case "sparse":
                with place.open("wb") as file:
                    file.truncate(50_000_000_000)
            case "folder":
                place.mkdir()
            case "bomb":
                place.write_bytes(bomb_png(60_000, 60_000))
        assert undo_sort(out, run.folder) == {"r006.png": "was changed since it was sorted"}
        assert os.path.lexists(place)


@pytest.mark.parametrize(
    "header",
    [{}, [], {"how": "copy", "root": None}, {"how": "burn"}, {"state": "done"}, {"run": 7}, {"root": 7}],
)
def test_a_header_that_is_damaged_is_named(run, tmp_path, header):
    out = tmp_path / "sorted"
    sort(run, out)
    whole = json.loads((out / "sorting.json").read_text())
    damaged = header if header in ({}, [], {"how": "copy", "root": None}) else whole | header
    (out / "sorting.json").write_text(json.dumps(damaged))
    for again in (lambda: sort(run, out), lambda: undo_sort(out, run.folder)):
        with pytest.raises(DataError, match=r"sorting\.json: damaged: put it back from a copy"):
            again()


def test_a_class_called_skipped_gets_another_folder(tmp_path):
    photos = paint(tmp_path / "photos", 3)
    with ncenet.open(tmp_path / "run", images=photos, classes=("skipped", "red"), recipe=TINY):
        pass
    with open_run(tmp_path / "run") as run:
        run.tell({"r000.png": "skipped", "g001.png": ncenet.Answer.SKIP, "b002.png": "red"}, who="ann")
        sort(run, tmp_path / "sorted", how="move", said={})
        rows = {row.id: row.to for row in read_plan(tmp_path / "sorted/sorted.csv")}
    assert rows["g001.png"] == "skipped/g001.png"
    assert not rows["r000.png"].startswith("skipped/"), "what people skipped lies apart from that class"
    assert set(files(tmp_path / "sorted")) == set(rows.values())
