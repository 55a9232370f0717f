"""Vectors that somebody brings."""

from __future__ import annotations

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from ncenet.errors import DataError
from ncenet.features.vectors import VectorTable

IDS = ["a.jpg", "b.jpg", "sub/c.jpg"]
TABLE = np.arange(12, dtype=np.float32).reshape(3, 4) / 8


def npz(folder, ids=IDS, table=TABLE):
    np.savez(folder / "v.npz", ids=np.array(ids), vectors=table)
    return folder / "v.npz"


def npy(folder, ids=IDS, table=TABLE):
    np.save(folder / "v.npy", table)
    (folder / "v.ids.txt").write_text("\n".join(ids) + "\n")
    return folder / "v.npy"


def parquet(folder, ids=IDS, table=TABLE):
    rows = pyarrow.table({"id": ids, "vector": [list(row) for row in table]})
    pyarrow.parquet.write_table(rows, folder / "v.parquet")
    return folder / "v.parquet"


def csv(folder, ids=IDS, table=TABLE):
    lines = [f'{id},"{" ".join(map(str, row))}"' for id, row in zip(ids, table, strict=True)]
    (folder / "v.csv").write_text("\n".join(["id,vector", *lines]) + "\n")
    return folder / "v.csv"


def wide_csv(folder, ids=IDS, table=TABLE):
    lines = [",".join([*map(str, row), id]) for id, row in zip(ids, table, strict=True)]
    (folder / "w.csv").write_text("\n".join([",".join([*map(str, range(table.shape[1])), "id"]), *lines]))
    return folder / "w.csv"


def listed_csv(folder, ids=IDS, table=TABLE):
    lines = [f'{id},"[{", ".join(map(str, row))}]"' for id, row in zip(ids, table, strict=True)]
    (folder / "l.csv").write_text("\n".join(["id,vector", *lines]) + "\n")
    return folder / "l.csv"


FORMS = [npz, npy, parquet, csv, wide_csv, listed_csv]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_vectors_of_its_ids(tmp_path, form):
    table = VectorTable(form(tmp_path))
    assert table.dim == 4 and table.rows(["sub/c.jpg", "a.jpg"]).dtype == np.float32
    assert np.array_equal(table.rows(["sub/c.jpg", "a.jpg"]), TABLE[[2, 0]])


@pytest.mark.parametrize("form", FORMS)
def test_nan_is_named_by_its_id(tmp_path, form):
    wrong = TABLE.copy()
    wrong[1, 2] = np.nan
    with pytest.raises(DataError, match=r"1 vector holds nan, inf or .*, the first of 'b\.jpg'"):
        VectorTable(form(tmp_path, table=wrong))


@pytest.mark.parametrize("form", FORMS)
def test_a_number_beyond_single_precision_is_named_by_its_id(tmp_path, form):
    wrong = TABLE.astype(np.float64)
    wrong[2, 1] = -1e300
    with pytest.raises(DataError, match=r"what single precision can't, the first of 'sub/c\.jpg'"):
        VectorTable(form(tmp_path, table=wrong))


@pytest.mark.parametrize("form", FORMS)
def test_vectors_that_single_precision_does_not_tell_apart(tmp_path, form):
    table = TABLE.astype(np.float64)
    VectorTable(form(tmp_path, table=table + 1e4))
    VectorTable(form(tmp_path, table=np.full_like(table, 1e9 + 0.1)))  # equal ones are told of elsewhere
    with pytest.raises(DataError, match=r"so far from zero that single precision rounds off 100% of what"):
        VectorTable(form(tmp_path, table=table + 1e9))
    with pytest.raises(DataError, match=r"rounds off [1-9]% of what sets them apart: subtract their mean"):
        VectorTable(form(tmp_path, table=table / 7 + 1e5))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_vector_absurdly_far_from_the_others_is_named_by_its_id(tmp_path, form, scale):
    table = scale * np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 3.0]])
    ids = ["a.jpg", "b.jpg", "c.jpg"]
    table[2] *= 1e3
    VectorTable(form(tmp_path, table=table, ids=ids))  # large, as counts may be
    table[2] *= 1e5
    with pytest.raises(
        DataError, match=r"1 vector lies more than 10,000 times.* 'c\.jpg' [0-9,]+ times: mend"
    ):
        VectorTable(form(tmp_path, table=table, ids=ids))


@pytest.mark.parametrize("form", FORMS)
def test_images_of_which_most_are_all_but_alike_are_not_absurdly_far_from_one_another(tmp_path, form):
    random = np.random.default_rng(0)
    table = random.normal(size=(100, 4))
    table[:90] = 1 + 1e-6 * random.normal(size=(90, 4))  # of one image, but for rounding
    ids = [f"{n}.jpg" for n in range(100)]
    assert np.allclose(VectorTable(form(tmp_path, table=table, ids=ids)).rows(ids), table)


