"""Diverse batches: what is spread over what, with how much memory, and what can't be."""

import gc

import pytest
import torch

from ncenet.errors import RecipeError, UsageError
from ncenet.recipe import LoopRecipe
from ncenet.strategies.build import build_strategy
from ncenet.strategies.margin import Margin
from tests.contracts.fakes import fake_view

NEEDS = Margin.needs | {"features"}


def query(view, query_size, how, factor=3, seed=0):
    strategy = Margin(diversify=how, diversify_factor=factor)
    return strategy.query(view, query_size, rng=torch.Generator().manual_seed(seed))


def ranked(view):
    """Rows of the pool, the highest score first."""
    return [view.ids.index(image) for image in Margin().query(view, len(view.ids), rng=torch.Generator()).ids]


def places(view, rows):
    """Put rows of the pool into three places far from one another; 0, 1 or 2 by row."""
    for rank, row in enumerate(rows):
        view.pool.features[row] = 100.0 * (rank % 3) + torch.arange(6) % 2 * 0.01 * rank
    return {view.ids[row]: rank % 3 for rank, row in enumerate(rows)}


def test_kmeans_takes_the_best_of_each_cluster_among_the_best_of_the_pool():
    view = fake_view(NEEDS)
    order = ranked(view)
    place = places(view, order)
    got = query(view, 3, "kmeans")
    assert [place[image] for image in got.ids] == [0, 1, 2]
    assert list(got.ids) == [view.ids[row] for row in order[:3]], "the best of each place comes first"


def test_the_top_is_not_enough_when_it_lies_in_one_place():
    view = fake_view(NEEDS)
    order = ranked(view)
    crowd, elsewhere = order[:8], order[8]
    view.pool.features[:] = 0.01 * view.pool.features
    view.pool.features[elsewhere] = 50.0
    for how in ("kmeans", "kcenter"):
        got = query(view, 3, how)
        assert view.ids[elsewhere] in got.ids, "rank 9 of the 9 best, but alone in its place"
        assert view.ids[crowd[0]] in got.ids or how == "kcenter", "the best image is always in"


def test_an_image_that_is_not_among_the_best_stays_out_however_far_it_lies():
    view = fake_view(NEEDS)
    order = ranked(view)
    view.pool.features[order[9]] = 1000.0
    for how in ("kmeans", "kcenter"):
        assert view.ids[order[9]] not in query(view, 3, how).ids
        assert view.ids[order[9]] in query(view, 3, how, factor=4).ids, "the factor decides who is"


def test_herding_takes_what_covers_most_of_the_best_and_no_label_does():
    view = fake_view(NEEDS)
    order = ranked(view)
    crowd, few = (1, 3, 4, 6, 7), (2, 5, 8)
    for rank, row in enumerate(order[:9]):
        place = 0 if rank in crowd else 1 if rank in few else 2
        view.pool.features[row] = 100.0 * place + 0.01 * rank
    view.labeled.features[:] = 1000.0

    def rank_of_first(query_size, factor):
        got = query(view, query_size, "herding", factor=factor)
        return order.index(view.ids.index(got.ids[0]))

    assert rank_of_first(1, 9) in crowd
    view.labeled.features[:] = 0.03
    assert rank_of_first(1, 9) in few, "a label covers the crowd"


def test_kcenter_stays_away_from_what_is_labelled():
    view = fake_view(NEEDS, labeled=2)
    order = ranked(view)
    place = places(view, order)
    view.labeled.features[0], view.labeled.features[1] = 0.0, 100.0
    assert place[query(view, 1, "kcenter", factor=9).ids[0]] == 2


def test_scores_are_those_of_the_strategy():
    view = fake_view(NEEDS)
    whole = Margin().query(view, 23, rng=torch.Generator())
    score = dict(zip(whole.ids, whole.scores, strict=True))
    for how in ("kmeans", "kcenter"):
        got = query(view, 5, how)
        assert got.scores == tuple(score[image] for image in got.ids)
        assert got.ids != whole.ids[:5]


def test_images_that_coincide_give_way_to_the_best_of_the_others():
    view = fake_view(NEEDS)
    view.pool.features[:] = 1.0
    assert query(view, 5, "kmeans").ids == Margin().query(view, 5, rng=torch.Generator()).ids


def test_only_the_best_keep_their_features():
    view = fake_view(NEEDS, size=600).but(chunk=20)
    whole, held = view.predictions, []

    def counting():
        for prediction in whole():
            yield prediction
            rows = sum(type(each) is torch.Tensor and each.shape == (6,) for each in gc.get_objects())
            held.append(rows)

    view.predictions = counting
    gc.freeze()  # what is there already needn't be looked through thirty times
    try:
        query(view, 2, "kmeans", factor=4)
    finally:
        gc.unfreeze()
    assert len(held) == 30
    assert 8 <= max(held) <= 2 * 8 + 20, "twice the 8 best, and what a chunk adds"


def test_what_does_not_rank_by_a_score_is_refused():
    for name in ("random", "core-set", "badge"):
        loop = LoopRecipe(strategy=name, options={"diversify": "kmeans"})
        with pytest.raises(RecipeError, match=rf"loop\.options\.diversify: strategy {name} has no option"):
            build_strategy(loop)


def test_a_learner_without_features_is_refused():
    with pytest.raises(UsageError, match="diversify needs features, and this learner predicts none"):
        query(fake_view(frozenset({"probs"})), 3, "kmeans")
