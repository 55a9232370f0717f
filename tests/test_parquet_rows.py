"""Small Parquet files that unpack to much: no more than fits is ever read at once, whoever reads."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet import parquet_rows
from ncenet.data.open import open_dataset
from ncenet.errors import DataError
from ncenet.features.vectors import VectorTable
from ncenet.labels.formats import formats
from ncenet.labels.records import Known
from ncenet.parquet_rows import batches, read_fitting, rows_at_once, spelt_out
from ncenet.selection.choose import open_files
from tests.data.make import jpeg

LONG = "x" * 20_000
ROWS = 501
WAYS = {
    "named once": {"use_dictionary": True},
    "like the one before": {"use_dictionary": False, "column_encoding": "DELTA_BYTE_ARRAY"},
}


@pytest.fixture(params=WAYS)
def bomb(request, tmp_path):
    """Write columns, of ten megabytes where their values are long, into a file of some kilobytes."""

    def write(**columns):
        file = tmp_path / "bomb.parquet"
        table = pa.table(columns)
        encoded = dict(WAYS[request.param])
        if "column_encoding" in encoded:
            text = [n for n in table.column_names if table.schema.field(n).type in (pa.string(), pa.binary())]
            encoded["column_encoding"] = dict.fromkeys(text, encoded["column_encoding"])
        pq.write_table(table, file, **encoded)
        assert file.stat().st_size < 100_000
        return file

    return write


@pytest.fixture
def asked(monkeypatch):
    """A machine that lets two megabytes be unpacked at once, in batches of 200 kB; what it was asked for."""
    sizes = []

    def check(size):
        sizes.append(size)
        if size > 2_000_000:
            raise ValueError("unpacked it has too much")

    monkeypatch.setattr(parquet_rows, "check_memory", check)
    monkeypatch.setattr(parquet_rows, "MOST_BYTES", 200_000)
    return sizes


def test_batches_are_small(bomb, asked):
    file = bomb(id=[LONG] * ROWS, n=list(range(ROWS)))
    with pq.ParquetFile(file) as opened:
        sizes = [batch.nbytes for batch in batches(opened, file, ["id"])]
        assert max(sizes) < 400_000 and sum(sizes) > 10_000_000
        few = list(batches(opened, file, ["n"]))
        assert len(few) == 1, "a column that is as long as it looks is read at once"
        with pytest.raises(DataError, match=r"bomb\.parquet: unpacked it has too much"):
            read_fitting(opened, file, ["id"], file)


READERS = {
    "labels of images": (
        lambda file: open_dataset(str(file)),
        lambda: {"image": [jpeg()] * ROWS, "label": [LONG] * ROWS},
    ),
    "images": (lambda file: open_dataset(str(file)), lambda: {"image": [LONG.encode()] * ROWS}),
    "labels of shards": (
        lambda file: open_dataset(str(file.parent)),
        lambda: {"image": [jpeg()] * ROWS, "label": [LONG] * ROWS},
    ),
    "boxes": (
        lambda file: open_dataset(str(file), task="detection"),
        lambda: {"image": [jpeg()] * ROWS, "boxes": [[]] * ROWS, "labels": [LONG] * ROWS},
    ),
    "ids of vectors": (
        lambda file: VectorTable(file),
        lambda: {"id": [LONG] * ROWS, "vector": np.zeros((ROWS, 2), np.float32).tolist()},
    ),
    "answers": (
        lambda file: list(formats.get("parquet")().read(file, Known([], ("a",), lambda: None))),
        lambda: {"id": ["a"] * ROWS, "label": [LONG] * ROWS},
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_whoever_reads_refuses_what_does_not_fit(bomb, asked, reader):
    read, columns = READERS[reader]
    file = bomb(**columns())
    with pytest.raises(DataError) as refused:
        read(file)
    assert "bomb" in str(refused.value) and len(str(refused.value)) < 1000
    assert max(asked) < 2_400_000, "no more was read than a batch beyond what fits"


def test_a_column_of_long_ids_is_chosen_from_in_parts(bomb, asked):
    file = bomb(id=[f"{LONG}{n}" for n in range(3)] * (ROWS // 3), score=np.arange(ROWS) / ROWS)
    (scores,) = open_files([str(file)]).files
    sizes = [table.nbytes for _, table in scores.chunks(["id", "score"])]
    assert max(sizes) < 400_000 and sum(sizes) > 10_000_000


def test_values_that_are_named_once_are_spelt_out_only_where_they_fit(asked):
    column = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array([0] * ROWS), pa.array([LONG]))])
    with pytest.raises(DataError, match="here: unpacked it has too much"):
        spelt_out(column, "here")
    few = pa.DictionaryArray.from_arrays(pa.array([0, None, 1, 0]), pa.array(["a", "b"]))
    assert spelt_out(pa.chunked_array([few]), "here").to_pylist() == ["a", None, "b", "a"]
    assert spelt_out(few, "here").type == pa.string()


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_how_long_a_value_can_be_is_read_from_the_file(tmp_path, version, compression):
    file = tmp_path / "a.parquet"
    words = ["ant", "bee" * 1000, "wasp"] * 20_000
    pq.write_table(pa.table({"word": words}), file, data_page_version=version, compression=compression)
    metadata = pq.read_metadata(file)
    found = parquet_rows.longest_value(metadata.row_group(0).column(0), file)
    assert 3000 < found < 3100, "that of the dictionary"
    with file.open("rb") as source:
        assert rows_at_once(metadata, source, ["word"], 0, 2**40) == 2**30 // found


def test_tables_come_back_as_they_were(tmp_path):
    table = pa.table(
        {
            "text": [None, "b", "a" * 50, "b"] * 500,
            "list": [[1.5], [], None, [2.0, 3.0]] * 500,
            "struct": [{"bytes": b"x", "path": None}, None] * 1000,
            "number": list(range(2000)),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=300)
    with pq.ParquetFile(tmp_path / "a.parquet") as file:
        whole = read_fitting(file, tmp_path / "a.parquet", table.column_names, "a")
        assert whole.to_pylist() == table.to_pylist()
        part = read_fitting(file, tmp_path / "a.parquet", ["number"], "a", [1])
        assert part["number"].to_pylist() == list(range(300, 600))
        assert read_fitting(file, "", ["number", "text"], "a", []).schema.names == ["number", "text"]
