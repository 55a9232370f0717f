"""Typical images before there is a model that can be trusted."""

from __future__ import annotations

import numpy as np
import pytest

from ncenet.data.pools import ArrayPool
from ncenet.learners import features
from ncenet.ledger.provenance import TYPICAL
from ncenet.loop import first as module
from ncenet.loop.first import TypicalImages
from ncenet.loop.open import open_loop
from ncenet.recipe import Recipe
from ncenet.rng import Streams


@pytest.fixture
def places():
    """Feature vectors in three heaps of ten, far apart."""
    random = np.random.default_rng(0)
    heaps = [100.0 * heap + random.standard_normal((10, 4)) for heap in range(3)]
    return ArrayPool(np.concatenate(heaps).astype(np.float32))


def heap(id):
    return int(id) // 10


def test_one_from_each_place(places):
    query = TypicalImages(places, Recipe(), Streams(0)).query(places.ids(), [], 3)
    assert sorted(map(heap, query.ids)) == [0, 1, 2]
    assert len(query.scores) == 3


def test_places_with_a_label_come_last(places):
    ids = list(places.ids())
    labeled = [id for id in ids if heap(id) == 1][:1]
    open_ids = [id for id in ids if id not in labeled]
    query = TypicalImages(places, Recipe(), Streams(0)).query(open_ids, labeled, 2)
    assert sorted(map(heap, query.ids)) == [0, 2]
    assert not set(query.ids) & set(labeled)


def test_of_a_large_pool_a_part_is_looked_at(places, monkeypatch):
    monkeypatch.setattr(module, "CANDIDATES", 12)
    seen = []
    plain = features.frozen_features
    monkeypatch.setattr(
        features, "frozen_features", lambda pool, ids, *a, **k: seen.append(ids) or plain(pool, ids, *a, **k)
    )
    labeled = list(places.ids()[:2])
    TypicalImages(places, Recipe(), Streams(0)).query(places.ids()[2:], labeled, 3)
    assert len(seen[0]) == 14 and seen[0][:2] == labeled


def test_nothing_left_to_ask(places):
    assert len(TypicalImages(places, Recipe(), Streams(0)).query([], list(places.ids()), 3)) == 0


HERDED = Recipe().with_changes({"loop.first": "herding"})


def test_herded_images_are_those_that_cover_most():
    random = np.random.default_rng(0)
    sizes = {0: 40, 1: 12, 2: 25}  # of three heaps, far apart
    places = np.concatenate([[100.0 * (h == np.arange(3))] * n for h, n in sizes.items()])
    pool = ArrayPool((places + random.standard_normal(places.shape)).astype(np.float32))
    of = dict(zip(pool.ids(), np.repeat([0, 1, 2], list(sizes.values())).tolist(), strict=True))
    query = TypicalImages(pool, HERDED, Streams(0)).query(pool.ids(), [], 3)
    assert [of[id] for id in query.ids] == [0, 2, 1], "the largest heap first"
    assert list(query.scores) == sorted(query.scores, reverse=True) and sum(query.scores) <= 1
    labeled = [id for id in pool.ids() if of[id] == 0][:1]
    left = [id for id in pool.ids() if id not in labeled]
    assert [of[id] for id in TypicalImages(pool, HERDED, Streams(0)).query(left, labeled, 2).ids] == [2, 1]
    assert len(TypicalImages(pool, HERDED, Streams(0)).query(left[:2], labeled, 5)) == 2


@pytest.mark.parametrize("first", ["random", "typical", "herding"])
def test_the_recipe_decides(tmp_path, first):
    recipe = Recipe().with_changes({"data.train": "digits", "loop.first": first})
    loop, _ = open_loop(recipe, tmp_path)
    with loop.ledger:
        loop.ask(12, held_out_first=False)
        assert (loop.ledger.latest_query().asked == TYPICAL) is (first != "random")


@pytest.mark.parametrize("first", ["typical", "herding"])
def test_a_first_query_larger_than_the_part_is_whole(places, monkeypatch, first):
    monkeypatch.setattr(module, "CANDIDATES", 12)
    recipe = Recipe().with_changes({"loop.first": first})
    assert len(set(TypicalImages(places, recipe, Streams(0)).query(places.ids(), [], 20).ids)) == 20
