import math

import pytest
import torch

from ncenet.errors import NonFiniteScore
from ncenet.functional import TopK
from ncenet.rng import Lots


def top_k(k: int, seed: int = 0) -> TopK:
    return TopK(k, torch.Generator().manual_seed(seed))


def test_best_first_and_ties_by_lot() -> None:
    drawn = set()
    for seed in range(20):
        best = top_k(3, seed)
        best.push(["d", "b", "e", "a"], torch.tensor([1.0, 2.0, 1.0, 0.0]))
        best.push(["c"], torch.tensor([1.0]))
        query = best.query()
        assert query.ids[0] == "b" and query.scores == (2.0, 1.0, 1.0)
        drawn.add(frozenset(query.ids[1:]))
    assert drawn == {frozenset("cd"), frozenset("ce"), frozenset("de")}


def test_what_is_drawn_from_a_generator_afterwards_is_as_without_lots() -> None:
    rng, other = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    TopK(2, rng)
    assert torch.equal(torch.rand(3, generator=rng), torch.rand(3, generator=other))


def test_fewer_than_k_gives_all_and_none_gives_none() -> None:
    best = top_k(5)
    assert best.query().ids == ()
    best.push([], torch.empty(0))
    best.push(["a", "b"], torch.tensor([0.5, 1.5], dtype=torch.float16))
    assert best.query().ids == ("b", "a")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_counted_and_the_first_is_named(bad: float) -> None:
    best = top_k(2)
    best.push(["a"], torch.tensor([1.0]))
    with pytest.raises(NonFiniteScore, match=r"2 scores are not finite, the first at 'c'") as caught:
        best.push(["b", "c", "d", "e"], torch.tensor([9.0, bad, 9.0, bad]))
    assert (caught.value.count, caught.value.first_id) == (2, "c")
    assert best.query().ids == ("a",), "nothing of the chunk was kept"


def test_an_id_is_never_queried_twice() -> None:
    best, shard = top_k(3), top_k(3)
    best.push(["a", "b"], torch.tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="pushed twice"):
        best.push(["b"], torch.tensor([3.0]))
    shard.push(["a"], torch.tensor([1.0]))
    with pytest.raises(ValueError, match="pushed twice"):
        best.merge(shard)
    assert best.query().ids == ("b", "a")


def test_a_smaller_shard_cannot_be_merged() -> None:
    with pytest.raises(ValueError, match="cannot merge the best 2 of a shard into the best 3"):
        top_k(3).merge(top_k(2))
    with pytest.raises(ValueError, match="draw other lots don't merge"):
        top_k(3).merge(top_k(3, 1))


def test_ids_and_scores_must_match() -> None:
    with pytest.raises(ValueError, match=r"2 ids need as many scores, got shape \(2, 3\)"):
        top_k(1).push(["a", "b"], torch.zeros(2, 3))


def test_k_must_be_positive() -> None:
    with pytest.raises(ValueError, match="k must be >= 1, got 0"):
        top_k(0)


def test_memory_does_not_grow_with_the_pool() -> None:
    best = top_k(10)
    for start in range(0, 5000, 100):
        best.push([f"{i:05}" for i in range(start, start + 100)], torch.zeros(100))
        assert len(best) <= 10
    lots = Lots.of(torch.Generator().manual_seed(0))
    assert best.query().ids == tuple(sorted((f"{i:05}" for i in range(5000)), key=lots)[:10])


def test_the_floor_is_what_the_next_score_has_to_reach() -> None:
    best = top_k(2)
    assert best.floor == -math.inf
    best.push(["a"], torch.tensor([0.5]))
    assert best.floor == -math.inf, "one more enters with any score"
    best.push(["b", "c"], torch.tensor([0.25, 0.75]))
    assert best.floor == 0.5


def test_without_a_generator_ties_are_broken_by_id() -> None:
    best, shard = TopK(2), TopK(2)
    best.push(["d", "b"], torch.tensor([1.0, 1.0]))
    shard.push(["a", "c"], torch.tensor([1.0, 1.0]))
    best.merge(shard)
    assert best.query().ids == ("a", "b")
