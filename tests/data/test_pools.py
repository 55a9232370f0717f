import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ncenet.data import ArrayPool, FolderPool, Subset, channels_of
from ncenet.data.folders import classes_of, find_images
from ncenet.data.open import open_dataset
from ncenet.data.pools import load_square, probe
from ncenet.data.rows import RowIds, RowOf
from ncenet.errors import DataError, UnreadableImage
from ncenet.types import Pool

from .make import gray_png, jpeg, photo, write


@pytest.fixture
def folder(tmp_path):
    return write(
        tmp_path / "pets", {"cat/1.jpg": jpeg(1), "cat/old/2.JPG": jpeg(2), "dog/3.png": gray_png(3)}
    )


def test_ids_are_relative_paths_sorted(folder):
    pool = FolderPool(folder)
    assert pool.ids() == ("cat/1.jpg", "cat/old/2.JPG", "dog/3.png")
    assert FolderPool(folder).ids() == pool.ids()
    assert pool.load("cat/1.jpg").shape == (24, 32, 3)


def test_hidden_files_and_other_suffixes_are_passed_over_but_broken_images_are_not(folder):
    write(
        folder,
        {
            ".hidden.jpg": jpeg(),
            ".git/a.jpg": jpeg(),
            "labels.csv": b"x",
            "notes.txt": b"x",
            "broken.jpg": b"",
        },
    )
    (folder / "dangling.png").symlink_to(folder / "gone.png")
    pool = FolderPool(folder)
    assert set(pool.ids()) == {"cat/1.jpg", "cat/old/2.JPG", "dog/3.png", "broken.jpg", "dangling.png"}
    with pytest.raises(UnreadableImage, match=r"^broken\.jpg: empty file$"):
        pool.load("broken.jpg")
    with pytest.raises(UnreadableImage, match=r"^dangling\.png: no such file or directory$"):
        pool.load("dangling.png")


@pytest.mark.parametrize("mark", ["ledger.sqlite", "comparison.yaml"])
def test_what_a_run_draws_among_the_images_is_none_of_them(folder, mark):
    """As after ``cd pets`` and ``ncenet init .``: not its figures, not what it sorted, no class ``runs``."""
    before = find_images(folder)
    drawn = {"curves.png": jpeg(9), "sorted/cat/1.jpg": jpeg(1), "seed-0/curves.png": jpeg(9), mark: b""}
    write(folder / "runs" / "pets", drawn)
    assert find_images(folder) == before
    assert set(classes_of(folder, before).values()) == {"cat", "dog"}
    assert find_images(folder / "runs" / "pets" / "sorted") == ["cat/1.jpg"], "named by itself it counts"

    write(folder, {mark: b"", "curves.png": gray_png(9), "cycles/001/pictures/query-1.jpg": jpeg(9)})
    write(folder, {"cycles/racing/1.jpg": jpeg(4)})  # a class of that name
    assert find_images(folder) == sorted([*before, "cycles/racing/1.jpg"]), "the run is among the images"


@pytest.mark.parametrize("mark", ["ledger.sqlite", "comparison.yaml"])
@pytest.mark.parametrize("task", ["classification", "detection"])
def test_images_in_the_folder_of_a_run_are_told_with_their_number(folder, mark, task):
    told = f"2 images in cat passed over: with {mark} in it, that is the folder of a run or comparison; "
    write(folder, {"bird/1.png": gray_png(5), f"runs/pets/{mark}": b"", "runs/pets/curves.png": jpeg(9)})
    write(folder, {"runs/pets/sorted/cat/1.png": jpeg(9), "runs/pets/sorted-2/review/1.png": jpeg(9)})
    assert not any("passed over" in note for note in open_dataset(str(folder), task=task).notes), "its own"
    write(folder, {f"cat/{mark}": b""})
    opened = open_dataset(str(folder), task=task)
    assert not any(id.startswith("cat/") for id in opened.pool.ids())
    assert [note for note in opened.notes if note.startswith(told)] == [
        f"{told}move images that belong to the pool out of it"
    ]
    write(folder, {f"dog/{mark}": b"", f"bird/{mark}": b""})
    with pytest.raises(DataError, match=r"no images in this folder; .*4 images in bird and 2 other folders"):
        find_images(folder)


