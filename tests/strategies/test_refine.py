"""Refine: who sifts, what is left after each round, and what can't take part."""

import math

import pytest
import torch

from ncenet.errors import NonFiniteScore, RecipeError
from ncenet.functional.herding import typical_distance
from ncenet.recipe import LoopRecipe
from ncenet.strategies import strategies
from ncenet.strategies.build import build_strategy
from ncenet.strategies.refine import LEFT, WIDTH, Refine
from tests.contracts.fakes import fake_view
from tests.reference import herding


def rng():
    return torch.Generator().manual_seed(0)


def part_of(view, ids):
    return view.but(pool=view.pool.reordered([view.ids.index(image) for image in ids]))


@pytest.mark.parametrize("rounds", [1, 3])
def test_equals_the_rounds_written_one_by_one(rounds):
    members = ("margin", "badge", "core-set")
    strategy = Refine(members=members, rounds=rounds)
    view = fake_view(strategy.needs, size=150)
    draws, left = rng(), sorted(view.ids)
    for n in range(1, rounds + 1):
        size = 150 * (LEFT * 4 / 150) ** (n / rounds)
        each = math.ceil(size / 3)
        wanted = set()
        for name in members:
            wanted |= set(strategies.get(name)().query(part_of(view, left), each, rng=draws).ids)
        left = sorted(wanted)
    rows = [view.ids.index(image) for image in left]
    places = view.pool.features[rows]
    indices, _ = herding.herding(
        places.tolist(),
        4,
        WIDTH * typical_distance(places),
        [1.0] * len(rows),
        view.labeled.features.tolist(),
    )
    assert LEFT * 4 / 3 <= len(left) <= LEFT * 4 + 3
    assert list(strategy.query(view, 4, rng=rng()).ids) == [left[index] for index in indices]


def test_one_member_and_one_round_pick_among_its_best():
    view = fake_view(frozenset({"probs", "features"}), size=100)
    best = set(strategies.get("margin")().query(view, 2 * LEFT, rng=rng()).ids)
    assert set(Refine(members="margin", rounds=1).query(view, 2, rng=rng()).ids) <= best


def test_a_small_pool_is_not_sifted():
    view = fake_view(frozenset({"probs", "features"}), size=23)
    plain = strategies.get("max-herding")().query(view, 5, rng=rng())
    assert Refine().query(view, 5, rng=rng()) == plain, "nothing but coverage is left"


def test_members_are_named_as_on_the_command_line():
    strategy = build_strategy(LoopRecipe(strategy="refine", options={"members": "margin, herding"}))
    assert strategy.options.members == ("margin", "herding")
    assert strategy.needs == {"probs", "features", "in_radii"}


def test_who_cannot_sift_is_refused():
    for members, why in {
        "magrin": "unknown query strategy 'magrin': did you mean 'margin'",
        "margin,": "unknown query strategy ''",
        "oracle": "unknown query strategy 'oracle'",
        "refine,margin": "refine doesn't sift for itself",
        "vaal": "vaal needs inputs, which is not kept",
        "margin,badge,margin": "margin stands twice",
    }.items():
        with pytest.raises(RecipeError, match=f"^members: {why}"):
            Refine(members=members)
        with pytest.raises(RecipeError, match=rf"^loop\.options\.members: {why}"):
            build_strategy(LoopRecipe(strategy="refine", options={"members": members}))


@pytest.mark.parametrize("what", ["features", "in_radii", "samples", "probs"])
def test_what_a_member_reads_is_checked_at_once(what):
    strategy = Refine(members="margin,herding,bald")
    view = fake_view(strategy.needs, size=40)
    rows = view.pool.samples[1] if what == "samples" else getattr(view.pool, what)
    rows[17, 2] = math.nan
    with pytest.raises(NonFiniteScore) as caught:
        strategy.query(view, 1, rng=rng())
    assert caught.value.first_id == view.ids[17]


def test_members_that_want_the_same_leave_a_whole_query():
    members = ("margin", "least-confidence", "entropy", "confusion", "bentropy", "rejection")
    members += ("badge", "core-set", "typiclust", "uherding", "max-herding", "class-balanced")
    view = fake_view(frozenset({"probs", "features"}), size=300)
    view.pool.probs[:], view.pool.features[:] = 0.2, 1.0
    assert len(Refine(members=members, rounds=1).query(view, 20, rng=rng())) == 20
