import math
from typing import Literal

import pytest
import torch

import ncenet.functional as F
from tests.reference import losses as reference

DISTANCES = [10.0**e for e in range(-12, 7)]
"""Squared distances from 1e-12 to 1e6; with R^2 = 1/2, -log p is the squared distance itself."""


def log_likelihood(squared_distances: list[float], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    radius = torch.full((len(squared_distances),), math.sqrt(0.5), dtype=torch.float64)
    return F.gaussian_log_likelihood(torch.tensor(squared_distances, dtype=torch.float64), radius).to(dtype)


@pytest.mark.parametrize("target", DISTANCES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_loss_equals_the_reference_at_any_distance(target: float, dtype: torch.dtype) -> None:
    for other in DISTANCES:
        log_p = log_likelihood([target, other], dtype)
        expected = reference.nce_loss(log_p.tolist(), 0)
        got = float(F.nce_loss(log_p, torch.tensor(0)))
        assert got == pytest.approx(expected, rel=1e-5 if dtype == torch.float32 else 1e-10, abs=0)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("target", [0, 1, 2])
def test_the_loss_to_rank_by_equals_the_reference_but_for_the_rounding_of_a_likelihood(
    target: int, reduction: Literal["sum", "mean"]
) -> None:
    for other in DISTANCES:
        log_p = log_likelihood([0.3, other, 2.0])
        kept = log_p.clone()
        # 1 - p rounds to half of 2^-23, and a term to that by 1 - p.
        rounding = sum(2**-23 / -math.expm1(min(x, -1e-6)) for x in log_p.tolist())
        parts = 3 if reduction == "mean" else 1
        expected = reference.nce_loss(log_p.tolist(), target) / parts
        got = float(F.nce_rank_loss(log_p, target, reduction=reduction))
        assert got == pytest.approx(expected, rel=1e-6, abs=rounding)
        assert torch.equal(log_p, kept)


def test_the_loss_to_rank_by_has_no_gradient() -> None:
    log_p = torch.tensor([[-0.5, -1.0]], requires_grad=True)
    assert F.nce_loss(log_p, torch.tensor([0])).requires_grad
    assert not F.nce_rank_loss(log_p, 0).requires_grad


def test_ranks_are_those_of_the_loss() -> None:
    log_p = -torch.rand(500, 4, generator=torch.Generator().manual_seed(0)).double() * 5
    loss = F.nce_loss(log_p, torch.full((500,), 3))
    assert torch.equal(F.nce_rank_loss(log_p, 3).argsort(), loss.argsort())


@pytest.mark.parametrize("squared_distance", DISTANCES)
def test_positive_term_has_a_gradient_at_any_distance(squared_distance: float) -> None:
    distance = torch.tensor([squared_distance, 1.0], requires_grad=True)
    F.nce_loss(F.gaussian_log_likelihood(distance, torch.tensor([2.0, 1.0])), torch.tensor(0)).backward()
    assert float(distance.grad[0]) == pytest.approx(1 / 8), "d/dd^2 of d^2 / (2 R^2)"


def test_a_feature_far_from_its_prototype_is_pulled_to_it() -> None:
    feature = torch.tensor([[1e3, 0.0]], requires_grad=True)
    prototypes = torch.zeros(2, 1, 2)
    log_p = F.gaussian_log_likelihood(
        F.nearest_squared_distance(feature, prototypes), torch.tensor([1.0, 1.0])
    )
    assert float(log_p.exp().detach().max()) == 0, "the likelihood itself has underflowed"
    F.nce_loss(log_p, torch.tensor([0])).sum().backward()
    assert float(feature.grad[0, 0]) == pytest.approx(1e3)


def test_other_classes_are_bounded_where_they_coincide() -> None:
    x = torch.tensor([0.0, 0.0], requires_grad=True)
    loss = F.nce_loss(-x, torch.tensor(0))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(-math.log(1e-6), rel=1e-5)
    assert torch.isfinite(x.grad).all()


def test_confident_and_right_costs_nothing_confident_and_wrong_costs_much() -> None:
    log_p = log_likelihood([1e-9, 50.0])
    right, wrong = F.nce_loss(log_p.expand(2, 2), torch.tensor([0, 1]))
    assert float(right) == pytest.approx(0, abs=1e-6)
    assert float(wrong) > 50


def test_reductions_differ_by_the_number_of_classes() -> None:
    log_p, targets = log_likelihood([0.1, 1.0, 2.0, 5.0]).expand(3, 4), torch.tensor([0, 2, 3])
    summed = F.nce_loss(log_p, targets)
    torch.testing.assert_close(summed / 4, F.nce_loss(log_p, targets, reduction="mean"))


def test_permuted_classes_change_nothing_and_leading_dimensions_are_kept() -> None:
    generator = torch.Generator().manual_seed(0)
    log_p = -torch.rand(2, 5, 4, generator=generator) * 3
    targets = torch.randint(4, (2, 5), generator=generator)
    order = torch.tensor([3, 1, 0, 2])
    loss = F.nce_loss(log_p, targets)
    assert loss.shape == (2, 5)
    torch.testing.assert_close(F.nce_loss(log_p[..., order], order.argsort()[targets]), loss)
    torch.testing.assert_close(F.nce_loss(log_p[1, 3:4], targets[1, 3:4]), loss[1, 3:4])


def test_gradcheck() -> None:
    log_p = log_likelihood([0.01, 0.5, 0.8, 30.0], torch.float64).repeat(2, 1).requires_grad_()
    targets = torch.tensor([1, 3])
    assert torch.autograd.gradcheck(lambda x: F.nce_loss(x, targets), log_p)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_input_gives_finite_loss_and_gradient(dtype: torch.dtype) -> None:
    log_p = log_likelihood([1e-12, 1e-4, 1.0, 1e4], dtype).requires_grad_()
    for target in range(4):
        loss = F.nce_loss(log_p, torch.tensor(target))
        assert loss.dtype == torch.float32
        assert float(loss.detach()) == pytest.approx(reference.nce_loss(log_p.tolist(), target), rel=1e-4)
        (gradient,) = torch.autograd.grad(loss, log_p)
        assert torch.isfinite(gradient).all()


def test_autocast_trains_the_whole_head_like_float32() -> None:
    generator = torch.Generator().manual_seed(0)
    features, weight = torch.randn(8, 32, generator=generator), torch.randn(3, 1, 32, generator=generator)
    targets = torch.randint(3, (8,), generator=generator)

    def loss_and_gradient(autocast: bool) -> tuple[torch.Tensor, torch.Tensor]:
        prototypes = weight.clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            loss = head_loss(prototypes)
        return loss.detach(), torch.autograd.grad(loss, prototypes)[
            0
        ]  # outside of autocast, as is the custom

    def head_loss(prototypes: torch.Tensor) -> torch.Tensor:
        mapped = [F.apply_feature_map(v, "l2") for v in (features, prototypes)]
        log_p = F.gaussian_log_likelihood(F.nearest_squared_distance(*mapped), torch.full((3,), 0.5))
        return F.nce_loss(log_p, targets).mean()

    torch.testing.assert_close(loss_and_gradient(autocast=True), loss_and_gradient(autocast=False))


def test_log1mexp_sends_back_no_nan_from_the_branch_not_taken() -> None:
    x = torch.tensor([1e-38, 1e-6, math.log(2), 1.0, 90.0, 1e4], requires_grad=True)
    values = F.log1mexp(x)
    values.sum().backward()
    expected = [math.log(-math.expm1(-v)) for v in x.tolist()]
    torch.testing.assert_close(values.detach(), torch.tensor(expected), rtol=1e-6, atol=1e-38)
    torch.testing.assert_close(
        x.grad, torch.tensor([1 / math.expm1(min(v, 700)) for v in x.tolist()]), rtol=1e-5, atol=1e-38
    )
