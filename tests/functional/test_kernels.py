import math

import pytest
import torch

import ncenet.functional as F
from tests.reference import kernels as reference

MAPS = ["none", "scaled", "l2", "sigmoid-l2"]


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("feature_map", MAPS)
def test_feature_map_equals_the_reference(feature_map: str) -> None:
    vectors = normal(4, 7)
    expected = [reference.feature_map(row, feature_map) for row in vectors.tolist()]
    torch.testing.assert_close(F.apply_feature_map(vectors, feature_map), torch.tensor(expected).double())


def test_unknown_feature_map_is_named() -> None:
    with pytest.raises(ValueError, match="no feature map 'l3'"):
        F.apply_feature_map(normal(2, 3), "l3")


@pytest.mark.parametrize("K", [1, 3])
def test_gaussian_equals_the_reference(K: int) -> None:
    features, prototypes, radius = (
        normal(5, 4),
        normal(3, K, 4, seed=1),
        torch.tensor([0.5, 1.0, 3.0]).double(),
    )
    expected = [
        [
            reference.gaussian_likelihood(f, m, r)
            for m, r in zip(prototypes.tolist(), radius.tolist(), strict=True)
        ]
        for f in features.tolist()
    ]
    log_p = F.gaussian_log_likelihood(F.nearest_squared_distance(features, prototypes), radius)
    torch.testing.assert_close(log_p.exp(), torch.tensor(expected).double())


@pytest.mark.parametrize("K", [1, 3])
def test_cosine_equals_the_reference(K: int) -> None:
    features, prototypes, radius = (
        normal(5, 4),
        normal(3, K, 4, seed=1),
        torch.tensor([0.5, 1.0, 10.0]).double(),
    )
    expected = [
        [
            reference.cosine_likelihood(f, m, r)
            for m, r in zip(prototypes.tolist(), radius.tolist(), strict=True)
        ]
        for f in features.tolist()
    ]
    log_p = F.cosine_log_likelihood(features, prototypes, radius)
    torch.testing.assert_close(log_p.exp(), torch.tensor(expected).double())


def test_at_the_radius_the_likelihood_is_exp_of_minus_a_half() -> None:
    radius = torch.tensor([0.1, 1.0, 60.0])
    log_p = F.gaussian_log_likelihood(radius.square(), radius)
    torch.testing.assert_close(log_p, torch.full((3,), -0.5))
    assert (F.gaussian_log_likelihood(1.1 * radius.square(), radius) < log_p).all(), "farther is less likely"


def test_leading_dimensions_are_kept() -> None:
    features, prototypes, radius = normal(2, 5, 4), normal(3, 2, 4, seed=1), torch.ones(3).double()
    for kernel in (
        F.nearest_squared_distance(features, prototypes),
        F.cosine_log_likelihood(features, prototypes, radius),
    ):
        assert kernel.shape == (2, 5, 3)
    whole = F.nearest_squared_distance(features, prototypes)
    torch.testing.assert_close(whole[1, 3], F.nearest_squared_distance(features[1, 3], prototypes))


def likelihoods(features: torch.Tensor, prototypes: torch.Tensor) -> list[torch.Tensor]:
    radius = torch.tensor([0.7, 2.0, 5.0]).to(features.dtype)
    distance = F.nearest_squared_distance(features, prototypes)
    return [
        F.gaussian_log_likelihood(distance, radius),
        F.cosine_log_likelihood(features, prototypes, radius),
    ]


def test_coinciding_prototypes_equal_one() -> None:
    features, one = normal(6, 4).requires_grad_(), normal(3, 1, 4, seed=1)
    for single, triple in zip(
        likelihoods(features, one), likelihoods(features, one.expand(3, 3, 4)), strict=True
    ):
        torch.testing.assert_close(single, triple)
        gradients = [
            torch.autograd.grad(log_p.sum(), features, retain_graph=True)[0] for log_p in (single, triple)
        ]
        torch.testing.assert_close(*gradients)


