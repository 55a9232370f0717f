"""Arrays that are compared in single precision, and a choice that needs none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import ncenet
from ncenet.errors import DataError, NonFiniteScore, UsageError
from tests.api.test_select import FEATURES, PROBS, N


def test_whole_numbers_and_lists_are_read_as_exactly_as_arrays():
    given = {"query_size": 3, "strategy": "core-set"}
    whole = np.arange(20).reshape(10, 2) ** 2
    for far in (whole + 10**9, (whole + 1e9).tolist(), (whole + 10**9).tolist(), torch.tensor(whole + 10**9)):
        with pytest.raises(DataError, match=r"^features: the vectors lie so far from zero"):
            ncenet.select(features=far, **given)
    unsure = [[1 - p, p] for p in (1e-9, 3e-9, 2e-9)]  # in single precision all are [1, 0]
    for likelihoods in (unsure, np.array(unsure), torch.tensor(unsure, dtype=torch.float64)):
        assert ncenet.select(likelihoods, 3).ids == ("00001", "00002", "00000")


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["core-set", "badge", "typiclust", "max-herding", "fast-bait"])
def test_a_vector_absurdly_far_from_the_others_is_refused_by_its_id(name, kind):
    vectors = (FEATURES / 100).astype(kind)
    vectors[7] = 6e4 if kind == np.float16 else 1e20
    ids = [f"photo-{row}" for row in range(N)]
    given = {"query_size": 3, "ids": ids, "labels": [0, 1]}
    known = {"labeled_features": FEATURES[:2], "labeled_probs": PROBS[:2]}
    with pytest.raises(DataError, match=r"^features: 1 vector .*'photo-7'"):
        ncenet.select(PROBS, features=vectors, strategy=name, **given, **known)
    known["labeled_features"] = np.array([[np.nan] * FEATURES.shape[1], FEATURES[0]])
    with pytest.raises(DataError, match=r"^labeled_features: 1 vector holds nan, .*/00000'"):
        ncenet.select(PROBS, features=FEATURES, strategy=name, **given, **known)
    assert len(ncenet.select(PROBS, 3, features=vectors)) == 3, "margin looks at none of them"


def test_half_precision_that_numpy_does_not_have():
    halves = torch.tensor(FEATURES).bfloat16()
    given = {"query_size": 3, "strategy": "core-set"}
    assert ncenet.select(features=halves, **given).ids == ncenet.select(features=halves.float(), **given).ids


def test_random_takes_ids_alone():
    ids = [f"photo-{row}" for row in range(N)]
    chosen = ncenet.select(ids=ids, query_size=5, strategy="random")
    assert chosen == ncenet.select(PROBS, 5, ids=ids, strategy="random")
    assert ncenet.select(ids=[], query_size=5, strategy="random") == ncenet.Query((), ())
    with pytest.raises(UsageError, match="5 images need 5 distinct ids, got 1"):
        ncenet.select(ids=["a"] * 5, strategy="random")
    with pytest.raises(UsageError, match="margin needs probs: give probs="):
        ncenet.select(ids=ids, query_size=5)
    with pytest.raises(UsageError, match="ids: one for each image, and 'ab' is not several"):
        ncenet.select(PROBS[:2], 1, ids="ab")


@pytest.mark.parametrize("name", ["margin", "entropy", "least-confidence", "confusion", "rejection", "badge"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_likelihoods_that_are_not_finite_are_told_with_the_first_id(name, value):
    broken = PROBS.copy()
    broken[3, 1] = value
    with pytest.raises(NonFiniteScore, match=r"1 score is not finite, the first at '00003'"):
        ncenet.select(broken, 5, strategy=name, features=FEATURES)
