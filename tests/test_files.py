"""Files appear whole, or not at all; folders are for one process at a time."""

import errno
import json
import os
import pathlib
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from time import sleep

import pytest

from ncenet.errors import UsageError
from ncenet.files import alone, lives, whole, write_json, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    file = tmp_path / "a.txt"
    with whole(file) as partial:
        partial.write_text("half")
        assert not file.exists()
    assert (names(tmp_path), file.read_text()) == (["a.txt"], "half")


def test_folders_above_it_are_made(tmp_path):
    with whole(tmp_path / "new" / "deep" / "a.txt") as partial:
        partial.write_text("a")
    assert names(tmp_path / "new" / "deep") == ["a.txt"]


def test_an_error_leaves_what_was_there(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("before")
    with pytest.raises(RuntimeError, match="no more"), whole(file) as partial:
        partial.write_text("half")
        raise RuntimeError("no more")
    assert (names(tmp_path), file.read_text()) == (["a.txt"], "before")


def test_folders_are_whole_too(tmp_path):
    with whole(tmp_path / "out") as partial:
        partial.mkdir()
        (partial / "a.txt").write_text("a")
    assert (names(tmp_path), names(tmp_path / "out")) == (["out"], ["a.txt"])
    with pytest.raises(RuntimeError), whole(tmp_path / "other") as partial:
        partial.mkdir()
        raise RuntimeError
    assert names(tmp_path) == ["out"]


HALF = """
import os, pathlib, signal, sys, ncenet.files
with ncenet.files.whole(pathlib.Path(sys.argv[1])) as partial:
    partial.mkdir()
    (partial / "half.txt").write_text("half")
    {end}
"""


def begun(target, end):
    """A process that has begun to write a folder."""
    program = [sys.executable, "-c", HALF.format(end=end), target]
    return subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_what_a_killed_process_left_goes_and_nothing_else(tmp_path):
    long = "é" * 100
    theirs = [
        "out.partial",
        ".out.ncenet-0123456789ab-1-01234567.partial",
        ".out.ncenet-old",
        f".{long}.partial",
    ]
    for name in theirs:
        (tmp_path / name / "mine").mkdir(parents=True)
    for target in ("out", long):
        with begun(tmp_path / target, "os.kill(os.getpid(), signal.SIGKILL)") as killed:
            killed.wait(60)
    left = sorted(set(names(tmp_path)) - set(theirs))
    assert len(left) == 2 and all(name.startswith(".") and name.endswith(".partial") for name in left)
    with whole(tmp_path / "other") as partial:
        partial.write_text("")
    assert set(left) < set(names(tmp_path)), "those are left to whoever writes the same again"
    for target in ("out", long):
        with whole(tmp_path / target) as partial:
            partial.write_text("whole")
    assert names(tmp_path) == sorted([*theirs, "out", long, "other"])
    assert all((tmp_path / name / "mine").exists() for name in theirs)


def test_a_file_within_a_file_needs_one_temporary_name(tmp_path):
    with whole(tmp_path / "a.json") as partial:
        write_json(partial, {})
        assert names(tmp_path) == [partial.name]
        assert json.loads(partial.read_text()) == {}
    assert names(tmp_path) == ["a.json"]


def test_two_who_write_the_same_do_not_meet(tmp_path):
    with begun(tmp_path / "out", "print('in', flush=True); input()") as other:
        assert other.stdout.readline() == "in\n"
        write_text(tmp_path / "out", "mine")
        assert len(names(tmp_path)) == 2, "the other one lives, and goes on with its own"
        other.communicate("\n")
    assert other.returncode != 0, "a folder does not replace a file"
    assert (names(tmp_path), (tmp_path / "out").read_text()) == (["out"], "mine")


@pytest.mark.parametrize("folder", [False, True])
def test_it_is_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch, folder):
    forced, target = set(), tmp_path / "out"

    def fsync(descriptor):
        path = pathlib.Path(f"/proc/self/fd/{descriptor}").readlink()
        forced.add(("renamed" if target.exists() else "before", path.name.partition(".nc")[0]))

    monkeypatch.setattr(os, "fsync", fsync)
    with whole(target) as partial:
        if folder:
            (partial / "sub").mkdir(parents=True)
            (partial / "sub" / "a").write_text("a")
            (partial / "sub" / "link").symlink_to("a")
        else:
            partial.write_text("a")
    inside = {("before", "sub"), ("before", "a")} if folder else set()
    assert forced == {("before", ".out"), ("renamed", tmp_path.name), *inside}


def test_a_full_disk_names_the_file(tmp_path, disk_for):
    with (
        disk_for(1000),
        pytest.raises(OSError, match=r"File too large: .*/a'$"),
        whole(tmp_path / "a") as partial,
    ):
        partial.write_bytes(bytes(2000))
    assert names(tmp_path) == []


def test_a_copy_that_finds_no_room_names_what_was_to_be_written(tmp_path, disk_for):
    (tmp_path / "source").write_bytes(bytes(2000))
    with (
        disk_for(1000),
        pytest.raises(OSError, match=r"File too large: .*/a'$"),
        whole(tmp_path / "a") as partial,
    ):
        shutil.copyfile(tmp_path / "source", partial)
    assert names(tmp_path) == ["source"]


def test_a_file_system_that_is_only_read_names_the_file(tmp_path, monkeypatch):
    """There even what isn't there can't be removed, in words of the temporary name."""

    def refuses(path, missing_ok=False):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "unlink", refuses)
    with pytest.raises(OSError, match=r"Read-only file system: '.*/a'$"), whole(tmp_path / "a") as partial:
        raise OSError(errno.EROFS, "Read-only file system", str(partial))


def test_a_file_that_cannot_be_made_is_called_by_its_name(tmp_path):
    with (
        pytest.raises(OSError, match=r"directory: '.*/a'$"),
        whole(tmp_path / "a") as partial,
    ):
        partial.write_text(partial.read_text())


def test_line_ends_stay_as_they_are(tmp_path):
    write_text(tmp_path / "a.txt", "one\r\ntwo\n")
    assert (tmp_path / "a.txt").read_bytes() == b"one\r\ntwo\n"


def test_records(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1]}


def test_a_folder_is_for_one_at_a_time(tmp_path):
    folder = tmp_path / "run"
    with alone(folder):
        with (
            pytest.raises(UsageError, match=r"run: another ncenet is at work in this folder; wait"),
            alone(folder, patience=0.1),
        ):
            pass
        with alone(tmp_path / "other"):
            pass
    with alone(folder):
        pass


def test_who_waits_gets_the_folder_when_the_other_has_done(tmp_path):
    inside, order = Event(), []

    def first():
        with alone(tmp_path):
            inside.set()
            sleep(0.2)
            order.append("first")

    thread = Thread(target=first)
    thread.start()
    inside.wait(10)
    with alone(tmp_path, wait=True):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_a_killed_process_lets_go(tmp_path):
    code = (
        "import sys, pathlib, time, ncenet.files\n"
        "with ncenet.files.alone(pathlib.Path(sys.argv[1])):\n"
        "    print('in', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(UsageError, match="at work"), alone(tmp_path, patience=0.1):
            pass
        other.kill()
        other.wait()
    with alone(tmp_path):
        pass


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_who_died_and_was_not_collected_yet_writes_no_more():
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and a zombie still
    assert not lives(child.pid) and lives(os.getpid())
    child.wait()
