import math
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
import torch
from scipy.stats import chisquare

from ncenet.errors import NonFiniteScore
from ncenet.functional.kmeanspp import Seeding, k_means_seeds
from tests.functional.work import Work
from tests.reference import kmeanspp as reference

DRAWS = 800


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seeds(left: torch.Tensor, right: torch.Tensor, k: int, seed: int = 0, proposals: int = 256) -> list[int]:
    rng = torch.Generator().manual_seed(seed)
    return k_means_seeds(left, right, k, rng=rng, proposals=proposals).tolist()


def uneven() -> tuple[torch.Tensor, torch.Tensor]:
    """Two points are near each other, and one is far away: probabilities differ by orders of magnitude."""
    left, right = normal(5, 3), normal(5, 2, seed=1)
    left[1], right[1] = left[0], right[0] + 0.5
    right[2] *= 3
    return left, right


def p_value(
    left: torch.Tensor, right: torch.Tensor, k: int, draw: Callable[..., torch.Tensor] = k_means_seeds
) -> float:
    """How likely outcomes as unusual as those drawn would be, had they the published probabilities."""
    expected = reference.probabilities(reference.matrices(left.tolist(), right.tolist()), k)
    rng = torch.Generator().manual_seed(0)
    drawn = Counter(tuple(draw(left, right, k, rng=rng).tolist()) for _ in range(DRAWS))
    assert set(drawn) <= set(expected)
    # Outcomes that are too rare for the test are counted together.
    common = [outcome for outcome, probability in expected.items() if probability * DRAWS >= 5]
    counts = [drawn[outcome] for outcome in common]
    means = [expected[outcome] * DRAWS for outcome in common]
    if (rare := DRAWS - math.fsum(means)) > 5:
        counts, means = [*counts, DRAWS - sum(counts)], [*means, rare]
    return float(chisquare(counts, means, sum_check=False).pvalue)


@pytest.mark.parametrize(
    ("proposals", "cost"),
    [(8, 4), (3, 0), (1, 1e9)],
    ids=["ordinary", "old weights", "always up to date"],
)
def test_every_outcome_has_the_probability_of_the_plain_rule(proposals: int, cost: float) -> None:
    draw = partial(k_means_seeds, proposals=proposals, proposal_cost=cost)
    assert p_value(*uneven(), 3, draw) > 0.01


def test_the_test_of_the_distribution_can_fail() -> None:
    def never_rejecting(
        left: torch.Tensor, right: torch.Tensor, k: int, *, rng: torch.Generator
    ) -> torch.Tensor:
        """What is drawn from the weights of the first centre is taken, whatever was taken since."""
        points = torch.tensor(reference.matrices(left.tolist(), right.tolist()))
        first = torch.randint(len(points), (1,), generator=rng)
        weights = (points - points[first]).square().sum(1)
        return torch.cat([first, weights.multinomial(k - 1, generator=rng)])

    assert p_value(*uneven(), 3, never_rejecting) < 1e-6


def test_vectors_are_matrices_of_one_row() -> None:
    assert p_value(torch.ones(5, 1), normal(5, 3), 3) > 0.01


def test_distances_from_factors_are_those_of_the_matrices() -> None:
    left, right = normal(40, 5), normal(40, 7, seed=1)
    points = torch.tensor(reference.matrices(left.tolist(), right.tolist()), dtype=torch.float64)
    seeding = Seeding(left, right, 2, torch.Generator(), proposals=1, cost=1)
    factorised = seeding.squared_distances(slice(0, 40), torch.arange(40))
    torch.testing.assert_close(
        factorised.double(), torch.cdist(points, points).square(), rtol=1e-5, atol=1e-5
    )
    assert (factorised.diagonal() == 0).all()


def test_most_picks_need_no_pass_over_the_pool() -> None:
    with Work() as work:
        assert len(set(seeds(normal(20_000, 4), normal(20_000, 16, seed=1), 500))) == 500
    assert 1 <= work.calls["cumsum"] <= 5, "weights are summed after each pass"


@pytest.mark.parametrize("proposals", [2, 256])
def test_duplicates_wait_until_nothing_else_is_left(proposals: int) -> None:
    left, right = normal(15, 10).repeat(4, 1), normal(15, 200, seed=1).repeat(4, 1)
    for seed in range(5):
        drawn = seeds(left, right, 60, seed, proposals)
        assert sorted(row % 15 for row in drawn[:15]) == list(range(15)), "each place once"
        assert sorted(drawn) == list(range(60)), "no row twice"


def test_points_at_the_origin_are_a_place_like_any_other() -> None:
    left, right = torch.zeros(50, 3), normal(50, 4)
    left[:3] = normal(3, 3)
    firsts = set()
    for seed in range(40):
        drawn = seeds(left, right, 6, seed)
        assert len(set(drawn)) == 6
        assert {0, 1, 2} <= set(drawn[:4]), "three places and the origin, in some order"
        firsts.add(drawn[0])
    assert len(firsts) > 10, "the first is drawn uniformly"


def test_all_points_are_one() -> None:
    drawn = {tuple(seeds(torch.ones(9, 2), torch.ones(9, 3), 4, seed)) for seed in range(20)}
    assert all(len(set(rows)) == 4 for rows in drawn)
    assert len(drawn) > 10, "uniform, and not the first four"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_and_autocast_are_computed_in_float32(dtype: torch.dtype) -> None:
    left, right = normal(300, 5).to(dtype), normal(300, 32, seed=1).to(dtype)
    expected = seeds(left.float(), right.float(), 40)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert seeds(left, right, 40) == expected


def test_arguments_are_not_changed() -> None:
    left, right = normal(30, 4).requires_grad_(), normal(30, 6, seed=1)
    before = left.detach().clone(), right.clone()
    seeds(left, right, 10)
    assert torch.equal(left, before[0])
    assert torch.equal(right, before[1])


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e30])
def test_points_that_are_not_finite_are_counted_and_the_first_is_named(bad: float) -> None:
    right = normal(20, 4)
    right[7, 1] = right[9, 2] = bad
    with pytest.raises(NonFiniteScore, match=r"2 scores .* 'row 7 of the points'"):
        seeds(torch.ones(20, 1), right, 3)


def test_none_and_what_cannot_be() -> None:
    assert seeds(normal(0, 2), normal(0, 3), 0) == []
    with pytest.raises(ValueError, match="cannot draw 6 seeds from 5 points"):
        seeds(normal(5, 2), normal(5, 3), 6)
    with pytest.raises(ValueError, match=r"factors \(5, 2\) and \(4, 3\) differ in N"):
        seeds(normal(5, 2), normal(4, 3), 1)
