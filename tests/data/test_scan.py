import numpy as np
import pytest

from ncenet.data import ArrayPool, FolderPool, Sizes, Subset, scan

from .make import bomb_png, gray_png, jpeg, write

BAD = {
    "bad/bomb.png": bomb_png(60_000, 60_000),
    "bad/empty.jpg": b"",
    "bad/page.jpg": b"<html>404</html>",
    "bad/short.jpg": jpeg()[:-100],
}


@pytest.fixture
def folder(tmp_path):
    same = jpeg(1)
    good = {"a.jpg": same, "b.png": gray_png(), "c.jpg": jpeg(2, height=300, width=40), "z/copy.jpg": same}
    return write(tmp_path / "pool", good)


@pytest.mark.parametrize("workers", [1, 3])
def test_scan_of_good_images(folder, workers):
    pool = FolderPool(folder)
    calls = []
    found = scan(pool, workers=workers, progress=lambda done, of: calls.append((done, of)))
    assert found.hashes == {id: pool.content_hash(id) for id in pool.ids()}
    assert found.readable == list(pool.ids())
    assert found.problems == ()
    assert found.duplicates == (("a.jpg", "z/copy.jpg"),)
    assert found.sizes == Sizes(smallest=24, largest=300, common=None)
    assert found.modes == {"RGB": 3, "L": 1}
    assert calls[-1] == (4, 4)


def test_bad_images_are_listed_and_the_others_are_read(folder):
    write(folder, BAD)
    pool = FolderPool(folder)
    found = scan(pool, workers=2)
    said = " ".join(map(str, found.problems))
    for why in ("3600 megapixels", "empty file", "a web page", "truncated"):
        assert why in said
    assert found.readable == ["a.jpg", "b.png", "c.jpg", "z/copy.jpg"]
    assert [problem.id for problem in found.problems] == sorted(BAD)
    assert scan(Subset(pool, found.readable)).problems == ()


def test_more_images_than_a_chunk_in_their_order():
    images = np.random.default_rng(0).integers(0, 256, (300, 8, 8), dtype=np.uint8)
    images[299] = images[0]
    calls = []
    found = scan(ArrayPool(images), workers=2, progress=lambda done, of: calls.append(done))
    assert found.readable == [f"{row:05}" for row in range(300)]
    assert found.duplicates == (("00000", "00299"),)
    assert calls == sorted(calls)
    assert len(calls) > 1
    assert found.sizes.default_side() == 8


def test_vectors_that_are_not_finite_are_problems():
    vectors = np.zeros((3, 5), np.float32)
    vectors[1, 0] = np.inf
    found = scan(ArrayPool(vectors))
    assert found.readable == ["00000", "00002"]
    assert found.modes == {"vector": 2}
    assert str(found.problems[0]) == "00001: the feature vector holds nan or inf"


def test_nothing_readable(tmp_path):
    found = scan(FolderPool(write(tmp_path, {"a.jpg": b""})))
    assert found.sizes is None
    assert found.hashes == {}


@pytest.mark.parametrize(
    ("sizes", "side"),
    [
        (Sizes(8, 8, (8, 8)), 8),
        (Sizes(64, 64, (64, 64)), 64),
        (Sizes(96, 96, (96, 96)), 64),
        (Sizes(28, 32, (28, 32)), 64),
        (Sizes(8, 16, None), 64),
    ],
)
def test_default_side(sizes, side):
    assert sizes.default_side() == side