@pytest.mark.parametrize("mark", ["ledger.sqlite", "comparison.yaml"])
def test_the_folder_of_a_run_is_no_folder_of_images(tmp_path, mark):
    write(tmp_path / "run", {mark: b"", "curves.png": gray_png(1)})
    with pytest.raises(DataError, match="run: no images in this folder, it is that of a run or comparison"):
        find_images(tmp_path / "run")


def test_links_are_followed_but_not_in_circles(folder, tmp_path):
    (folder / "cat" / "loop").symlink_to(folder)
    (folder / "cat" / "self").symlink_to(folder / "cat")
    write(tmp_path / "elsewhere", {"4.png": gray_png(4)})
    (folder / "hamster").symlink_to(tmp_path / "elsewhere")
    assert find_images(folder) == ["cat/1.jpg", "cat/old/2.JPG", "dog/3.png", "hamster/4.png"]


def test_folder_without_images_says_what_was_passed_over(tmp_path):
    write(tmp_path, {"a.txt": b"", "b.csv": b""})
    with pytest.raises(
        DataError, match=r"no images in this folder; passed over: 2 other files, such as 'a\.txt'"
    ):
        FolderPool(tmp_path)


def test_file_name_that_is_not_text_is_named(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(jpeg())
    with pytest.raises(DataError, match="not valid UTF-8: rename it"):
        FolderPool(tmp_path)


def test_a_path_outside_the_pool_is_never_read(folder):
    write(folder.parent, {"secret.jpg": jpeg()})
    pool = FolderPool(folder)
    for id in ("../secret.jpg", str(folder.parent / "secret.jpg")):
        for read in (pool.load, pool.content_hash, pool.probe):
            with pytest.raises(DataError, match="there is no image"):
                read(id)


def test_hash_tells_a_changed_file(folder):
    pool = FolderPool(folder)
    before = pool.content_hash("cat/1.jpg")
    assert len(before) == 32
    assert pool.content_hash("cat/1.jpg") == before != pool.content_hash("cat/old/2.JPG")
    data = bytearray((folder / "cat/1.jpg").read_bytes())
    data[-1] ^= 1
    (folder / "cat/1.jpg").write_bytes(data)
    assert pool.content_hash("cat/1.jpg") != before


def test_channels_follow_the_images(tmp_path):
    gray = write(tmp_path / "gray", {f"{i:02}.png": gray_png(i) for i in range(40)})
    assert FolderPool(gray).channels == 1
    assert FolderPool(gray, channels=3).load("00.png").shape == (24, 32, 3)
    write(gray, {"00.png": b"broken"})
    assert FolderPool(gray).channels == 1, "an image that cannot be read has no say"
    # The colours stand at the end: looking at the first 16 alone would lose them.
    write(gray, {f"{i:02}.png": jpeg(i) for i in range(30, 40)})
    assert FolderPool(gray).channels == 3
    with pytest.raises(DataError, match="1 or 3 channels, not 4"):
        FolderPool(gray, channels=4)


def test_array_pool():
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 6), dtype=np.uint8)
    pool = ArrayPool(images)
    assert list(pool.ids())[:2] == ["00000", "00001"]
    assert pool.channels == 1
    assert np.array_equal(pool.load("00011")[..., 0], images[11])
    named = ArrayPool(images, ["x" * n for n in range(1, 13)])
    assert np.array_equal(named.load("xx")[..., 0], images[1])
    assert named.content_hash("xx") == pool.content_hash("00001")
    turned = ArrayPool(images.reshape(12, 6, 8))
    assert turned.content_hash("00001") != pool.content_hash("00001"), "the shape is part of the content"


def test_vectors():
    vectors = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    vectors[1, 2] = np.nan
    pool = ArrayPool(vectors)
    assert pool.channels == 0
    assert np.array_equal(pool.load("00002"), vectors[2])
    with pytest.raises(UnreadableImage, match="00001: the feature vector holds nan or inf"):
        pool.load("00001")


@pytest.mark.parametrize("form", [list, torch.tensor, memoryview, np.asfortranarray])
def test_an_array_may_be_what_numpy_makes_one_of(form):
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    pool, same = ArrayPool(form(images)), ArrayPool(images)
    assert [pool.content_hash(id) for id in pool.ids()] == [same.content_hash(id) for id in same.ids()]
    with pytest.raises(DataError, match=r"got an array of int64 \(3, 4, 4, 3\): images are uint8"):
        ArrayPool(images.tolist())


