"""Pools in Parquet shards: the same images as in one file, in memory that is bounded."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet.data import shards as module
from ncenet.data.open import open_dataset
from ncenet.data.readers.shards import ParquetShard
from ncenet.data.shard_reader import shard_file
from ncenet.data.shards import ShardedPool
from ncenet.errors import DataError, UnreadableImage
from tests.data.make import jpeg, write

READERS = {"parquet": "shards", "tar": "webdataset"}


@pytest.fixture
def folder(tmp_path):
    for name, first, count in (("day/a", 0, 5), ("night/a", 5, 3)):
        file = tmp_path / "pool" / f"{name}.parquet"
        file.parent.mkdir(parents=True)
        rows = [jpeg(first + n) for n in range(count)]
        labels = ["cat", "dog", "cat", "cat", "dog"][:count]
        pq.write_table(pa.table({"image": rows, "label": labels}), file, row_group_size=2)
    top = tmp_path / "pool/top.parquet"
    pq.write_table(pa.table({"image": [jpeg(8), None], "label": ["dog", "dog"]}), top)
    return tmp_path / "pool"


def test_ids_and_images(folder):
    pool = ShardedPool(str(folder))
    assert list(pool.ids()) == [*(f"day/a/{n:05}" for n in range(5)), *(f"night/a/{n:05}" for n in range(3)),
                                "top/00000", "top/00001"]  # fmt: skip
    for number, id in enumerate(list(pool.ids())[:9]):
        assert pool.read(id) == jpeg(number) and pool.ids().index(id) == number and pool.ids()[number] == id
    with pytest.raises(UnreadableImage, match="no bytes in this row"):
        pool.load("top/00001")
    for id in ("day/a/00005", "day/a/5", "night/b/00000", "", "top/-1"):
        assert id not in pool.ids()
        with pytest.raises(DataError, match="there is no image"):
            pool.read(id)


def test_a_copy_in_another_process_reads_the_same(folder):
    pool = pickle.loads(pickle.dumps(ShardedPool(str(folder))))
    assert pool.read("night/a/00002") == jpeg(7)


def test_labels_and_the_door(folder):
    data = open_dataset(str(folder))
    assert set(data.class_names) == {"cat", "dog"} and isinstance(data.pool, ShardedPool)
    assert data.required_oracle().answer(["day/a/00001", "night/a/00000"]) == {
        "day/a/00001": "dog",
        "night/a/00000": "cat",
    }
    assert list(open_dataset(f"{folder}/*.parquet").pool.ids()) == ["top/00000", "top/00001"]


def test_few_row_groups_are_kept(folder, monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES", 1)
    pool = ShardedPool(str(folder))
    for id in list(pool.ids())[:9]:
        pool.read(id)
        assert pool.kept == 1


def test_threads_that_want_a_block_read_it_once(folder, monkeypatch):
    """A block may have a hundred megabytes, and the page asks for forty pictures at once."""
    pool, reads, read = ShardedPool(str(folder), channels=3), [], ParquetShard.read
    begun = threading.Barrier(8)

    def slow(shard, block, columns):
        reads.append((shard.address, block))
        time.sleep(0.05)
        return read(shard, block, columns)

    def look(number):
        begun.wait(timeout=30)
        return pool.read("day/a/00000") == jpeg(0)

    monkeypatch.setattr(ParquetShard, "read", slow)
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(look, range(8)))
    assert len(reads) == 1


def test_no_block_is_read_to_tell_gray_from_color(tmp_path, monkeypatch):
    """Of many blocks the first rows are looked at, and a block may have a hundred megabytes."""
    table = pa.table({"image": [jpeg(n) for n in range(40)]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    looked = []
    first = ParquetShard.first
    monkeypatch.setattr(ParquetShard, "first", lambda self, *a: looked.append(a[0]) or first(self, *a))
    monkeypatch.setattr(ParquetShard, "read", None)
    assert ShardedPool(str(tmp_path / "a.parquet")).channels == 3
    assert len(looked) == 16 and len(set(looked)) == 16


@pytest.mark.parametrize("column", [[1, 2], [[b"a"], [b"b"]]])
def test_columns_that_are_no_images(tmp_path, column):
    write(tmp_path, {"x/.keep": b""})
    pq.write_table(pa.table({"image": column}), tmp_path / "x/a.parquet")
    with pytest.raises(DataError, match="not encoded bytes"):
        ShardedPool(str(tmp_path / "x"))


def test_memory_does_not_grow_with_the_file(tmp_path):
    """600 MB in shards are read through in 256 MB and what a row group takes."""
    noise = np.random.default_rng(0).bytes(1_000_000)
    for number in range(2):
        rows = [number.to_bytes(4) + row.to_bytes(4) + noise for row in range(300)]
        pq.write_table(
            pa.table({"image": rows}), tmp_path / f"{number}.parquet", row_group_size=25, compression=None
        )
    code = (
        "import sys, resource\n"
        "from ncenet.data.shards import ShardedPool\n"
        "pool = ShardedPool(sys.argv[1], channels=3)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "total = sum(len(pool.read(id)) for id in pool.ids())\n"
        "print(total, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
    )
    total, megabytes = map(int, said.stdout.split())
    assert total == 600 * 1_000_008 and megabytes < 420


@pytest.mark.parametrize("form", ["parquet", "tar"])
def test_a_stream_does_not_keep_what_was_read(tmp_path, monkeypatch, form):
    """40 MB in one file, of images of 100 kB, pass in tables of two megabytes."""
    where = "ncenet.parquet_rows" if form == "parquet" else f"ncenet.data.readers.{READERS[form]}"
    monkeypatch.setattr(f"{where}.WANTED_BYTES", 2_000_000)
    noise = np.random.default_rng(0).bytes(100_000)
    rows = [row.to_bytes(4) + noise for row in range(400)]
    if form == "parquet":
        pq.write_table(pa.table({"image": rows}), tmp_path / "a.parquet", row_group_size=25, compression=None)
    else:
        with tarfile.open(tmp_path / "a.tar", "w") as file:
            for number, row in enumerate(rows):
                about = tarfile.TarInfo(f"{number:03}.jpg")
                about.size = len(row)
                file.addfile(about, io.BytesIO(row))
    file = shard_file(str(tmp_path / f"a.{form}"))
    before, counts, held = pa.total_allocated_bytes(), [], []
    for table in file.stream([file.image_column()], 256):
        counts.append(len(table))
        held.append(pa.total_allocated_bytes() - before)
    assert sum(counts) == 400 and 15 < max(counts) < 25
    assert 1_000_000 < max(held) < 12_000_000


def test_tables_of_a_stream_do_not_end_where_row_groups_do(tmp_path):
    table = pa.table({"image": [jpeg(n) for n in range(25)]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=3)
    tables = list(ParquetShard(str(tmp_path / "a.parquet")).stream(["image"], 10))
    assert [len(each) for each in tables] == [10, 10, 5]
    assert pa.concat_tables(tables).equals(table)


def test_a_stray_table_makes_no_shards_of_a_photo_folder(tmp_path):
    write(tmp_path, {"june/1.jpg": jpeg(0), "2.jpg": jpeg(1)})
    pq.write_table(pa.table({"image": [jpeg(2)]}), tmp_path / "export.parquet")
    assert list(open_dataset(str(tmp_path)).pool.ids()) == ["2.jpg", "june/1.jpg"]
    (tmp_path / "2.jpg").unlink()
    assert list(open_dataset(str(tmp_path)).pool.ids()) == ["june/1.jpg"]
