"""VAAL and SRAAL on pools in which it is known what they should find."""

import pytest
import torch

from ncenet.recipe import LoopRecipe
from ncenet.strategies.build import build_strategy
from ncenet.strategies.sraal import Sraal
from ncenet.strategies.vaal import Vaal
from tests.contracts.fakes import fake_view
from tests.reference import adversarial as reference

pytestmark = pytest.mark.usefixtures("global_generators_untouched")


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def clusters(strategy, shape, size=60, labeled=20):
    """All labelled images look alike; in the pool every third image looks different."""
    view = fake_view(strategy.needs, size=size, labeled=labeled)
    base, other = (torch.randint(40, 216, shape, generator=rng(seed)).float() for seed in (1, 2))
    noise = torch.randint(-20, 20, (size + labeled, *shape), generator=rng(3)).float()
    new = [n % 3 == 0 for n in range(size)]
    inputs = torch.stack([other if new[n] else base for n in range(size)] + [base] * labeled) + noise
    if len(shape) == 3:
        inputs = inputs.to(torch.uint8)
    view.pool.inputs, view.labeled.inputs = inputs[:size], inputs[size:]
    return view, {view.ids[n] for n in range(size) if new[n]}


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 8), (12,)], ids=str)
@pytest.mark.parametrize("strategy", [Vaal(steps=75), Sraal(steps=75)], ids=["vaal", "sraal"])
def test_what_the_labelled_set_lacks_is_found(strategy, shape):
    view, new = clusters(strategy, shape)
    query = strategy.query(view, len(new), rng=rng())
    assert len(new & set(query.ids)) >= 0.9 * len(new)


def test_sraal_prefers_what_the_classifier_is_unsure_of():
    """Two kinds of images in the pool, both missing from the labelled set; of one the classifier is sure."""
    strategy = Sraal(steps=75)
    view, unsure = clusters(strategy, (12,))
    view.labeled.inputs = view.labeled.inputs.flip(1)
    sure = torch.tensor([0.97, 0.01, 0.01, 0.01])
    open_ = torch.tensor([0.4, 0.4, 0.1, 0.1])
    view.pool.probs = torch.stack([open_ if id in unsure else sure for id in view.ids])
    query = strategy.query(view, len(unsure), rng=rng())
    assert len(unsure & set(query.ids)) >= 0.9 * len(unsure)
    # Sure and unsure the other way round, all else equal: so is the query.
    view.pool.probs = torch.stack([sure if id in unsure else open_ for id in view.ids])
    assert len(unsure & set(strategy.query(view, len(unsure), rng=rng()).ids)) <= 0.1 * len(unsure)


def test_vaal_does_not_ask_the_classifier():
    view, _ = clusters(Vaal(), (12,))
    first = Vaal(steps=5).query(view, 7, rng=rng())
    view.pool.probs = view.pool.probs.flip(0)
    assert Vaal(steps=5).query(view, 7, rng=rng()) == first
    assert view.passes == 0


def test_sraal_learns_the_labels():
    view, _ = clusters(Sraal(), (12,))
    first = Sraal(steps=5).query(view, 7, rng=rng())
    other = view.but(answers=[0] * 20)
    assert Sraal(steps=5).query(other, 7, rng=rng()) != first


@pytest.mark.parametrize("strategy", [Vaal, Sraal])
def test_steps_and_generator_decide(strategy):
    view, _ = clusters(strategy(), (12,))
    queries = [
        strategy(steps=steps).query(view, 7, rng=rng(seed)).scores for steps, seed in ((5, 0), (6, 0), (5, 1))
    ]
    assert len(set(queries)) == 3


@pytest.mark.parametrize("name", ["vaal", "sraal"])
def test_the_recipe_sets_the_steps(name):
    strategy = build_strategy(LoopRecipe(strategy=name, options={"steps": 17}))
    assert strategy.options.steps == 17
    assert build_strategy(LoopRecipe(strategy=name)).options == type(strategy)().options


def test_states_are_uncertainties_in_the_order_of_the_ids():
    view = fake_view(Sraal.needs)
    ids = sorted(view.ids)
    got = dict(zip(ids, Sraal().states(view, ids).tolist(), strict=True))
    for id, row in zip(view.ids, view.pool.probs.double().tolist(), strict=True):
        total = sum(row)
        probs = [p / total for p in row] if total else [1 / len(row)] * len(row)
        assert got[id] == pytest.approx(reference.state_uncertainty(probs), abs=1e-4)


def test_the_answers_may_come_in_any_order():
    view, _ = clusters(Sraal(), (12,))
    first, labels = Sraal(steps=5).query(view, 7, rng=rng()), view.labels
    turned = view.but(labeled=view.labeled.reordered(list(range(20))[::-1]), answers=labels[::-1])
    assert Sraal(steps=5).query(turned, 7, rng=rng()) == first
