"""What computing features would take: what is in the store counts nothing, and nothing is kept."""

from __future__ import annotations

import shutil

import numpy as np
import PIL.Image
import pytest

from ncenet.compare.comparison import Arm, Comparison
from ncenet.compare.costs import cost
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError
from ncenet.features.embed import Embedder
from ncenet.features.pool import open_source
from ncenet.loop import embedding_cost as module
from ncenet.loop.embedding_cost import EmbeddingCost, embedding_of
from ncenet.recipe import Recipe
from tests.features.conftest import cache, counted, grid, in_torch, photos  # noqa: F401 - fixtures


@pytest.fixture
def recipe(grid, cache, photos):  # noqa: F811
    changes = {"model.features": "grid", "data.train": str(photos), "train.threads": 1, "loop.cycles": 2}
    return Recipe().with_changes(changes | {"loop.initial": 6, "loop.query_size": 3})


@pytest.fixture
def two_a_second(monkeypatch):
    """Speed that nobody measured: two images a second."""
    asked = []

    def speed(self, pool, ids):
        asked.append(list(ids))
        return 2.0

    monkeypatch.setattr(Embedder, "speed", speed)
    return asked


def embed(recipe, ids):
    pool = FolderPool(recipe.data.train)
    open_source(recipe.model, pool=pool, ids=()).embed(pool, ids or pool.ids())


def test_images_that_have_a_vector_count_nothing(recipe, two_a_second):
    assert embedding_of(recipe) == EmbeddingCost("grid", "photos", 30, 30, 2.0)
    embed(recipe, [f"ant/{number}.png" for number in range(10)])
    some = embedding_of(recipe)
    assert (some.missing, some.seconds) == (20, 10.0)
    assert not any(id.startswith("ant") for id in two_a_second[-1]), "what is there says nothing of the speed"
    embed(recipe, None)
    assert embedding_of(recipe) == EmbeddingCost("grid", "photos", 30, 0, 0.0) and len(two_a_second) == 2


def test_images_of_the_test_set_are_counted(recipe, two_a_second, photos):  # noqa: F811
    held_out = photos.with_name("held-out")
    shutil.copytree(photos, held_out)
    for file in held_out.glob("*/*.png"):
        PIL.Image.open(file).rotate(180).save(file)
    embed(recipe, None)
    found = embedding_of(recipe.with_changes({"data.test": str(held_out)}))
    assert (found.images, found.missing) == (60, 30)


def test_of_a_large_pool_a_part_is_looked_up(recipe, two_a_second, monkeypatch):
    monkeypatch.setattr(module, "HASHED", 10)
    looked_at, real = [], FolderPool.content_hash
    monkeypatch.setattr(
        FolderPool, "content_hash", lambda pool, one: (looked_at.append(one), real(pool, one))[1]
    )
    found = embedding_of(recipe)
    assert len(looked_at) == 10 and found.missing == 30
    embed(recipe, [f"ant/{number}.png" for number in range(10)])
    part = embedding_of(recipe)
    assert 0 < part.missing < 30 and part.missing % 3 == 0, "of ten that were looked up, times three"
    assert f": about {part.missing} of 30 images have no vector yet; 2.0 a second" in str(part)


def test_what_is_timed_is_not_kept_and_broken_images_do_not_end_it(recipe, counted, photos):  # noqa: F811
    (photos / "ant/0.png").write_bytes(b"<html>404</html>")
    (photos / "ant/1.png").unlink()
    found = embedding_of(recipe)
    assert found.speed > 0 and sum(counted) >= 28
    assert embedding_of(recipe).missing == found.missing == 29


def test_trials_share_what_is_embedded(recipe, two_a_second, tmp_path):
    names = ("random", "margin")
    arms = tuple(Arm(name=name, changes={"loop.strategy": name}) for name in names)
    base = recipe.with_changes({"loop.held_out": 6})
    comparison = Comparison(title="Two", base=base, arms=arms, seeds=(0, 1))
    several, one = cost(comparison, tmp_path), cost(recipe)
    assert several.trials == 4 and several.embed_seconds == one.embed_seconds == 15.0
    assert several.seconds == 15.0 + several.train_seconds + several.score_seconds
    assert "features   grid of photos: none of 30 images has a vector yet; 2.0 a second" in str(several)
    assert "for 4 trials one after the other (features 0.2, training" in str(several)
    embed(recipe, None)
    assert "all 30 images have a vector already" in str(cost(recipe)) and "(features 0.0, " in str(
        cost(recipe)
    )


def test_vectors_of_ones_own_cost_nothing_and_are_looked_through(recipe, tmp_path, photos):  # noqa: F811
    ids = FolderPool(photos).ids()
    np.savez(tmp_path / "own.npz", ids=np.array(ids), vectors=np.eye(30, 4, dtype=np.float32))
    own = recipe.with_changes({"model.features": str(tmp_path / "own.npz")})
    assert embedding_of(own) is None and "features" not in str(cost(own))
    np.savez(tmp_path / "own.npz", ids=np.array(ids[1:]), vectors=np.eye(29, 4, dtype=np.float32))
    with pytest.raises(DataError, match=r"no vector for 1 of 30 images, the first 'ant/0\.png'"):
        embedding_of(own)


def test_without_features_there_is_nothing_to_tell():
    assert embedding_of(Recipe().with_changes({"data.train": "digits"})) is None
