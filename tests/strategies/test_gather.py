"""Rows of the pool, gathered by chunks."""

import pytest
import torch

import ncenet
from ncenet.errors import UsageError
from ncenet.strategies.gather import GatheredRows


def table(*chunks):
    rows = torch.cat(chunks)
    gathered = GatheredRows([str(n) for n in range(len(rows))])
    start = 0
    for chunk in chunks:
        gathered.fill([str(n) for n in range(start, start + len(chunk))], chunk)
        start += len(chunk)
    return gathered


def test_differences_that_float32_would_lose_are_refused_over_all_chunks():
    near = torch.tensor([[0.0, 1.0], [0.25, 0.5]], dtype=torch.float64)
    gathered = table(near + 1e9, near[:1] + 1e9)
    with pytest.raises(UsageError, match=r"rows differ by 0\.5 at most, .* take a common offset off"):
        _ = gathered.rows
    far = torch.tensor([[0.0, 4e9]], dtype=torch.float64)  # what was near is no matter beside it
    assert table(near + 1e9, far + 1e9).rows.shape == (3, 2)
    features = 1e9 + torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with pytest.raises(UsageError, match="take a common offset off"):
        ncenet.select(features=features, query_size=3, strategy="core-set")
    centred = features - features.mean(0)
    assert len(ncenet.select(features=centred, query_size=3, strategy="core-set")) == 3


@pytest.mark.parametrize(
    "rows",
    [
        torch.full((3, 2), 0.1, dtype=torch.float64),
        torch.full((3, 2), 1e9 + 0.1, dtype=torch.float64),
        1 / 3 + 1e-12 * torch.arange(6, dtype=torch.float64).reshape(3, 2),  # likelihoods that are alike
        torch.tensor([[1e9], [1e9 + 64]]),
        torch.tensor([[1e3], [1e3 + 1]], dtype=torch.float64),
    ],
    ids=["the same", "the same far away", "likelihoods", "float32", "a small offset"],
)
def test_rows_whose_differences_stay_are_taken(rows):
    assert torch.equal(table(rows).rows, rows.float())
