import gzip
import struct

import numpy as np
import pytest
import torchvision.datasets

from ncenet.data import datasets, open_dataset
from ncenet.data.builtin import cache_folder, fashion_mnist
from ncenet.errors import DataError
from tests.data.detection.make import samples, write_voc


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "debian")


def test_everything_built_in_describes_itself():
    assert datasets.names() == [
        *("cifar10", "cifar100", "digits", "fashion-mnist", "shapes", "textures"),
        *("voc0712", "voc2007", "voc2012"),
    ]
    for name, describe in datasets:
        entry = describe()
        assert entry.name == name
        assert entry.description
        assert entry.licence
        assert entry.classes >= 10
        assert min(entry.images) >= 500
        assert (entry.download_mb == 0) == (name in ("digits", "shapes", "textures"))


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "fashion-mnist", "voc2007", "voc0712"])
def test_nothing_is_downloaded_unasked(name, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(DataError, match=rf"nothing is downloaded unasked.*ncenet datasets --download {name}"):
        open_dataset(name, task=None)
    assert not cache_folder().exists()


@pytest.mark.parametrize("name", ["cifar10", "fashion-mnist", "voc2012"])
def test_offline_the_download_fails_with_a_name(name, monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(DataError, match=f"{name}: cannot be opened or downloaded"):
        open_dataset(name, download=True, task=None)


def test_voc_is_read_where_torchvision_puts_it(monkeypatch):
    made = samples(6)
    devkit = cache_folder() / "VOCdevkit"
    write_voc(devkit / "VOC2007", {"trainval": made[:2], "train": made[:1], "val": made[1:2]})
    with pytest.raises(DataError, match="voc2007 is not in"):  # the test images are a download of their own
        open_dataset("voc2007", task="detection")
    write_voc(devkit / "VOC2007", {"test": made[2:3]})
    write_voc(devkit / "VOC2012", {"trainval": made[3:], "train": made[3:4], "val": made[4:]})
    found = {
        (name, split): list(open_dataset(name, split=split, task="detection").pool.ids())
        for name in ("voc2007", "voc2012", "voc0712")
        for split in ("train", "test")
    }
    first, second = "VOC2007/JPEGImages/00000", "VOC2012/JPEGImages/00000"
    assert found == {
        ("voc2007", "train"): [f"{first}0.jpg", f"{first}1.jpg"],
        ("voc2007", "test"): [f"{first}2.jpg"],
        ("voc2012", "train"): [f"{second}3.jpg"],
        ("voc2012", "test"): [f"{second}4.jpg", f"{second}5.jpg"],
        ("voc0712", "train"): [
            *(f"{first}{n}.jpg" for n in range(2)),
            *(f"{second}{n}.jpg" for n in (3, 4, 5)),
        ],
        ("voc0712", "test"): [f"{first}2.jpg"],
    }
    train = open_dataset("voc2007", task="detection")
    assert len(train.class_names) == 20
    assert "has the class" in train.problems[0].why, "digits are none of the twenty"


def test_a_download_of_voc_brings_all_its_parts(monkeypatch):
    asked = []

    def fetch(root, *, year, image_set, download):
        asked.append((year, image_set, download))
        write_voc(root / "VOCdevkit" / f"VOC{year}", {"trainval": samples(1), "test": samples(1)})

    monkeypatch.setattr(torchvision.datasets, "VOCDetection", fetch)
    open_dataset("voc0712", download=True, task=None)
    assert asked == [("2007", "trainval", True), ("2007", "test", True), ("2012", "trainval", True)]


def idx(values):
    return gzip.compress(
        struct.pack(">BBBB", 0, 0, 8, values.ndim)
        + struct.pack(f">{values.ndim}I", *values.shape)
        + values.tobytes()
    )


def write_fashion(folder):
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    for part in ("train", "t10k"):
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(pixels))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(np.array([9, 0, 3], np.uint8)))
    return pixels


@pytest.mark.parametrize("where", ["debian", "cache"])
def test_fashion_mnist_is_found_where_debian_or_a_download_put_it(where):
    pixels = write_fashion(
        fashion_mnist.DEBIAN if where == "debian" else cache_folder() / "FashionMNIST" / "raw"
    )
    assert datasets.get("fashion-mnist")().download_mb == (0 if where == "debian" else 30)
    train, test = open_dataset("fashion-mnist"), open_dataset("fashion-mnist", split="test")
    assert np.array_equal(train.pool.load("train/00001")[..., 0], pixels[1])
    assert test.oracle.answer(["test/00000", "test/00002"]) == {
        "test/00000": "ankle boot",
        "test/00002": "dress",
    }
    assert train.flip_safe


def test_idx_cut_short_is_named(tmp_path):
    file = tmp_path / "x.gz"
    file.write_bytes(idx(np.zeros((3, 4), np.uint8)))
    assert fashion_mnist.read_idx(file).shape == (3, 4)
    for data, why in [
        (gzip.compress(gzip.decompress(file.read_bytes())[:-1]), "not an IDX file of bytes, or cut short"),
        (gzip.compress(b"hello"), "not an IDX file"),
        (file.read_bytes()[:-9], "cannot be read"),
        (b"hello", "cannot be read"),
    ]:
        file.write_bytes(data)
        with pytest.raises(DataError, match=rf"x\.gz: {why}"):
            fashion_mnist.read_idx(file)


@pytest.mark.parametrize(("name", "reader"), [("cifar10", "CIFAR10"), ("cifar100", "CIFAR100")])
def test_cifar_as_torchvision_reads_it(name, reader, monkeypatch):
    class Fake:
        def __init__(self, root, *, train, download):
            assert root == cache_folder()
            assert not download
            self.data = np.full((2, 32, 32, 3), 7 if train else 8, np.uint8)
            self.targets, self.classes = [1, 0], ["airplane", "automobile"]

    monkeypatch.setattr(torchvision.datasets, reader, Fake)
    test = open_dataset(name, split="test")
    assert test.class_names == ("airplane", "automobile")
    assert test.oracle.answer(["test/00000"]) == {"test/00000": "automobile"}
    assert (test.pool.load("test/00001") == 8).all()
    assert test.flip_safe
