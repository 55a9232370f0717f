"""NumPy's files from strangers: no program in them runs, nothing is waited for, and they fit into memory."""

import io
import zipfile

import numpy as np
import pytest

from ncenet.arrays import map_npy, read_npz
from ncenet.data.readers.vectors import Npz
from ncenet.errors import DataError
from ncenet.features.vectors import VectorTable
from tests import odd_files


def archive(**members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return data.getvalue()


def npy(array, shape=None):
    """The bytes of an array, with a header that may say another shape."""
    data = io.BytesIO()
    np.save(data, array)
    if shape is None:
        return data.getvalue()
    said = data.getvalue().replace(str(array.shape).encode(), str(shape).encode(), 1)
    head = said.index(b"\n") + 1
    text = said[10 : head - 1].rstrip() + b" "
    return said[:8] + len(text + b"\n").to_bytes(2, "little") + text + b"\n" + said[head:]


OBJECTS = np.array([{"a": 1}, None], object)
ROWS = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (archive(X=npy(OBJECTS)), "holds Python objects, which can't be read without running code"),
        (archive(X=b"no array"), "'X' is no array"),
        (archive(X=b""), "'X' is no array"),
        (archive(X=npy(ROWS)[:-5]), "not an archive of arrays that can be read"),
        (archive(X=npy(ROWS, (2**40, 2**20))), "not an archive of arrays that can be read"),
        (archive(X=npy(ROWS, (10**14, 3))), "not an archive of arrays that can be read"),
        (archive(X=npy(ROWS))[:-30], "no archive, or a broken one"),
        (npy(ROWS), "no archive, or a broken one"),
        (b"", "no archive, or a broken one"),
    ],
)
def test_what_is_no_archive_of_plain_arrays_is_named(tmp_path, data, why):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DataError, match=f"^{tmp_path}/a.npz: .*{why}"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("kind", odd_files.KINDS)
@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_nothing_is_waited_for(tmp_path, kind, suffix):
    file = odd_files.put(kind, tmp_path / f"v{suffix}")
    (tmp_path / "v.ids.txt").write_text("a\n")
    for read in (read_npz if suffix == ".npz" else map_npy, VectorTable):
        with pytest.raises(DataError, match=rf"v{suffix}: cannot be read: "):
            read(file)


def test_ids_beside_an_array_are_a_regular_file_too(tmp_path):
    np.save(tmp_path / "v.npy", ROWS)
    odd_files.put("pipe", tmp_path / "v.ids.txt")
    with pytest.raises(DataError, match=r"v\.ids\.txt: cannot be read: is no regular file"):
        VectorTable(tmp_path / "v.npy")


def test_an_archive_that_unpacks_to_more_than_memory_is_not_unpacked(tmp_path, monkeypatch):
    (tmp_path / "a.npz").write_bytes(archive(X=npy(np.zeros((1000, 1000), np.float32))))
    assert (tmp_path / "a.npz").stat().st_size < 10_000, "a bomb"
    monkeypatch.setattr("ncenet.arrays.SHARE_OF_MEMORY", 1e-12)
    with pytest.raises(DataError, match="unpacked it has 0 GB, more than 0% of this machine's memory"):
        read_npz(tmp_path / "a.npz")


def test_both_readers_go_through_this_door(tmp_path):
    (tmp_path / "a.npz").write_bytes(archive(X=npy(OBJECTS), vectors=npy(OBJECTS), ids=npy(OBJECTS)))
    for read in (lambda file: Npz().open(file, split="train", channels="auto", classes=None), VectorTable):
        with pytest.raises(DataError, match="holds Python objects"):
            read(tmp_path / "a.npz")