@pytest.mark.parametrize("form", FORMS)
def test_of_few_images_most_may_be_copies_but_for_rounding(tmp_path, form):
    table = np.array([[1.0, 2.0], [1.0, 2.0 + 3e-7], [1.0 + 2e-7, 2.0], [1.0, 2.0], [3.0, 1.0]])
    ids = [f"{n}.jpg" for n in range(5)]
    assert np.allclose(VectorTable(form(tmp_path, table=table, ids=ids)).rows(ids), table)


@pytest.mark.parametrize("form", FORMS)
def test_a_vector_without_an_id(tmp_path, form):
    with pytest.raises(DataError, match=r"vector 2 of 3 is without an id"):
        VectorTable(form(tmp_path, ids=["a.jpg", "", "c.jpg"]))


@pytest.mark.parametrize("form", FORMS)
def test_a_file_without_any_vector(tmp_path, form):
    with pytest.raises(DataError, match=r"holds no vectors; expected"):
        VectorTable(form(tmp_path, ids=[], table=TABLE[:0]))


@pytest.mark.parametrize("kind", ["<f8", ">f4", ">f8", "<f2", "<i4", ">i2", "u1"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("form", [npz, npy])
def test_every_kind_and_order_of_numbers_gives_the_same(tmp_path, form, kind, order):
    whole = np.arange(12).reshape(3, 4)
    table = VectorTable(form(tmp_path, table=np.array(whole, kind, order=order)))
    assert np.array_equal(table.rows(IDS), whole.astype(np.float32))
    assert table.rows(IDS).dtype == np.dtype("=f4")
    assert table.fingerprint == VectorTable(npz(tmp_path, table=whole.astype(np.float32))).fingerprint


LISTS = {
    "large": pyarrow.large_list(pyarrow.float64()),
    "fixed": pyarrow.list_(pyarrow.float32(), 4),
    "half": pyarrow.list_(pyarrow.float16()),
    "int": pyarrow.list_(pyarrow.int64()),
}


@pytest.mark.parametrize("kind", LISTS)
def test_every_kind_of_list_in_parquet_gives_the_same(tmp_path, kind):
    whole = np.arange(12).reshape(3, 4)
    rows = [row.astype(np.float16) if kind == "half" else row for row in whole]
    column = pyarrow.array(rows, LISTS[kind])
    ids = pyarrow.array([id.encode() for id in IDS])  # and ids in bytes
    file = tmp_path / "v.parquet"
    pyarrow.parquet.write_table(
        pyarrow.table({"image": IDS, "vector": column, "id": ids}), file, row_group_size=2
    )
    assert np.array_equal(VectorTable(file).rows(IDS), whole)


@pytest.mark.parametrize("form", FORMS)
def test_an_id_twice(tmp_path, form):
    with pytest.raises(DataError, match=r"the id 'a\.jpg' occurs twice"):
        VectorTable(form(tmp_path, ids=["a.jpg", "b.jpg", "a.jpg"]))


def test_an_image_without_a_vector(tmp_path):
    table = VectorTable(npz(tmp_path))
    with pytest.raises(DataError, match=r"no vector for 1 of 2 images, the first 'd.jpg'; .* 'a\.jpg'"):
        table.check(["a.jpg", "d.jpg"])


def other_lengths(folder):
    rows = pyarrow.table({"id": IDS, "vector": [[1.0, 2.0], [1.0], [2.0, 3.0]]})
    pyarrow.parquet.write_table(rows, folder / "v.parquet")
    return folder / "v.parquet"


def no_vector(folder):
    pyarrow.parquet.write_table(pyarrow.table({"id": IDS}), folder / "v.parquet")
    return folder / "v.parquet"


def empty_row(folder):
    pyarrow.parquet.write_table(
        pyarrow.table({"id": IDS, "vector": [[1.0], None, [2.0]]}), folder / "v.parquet"
    )
    return folder / "v.parquet"


def bare_npy(folder):
    np.save(folder / "v.npy", TABLE)
    return folder / "v.npy"


def objects(folder):
    np.savez(folder / "v.npz", ids=np.array(IDS, object), vectors=TABLE)
    return folder / "v.npz"


def other_arrays(folder):
    np.savez(folder / "v.npz", features=TABLE)
    return folder / "v.npz"


def other_column(folder, rows):
    pyarrow.parquet.write_table(pyarrow.table({"id": IDS, "vector": rows}), folder / "v.parquet")
    return folder / "v.parquet"


def two_ids(folder):
    columns = [pyarrow.array(IDS), pyarrow.array(IDS), pyarrow.array(TABLE.tolist())]
    table = pyarrow.Table.from_arrays(columns, names=["id", "id", "vector"])
    pyarrow.parquet.write_table(table, folder / "v.parquet")
    return folder / "v.parquet"


def text(folder, name, content):
    (folder / name).write_text(content)
    return folder / name


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (other_lengths, "vectors of different lengths: 1, 2"),
        (no_vector, "has the columns id; expected"),
        (empty_row, "has 1 empty rows"),
        (lambda f: f / "v.npy", r"v\.npy: cannot be read: no such file or directory"),  # not its ids
        (bare_npy, r"vectors without ids: .*v\.ids\.txt is not there; expected"),
        (lambda f: npz(f, table=TABLE * 1j), r"vectors are \(N, D\) numbers, got complex"),
        (lambda f: npz(f, table=TABLE > 0), r"vectors are \(N, D\) numbers, got bool"),
        (lambda f: npz(f, table=TABLE[:, :0]), "holds no vectors; expected"),
        (lambda f: npz(f, ids=[b"a", b"b", b"\xff"]), r"the id b'\\xff' is no text in UTF-8"),
        (lambda f: other_column(f, [["a"], ["b"], ["c"]]), r"'vector' holds list<.*string>, and should"),
        (lambda f: other_column(f, ["1 2", "3 4", "5 6"]), r"'vector' holds string, and should hold lists"),
        (lambda f: other_column(f, [[[1.0]], [[2.0]], [[3.0]]]), r"holds list<.*list<.*, and should hold"),
        (lambda f: other_column(f, [{"x": 1.0}] * 3), r"'vector' holds struct<x: double>, and should"),
        (lambda f: other_column(f, [[1.0], [None], [2.0]]), r"holds nan, .*, the first of 'b\.jpg'"),
        (two_ids, "has the columns id, id, vector; expected"),
        (lambda f: text(f, "v.npy", ""), "vectors without ids"),
        (lambda f: text(f, "v.npz", ""), "not an archive of arrays that can be read"),
        (lambda f: text(f, "v.parquet", ""), "not a Parquet file"),
        (lambda f: text(f, "v.csv", ""), r"v\.csv:1 has the columns none; expected"),
        (lambda f: text(f, "v.csv", "id,vector\n"), r"v\.csv: holds no vectors; expected"),
        (lambda f: text(f, "v.csv", 'id,vector\na,"[1 2"\n'), r"v\.csv:2 holds something else than numbers"),
        (objects, "Python objects, which can't be read without running code"),
        (other_arrays, "holds features; expected .npz with arrays 'ids' and 'vectors'"),
        (lambda f: npz(f, ids=IDS[:2]), "2 ids for 3 vectors"),
        (lambda f: npz(f, ids=[["a", "b", "c"]]), r"ids are \(N,\) names, got <U1 \(1, 3\)"),
        (lambda f: npz(f, ids=[True, False, True]), "ids are text or numbers, got True"),
        (lambda f: npz(f, ids=np.zeros(3, [("id", "i4")])), r"ids are \(N,\) names, got .*'id'"),
        (lambda f: npz(f, ids=["a", "b", "\ud800"]), r"the id '\\ud800' is no text in UTF-8"),
        (lambda f: npy(f, ids=[*IDS, ""]), r"4 ids in .*v\.ids\.txt, 1 of them empty for 3 vectors"),
        (lambda f: text(f, "v.csv", "id,vector,vector\na,1,2\n"), r"v\.csv:1 has the columns id, vector, v"),
        (lambda f: text(f, "v.csv", "id,id,0\na,b,1\n"), r"v\.csv:1 has the columns id, id, 0; expected"),
        (lambda f: text(f, "v.csv", 'id,vector\na,"1,,2"\n'), r"v\.csv:2 holds .* than numbers: ''"),
        (lambda f: text(f, "v.csv", "id,0\na,1_0\n"), r"v\.csv:2 holds .* than numbers: '1_0'"),
        (lambda f: npz(f, table=TABLE[0]), r"vectors are \(N, D\) numbers, got float32 \(4,\)"),
        (lambda f: npz(f, table=np.array([["x"]] * 3)), r"vectors are \(N, D\) numbers"),
        (lambda f: text(f, "v.npz", "no archive"), "not an archive of arrays that can be read"),
        (lambda f: text(f, "v.parquet", "no table"), "not a Parquet file"),
        (lambda f: text(f, "v.csv", "id,0,1\na,1,2\nb,1\n"), r"v\.csv:3 "),
        (lambda f: text(f, "v.csv", "id,0,1\na,1,x\n"), r"v\.csv:2 holds something else than numbers"),
        (
            lambda f: text(f, "v.csv", 'id,vector\na,"1 2"\nb,"1"\n'),
            r"v\.csv:3 has 1 numbers, the .* 2",
        ),
        (lambda f: text(f, "v.csv", "name,0\na,1\n"), r"v\.csv:1 has the columns name, 0; expected"),
        (lambda f: f / "nowhere.npz", r"nowhere\.npz: cannot be read: no such file"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, make, why):
    with pytest.raises(DataError, match=why) as caught:
        VectorTable(make(tmp_path))
    assert "\n" not in str(caught.value)
