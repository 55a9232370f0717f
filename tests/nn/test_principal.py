import pytest
import torch

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


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_vectors_that_are_all_the_same_are_finite(value):
    pool = torch.full((20, 6), value)
    assert PrincipalComponents.of(pool, 4)(pool).isfinite().all()


def test_a_large_pool_is_looked_at_in_part():
    pool = normal(1000, 5)
    assert torch.equal(
        PrincipalComponents.of(pool, looked_at=100).components, PrincipalComponents.of(pool[::10]).components
    )


def test_state_dict_round_trip():
    pool = normal(50, 6)
    made = PrincipalComponents.of(pool, 3)
    other = PrincipalComponents(6, 3)
    other.load_state_dict(made.state_dict())
    assert torch.equal(made(pool), other(pool))
    assert not list(made.parameters())
