"""What earlier looks found: taken where nothing changed, and nowhere else."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from ncenet.data import ArrayPool, FolderPool, ParquetPool, Subset, scan
from ncenet.data import scan_cache as module
from ncenet.data.pools import EncodedPool, stamp
from ncenet.data.scan_cache import read_looks, stamp_of

from .make import gray_png, jpeg, write


@pytest.fixture
def later(monkeypatch):
    """An hour has passed since any file was written."""
    monkeypatch.setattr(module.time, "time", lambda now=time.time: now() + 3600)


@pytest.fixture
def decoded(monkeypatch):
    """Ids of the images that are decoded from now on."""
    ids = []
    original = EncodedPool.probe

    def probe(self, id):
        ids.append(id)
        return original(self, id)

    monkeypatch.setattr(EncodedPool, "probe", probe)
    return ids


@pytest.fixture
def folder(tmp_path):
    good = {"a.jpg": jpeg(1), "b.png": gray_png(), "z/copy.jpg": jpeg(1)}
    return write(tmp_path / "pool", {**good, "broken.jpg": jpeg()[:-100]})


def test_only_what_changed_is_decoded_and_the_outcome_is_the_same(folder, tmp_path, later, decoded):
    kept = tmp_path / "looks.csv"

    def look(expected: set[str]):
        decoded.clear()
        found = scan(FolderPool(folder), kept=kept)
        assert set(decoded) == expected
        plain = scan(FolderPool(folder))
        assert replace(found, problems=()) == replace(plain, problems=())
        assert found.readable == plain.readable, "in the order of the pool"
        assert list(map(str, found.problems)) == list(map(str, plain.problems))
        return found

    first = look({"a.jpg", "b.png", "z/copy.jpg", "broken.jpg"})
    assert first.duplicates == (("a.jpg", "z/copy.jpg"),)
    again = look({"broken.jpg"})
    assert [problem.id for problem in again.problems] == ["broken.jpg"]

    write(folder, {"new.jpg": jpeg(7)})  # added
    assert "new.jpg" in look({"broken.jpg", "new.jpg"}).hashes
    write(folder, {"a.jpg": jpeg(8, height=300)})  # changed
    changed = look({"broken.jpg", "a.jpg"})
    assert changed.duplicates == () and changed.sizes.largest == 300
    (folder / "b.png").unlink()  # removed
    assert "b.png" not in look({"broken.jpg"}).hashes
    assert set(read_looks(kept)) == {"a.jpg", "new.jpg", "z/copy.jpg"}
    write(folder, {"z/copy.jpg": b"<html>404</html>"})  # broken
    assert [problem.id for problem in look({"broken.jpg", "z/copy.jpg"}).problems] == [
        "broken.jpg",
        "z/copy.jpg",
    ]
    write(folder, {"broken.jpg": jpeg(3)})  # repaired
    assert [problem.id for problem in look({"broken.jpg", "z/copy.jpg"}).problems] == ["z/copy.jpg"]


def test_another_file_of_the_same_size_and_date_is_noticed(folder, tmp_path, later, decoded):
    kept = tmp_path / "looks.csv"
    scan(FolderPool(folder), kept=kept)
    old, other = folder / "a.jpg", write(tmp_path, {"other.jpg": jpeg(1)[:-1] + b"\0"}) / "other.jpg"
    os.utime(other, ns=(old.stat().st_atime_ns, old.stat().st_mtime_ns))
    assert other.stat().st_size == old.stat().st_size
    other.replace(old)
    decoded.clear()
    found = scan(FolderPool(folder), kept=kept)
    assert "a.jpg" in decoded
    assert found.duplicates == ()


def test_a_file_that_was_written_a_moment_ago_is_looked_at_again(folder, tmp_path, decoded):
    kept = tmp_path / "looks.csv"
    for _ in range(2):
        decoded.clear()
        scan(FolderPool(folder), kept=kept)
        assert set(decoded) == {"a.jpg", "b.png", "broken.jpg", "z/copy.jpg"}
    assert read_looks(kept) == {}


def test_a_row_of_a_parquet_file_has_the_stamp_of_the_file(tmp_path, later, decoded):
    file, kept = tmp_path / "pets.parquet", tmp_path / "looks.csv"
    pyarrow.parquet.write_table(pyarrow.table({"image": [jpeg(1), jpeg(2)]}), file)
    first = scan(ParquetPool(file), kept=kept)
    decoded.clear()
    assert scan(ParquetPool(file), kept=kept) == first
    assert decoded == []
    pyarrow.parquet.write_table(pyarrow.table({"image": [jpeg(2), jpeg(1), jpeg(3)]}), file)
    turned = scan(ParquetPool(file), kept=kept)
    assert turned.hashes["pets/00000"] == first.hashes["pets/00001"]
    assert decoded == ["pets/00000", "pets/00001", "pets/00002"]


def test_stamps(folder, tmp_path, later):
    pool = FolderPool(folder)
    assert stamp(Subset(pool, ["a.jpg"]), "a.jpg") == stamp_of(folder / "a.jpg") != stamp(pool, "b.png")
    assert stamp_of(tmp_path / "gone.jpg") is None
    assert stamp(ArrayPool(np.zeros((1, 8, 8), np.uint8)), "00000") is None


@pytest.mark.parametrize(
    "text", ["", "id,hash\na.jpg,5d41\n", "id,stamp,hash,mode,height,width\na.jpg,1-2-3,5d41,RGB,8"]
)
def test_a_file_that_is_not_as_we_write_it_tells_nothing(folder, tmp_path, later, text):
    kept = tmp_path / "looks.csv"
    kept.write_text(text)
    assert read_looks(kept) == {}
    scan(FolderPool(folder), kept=kept)
    assert set(read_looks(kept)) == {"a.jpg", "b.png", "z/copy.jpg"}
