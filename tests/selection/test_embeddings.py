"""Embeddings in files of scores are compared in single precision, and those that cannot be are refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import ncenet
from ncenet.errors import DataError

N = 12
IDS = [f"{row:03}" for row in range(N)]
PROBS = np.random.default_rng(0).dirichlet(np.ones(3), N)
VECTORS = np.random.default_rng(1).standard_normal((N, 2))
WAYS = [{"near": 0.01}, *({"diversify": how} for how in ("herding", "kmeans", "kcenter", "badge"))]


def parquet(folder, vectors):
    rows = pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(vectors)), 2)
    table = pa.table({"id": IDS, "likelihood": PROBS.tolist(), "embedding": rows})
    pq.write_table(table, folder / "s.parquet")
    return folder / "s.parquet"


def csv(folder, vectors):
    lines = ["id,prob_a,prob_b,prob_c,embedding_0,embedding_1"]
    lines += [
        ",".join([id, *map(repr, p.tolist()), *map(repr, v.tolist())])
        for id, p, v in zip(IDS, PROBS, vectors, strict=True)
    ]
    (folder / "s.csv").write_text("\n".join(lines))
    return folder / "s.csv"


def chosen(file, **how):
    return ncenet.select(file, 3, factor=4, notify=False, **how)


def with_row(value):
    vectors = VECTORS.copy()
    vectors[3] = value
    return vectors


@pytest.mark.parametrize("form", [parquet, csv])
@pytest.mark.parametrize("how", WAYS, ids=str)
@pytest.mark.parametrize(
    ("vectors", "why"),
    [
        (VECTORS + 1e9, "so far from zero that single precision rounds off 100% of what sets them apart"),
        (with_row(1e300), r"1 vector holds .*what single precision can't, the first of '003' \(.*s\."),
        (with_row(np.nan), r"1 vector holds nan, inf or .*, the first of '003' \(.*s\."),
        (
            with_row(1e20),
            r"1 vector lies more than 10,000 times as far .* that of '003' \(.*s\.(parquet|csv)\)",
        ),
    ],
    ids=["alike", "overflow", "nan", "far"],
)
def test_those_that_cannot_be_compared_are_refused_by_their_ids(tmp_path, form, how, vectors, why):
    with pytest.raises(DataError, match=f"^embedding(_0)?: .*{why}"):
        chosen(form(tmp_path, vectors), **how)


@pytest.mark.parametrize("form", [parquet, csv])
@pytest.mark.parametrize("how", WAYS, ids=str)
def test_a_strategy_that_reads_none_is_not_held_up(tmp_path, form, how):
    usual = chosen(form(tmp_path, VECTORS), **how).ids
    (tmp_path / "far").mkdir()
    assert len(ncenet.select(form(tmp_path / "far", with_row(np.nan)), 3, notify=False)) == 3
    assert chosen(form(tmp_path / "far", VECTORS * 1e3), **how).ids == usual


@pytest.mark.parametrize("how", WAYS[1:], ids=str)
def test_few_candidates_of_which_most_are_one_image_but_for_rounding(tmp_path, how):
    copies = 1 + 1e-7 * VECTORS
    copies[[2, 7]] = [[3.0, 1.0], [-2.0, 5.0]]
    assert {"002", "007"} <= set(IDS) and len(chosen(parquet(tmp_path, copies), **how)) == 3


def test_embeddings_that_are_not_there(tmp_path):
    table = pa.table(
        {"id": IDS, "likelihood": PROBS.tolist(), "embedding": pa.array([None] * N, pa.list_(pa.float32()))}
    )
    pq.write_table(table, tmp_path / "s.parquet")
    with pytest.raises(DataError, match=r"s\.parquet: nothing stands in embedding of '0"):
        chosen(tmp_path / "s.parquet", diversify="kcenter")


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e30])
def test_copies_are_the_same_at_any_scale(tmp_path, scale):
    rows = np.tile([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0]], (4, 1)).astype(np.float32) * np.float32(scale)
    found = ncenet.select(parquet(tmp_path, rows), N, near=0.05, notify=False)
    assert len(found) == 2, "two directions"