def test_a_far_prototype_changes_nothing() -> None:
    features = normal(6, 4).abs()
    near = normal(3, 1, 4, seed=1).abs()
    far = torch.cat([near, -100 * near], dim=1)
    for alone, beside in zip(likelihoods(features, near), likelihoods(features, far), strict=True):
        torch.testing.assert_close(alone, beside)


def test_permuted_classes_permute_the_likelihoods() -> None:
    features, prototypes, order = normal(6, 4), normal(3, 2, 4, seed=1), torch.tensor([2, 0, 1])
    radius = torch.tensor([0.7, 2.0, 5.0]).double()
    distance = F.nearest_squared_distance(features, prototypes)
    torch.testing.assert_close(F.nearest_squared_distance(features, prototypes[order]), distance[:, order])
    cosine = F.cosine_log_likelihood(features, prototypes, radius)
    permuted = F.cosine_log_likelihood(features, prototypes[order], radius[order])
    torch.testing.assert_close(permuted, cosine[:, order])


@pytest.mark.parametrize("feature_map", MAPS)
def test_gaussian_gradcheck(feature_map: str) -> None:
    def head(features: torch.Tensor, prototypes: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
        mapped = [F.apply_feature_map(v, feature_map) for v in (features, prototypes)]
        return F.gaussian_log_likelihood(F.nearest_squared_distance(*mapped), radius)

    inputs = (normal(3, 4), normal(2, 3, 4, seed=1), torch.tensor([0.5, 2.0]).double())
    assert torch.autograd.gradcheck(head, [x.requires_grad_() for x in inputs])


def test_cosine_gradcheck() -> None:
    inputs = (normal(3, 4), normal(2, 3, 4, seed=1), torch.tensor([0.5, 10.0]).double())
    assert torch.autograd.gradcheck(F.cosine_log_likelihood, [x.requires_grad_() for x in inputs])


def test_autocast_does_not_change_the_likelihoods() -> None:
    features, prototypes = normal(6, 64, dtype=torch.float32), normal(3, 2, 64, seed=1, dtype=torch.float32)
    outside = likelihoods(features, prototypes)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (features @ features.T).dtype == torch.bfloat16, "autocast is on"
        inside = likelihoods(features, prototypes)
    for before, within in zip(outside, inside, strict=True):
        torch.testing.assert_close(before, within)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_input_is_computed_in_float32(dtype: torch.dtype) -> None:
    # 300^2 x 8 is beyond float16, and the normalisation of a zero vector divides 0 by 0 there.
    features = torch.stack([torch.full((8,), 300.0), torch.zeros(8), torch.full((8,), 1e-4)]).to(dtype)
    prototypes = normal(3, 2, 8, seed=1).to(dtype)
    for got, expected in zip(
        likelihoods(features, prototypes), likelihoods(features.float(), prototypes.float()), strict=True
    ):
        assert got.dtype == torch.float32
        torch.testing.assert_close(got, expected, rtol=1e-2, atol=1e-6)  # the radius alone is rounded


def test_distance_is_never_negative() -> None:
    features = normal(50, 512, dtype=torch.float32) * 100
    distance = F.nearest_squared_distance(features, features.unsqueeze(1)).diagonal()
    assert (distance >= 0).all()
    assert (distance <= 1e-6 * features.square().sum(1)).all()


def test_likelihoods_keep_their_ratios_however_far_away_everything_is() -> None:
    log_p = normal(50, 7).abs().neg() * torch.logspace(-2, 6, 50)[:, None]
    said = F.likelihoods(log_p.float())
    near = log_p.amax(1) > -80
    assert 10 < int(near.sum()) < 45
    torch.testing.assert_close(said[near], log_p[near].float().exp())
    assert torch.equal(said.argmax(1), log_p.argmax(1))
    assert (said.amax(1) >= math.exp(-80) * 0.999).all() and (said[~near].amax(1) <= 1e-34).all()
    shares = said[~near].double() / said[~near].double().sum(1, keepdim=True)
    torch.testing.assert_close(shares, log_p[~near].double().softmax(1), rtol=1e-3, atol=1e-3)
