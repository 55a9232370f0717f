"""Streams of Arrow whose buffers are compressed: read as others are, and never unpacked beyond memory."""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pytest

from ncenet.arrow_batches import messages
from ncenet.data.open import open_dataset
from ncenet.data.readers.huggingface import ArrowShard
from ncenet.errors import DataError
from tests.data.make import jpeg

LONG = 300_000
"""Bytes of a text that compresses well; stands in front of it where it is compressed."""


def stream(folder, codec, *, named_once=False):
    """Two batches of images with keys, and a column of long texts."""
    keys = pa.array(["a", "b", "c"])
    table = pa.table(
        {
            "image": pa.array([jpeg(n) for n in range(3)]),
            "key": keys.dictionary_encode() if named_once else keys,
            "note": ["x" * LONG, "", None],
        }
    )
    file = folder / "data-00000-of-00001.arrow"
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=2)
    return file


@pytest.mark.parametrize("named_once", [False, True])
@pytest.mark.parametrize("codec", [None, "zstd", "lz4"])
def test_compressed_or_not_they_are_read_alike(tmp_path, codec, named_once):
    file = stream(tmp_path, codec, named_once=named_once)
    shard = ArrowShard(str(file))
    assert list(shard.ends) == [2, 3]
    parts = [*shard.stream(["key", "image"], 1), shard.read(1, ["key", "image"])]
    assert [part["key"].to_pylist() for part in parts] == [["a"], ["b"], ["c"], ["c"]]
    assert parts[2]["image"].to_pylist() == parts[3]["image"].to_pylist() == [jpeg(2)]
    assert list(open_dataset(str(file)).pool.ids()) == [f"data-00000-of-00001/{n:05}" for n in range(3)]


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_what_would_unpack_to_more_than_memory_holds_is_refused_before_it_does(tmp_path, codec):
    file = stream(tmp_path, codec)
    told = struct.pack("<q", LONG)
    assert told in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(told, struct.pack("<q", 2**50)))
    for attempt in (
        lambda: ArrowShard(str(file)).ends,
        lambda: list(ArrowShard(str(file)).stream(["key"], 9)),
    ):
        with pytest.raises(DataError, match=rf"{file.name}: unpacked it has [\d,]+ GB, more than 50% of"):
            attempt()


@pytest.mark.parametrize("codec", [None, "zstd"])
def test_damage_anywhere_in_a_message_is_told_of_the_file(tmp_path, codec):
    file = stream(tmp_path, codec, named_once=True)
    sound, rng = file.read_bytes(), np.random.default_rng(0)
    told = 0
    for place in rng.choice(3000, 60, replace=False):
        damaged = bytearray(sound)
        damaged[place] ^= int(rng.integers(1, 256))
        file.write_bytes(damaged)
        try:
            with pa.memory_map(str(file)) as read:
                list(messages(read, "x"))
            list(ArrowShard(str(file)).stream(["key"], 9))
        except DataError:
            told += 1
        except (pa.ArrowException, OSError):  # by messages alone, which a reader puts into words
            with pytest.raises(DataError, match=file.name):
                list(ArrowShard(str(file)).stream(["key"], 9))
            told += 1
    assert told > 8, "some bytes fill gaps, others are of images"
