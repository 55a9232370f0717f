"""Forms of data come through one door; vectors are data sets too."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet.data import FolderPool, open_dataset
from ncenet.data.dataset import Dataset
from ncenet.data.readers import Reader, readers
from ncenet.errors import DataError, UsageError
from ncenet.recipe import Recipe
from tests.data.make import jpeg, write

RNG = np.random.default_rng(0)


def npz(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def parquet(path, **columns):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    pyarrow.parquet.write_table(pa.table(columns), path)
    return str(path)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_an_archive_of_vectors_is_a_data_set(tmp_path, dtype):
    rows = (10 * RNG.random((5, 3))).astype(dtype)
    source = npz(tmp_path / "X.npz", X=rows, y=["cat", "dog", "cat", "dog", "cat"], ids=list("abcde"))
    dataset = open_dataset(source)
    assert list(dataset.pool.ids()) == list("abcde") and dataset.class_names == ("cat", "dog")
    np.testing.assert_array_equal(dataset.pool.load("b"), rows[1].astype(np.float32))
    assert dataset.oracle.answer(["d"]) == {"d": "dog"}
    assert open_dataset(npz(tmp_path / "plain.npz", X=rows)).oracle is None


def test_an_archive_may_hold_images_and_numbers_for_classes(tmp_path):
    source = npz(tmp_path / "X.npz", X=RNG.integers(0, 255, (4, 8, 8), dtype=np.uint8), y=[10, 9, 10, 9])
    dataset = open_dataset(source)
    assert dataset.pool.load("00000").shape == (8, 8, 1) and set(dataset.class_names) == {"9", "10"}


def test_parquet_holds_vectors_too(tmp_path):
    rows = RNG.random((3, 4)).astype(np.float32)
    source = parquet(tmp_path / "v.parquet", vector=rows.tolist(), label=["a", "b", "a"], id=["x", "y", "z"])
    dataset = open_dataset(source)
    np.testing.assert_array_equal(dataset.pool.load("y"), rows[1])
    assert dataset.oracle.answer(["z"]) == {"z": "a"} and dataset.class_names == ("a", "b")


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float16, np.float64])
def test_rows_of_numbers_are_vectors_whatever_their_type(tmp_path, kind):
    rows = np.arange(12).reshape(4, 3)
    pool = open_dataset(npz(tmp_path / "X.npz", X=rows.astype(kind))).pool
    assert pool.channels == 0
    np.testing.assert_array_equal(pool.load(pool.ids()[3]), rows[3])


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"Z": np.zeros((2, 3))}, "holds no array X, only Z"),
        ({"X": np.zeros((2, 3)), "y": np.zeros(3)}, r"y is \(3,\) and X has 2 rows"),
        ({"X": np.zeros((2, 3)), "y": [0.0, float("nan")]}, "y holds float64: classes are text or whole"),
        ({"X": np.zeros((2, 3)), "y": [b"a", b"b"]}, r"y holds \|S1: classes are text or whole"),
        ({"X": np.zeros((2, 3)), "y": ["a", " b"]}, "the class ' b' begins or ends with a blank"),
        ({"X": np.zeros((2, 3)), "ids": ["a", "a"]}, "the id 'a' stands there twice"),
        ({"X": np.zeros((2, 3)), "ids": ["a", ""]}, "the id in row 1, counted from 0, is ''"),
        ({"X": np.zeros((2, 3)), "ids": [1.0, 2.5]}, "the id in row 0, counted from 0, is 1.0"),
        ({"X": [[0, 1], [np.nan, 1]]}, "1 vector holds nan, inf or .*, the first of row 1, counted from 0"),
        ({"X": [[0, 1e300], [1, 1]]}, "1 vector holds .* what single precision can't, the first of row 0"),
        ({"X": np.zeros((2, 3, 4, 5))}, r"float64 \(2, 3, 4, 5\) are no feature vectors"),
        ({"X": np.array(["a", "b"])}, "are no feature vectors"),
        ({"X": np.array([None, 1], dtype=object)}, "not an archive of arrays that can be read"),
    ],
)
def test_archives_that_hold_something_else_are_told(tmp_path, arrays, complaint):
    with pytest.raises(DataError, match=complaint):
        open_dataset(npz(tmp_path / "X.npz", **arrays))


def test_rows_of_different_lengths_are_told(tmp_path):
    source = parquet(tmp_path / "v.parquet", vector=[[1.0], [1.0, 2.0]])
    with pytest.raises(DataError, match="column 'vector' holds rows of different lengths"):
        open_dataset(source)


class Lists(Reader):
    """A text file with a path in each line; what a plug-in would bring."""

    form = "a .list file with a path in each line"

    def reads(self, path):
        return path.suffix == ".list"

    def open(self, path, *, split, channels, classes):
        return Dataset(path.stem, FolderPool(path.parent, path.read_text().split(), channels=channels))


def test_a_reader_of_a_plug_in_opens_what_data_names(tmp_path):
    write(tmp_path, {"a.jpg": jpeg(), "b.jpg": jpeg(), "mine.list": b"b.jpg\n"})
    source = str(tmp_path / "mine.list")
    with pytest.raises(UsageError, match=r"files with the suffix '\.list' are no data set"):
        open_dataset(source)
    with readers.temporarily(lists=Lists):
        assert open_dataset(source).pool.ids() == ("b.jpg",)
        assert open_dataset(source, task="detection").pool.ids() == ("b.jpg",), "images, for boxes to come"
        with pytest.raises(UsageError, match=r"a \.list file with a path in each line"):
            open_dataset("nowhere")
        assert Recipe().with_changes({"data.train": source}).data.train == source


def test_every_form_says_what_it_is_and_is_asked_in_order():
    names = [name for name, _ in readers.ordered()]
    assert names[-1] == "folder" and names.index("voc") < names.index("yolo") < names.index("voc-beside")
    for _, factory in readers:
        assert factory().form and factory().task in ("classification", "detection")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04junk", b"\x93NUMPY", b"\0" * 50])
def test_archives_that_are_damaged_are_named(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.npz: not an archive of arrays that can be read: "):
        open_dataset(str(tmp_path / "a.npz"))


def test_an_archive_that_is_damaged_anywhere_is_named_or_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", X=np.arange(60.0).reshape(20, 3), y=np.arange(20))
    whole, refused = (tmp_path / "a.npz").read_bytes(), 0
    for place in range(0, len(whole), 11):
        damaged = bytearray(whole)
        damaged[place : place + 2] = bytes(255 - byte for byte in damaged[place : place + 2])
        (tmp_path / "a.npz").write_bytes(damaged)
        try:
            open_dataset(str(tmp_path / "a.npz"))
        except DataError as error:
            assert str(error).startswith(str(tmp_path / "a.npz")), error
            refused += 1
    assert refused > 10


def test_vectors_that_single_precision_does_not_tell_apart_are_refused(tmp_path):
    rows = RNG.normal(size=(5, 3)) + 1e9
    for source in (npz(tmp_path / "X.npz", X=rows), parquet(tmp_path / "v.parquet", vector=rows.tolist())):
        with pytest.raises(DataError, match="so far from zero that single precision rounds off"):
            open_dataset(source)


def test_a_table_of_numbers_is_told_where_vectors_are_read(tmp_path):
    names = [f"x{n}" for n in range(2000)]
    (tmp_path / "wine.csv").write_text(",".join([*names, "label"]) + "\n" + "1," * 2000 + "a\n")
    with pytest.raises(DataError, match=r"1,993 more; that names an image; vectors are read from \.npz"):
        open_dataset(str(tmp_path / "wine.csv"))
    pq.write_table(pa.table({name: [1.0] for name in names}), tmp_path / "wine.parquet")
    with pytest.raises(DataError, match="x7 and 1,992 more; vectors stand in a column 'vector'"):
        open_dataset(str(tmp_path / "wine.parquet"))
