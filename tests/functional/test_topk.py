import math

import pytest
import torch

from ncenet.errors import NonFiniteScore
from ncenet.functional import TopK


def test_best_first_and_ties_by_id() -> None:
    best = TopK(3)
    best.push(["d", "b", "e", "a"], torch.tensor([1.0, 2.0, 1.0, 0.0]))
    best.push(["c"], torch.tensor([1.0]))
    query = best.query()
    assert query.ids == ("b", "c", "d")
    assert query.scores == (2.0, 1.0, 1.0)


def test_fewer_than_k_gives_all_and_none_gives_none() -> None:
    best = TopK(5)
    assert best.query().ids == ()
    best.push([], torch.empty(0))
    best.push(["a", "b"], torch.tensor([0.5, 1.5], dtype=torch.float16))
    assert best.query().ids == ("b", "a")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_counted_and_the_first_is_named(bad: float) -> None:
    best = TopK(2)
    best.push(["a"], torch.tensor([1.0]))
    with pytest.raises(NonFiniteScore, match=r"2 score\(s\) are not finite, the first at 'c'") as caught:
        best.push(["b", "c", "d", "e"], torch.tensor([9.0, bad, 9.0, bad]))
    assert (caught.value.count, caught.value.first_id) == (2, "c")
    assert best.query().ids == ("a",), "nothing of the chunk was kept"


def test_an_id_is_never_queried_twice() -> None:
    best, shard = TopK(3), TopK(3)
    best.push(["a", "b"], torch.tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="pushed twice"):
        best.push(["b"], torch.tensor([3.0]))
    shard.push(["a"], torch.tensor([1.0]))
    with pytest.raises(ValueError, match="pushed twice"):
        best.merge(shard)
    assert best.query().ids == ("b", "a")


def test_a_smaller_shard_cannot_be_merged() -> None:
    with pytest.raises(ValueError, match="cannot merge the best 2 of a shard into the best 3"):
        TopK(3).merge(TopK(2))


def test_ids_and_scores_must_match() -> None:
    with pytest.raises(ValueError, match=r"2 ids need as many scores, got shape \(2, 3\)"):
        TopK(1).push(["a", "b"], torch.zeros(2, 3))


def test_k_must_be_positive() -> None:
    with pytest.raises(ValueError, match="k must be >= 1, got 0"):
        TopK(0)


def test_memory_does_not_grow_with_the_pool() -> None:
    best = TopK(10)
    for start in range(0, 5000, 100):
        best.push([f"{i:05}" for i in range(start, start + 100)], torch.zeros(100))
        assert len(best) <= 10
    assert best.query().ids == tuple(f"{i:05}" for i in range(10))


def test_the_floor_is_what_the_next_score_has_to_reach() -> None:
    best = TopK(2)
    assert best.floor == -math.inf
    best.push(["a"], torch.tensor([0.5]))
    assert best.floor == -math.inf, "one more enters with any score"
    best.push(["b", "c"], torch.tensor([0.25, 0.75]))
    assert best.floor == 0.5
