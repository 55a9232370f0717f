import hashlib
import os
import pickle
import subprocess
import sys
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet.data import FolderPool, ParquetPool, as_test_set, open_dataset, open_test
from ncenet.errors import DataError, MissingExtra, UnreadableImage, UsageError
from ncenet.recipe import DataRecipe

from .make import gray_png, jpeg, write


def labels_of(dataset):
    return dataset.oracle.answer(dataset.pool.ids())


def test_class_folders(tmp_path):
    write(tmp_path / "pets", {"dog/a/1.jpg": jpeg(1), "dog/2.jpg": jpeg(2), "cat/1.jpg": jpeg(3)})
    dataset = open_dataset(str(tmp_path / "pets"))
    assert dataset.name == "pets"
    assert dataset.class_names == ("cat", "dog")
    assert labels_of(dataset) == {"cat/1.jpg": "cat", "dog/2.jpg": "dog", "dog/a/1.jpg": "dog"}
    assert dataset.flip_safe


@pytest.mark.parametrize(
    "files", [["1.jpg", "2.jpg"], ["one/1.jpg", "one/2.jpg"], ["a/1.jpg", "b/2.jpg", "3.jpg"]]
)
def test_folders_that_are_no_classes(tmp_path, files):
    dataset = open_dataset(str(write(tmp_path, {file: jpeg() for file in files})))
    assert set(dataset.pool.ids()) == set(files)
    assert dataset.oracle is None
    assert dataset.class_names == ()
    with pytest.raises(DataError, match="one folder per class"):
        dataset.required_oracle()


def test_splits_are_not_taken_for_classes(tmp_path):
    write(tmp_path, {"train/cat/1.jpg": jpeg(), "test/cat/1.jpg": jpeg()})
    with pytest.raises(
        DataError, match=r"splits, not classes: test and train\. Name each by itself, such as .*/test"
    ):
        open_dataset(str(tmp_path))


def test_manifest(tmp_path):
    write(tmp_path, {"images/1.jpg": jpeg(1), "images/2.jpg": jpeg(2)})
    file = tmp_path / "pool.csv"
    file.write_text('﻿path,label,remark\nimages/2.jpg,dog,"a, b"\n\nimages\\1.jpg, cat ,\n', encoding="utf-8")
    dataset = open_dataset(str(file))
    assert isinstance(dataset.pool, FolderPool)
    assert list(dataset.pool.ids()) == ["images/2.jpg", "images/1.jpg"]
    assert labels_of(dataset) == {"images/2.jpg": "dog", "images/1.jpg": "cat"}
    assert dataset.class_names == ("cat", "dog")
    assert np.array_equal(dataset.pool.load("images/1.jpg"), FolderPool(tmp_path).load("images/1.jpg"))


def test_manifest_without_labels_and_with_a_missing_file(tmp_path):
    write(tmp_path, {"1.jpg": jpeg(), "pool.csv": b"path\n1.jpg\ngone.jpg\n"})
    dataset = open_dataset(str(tmp_path / "pool.csv"))
    assert dataset.oracle is None
    with pytest.raises(UnreadableImage, match=r"gone\.jpg: no such file"):
        dataset.pool.load("gone.jpg")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", r"pool\.csv:1 needs a column path, found none"),
        (b"file,label\na.jpg,cat\n", r"pool\.csv:1 needs a column path, found file, label"),
        (b"path,label\n", r"pool\.csv: lists no images"),
        (b"path,label\na.jpg,cat\n\nb.jpg,\n", r"pool\.csv:4 the label of 'b\.jpg' is missing: fill it in"),
        (b"path,label\na.jpg,cat\nb.jpg\n", r"pool\.csv:3 has fewer fields than the header"),
        (b"path,label\na.jpg,cat\n,dog\n", r"pool\.csv:3 the path is missing"),
        (b"path,label\na.jpg,x\n./a.jpg,y\n", r"pool\.csv:3 '\./a\.jpg' stands in line 2 already"),
        (b"path\na/b.jpg\na/../a/b.jpg\n", r"pool\.csv:3 'a/\.\./a/b\.jpg' stands in line 2"),
        (b"path\na.jpg\nb.jpg\na.jpg\n", r"pool\.csv:4 'a\.jpg' stands in line 2 already"),
        (b"path,label\na.jpg,cat,dog\n", r"pool\.csv:2 has more fields than the header"),
        (b'path,label\na.jpg,"cat\n', r"pool\.csv:2 not CSV"),
        (b"path\n\xff\xfe.jpg\n", r"pool\.csv: not text in UTF-8"),
    ],
)
def test_manifest_errors_name_file_and_line(tmp_path, text, why):
    file = tmp_path / "pool.csv"
    file.write_bytes(text)
    with pytest.raises(DataError, match=why):
        open_dataset(str(file))


