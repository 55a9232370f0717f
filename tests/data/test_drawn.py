"""Data sets that are drawn: always there, always the same."""

import hashlib
from collections import Counter
from functools import cache

import numpy as np
import pytest

from ncenet.data import datasets, open_dataset


@cache
def opened(name, split):
    return open_dataset(name, split=split)


@pytest.mark.parametrize("name", ["shapes", "textures"])
def test_they_are_what_they_say(name):
    entry = datasets.get(name)()
    for split, count in zip(("train", "test"), entry.images, strict=True):
        one = opened(name, split)
        ids = one.pool.ids()
        assert len(ids) == count and len(one.class_names) == entry.classes == 10
        pixels = np.stack([one.pool.load(id) for id in ids[:50]])
        assert pixels.shape == (50, 32, 32, 1) and pixels.std() > 20
        assert len({hashlib.sha256(p.tobytes()).digest() for p in pixels}) == 50


def test_they_are_the_same_again():
    one, two = opened("shapes", "test"), open_dataset("shapes", split="test")
    ids = one.pool.ids()
    assert all(one.pool.content_hash(id) == two.pool.content_hash(id) for id in ids)
    assert one.required_oracle().answer(ids) == two.required_oracle().answer(ids)


def test_train_and_test_share_no_image():
    hashes = [
        {pool.content_hash(id) for id in pool.ids()}
        for pool in (opened("shapes", split).pool for split in ("train", "test"))
    ]
    assert not hashes[0] & hashes[1]


def counts(name, split):
    data = opened(name, split)
    return Counter(data.required_oracle().answer(data.pool.ids()).values())


def test_textures_go_from_frequent_to_rare_and_are_tested_alike():
    of_class = list(dict(sorted(counts("textures", "train").items())).values())
    assert of_class == sorted(of_class, reverse=True) and 6 < of_class[0] / of_class[-1] < 8.5
    assert set(counts("textures", "test").values()) == {50}
    assert set(counts("shapes", "train").values()) == {200}
