import pytest
import torch

from ncenet.functional.scope import PURE, chance_in_scope, in_one_unit, in_scope, purest_cut


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def heaps(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of two kinds that overlap a little."""
    draw = torch.randn(2, count, 8, generator=rng(seed))
    draw[1, :, 0] += 4
    return draw[0], draw[1]


def test_what_looks_skipped_is_left_out() -> None:
    (labeled, skipped), (ours, theirs) = heaps(40, 0), heaps(300, 1)
    inside = in_scope(torch.cat([ours, theirs]), labeled, skipped, least=10, rng=rng())
    assert inside[:300].float().mean() > 0.8 and inside[300:].float().mean() < 0.05


@pytest.mark.parametrize(("labeled", "skipped"), [(0, 9), (9, 0), (0, 0)])
def test_without_both_kinds_of_answers_nothing_is_left_out(labeled: int, skipped: int) -> None:
    ours, theirs = heaps(10, 0)
    assert in_scope(torch.cat([ours, theirs]), ours[:labeled], theirs[:skipped], least=1, rng=rng()).all()


def test_of_an_empty_pool_nothing_is_told() -> None:
    labeled, skipped = heaps(9, 0)
    assert in_scope(labeled[:0], labeled, skipped, least=10, rng=rng()).shape == (0,)
    assert chance_in_scope(labeled[:0], labeled, skipped, rng=rng()).shape == (0,)


def test_skips_that_look_like_labels_teach_nothing() -> None:
    ours, theirs = heaps(100, 0)
    pool = torch.cat([ours, theirs])
    assert in_scope(pool, ours[:60], ours[60:], least=5, rng=rng()).all(), "broken, private, but of no kind"


def test_one_answer_of_each_kind_is_enough_to_go_by() -> None:
    ours, theirs = heaps(50, 0)
    inside = in_scope(torch.cat([ours, theirs]), ours[:1], theirs[:1], least=5, rng=rng())
    assert 5 <= inside.sum() < 100 and inside[:50].sum() > inside[50:].sum()


def test_so_many_stay_at_least_and_these_are_the_most_likely_ones() -> None:
    ours, theirs = heaps(40, 0)
    labeled, skipped = ours + 100 * torch.eye(8)[1], theirs
    pool = torch.cat([theirs, ours])  # none looks labelled
    inside = in_scope(pool, labeled, skipped, least=7, rng=rng())
    assert inside.sum() == 7
    assert in_scope(pool[:3], labeled, skipped, least=7, rng=rng()).all()


def test_the_cut_is_the_lowest_that_is_pure() -> None:
    sides = torch.linspace(10, 0, 101).double()
    labeled = torch.ones(101, dtype=torch.int64)
    labeled[60] = labeled[80:] = 0
    assert 79 / 81 < PURE < 79 / 80, "one stranger among eighty is within it, two are not"
    assert purest_cut(sides, labeled) == sides[79]
    assert purest_cut(sides, torch.zeros_like(labeled)) == torch.inf
    assert purest_cut(torch.zeros(4), torch.tensor([1, 1, 1, 0])) == torch.inf, "equal sides are not parted"
    assert purest_cut(torch.zeros(4), torch.ones(4, dtype=torch.int64)) == 0


def test_chances_are_as_often_right_as_they_say() -> None:
    draw = torch.randn(2, 2000, 8, generator=rng(1))
    draw[1, :, 0] += 2
    chances = chance_in_scope(torch.cat([*draw]), draw[0, :150], draw[1, :150], rng=rng())
    ours = torch.cat([torch.ones(2000), torch.zeros(2000)])
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        between = (chances >= low) & (chances <= high)
        assert low - 0.1 < ours[between].mean() < high + 0.1, (low, high)


@pytest.mark.parametrize(("labeled", "skipped"), [(0, 9), (9, 0), (0, 0)])
def test_without_both_kinds_of_answers_every_chance_is_whole(labeled: int, skipped: int) -> None:
    ours, theirs = heaps(10, 0)
    pool = torch.cat([ours, theirs])
    assert (chance_in_scope(pool, ours[:labeled], theirs[:skipped], rng=rng()) == 1).all()


def test_skips_that_look_like_labels_weigh_nothing_down() -> None:
    ours, _ = heaps(100, 0)
    assert (chance_in_scope(ours, ours[:60], ours[60:], rng=rng()) == 1).all()


def test_of_one_answer_of_each_kind_the_line_itself_tells() -> None:
    ours, theirs = heaps(50, 0)
    chances = chance_in_scope(torch.cat([ours, theirs]), ours[:1], theirs[:1], rng=rng())
    assert chances[:50].mean() > chances[50:].mean() and ((chances > 0) & (chances < 1)).all()


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 10.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_the_unit_of_the_features_changes_nothing(unit: float, offset: float) -> None:
    (labeled, skipped), (ours, theirs) = heaps(40, 0), heaps(300, 1)
    parts = [part.double() for part in (torch.cat([ours, theirs]), labeled, skipped)]
    others = [unit * (part + offset) for part in parts]
    assert torch.equal(in_scope(*others, least=10, rng=rng()), in_scope(*parts, least=10, rng=rng()))
    chances = chance_in_scope(*parts, rng=rng())
    torch.testing.assert_close(chance_in_scope(*others, rng=rng()), chances, rtol=0, atol=1e-4)
    assert chances.min() < 0.01 < 0.99 < chances.max()


def test_rows_that_are_all_the_same_stay_so() -> None:
    (same,) = in_one_unit(torch.full((3, 2), 0.1))
    assert (same == same[0]).all() and same.isfinite().all()
