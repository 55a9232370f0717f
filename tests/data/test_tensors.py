from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ncenet.data import ArrayPool, FolderPool
from ncenet.data.images import resize
from ncenet.data.tensors import ImageTensors
from ncenet.errors import DataError, UnreadableImage

from .make import jpeg, write


@pytest.fixture
def pool(tmp_path):
    return FolderPool(write(tmp_path, {f"{i}.jpg": jpeg(i, height=20 + i, width=30) for i in range(9)}))


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("cache_gb", [0.0, 1.0])
def test_batch_is_the_resized_images_in_the_order_asked_for(pool, cache_gb, workers):
    tensors = ImageTensors(pool, pool.ids(), size=16, cache_gb=cache_gb, workers=workers)
    assert tensors.cached == (cache_gb > 0)
    assert tensors.shape == (3, 16, 16)
    ids = ["3.jpg", "0.jpg", "3.jpg", "8.jpg"]
    for _ in range(2):  # the second time from the cache, if there is one
        batch = tensors.batch(ids)
        assert batch.dtype == torch.uint8
        assert batch.is_contiguous(memory_format=torch.channels_last)
        for image, id in zip(batch, ids, strict=True):
            assert np.array_equal(image.permute(1, 2, 0).numpy(), resize(pool.load(id), 16))


def test_scored_twice_gives_the_same(pool):
    tensors = ImageTensors(pool, pool.ids(), size=16)
    first = tensors.batch(pool.ids())
    first.zero_()  # what is done to a batch is not done to the cache
    assert torch.equal(tensors.batch(pool.ids()), ImageTensors(pool, pool.ids(), size=16).batch(pool.ids()))


class Counting(ArrayPool):
    """Counts what is decoded; of another shape than asked for, so that rows cannot be read in place."""

    def __init__(self):
        super().__init__(np.random.default_rng(0).integers(0, 256, (40, 6, 6, 3), dtype=np.uint8))
        self.loaded = []

    def load(self, id):
        self.loaded.append(id)
        return super().load(id)


def test_cached_images_are_decoded_once_and_only_when_asked_for():
    pool = Counting()
    tensors = ImageTensors(pool, pool.ids(), size=4, workers=2)
    assert pool.loaded == []
    tensors.batch(["00003", "00003", "00001"])
    tensors.batch(["00001", "00002"])
    assert sorted(pool.loaded) == ["00001", "00002", "00003"]


def test_too_large_for_the_cache_is_decoded_on_demand():
    pool = Counting()
    bytes_needed = 40 * 4 * 4 * 3
    tensors = ImageTensors(pool, pool.ids(), size=4, cache_gb=(bytes_needed - 1) / 1e9)
    assert not tensors.cached
    assert ImageTensors(pool, pool.ids(), size=4, cache_gb=(bytes_needed + 1) / 1e9).cached
    tensors.batch(["00001"])
    tensors.batch(["00001"])
    assert pool.loaded == ["00001", "00001"]


def test_many_threads_see_whole_images():
    pool = Counting()
    expected = ImageTensors(pool, pool.ids(), size=4).batch(pool.ids())
    tensors = ImageTensors(pool, pool.ids(), size=4, workers=2)
    with ThreadPoolExecutor(8) as threads:
        for batch in threads.map(lambda _: tensors.batch(pool.ids()), range(16)):
            assert torch.equal(batch, expected)


def test_arrays_of_the_right_shape_are_read_in_place():
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 6, 3), dtype=np.uint8)
    images.flags.writeable = False  # as a memory map would be; torch must not warn of it
    pool = ArrayPool(images, list("abcde"))
    tensors = ImageTensors(pool, pool.ids(), size=6, cache_gb=0)
    assert tensors.cached
    assert np.array_equal(tensors.batch(["e", "a"]).permute(0, 2, 3, 1).numpy(), images[[4, 0]])


def test_vectors_pass_unchanged():
    vectors = np.random.default_rng(0).normal(size=(4, 7)).astype(np.float32)
    pool = ArrayPool(vectors)
    tensors = ImageTensors(pool, pool.ids(), size=None)
    assert tensors.shape == (7,)
    batch = tensors.batch(["00003", "00000"])
    assert batch.dtype == torch.float32
    assert np.array_equal(batch.numpy(), vectors[[3, 0]])


def test_errors(pool, tmp_path):
    with pytest.raises(DataError, match="images need a size"):
        ImageTensors(pool, pool.ids(), size=None)
    with pytest.raises(DataError, match="feature vectors have no size"):
        ImageTensors(ArrayPool(np.zeros((2, 3), np.float32)), ["00000"], size=8)
    with pytest.raises(DataError, match=r"the pool has 3 channels, not 1"):
        ImageTensors(pool, pool.ids(), size=8, channels=1)
    tensors = ImageTensors(pool, pool.ids()[:2], size=8)
    with pytest.raises(DataError, match=r"there is no image '8\.jpg'"):
        tensors.batch(["8.jpg"])
    (tmp_path / "1.jpg").write_bytes(b"")
    with pytest.raises(UnreadableImage, match=r"1\.jpg: empty file"):
        tensors.batch(["0.jpg", "1.jpg"])
    write(tmp_path, {"1.jpg": jpeg(1)})
    assert tensors.batch(["0.jpg", "1.jpg"]).any(dim=(1, 2, 3)).all(), "an image that failed is read again"


def test_any_vector_that_can_be_read_tells_how_long_they_are():
    rows = np.ones((3, 4), np.float32)
    rows[0] = np.nan
    tensors = ImageTensors(ArrayPool(rows, list("abc")), list("abc"), size=None)
    assert tensors.shape == (4,)
    assert tensors.batch(["c"]).tolist() == [[1, 1, 1, 1]]
    rows[:] = np.nan
    with pytest.raises(DataError, match="none of 3 vectors can be read"):
        ImageTensors(ArrayPool(rows, list("abc")), list("abc"), size=None)
