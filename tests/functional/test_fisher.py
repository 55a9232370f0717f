import pytest
import torch

from ncenet.functional.fisher import fisher_batch
from tests.reference import fisher as reference


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("L", [0, 1, 9])
@pytest.mark.parametrize("ridge", [0.05, 1.0])
@pytest.mark.parametrize("k", [1, 4, 12])
def test_equals_one_inverse_for_each_candidate(L: int, ridge: float, k: int) -> None:
    pool, labeled = normal(20, 5), normal(L, 5, seed=1)
    picked = fisher_batch(pool, labeled, k, ridge=ridge)
    assert picked.rows.tolist() == reference.fisher_batch(pool.tolist(), labeled.tolist(), k, ridge)


def test_what_is_known_is_not_asked_again() -> None:
    axes = torch.eye(3).double()
    assert fisher_batch(axes, 30 * axes[:2], 1).rows.tolist() == [2]


def test_the_gain_is_by_how_much_the_trace_fell() -> None:
    pool, labeled = normal(30, 4), normal(5, 4, seed=1)
    picked = fisher_batch(pool, labeled, 1)
    every = torch.cat([pool, labeled])
    wanted, base = every.T @ every / 35, torch.eye(4).double() + labeled.T @ labeled / 5
    e = pool[picked.rows[0]]
    before = torch.trace(torch.linalg.inv(base) @ wanted)
    after = torch.trace(torch.linalg.inv(base + torch.outer(e, e)) @ wanted)
    torch.testing.assert_close(picked.gains[0], before - after)


def test_many_steps_do_not_drift() -> None:
    pool = normal(300, 20)
    picked = fisher_batch(pool, pool[:0], 100)
    assert len(set(picked.rows.tolist())) == 100
    assert (picked.gains > 0).all()


def test_points_of_no_length_come_last_and_in_order() -> None:
    pool = torch.zeros(6, 3).double()
    pool[4, 1] = 1
    assert fisher_batch(pool, pool[:0], 3).rows.tolist() == [4, 0, 1]


def test_no_more_than_there_are() -> None:
    assert len(fisher_batch(normal(3, 2), normal(0, 2), 0).rows) == 0
    with pytest.raises(ValueError, match="cannot pick 4 points from a pool of 3"):
        fisher_batch(normal(3, 2), normal(0, 2), 4)
