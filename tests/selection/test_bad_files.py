"""Score files that are not what they should be: each is one sentence that says where and why."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ncenet
from ncenet.errors import DataError, NonFiniteScore, UsageError

NAN = float("nan")


def table(*, first=0, classes=3, **columns):
    """Six rows; columns of None are left out."""
    rows = np.random.default_rng(first).dirichlet(np.ones(classes), 6).tolist()
    held = {"id": [f"a{first + row}" for row in range(6)], "likelihood": rows} | columns
    return pa.table({name: values for name, values in held.items() if values is not None})


def chosen(tmp_path, files, **choice):
    (tmp_path / "s").mkdir()
    for name, held in files.items():
        if isinstance(held, pa.Table):
            pq.write_table(held, tmp_path / "s" / name, row_group_size=4)
        else:
            (tmp_path / "s" / name).write_bytes(held if isinstance(held, bytes) else held.encode())
    return ncenet.select(tmp_path / "s", 3, notify=False, **choice)


@pytest.mark.parametrize(
    ("ids", "why"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "holds double: ids are text or whole numbers"),
        ([True, False] * 3, "holds bool: ids"),
        ([[n] for n in range(6)], "holds lists of int64: ids"),
        ([datetime.date(2026, 1, n + 1) for n in range(6)], "holds date32"),
        ([None] * 6, "holds null: ids"),
        (["a", "", "c", "d", "e", "f"], "an id is missing"),
        ([b"\xff", b"b", b"c", b"d", b"e", b"f"], "an id is no text in UTF-8"),
    ],
)
def test_ids_that_are_none(tmp_path, ids, why):
    with pytest.raises(DataError, match=why):
        chosen(tmp_path, {"a.parquet": table(id=ids, u=[6, 5, 4, 3, 2, 1])}, by="u")


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        (table(), table(first=9, classes=4), "a.parquet has 3 likelihoods in a row and .*b.parquet has 4"),
        (table(model=[1] * 6), table(first=9, model=[2] * 6), "the column 'model' names 1 and 2"),
        (table(model=["x"] * 6), table(first=9, model=["y"] * 6), "the column 'model' names x and y"),
    ],
)
def test_scores_of_two_models(tmp_path, a, b, why):
    with pytest.raises(DataError, match=why) as told:
        chosen(tmp_path, {"a.parquet": a, "b.parquet": b})
    assert "do not compare" in str(told.value)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([[1.0]] * 6, "a.parquet: likelihood: margin compares the two likeliest classes"),
        ([[20.0, 30.0, 50.0]] * 6, "are these logits"),
        ([["a", "b"]] * 6, "not lists of numbers"),
    ],
)
def test_likelihoods_that_are_none(tmp_path, rows, why):
    with pytest.raises((DataError, UsageError), match=why):
        chosen(tmp_path, {"a.parquet": table(likelihood=rows)})


@pytest.mark.parametrize("rows", [pa.array([[]] * 6, pa.list_(pa.float32())), [None] * 6])
def test_likelihoods_that_are_not_there(tmp_path, rows):
    held = table(likelihood=pa.array(rows, pa.list_(pa.float32())))
    with pytest.raises(NonFiniteScore, match=r"4 scores are not finite, the first at .a0 .*likelihood"):
        chosen(tmp_path, {"a.parquet": held})


def test_a_row_group_of_which_no_image_could_be_read(tmp_path):
    rows = [None] * 4 + [[0.5, 0.5], [0.75, 0.25]]
    held = table(likelihood=rows, reason=["not an image"] * 4 + [None, None])
    assert chosen(tmp_path, {"a.parquet": held}).ids == ("a4", "a5")


def test_a_column_in_which_nothing_stands_goes_with_any(tmp_path):
    """As pandas writes the reasons of a shard in which all could be read."""
    broken = table(first=9, likelihood=[None] * 6, reason=["not an image"] * 6, camera=["north"] * 6)
    sound = table(reason=[None] * 6, camera=[None] * 6)
    for number, (a, b) in enumerate([(sound, broken), (broken, sound)]):
        (tmp_path / str(number)).mkdir()
        found = chosen(tmp_path / str(number), {"a.parquet": a, "b.parquet": b}, quota=["camera=2"])
        assert len(found) == 2 and set(found.ids) <= {f"a{n}" for n in range(6)}


def test_embeddings_and_likelihoods_of_shards_with_nothing_in_them(tmp_path):
    sound = table(embedding=[[1.0, 0.0], [0.0, 1.0]] * 3)
    broken = table(first=9, likelihood=[None] * 6, embedding=[None] * 6, reason=["gone"] * 6)
    sound = sound.append_column("reason", pa.array([None] * 6, pa.string()))
    found = chosen(tmp_path, {"a.parquet": broken, "b.parquet": sound}, diversify="kcenter", factor=2)
    assert set(found.ids) <= {f"a{n}" for n in range(6)} and len(found) == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id;u\na;1,5\n", "has ';' between columns; commas are expected"),
        ("id\tu\na\t1\n", r"has '\\t' between columns"),
        ("id,u\na,1\n".encode("utf-16"), "no text in UTF-8"),
        ("id,u\na,1\n,5\n", "an id is missing"),
        ("id,u\na,1\nb,x\n", "holds what is no number"),
    ],
)
def test_csv_of_another_kind(tmp_path, text, why):
    with pytest.raises(DataError, match=why):
        chosen(tmp_path, {"a.csv": text}, by="u")


def test_a_query_of_nothing(tmp_path):
    pq.write_table(table(), tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="0 is no number of images, from 1 on"):
        ncenet.select(tmp_path / "a.parquet", 0, notify=False)


def test_scores_of_ours_that_were_written_without_embeddings(tmp_path):
    ours = table().replace_schema_metadata({"ncenet": '{"model": "x", "outputs": ["likelihood"]}'})
    for number, (held, why) in enumerate(
        [(ours, "its `outputs` name embedding"), (table(), "name a column")]
    ):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(UsageError, match=why):
            chosen(tmp_path / str(number), {"a.parquet": held}, diversify="herding")


@pytest.mark.parametrize("name", ["probs.npy", "probs.npz", "scores.jsonl", "empty.txt"])
def test_a_file_of_another_form_is_not_called_a_broken_parquet_file(name, tmp_path):
    probs, file = np.full((2, 2), 0.5), tmp_path / name
    if name.startswith("probs"):
        (np.save if name.endswith("npy") else np.savez)(file, probs)
    else:
        file.write_text('{"id": "a", "prob_a": 0.5}\n' if "jsonl" in name else "")
    with pytest.raises(DataError, match=rf"{name}: scores are read from Parquet and CSV files, .* neither"):
        ncenet.select(file, 1, notify=False)
    pq.write_table(table(), tmp_path / "plain")  # whatever it is called
    assert len(ncenet.select(tmp_path / "plain", 2, notify=False)) == 2


@pytest.mark.parametrize("choice", [{"strategy": "random"}, {"by": "light"}, {"strategy": "margin"}])
def test_an_image_that_could_not_be_read_is_not_chosen_whatever_ranks(tmp_path, choice):
    """The lot of an id, and the light that came along, are numbers of broken images too."""
    held = table(light=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], reason=["gone", None, "gone", "", None, "gone"])
    assert sorted(chosen(tmp_path, {"a.parquet": held}, **choice).ids) == ["a1", "a3", "a4"]


def test_a_column_of_reasons_that_is_no_text_says_nothing_of_images(tmp_path):
    assert len(chosen(tmp_path, {"a.parquet": table(reason=[[1]] * 6)}, strategy="random")) == 3


@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_header_alone_is_no_image(tmp_path, ending):
    assert chosen(tmp_path, {"a.csv": f"id,u{ending}", "b.csv": "id,u\nx,1\n"}, by="u").ids == ("x",)


def test_a_folder_of_files_whose_names_end_in_capitals(tmp_path):
    assert len(chosen(tmp_path, {"A.PARQUET": table()})) == 3
    (tmp_path / "t").mkdir()
    (tmp_path / "t/A.CSV").write_text("id,u\nx,1\n")
    assert ncenet.select(tmp_path / "t", 1, by="u", notify=False).ids == ("x",)


@pytest.mark.parametrize(
    ("values", "first"),
    [
        ([2**60 + n for n in range(0, 6000, 1000)], "a5"),
        ([decimal.Decimal(n) / 7 for n in range(6)], "a5"),
        ([-(2**62), 0, 1, 2, 5, 4], "a4"),
    ],
    ids=["nanoseconds", "decimals", "negative"],
)
def test_any_column_of_numbers_ranks(tmp_path, values, first):
    assert chosen(tmp_path, {"a.parquet": table(u=values)}, by="u").ids[0] == first


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64(), pa.int64()])
def test_lists_of_any_numbers_are_likelihoods_and_those_with_gaps_are_told(tmp_path, kind):
    rows = [[1, 0], [0, 1], [1, 1]] if pa.types.is_integer(kind) else [[0.75, 0.25], [0.5, 0.5], [1, 0]]
    made = pa.array(
        [[np.float16(v) if kind == pa.float16() else v for v in row] for row in rows], pa.list_(kind)
    )
    held = pa.table({"id": ["a", "b", "c"], "likelihood": made})
    found = chosen(tmp_path, {"a.parquet": held})
    best = [sorted(row, reverse=True) for row in rows]
    assert dict(zip(found.ids, found.scores, strict=True)) == {
        id: second - first for id, (first, second) in zip("abc", best, strict=True)
    }


def test_likelihoods_of_text_with_gaps(tmp_path):
    with pytest.raises(DataError, match="not lists of numbers"):
        chosen(tmp_path, {"a.parquet": table(likelihood=[["a", None]] * 6)})


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_likelihoods_in_double_precision_are_told_apart_in_it(tmp_path, form):
    """As arrays are: in single precision all of these are 1."""
    unsure = [1e-9, 3e-9, 2e-9]
    names = ["a", "b", "c"]
    if form == "parquet":
        held = pa.table({"id": names, "likelihood": [[1 - p, p] for p in unsure]})
    else:
        rows = [f"{id},{1 - p!r},{p!r}" for id, p in zip(names, unsure, strict=True)]
        held = "\n".join(["id,prob_x,prob_y", *rows])
    found = chosen(tmp_path, {f"a.{form}": held})
    assert found.ids == ("b", "c", "a")
    assert found == ncenet.select([[1 - p, p] for p in unsure], 3, ids=names)
