import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncenet.functional import TopK
from ncenet.rng import Lots
from tests.reference.topk import top_k

# Few distinct scores, so that ties are common; whole numbers, so that float32 holds them.
pools = st.dictionaries(st.text("abc", min_size=1, max_size=4), st.integers(-3, 3).map(float), min_size=1)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def push(best: TopK, ids: list[str], scores: dict[str, float], chunk: int) -> None:
    for start in range(0, len(ids), chunk):
        part = ids[start : start + chunk]
        best.push(part, torch.tensor([scores[id] for id in part]))


@settings(deadline=None, max_examples=150)
@given(scores=pools, k=st.integers(1, 12), chunk=st.integers(1, 20), shards=st.integers(1, 4), data=st.data())
def test_any_order_chunk_size_and_sharding_give_the_same_query(
    scores: dict[str, float], k: int, chunk: int, shards: int, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(sorted(scores)))
    parts = [TopK(k, rng()) for _ in range(shards)]
    for shard, part in enumerate(parts):
        push(part, order[shard::shards], scores, chunk)
    whole = TopK(k, rng())
    for part in data.draw(st.permutations(parts)):
        whole.merge(part)
    query = whole.query()
    assert list(query.ids) == top_k(scores, k, Lots.of(rng()))
    assert list(query.scores) == [scores[id] for id in query.ids]