def write_parquet(file, columns, metadata=None):
    table = pa.table(columns)
    pq.write_table(table.replace_schema_metadata(metadata), file, row_group_size=2)
    return str(file)


def test_parquet(tmp_path):
    images = [jpeg(i) for i in range(5)]
    source = write_parquet(
        tmp_path / "pets.parquet",
        {"image": images, "label": pa.array([1, 0, 1, 1, 0], pa.int32()), "path": list("abcde")},
        {"class_names": '["cat", "dog", "cow"]'},
    )
    dataset = open_dataset(source)
    assert list(dataset.pool.ids()) == [f"pets/0000{row}" for row in range(5)]
    assert dataset.class_names == ("cat", "dog", "cow")
    assert list(labels_of(dataset).values()) == ["dog", "cat", "dog", "dog", "cat"]
    write(tmp_path / "files", {f"{i}.jpg": data for i, data in enumerate(images)})
    files = FolderPool(tmp_path / "files")
    for pool in (dataset.pool, pickle.loads(pickle.dumps(dataset.pool))):
        for row in range(5):
            assert np.array_equal(pool.load(f"pets/0000{row}"), files.load(f"{row}.jpg"))
            assert pool.content_hash(f"pets/0000{row}") == files.content_hash(f"{row}.jpg")
    with pytest.raises(DataError, match=r"there is no image 'pets/00005'"):
        dataset.pool.load("pets/00005")


def test_parquet_with_a_struct_of_bytes_and_names_in_hugging_face_metadata(tmp_path):
    source = write_parquet(
        tmp_path / "hub.parquet",
        {"image": [{"bytes": gray_png(1), "path": "1.png"}, {"bytes": None, "path": None}], "label": [1, 0]},
        {"huggingface": '{"info": {"features": {"label": {"names": ["cat", "dog"]}}}}'},
    )
    dataset = open_dataset(source)
    assert dataset.pool.channels == 1
    assert list(labels_of(dataset).values()) == ["dog", "cat"]
    with pytest.raises(UnreadableImage, match="hub/00001: no bytes in this row"):
        dataset.pool.load("hub/00001")


@pytest.mark.parametrize(
    ("labels", "metadata", "names"),
    [
        ([7, 3], None, {3: "3", 7: "7"}),
        (["b", "a"], None, {"a": "a", "b": "b"}),
        (["b", "a"], {"class_names": '["c", "b", "a"]'}, {"c": "c", "b": "b", "a": "a"}),
    ],
)
def test_parquet_labels_without_a_table_of_names(tmp_path, labels, metadata, names):
    source = write_parquet(tmp_path / "x.parquet", {"image": [jpeg(), jpeg()], "label": labels}, metadata)
    dataset = open_dataset(source)
    assert dataset.class_names == tuple(names.values())
    assert list(labels_of(dataset).values()) == [names[label] for label in labels]


def test_parquet_without_labels(tmp_path):
    dataset = open_dataset(write_parquet(tmp_path / "x.parquet", {"image": [jpeg()]}))
    assert dataset.oracle is None


@pytest.mark.parametrize(
    ("columns", "metadata", "why"),
    [
        ({"pixels": [b""]}, None, "has no column 'image', only pixels; vectors stand in a column 'vector'"),
        ({"image": [1]}, None, "holds int64, not encoded bytes"),
        ({"image": pa.array([], pa.binary())}, None, "has no rows"),
        ({"image": [b"", b""], "label": [0, None]}, None, r"row 1 \(counted from 0\) has no label"),
        (
            {"image": [b""], "label": [2]},
            {"class_names": '["a"]'},
            "row 0 .* has the label 2, which has no class",
        ),
        ({"image": [b""], "label": [-1]}, {"class_names": '["a"]'}, "row 0 .* has the label -1"),
        (
            {"image": [b""], "label": [0]},
            {"class_names": "a, b"},
            "class names in its metadata cannot be read",
        ),
    ],
)
def test_parquet_errors(tmp_path, columns, metadata, why):
    with pytest.raises(DataError, match=rf"x\.parquet: .*{why}"):
        open_dataset(write_parquet(tmp_path / "x.parquet", columns, metadata))


