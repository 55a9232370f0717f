"""The store of vectors: what it keeps, what it survives."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pyarrow
import pytest

from ncenet.errors import DataError
from ncenet.features import store as module
from ncenet.features.store import Store, stores

FINGERPRINT = "0123456789abcdef" * 2


def hashes(*numbers: int) -> list[str]:
    return [f"{number:032x}" for number in numbers]


def vectors(*numbers: int, width: int = 3) -> np.ndarray:
    return np.array(numbers, np.float32)[:, None] + np.arange(width, dtype=np.float32) / 4


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, "grid", FINGERPRINT)


def reopened(store: Store) -> Store:
    return Store(store.folder.parent, store.name, store.fingerprint)


def test_what_is_put_comes_back_in_any_order(store):
    store.put(hashes(5, 6), vectors(5, 6))
    store.put(hashes(1), vectors(1))
    for each in (store, reopened(store)):
        assert each.has(hashes(1, 2, 6)).tolist() == [True, False, True] and len(each) == 3
        assert np.array_equal(each.get(hashes(6, 1, 6, 5)), vectors(6, 1, 6, 5))


def test_opening_reads_no_vectors(store):
    store.put(hashes(*range(200)), np.zeros((200, 20_000), np.float32))
    before = pyarrow.total_allocated_bytes()
    again = reopened(store)
    assert len(again) == 200 and pyarrow.total_allocated_bytes() - before < 100_000, "8 MB lie in the file"


def test_an_image_without_a_vector_is_named(store):
    store.put(hashes(1), vectors(1))
    with pytest.raises(KeyError, match=hashes(2)[0]):
        store.get(hashes(1, 2))


def test_hashes_that_agree_in_their_first_half_are_told_apart(store):
    one, other = "ab" * 8 + "00" * 8, "ab" * 8 + "11" * 8
    store.put([one], vectors(1))
    assert store.has([one, other]).tolist() == [True, False]


def test_vectors_too_large_for_half_precision_are_kept_whole(store):
    large = np.array([[1e5, 1e-3, -2e6]], np.float32)
    store.put(hashes(1), large)
    store.put(hashes(2), vectors(2))
    assert np.array_equal(store.get(hashes(1, 2)), np.concatenate([large, vectors(2)]))


def test_a_vector_that_is_no_number_is_refused_and_nothing_is_written(store):
    wrong = vectors(1, 2)
    wrong[1, 0] = np.nan
    with pytest.raises(DataError, match=f"hash {hashes(2)[0]} holds nan or inf"):
        store.put(hashes(1, 2), wrong)
    assert len(reopened(store)) == 0


def test_what_another_has_kept_meanwhile_is_not_kept_twice(store):
    other = reopened(store)
    store.add(hashes(1, 2), vectors(1, 2))
    other.add(hashes(2, 3), vectors(2, 3))
    assert len(other) == len(reopened(store)) == 3
    assert np.array_equal(other.get(hashes(1, 2, 3)), vectors(1, 2, 3))
    other.add(hashes(2, 3), vectors(2, 3))
    assert len(list(store.folder.glob("*.arrow"))) == 2, "nothing new, and nothing is written"


def test_a_folder_that_cannot_be_locked_is_told(store, monkeypatch):
    denied = PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(store._lock, "acquire", refusing(denied))
    with pytest.raises(
        DataError, match="vectors cannot be written: permission denied; those that were written"
    ):
        store.add(hashes(1), vectors(1))


def test_two_fingerprints_are_two_stores(store):
    store.put(hashes(1), vectors(1))
    assert len(Store(store.folder.parent, "grid", "f" * 32)) == 0


def test_what_others_write_is_taken_up(store):
    other = reopened(store)
    other.put(hashes(1), vectors(1))
    assert not store.has(hashes(1))[0]
    store.refresh()
    assert store.has(hashes(1))[0]


def test_merging_leaves_one_file_and_every_vector(store):
    for number in range(10):
        store.put(hashes(number), vectors(number))
    reader = reopened(store)
    store.merge(many=4)
    assert len(list(store.folder.glob("*.arrow"))) == 1 and len(store) == 10
    assert np.array_equal(store.get(hashes(*range(10))), vectors(*range(10)))
    assert np.array_equal(reader.get(hashes(3, 9)), vectors(3, 9)), "who has the small files open reads on"
    reader.refresh()
    assert np.array_equal(reader.get(hashes(3, 9)), vectors(3, 9))


def test_large_chunks_are_left_alone(store):
    for start in (0, 3):
        store.put(hashes(*range(start, start + 3)), vectors(*range(start, start + 3)))
    for number in (6, 7):
        store.put(hashes(number), vectors(number))
    before = sorted(file.name for file in store.folder.glob("*.arrow"))[:2]
    store.merge(many=1, rows=3)
    after = sorted(file.name for file in store.folder.glob("*.arrow"))
    assert len(after) == 3 and after[:2] == before and len(store) == 8


@pytest.mark.parametrize("left", [0, 5, 300])
def test_a_damaged_chunk_is_named_and_set_aside(store, left):
    store.put(hashes(1), vectors(1))
    store.put(hashes(2), vectors(2))
    first, _ = sorted(store.folder.glob("*.arrow"))
    first.write_bytes(first.read_bytes()[:left])
    again = reopened(store)
    assert again.damaged == [first.with_suffix(".damaged")] and again.damaged[0].exists()
    assert again.has(hashes(1, 2)).tolist() == [False, True]
    again.put(hashes(1), vectors(1))
    assert reopened(store).damaged == [] and len(reopened(store)) == 2


def test_a_chunk_of_another_length_is_damaged(store):
    store.put(hashes(1), vectors(1))
    with pytest.raises(DataError, match=r"says 4 numbers of an image, and the vectors in .* have 3"):
        store.put(hashes(2), vectors(2, width=4))
    other = Store(store.folder.parent, "other", FINGERPRINT)
    other.put(hashes(2), vectors(2, width=4))
    (file,) = other.folder.glob("*.arrow")
    file.rename(store.folder / f"9{file.name}")
    again = reopened(store)
    assert len(again.damaged) == 1 and len(again) == 1


def test_nan_on_the_disk_is_an_error_that_names_the_file(store):
    store.put(hashes(1), vectors(1))
    (file,) = store.folder.glob("*.arrow")
    data = file.read_bytes()
    half = vectors(1).astype(np.float16).tobytes()
    assert data.count(half) == 1
    file.write_bytes(data.replace(half, np.full(3, np.nan, np.float16).tobytes()))
    with pytest.raises(DataError, match=rf"{file.name}: damaged: a vector holds nan or inf; remove"):
        reopened(store).get(hashes(1))


@pytest.mark.parametrize("about", ['{"format": "ncenet-features-9"}', "[]", "{"])
def test_a_store_of_another_version_is_refused(store, about):
    store.put(hashes(1), vectors(1))
    (store.folder / "about.json").write_text(about)
    with pytest.raises(DataError, match=r"a store of another version .* remove the folder"):
        reopened(store)


def test_a_full_disk_is_one_sentence_and_nothing_is_lost(store, monkeypatch):
    store.put(hashes(1), vectors(1))

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("ncenet.files.os.fsync", full)
    with pytest.raises(DataError, match=r"cannot be written: no space left on device; those .* are safe"):
        store.put(hashes(2), vectors(2))
    monkeypatch.undo()
    assert len(reopened(store)) == 1 and len(list(store.folder.iterdir())) == len({"about", ".lock", "chunk"})


def test_clear_removes_everything(store):
    store.put(hashes(1), vectors(1))
    store.clear()
    assert not store.folder.exists() and len(store) == 0 and not store.has(hashes(1))[0]


def test_stores_are_listed(store):
    store.put(hashes(1), vectors(1))
    (found,) = stores(store.folder.parent)
    assert isinstance(found, Store) and found.folder == store.folder and len(found) == 1
    about = json.loads((store.folder / "about.json").read_text())
    assert about["name"] == found.name == "grid" and about["fingerprint"] == found.fingerprint == FINGERPRINT


@pytest.mark.parametrize(
    "about",
    ['{"format": "ncenet-features-9"}', "{}", "[]", "{", '{"format": "ncenet-features-1", "name": "grid"}'],
)
def test_stores_that_are_none_of_ours_are_listed_as_folders(store, about):
    store.put(hashes(1), vectors(1))
    strange = store.folder.with_name("strange-0123")
    strange.mkdir()
    (strange / "about.json").write_text(about)
    first, second = stores(store.folder.parent)
    assert isinstance(first, Store) and second == strange


def refusing(error):
    def refuse(*given, **named):
        raise error

    return refuse


def test_what_cannot_be_removed_is_told(store, monkeypatch):
    store.put(hashes(1), vectors(1))
    denied = PermissionError(errno.EACCES, "Permission denied", "x.arrow")
    monkeypatch.setattr(module.shutil, "rmtree", refusing(denied))
    with pytest.raises(DataError, match=rf"{store.folder}: cannot be removed: permission denied"):
        store.clear()
    assert len(store) == 1


@pytest.mark.parametrize("code", [errno.EACCES, errno.EMFILE, errno.EIO])
def test_a_chunk_that_the_system_does_not_let_us_read_is_not_taken_for_damaged(store, monkeypatch, code):
    store.put(hashes(1), vectors(1))
    monkeypatch.setattr(pyarrow, "memory_map", refusing(OSError(code, os.strerror(code))))
    with pytest.raises(DataError, match=f"arrow: vectors cannot be read: {os.strerror(code).lower()}"):
        reopened(store)
    monkeypatch.undo()
    assert len(reopened(store)) == 1, "and it is where it was"


@pytest.mark.parametrize("error", [PermissionError(errno.EROFS, "Read-only"), OSError(errno.ENOSPC, "full")])
def test_chunks_that_cannot_be_merged_stay_as_they_are(store, monkeypatch, error):
    for number in range(3):
        store.put(hashes(number), vectors(number))
    monkeypatch.setattr(module, "whole", refusing(error))
    store.merge(many=1)
    assert np.array_equal(reopened(store).get(hashes(0, 1, 2)), vectors(0, 1, 2))


WRITER = """
import sys
import numpy as np
from pathlib import Path
from ncenet.features.store import Store

store, first = Store(Path(sys.argv[1]), "grid", sys.argv[2]), int(sys.argv[3])
for number in range(first, first + 40):
    store.put([f"{number:032x}"], np.full((1, 3), number, np.float32))
    store.merge()
    print(number, flush=True)
"""


def writer(store: Store, first: int) -> subprocess.Popen:
    words = [sys.executable, "-c", WRITER, store.folder.parent, FINGERPRINT, first]
    return subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True)


def test_two_processes_write_and_merge_at_once(store):
    both = [writer(store, first) for first in (0, 100)]
    for process in both:
        process.communicate()
        assert process.returncode == 0
    store.refresh()
    wanted = [*range(40), *range(100, 140)]
    assert store.get(hashes(*wanted))[:, 0].tolist() == wanted and store.damaged == []


def test_killed_in_the_middle_every_vector_that_was_told_of_is_there(store):
    process = writer(store, 0)
    told = [int(process.stdout.readline()) for _ in range(20)]
    process.kill()
    process.communicate()
    again = reopened(store)
    assert again.has(hashes(*told)).all() and again.damaged == []
