import math

import pytest
import torch

import ncenet.functional as F
from tests.reference import information as reference


def likelihoods(N: int = 40, C: int = 5) -> torch.Tensor:
    return torch.rand(N, C, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_information_equals_the_reference() -> None:
    probs = likelihoods()
    expected = [reference.information(row) for row in probs.tolist()]
    torch.testing.assert_close(F.information(probs), torch.tensor(expected).double())
    assert F.information(probs.reshape(4, 10, 5)).shape == (4, 10)


def test_subset_information_equals_the_reference() -> None:
    probs = likelihoods()
    curve = F.subset_information(F.normalized_information(F.information(probs)))
    expected = [reference.subset_information(probs.tolist(), size) for size in range(1, 41)]
    torch.testing.assert_close(curve, torch.tensor(expected).double())


def test_shares_sum_to_one_and_the_curve_is_concave() -> None:
    shares = F.normalized_information(F.information(likelihoods()))
    assert float(shares.sum()) == pytest.approx(1)
    curve = F.subset_information(shares)
    assert float(curve[-1]) == pytest.approx(1)
    steps = curve.diff()
    assert (steps >= 0).all()
    assert (steps.diff() <= 1e-15).all()


@pytest.mark.parametrize(
    ("dtype", "nats"), [(torch.float16, 87.4), (torch.float32, 87.4), (torch.float64, 708.4)]
)
def test_likelihood_zero_weighs_as_the_smallest_normal_number(dtype: torch.dtype, nats: float) -> None:
    assert float(F.information(torch.zeros(1, 3, dtype=dtype))) == pytest.approx(nats, abs=0.1)


def test_nan_stays() -> None:
    assert math.isnan(F.information(torch.tensor([math.nan, 0.5])))


@pytest.mark.parametrize("information", [torch.zeros(3), torch.tensor([1.0, math.nan, 1.0])])
def test_nothing_to_share_is_an_error(information: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"information of 3 images sums to (0.0|nan): must be > 0"):
        F.normalized_information(information)
