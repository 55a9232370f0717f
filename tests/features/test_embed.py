"""Embedding: each image once, whatever happens to it."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest
from torch import nn

from ncenet.data.pools import FolderPool
from ncenet.errors import DataError, UnreadableImage, UsageError
from ncenet.features import embed as module
from ncenet.features.embed import Embedder
from ncenet.features.extractor import Extractor, Wanted, open_extractor
from ncenet.features.framing import Preprocessing
from ncenet.features.pool import VectorPool, open_source
from ncenet.recipe import ModelRecipe
from tests.features.conftest import grid_network

GRID = ModelRecipe(features="grid")


@pytest.fixture
def pool(photos):
    return FolderPool(photos)


@pytest.fixture
def vectors(grid, pool):
    """The photographs as vectors, opened anew as often as wanted."""
    return lambda: VectorPool(FolderPool(pool.root), open_source(GRID, pool=pool, ids=pool.ids()), {})


def test_vectors_are_what_the_network_says(vectors, pool):
    seen = vectors()
    table = seen.rows(pool.ids())
    how, network = Preprocessing(8, "squash", interpolation="bilinear"), grid_network()
    extractor = Extractor("grid", network, how)
    expected = Embedder(extractor).vectors(np.stack([how.of_bytes(pool.read(id)) for id in pool.ids()]))
    assert table.shape == (30, 12) and table.dtype == np.float32
    assert np.allclose(table, expected, atol=1e-3)
    assert np.array_equal(seen.load(pool.ids()[7]), table[7]) and seen.channels == 0
    assert seen.content_hash(pool.ids()[3]) == pool.content_hash(pool.ids()[3])


def test_each_image_is_embedded_once_for_all_runs(vectors, pool, counted):
    first = vectors().rows(pool.ids())
    assert sum(counted) == 30
    counted.clear()
    assert np.array_equal(vectors().rows(pool.ids()), first) and counted == []
    assert vectors().embed(pool.ids()) == 0


def test_copies_are_embedded_once(vectors, photos, counted):
    shutil.copy(photos / "ant/0.png", photos / "ant/copy.png")
    assert vectors().embed(FolderPool(photos).ids()) == 30 and sum(counted) == 30
    assert np.array_equal(*vectors().rows(["ant/0.png", "ant/copy.png"]))


def test_another_framing_is_another_vector(grid, pool):
    tables = []
    for framing in ("crop", "squash"):
        recipe = ModelRecipe(features="grid", framing=framing)
        tables.append(VectorPool(pool, open_source(recipe, pool=pool, ids=())).rows(pool.ids()))
    assert not np.array_equal(*tables)


def test_an_image_that_has_changed_is_embedded_again(vectors, photos, counted):
    before = vectors().load("ant/0.png")
    shutil.copy(photos / "bee/0.png", photos / "ant/0.png")
    assert not np.array_equal(vectors().load("ant/0.png"), before)
    assert np.array_equal(vectors().load("ant/0.png"), vectors().load("bee/0.png"))


def test_an_image_that_changed_after_the_look_is_named(vectors, photos, pool):
    seen = vectors()
    seen.content_hash("ant/0.png")  # looked at
    shutil.copy(photos / "bee/0.png", photos / "ant/0.png")
    with pytest.raises(DataError, match=r"ant/0\.png: has changed since it was looked at"):
        seen.rows(["ant/0.png"])


def test_broken_images_are_named_and_the_rest_goes_on(grid, photos):
    (photos / "bee/3.png").write_bytes(b"<html>404</html>")
    (photos / "cow/1.png").unlink()
    ids = [*FolderPool(photos).ids(), "cow/1.png"]
    pool = FolderPool(photos, sorted(ids))
    embedder = open_source(GRID, pool=pool, ids=())
    bad = []
    assert embedder.embed(pool, pool.ids(), bad=bad.append) == 28
    assert {problem.id for problem in bad} == {"bee/3.png", "cow/1.png"}
    with pytest.raises(UnreadableImage, match=r"bee/3\.png"):
        embedder.embed(pool, pool.ids())


def test_every_copy_of_a_broken_image_is_named(grid, photos):
    for name in ("ant/0.png", "ant/1.png", "cow/9.png"):
        (photos / name).write_bytes(b"<html>404</html>")
    pool, bad = FolderPool(photos), []
    assert open_source(GRID, pool=pool, ids=()).embed(pool, pool.ids(), bad=bad.append) == 27
    assert {problem.id for problem in bad} == {"ant/0.png", "ant/1.png", "cow/9.png"}


def test_progress_counts_every_image(grid, pool):
    told = []
    embedder = open_source(GRID, pool=pool, ids=())
    embedder.embed(pool, pool.ids(), progress=lambda done, total: told.append((done, total)))
    assert told == [(8, 30), (16, 30), (24, 30), (30, 30)]


def test_what_another_process_embedded_meanwhile_is_kept_once(grid, pool, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_SECONDS", 1e9)
    first, second = (open_source(GRID, pool=pool, ids=()) for _ in range(2))

    def overtaken(done, total):
        if done == 30:  # all are computed and none is written
            second.embed(pool, pool.ids()[:20])

    assert first.embed(pool, pool.ids(), progress=overtaken) == 30
    assert len(open_source(GRID, pool=pool, ids=()).store) == 30


def test_vectors_are_written_every_few_seconds(grid, pool, monkeypatch):
    monkeypatch.setattr(module, "CHUNK_SECONDS", 0.0)
    embedder = open_source(GRID, pool=pool, ids=())
    written = []
    embedder.embed(pool, pool.ids(), progress=lambda done, total: written.append(len(embedder.store)))
    assert written == [8, 16, 24, 30], "before it is told that they are done"


class Logarithm(nn.Module):
    def forward(self, x):
        return x.log()


def test_a_network_that_says_nan_is_named(pool):
    network = grid_network()
    network.append(Logarithm())
    extractor = Extractor("logarithms", network, Preprocessing(8, mean=(0.9,) * 3))
    with pytest.raises(DataError, match=r"logarithms: the vector of the image of hash .* holds nan or inf"):
        Embedder(extractor).embed(pool, pool.ids())


def test_features_of_vectors_are_refused(tmp_path):
    from ncenet.data.pools import ArrayPool

    with pytest.raises(UsageError, match="feature vectors already"):
        open_source(GRID, pool=ArrayPool(np.zeros((2, 3), np.float32)), ids=())


def test_a_name_that_no_extractor_has(pool):
    with pytest.raises(UsageError, match="unknown extractor 'lite': did you mean 'lite"):
        open_extractor(Wanted("lite"))


SLOW = """
import sys, time
from ncenet.data.pools import FolderPool
from ncenet.features import backends, embed, graphs
from ncenet.features.embed import Embedder
from ncenet.features.extractor import Extractor
from ncenet.features.framing import Preprocessing
from tests.features.conftest import grid_network

graphs.PACKAGES = ("no such package",)
backends.BATCH, embed.BATCH, embed.CHUNK_SECONDS = 2, 2, 0.0
pool = FolderPool(sys.argv[1])
def show(done, total):
    print(done, flush=True)
    time.sleep(0.05)
Embedder(Extractor("grid", grid_network(), Preprocessing(8))).embed(pool, pool.ids(), progress=show)
"""


def test_killed_in_the_middle_no_more_than_a_chunk_is_lost(pool, counted):
    words = [sys.executable, "-c", SLOW, str(pool.root)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    for _ in range(5):
        done = int(process.stdout.readline())
    process.kill()
    process.communicate()
    embedder = Embedder(Extractor("grid", grid_network(), Preprocessing(8)))
    assert done == 10 and len(embedder.store) >= 10 and embedder.store.damaged == []
    there = len(embedder.store)
    assert embedder.embed(pool, pool.ids()) == 30 - there