def test_parquet_that_is_none(tmp_path):
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(DataError, match=r"x\.parquet: not a Parquet file"):
        open_dataset(str(tmp_path / "x.parquet"))


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    source = write_parquet(tmp_path / "x.parquet", {"image": [jpeg()]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'ncenet\[parquet\]'"):
        ParquetPool(source)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            "digit",
            r"no such file or folder\. Did you mean 'digits'\? Data is one of: a built-in set \(cifar10,",
        ),
        ("/nowhere/at/all", r"no such file or folder\. Data is one of"),
        ("file.zip", r"file\.zip: files with the suffix '\.zip' are no data set\. Data is one of"),
        ("file", r"suffix '\(none\)'"),
    ],
)
def test_what_is_no_data_set(tmp_path, monkeypatch, source, why):
    write(tmp_path, {"file.zip": b"", "file": b""})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=why):
        open_dataset(source)


def test_digits_split_is_fixed_and_stratified():
    train, test = open_dataset("digits"), open_dataset("digits", split="test")
    assert (len(train.pool.ids()), len(test.pool.ids())) == (1297, 500)
    assert (train.pool.ids()[0], test.pool.ids()[0]) == ("train/00000", "test/00000")
    counts = [Counter(labels_of(split).values()) for split in (train, test)]
    for name in train.class_names:
        share = counts[1][name] / (counts[0][name] + counts[1][name])
        assert abs(share - 500 / 1797) < 1 / 150
    train_hashes, test_hashes = ([s.pool.content_hash(id) for id in s.pool.ids()] for s in (train, test))
    assert not set(train_hashes) & set(test_hashes), "no image is in both"
    image = train.pool.load("train/00000")
    assert (image.shape, image.dtype, image.max()) == ((8, 8, 1), np.uint8, 255)
    # Recorded once: whoever changes the split makes all figures on it incomparable.
    assert hashlib.blake2b("".join(test_hashes).encode(), digest_size=8).hexdigest() == "50cad3adcc9010a4"
    assert not train.flip_safe


def test_built_in_goes_before_a_folder_of_its_name(tmp_path, monkeypatch):
    write(tmp_path, {"digits/1.jpg": jpeg()})
    monkeypatch.chdir(tmp_path)
    assert len(open_dataset("digits").pool.ids()) == 1297
    assert open_dataset("./digits").pool.ids() == ("1.jpg",)


def test_open_test_of_a_built_in_set():
    train = open_dataset("digits")
    test = open_test(DataRecipe(train="digits"), train)
    assert len(as_test_set(test, train.class_names)) == 500


def test_open_test_decodes_as_the_training_images_are(tmp_path):
    write(tmp_path, {f"train/{name}/1.png": gray_png() for name in ("cat", "dog")})
    write(tmp_path, {f"test/{name}/1.jpg": jpeg() for name in ("cat", "dog")})
    recipe = DataRecipe(train=str(tmp_path / "train"), test=str(tmp_path / "test"))
    train = open_dataset(recipe.train)
    test = open_test(recipe, train)
    assert (train.pool.channels, test.pool.channels) == (1, 1)
    assert open_test(DataRecipe(train=recipe.train), train) is None


def test_open_test_refuses_training_images_other_channels_and_no_labels(tmp_path):
    folder = str(write(tmp_path / "pets", {f"{name}/1.jpg": jpeg() for name in ("cat", "dog")}))
    plain = str(write(tmp_path / "plain", {"1.jpg": jpeg()}))
    train = open_dataset(folder)
    with pytest.raises(UsageError, match="the test images are the training images"):
        open_test(DataRecipe(train=folder, test=folder + os.sep + "."), train)
    with pytest.raises(DataError, match=r"digits \(test\) has 1 channel and pets has 3"):
        open_test(DataRecipe(train=folder, test="digits"), train)
    with pytest.raises(DataError, match="plain: the images have no labels"):
        open_test(DataRecipe(train=folder, test=plain), train)


def test_listing_imports_no_torch():
    code = (
        "import sys, ncenet.data as d; [d.datasets.get(n)() for n in d.datasets.names()];"
        "assert not {'torch', 'torchvision', 'sklearn', 'pyarrow'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
