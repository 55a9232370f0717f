"""Fast BAIT: what the ridge is measured by."""

import torch
from torch.nn.functional import normalize

from ncenet.functional.fisher import fisher_batch
from ncenet.strategies.fast_bait import FastBait, informative
from ncenet.strategies.gather import by_lot
from tests.contracts.fakes import fake_view


def rng():
    return torch.Generator().manual_seed(0)


def test_features_of_length_one_meet_the_ridge_of_the_paper():
    view = fake_view(FastBait.needs, size=60)
    for part in (view.pool, view.labeled):
        part.features[:] = normalize(part.features, dim=1)
    (pool,), (labeled,) = (
        [*chunks] for chunks in (view.but(chunk=60).predictions(), view.but(chunk=60).labeled_predictions())
    )
    order = [view.ids.index(id) for id in by_lot(view.ids, rng())]
    picked = fisher_batch(informative(pool)[order], informative(labeled), 8, ridge=1.0)
    query = FastBait().query(view, 8, rng=rng())
    assert set(query.ids) == {view.ids[order[row]] for row in picked.rows.tolist()}


def test_features_without_any_length_are_asked_for_all_the_same():
    view = fake_view(FastBait.needs)
    view.pool.features.zero_()
    view.labeled.features.zero_()
    assert len(FastBait().query(view, 5, rng=rng())) == 5
