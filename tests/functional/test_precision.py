"""What keeps the digits of float32."""

import pytest
import torch

from ncenet.functional._precision import middle


@pytest.mark.parametrize("rows", [1, 2, 7, 1000, 4001])
def test_the_middle_is_the_median_and_of_two_the_lower(rows):
    points = torch.randn(rows, 5, generator=torch.Generator().manual_seed(rows))
    some = points[:: -(-rows // 1000)]
    assert torch.equal(middle(points), some.median(0).values)


def test_the_middle_asks_for_nothing_that_a_gpu_only_does_by_chance(monkeypatch):
    def refused(*_, **__):
        raise RuntimeError("median has no deterministic implementation on CUDA")

    for name in ("median", "kthvalue", "nanmedian"):
        monkeypatch.setattr(torch.Tensor, name, refused)
    assert middle(torch.tensor([[1.0], [2.0], [4e6]])).tolist() == [2.0]
