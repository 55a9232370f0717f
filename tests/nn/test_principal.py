import pytest
import torch

from ncenet.errors import NonFiniteScore
from ncenet.nn import principal
from ncenet.nn.principal import PrincipalComponents


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_equals_the_singular_vectors_of_the_centred_pool():
    pool = normal(200, 12) * torch.arange(1, 13) + 5
    made = PrincipalComponents.of(pool, 4)
    directions = torch.linalg.svd(pool - pool.mean(0), full_matrices=False).Vh[:4]
    signs = (made.components * directions).sum(1).sign()
    torch.testing.assert_close(made.components, directions * signs[:, None], atol=1e-3, rtol=0)
    expected = (pool - pool.mean(0)) @ made.components.T
    torch.testing.assert_close(made(pool), expected / expected.norm(dim=1, keepdim=True), atol=1e-5, rtol=0)


def test_the_same_pool_gives_the_same_directions_whatever_its_precision_of_storage():
    pool = normal(300, 20).half()
    first, again = PrincipalComponents.of(pool), PrincipalComponents.of(pool.float())
    assert torch.equal(first.components, again.components)
    assert first(pool).dtype == torch.float32
    assert torch.equal(first(pool), again(pool.float()))


def test_no_more_directions_than_there_are():
    assert PrincipalComponents.of(normal(300, 20)).out_features == 20
    assert PrincipalComponents.of(normal(7, 20)).out_features == 7
    assert PrincipalComponents.of(normal(1, 20))(normal(3, 20)).isfinite().all()


@pytest.mark.parametrize("scale", [1e-37, 1e-25, 1e-12, 1e12, 1e25, 1e37])
def test_numbers_of_any_size_say_the_same(scale):
    pool = normal(200, 12) * torch.arange(1, 13) / 12 + 1
    seen = PrincipalComponents.of(scale * pool, 4)(scale * pool)
    torch.testing.assert_close(seen, PrincipalComponents.of(pool, 4)(pool), atol=1e-3, rtol=0)


def test_numbers_next_to_nothing_are_finite():
    pool = 1e-44 * (normal(200, 12) + 1)
    assert PrincipalComponents.of(pool, 4)(pool).isfinite().all()


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_vectors_that_are_all_the_same_are_finite(value):
    pool = torch.full((20, 6), value)
    assert PrincipalComponents.of(pool, 4)(pool).isfinite().all()


def test_a_large_pool_is_looked_at_in_part():
    pool = normal(1000, 5)
    assert torch.equal(
        PrincipalComponents.of(pool, looked_at=100).components, PrincipalComponents.of(pool[::10]).components
    )


@pytest.mark.parametrize("count", [9, 40])
def test_wide_vectors_have_the_same_directions(monkeypatch, count):
    pool = normal(count, 30) * torch.arange(1, 31) + 5
    expected = PrincipalComponents.of(pool, 6)
    monkeypatch.setattr(principal, "WIDE", 29)
    torch.testing.assert_close(PrincipalComponents.of(pool, 6)(pool), expected(pool), atol=1e-4, rtol=0)


def test_pixels_are_no_matter_of_the_cube_of_their_number():
    pool = normal(30, 12_000) + 3  # by the covariance of 12,000 numbers: minutes, and gigabytes
    made = PrincipalComponents.of(pool)
    assert made.out_features == 29  # of thirty centred vectors
    torch.testing.assert_close(made.components @ made.components.T, torch.eye(29), atol=1e-4, rtol=0)


def test_many_wide_vectors_are_looked_at_in_part(monkeypatch):
    monkeypatch.setattr(principal, "WIDE", 5)
    monkeypatch.setattr(principal, "LOOKED_AT_WIDE", 20)
    pool = normal(60, 6)
    assert torch.equal(PrincipalComponents.of(pool).mean, pool[::3].double().mean(0).float())


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_wide_vectors_that_are_all_the_same_are_finite(monkeypatch, value):
    monkeypatch.setattr(principal, "WIDE", 5)
    made = PrincipalComponents.of(torch.full((20, 6), value), 4)
    assert made(normal(3, 6)).isfinite().all() and made(torch.full((1, 6), value)).isfinite().all()


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_what_is_no_number_is_named(value):
    pool = normal(100, 4)
    pool[40:44, 2] = value
    with pytest.raises(NonFiniteScore, match=r"2 scores .* the first at 'row 40 of the vectors'"):
        PrincipalComponents.of(pool, looked_at=50)


def test_state_dict_round_trip():
    pool = normal(50, 6)
    made = PrincipalComponents.of(pool, 3)
    other = PrincipalComponents(6, 3)
    other.load_state_dict(made.state_dict())
    assert torch.equal(made(pool), other(pool))
    assert not list(made.parameters())