def test_ids_of_numpy_are_texts_and_numbers_are_none():
    images = np.zeros((2, 4, 4), np.uint8)
    assert [type(id) for id in ArrayPool(images, np.array(["a", "b"])).ids()] == [str, str]
    with pytest.raises(DataError, match="ids are texts, and 0 is of type int"):
        ArrayPool(images, range(2))
    with pytest.raises(DataError, match="no array can be made of this list"):
        ArrayPool([images[0], images[1, :2]])


@pytest.mark.parametrize(
    ("array", "ids", "why"),
    [
        (np.zeros((2, 3)), None, r"float64 \(2, 3\)"),
        (np.zeros((2, 3, 3, 2), np.uint8), None, r"uint8 \(2, 3, 3, 2\)"),
        (np.zeros((2, 3, 3), np.uint8), ["a"], "1 ids for 2 rows"),
        (np.zeros((2, 3, 3), np.uint8), ["a", "a"], "'a' occurs twice"),
    ],
)
def test_array_pool_refuses(array, ids, why):
    with pytest.raises(DataError, match=why):
        ArrayPool(array, ids)


def test_subset(folder):
    whole = FolderPool(folder)
    part = Subset(whole, ["dog/3.png", "cat/1.jpg"])
    assert part.ids() == ("dog/3.png", "cat/1.jpg")
    assert part.channels == 3
    assert np.array_equal(part.load("cat/1.jpg"), whole.load("cat/1.jpg"))
    assert part.content_hash("cat/1.jpg") == whole.content_hash("cat/1.jpg")
    with pytest.raises(DataError, match="there is no image 'cat/old"):
        part.load("cat/old/2.JPG")
    with pytest.raises(DataError, match="there is no image 'bird"):
        Subset(whole, ["bird/1.jpg"])


class Strangers:
    """A pool of somebody else, with nothing but the protocol."""

    def ids(self):
        return ["a"]

    def load(self, id):
        return np.asarray(photo())

    def content_hash(self, id):
        return "0"


def test_any_pool_will_do():
    pool = Strangers()
    assert channels_of(pool) == 3
    assert load_square(pool, "a", 8).shape == (8, 8, 3)
    assert probe(pool, "a") == ("RGB", 24, 32)


def test_every_pool_is_one_can_be_pickled_and_read_by_threads(folder):
    array = ArrayPool(np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), dtype=np.uint8))
    for pool in (FolderPool(folder), array, Subset(FolderPool(folder), ["cat/1.jpg"])):
        assert isinstance(pool, Pool)
        copy = pickle.loads(pickle.dumps(pool))
        ids = list(pool.ids()) * 20
        with ThreadPoolExecutor(4) as threads:
            loaded = list(threads.map(copy.load, ids))
        assert list(copy.ids()) == list(pool.ids())
        assert all(np.array_equal(image, pool.load(id)) for id, image in zip(ids, loaded, strict=True))


def test_row_ids_are_a_sequence():
    ids = RowIds("t/", 100_002)
    assert len(ids) == 100_002
    assert ids[-1] == "t/100001"
    assert ids[1:3] == ("t/000001", "t/000002")
    assert sorted(ids) == list(ids)
    assert [ids.index(id) for id in ids[::9999]] == list(range(100_002))[::9999]
    for absent in ("t/1", "t/100002", "000001", "t/00000\uff11", "t/-00001", "x/000001", 1):
        assert absent not in ids
    with pytest.raises(IndexError):
        ids[100_002]
    with pytest.raises(ValueError, match="'t/1' is not among the ids"):
        ids.index("t/1")


@pytest.mark.parametrize("ids", [RowIds("", 3), ["00000", "00001", "00002"]])
def test_row_of(ids):
    row_of = RowOf(ids)
    assert [row_of(id) for id in ids] == [0, 1, 2]
    with pytest.raises(DataError, match="there is no image '00003'"):
        row_of("00003")


def test_a_link_in_a_circle_is_an_image_that_cannot_be_read(tmp_path):
    (tmp_path / "a.png").write_bytes(gray_png())
    (tmp_path / "b.png").symlink_to("b.png")
    (tmp_path / "c").symlink_to("c")
    pool = FolderPool(tmp_path)
    assert pool.ids() == ("a.png", "b.png")
    with pytest.raises(UnreadableImage, match=r"b\.png: .*symbolic links"):
        pool.load("b.png")
