"""Strategies of scikit-activeml see our vectors, our labels and what our model says."""

from importlib.util import find_spec

import pytest
import torch

from ncenet.errors import MissingExtra, RecipeError
from ncenet.recipe import Recipe
from ncenet.strategies.build import open_strategy
from ncenet.strategies.score import normalized
from ncenet.strategies.skactiveml import ScikitActiveml
from tests.contracts.fakes import fake_view

installed = pytest.mark.skipif(find_spec("skactiveml") is None, reason="scikit-activeml is not installed")


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@installed
def test_uncertainty_is_that_of_our_model() -> None:
    view = fake_view(ScikitActiveml.needs)
    asked = ScikitActiveml(name="UncertaintySampling").query(view, 7, rng=rng())
    least = normalized(view.pool.probs).amax(1).argsort()[:7].tolist()
    assert asked.ids == tuple(view.ids[row] for row in least)


@installed
def test_core_set_keeps_away_from_what_is_labelled() -> None:
    view = fake_view(ScikitActiveml.needs)
    view.pool.features[:] = 1.0 + 0.01 * view.pool.features
    view.labeled.features[:] = 1.0
    view.pool.features[5] = 9.0
    asked = ScikitActiveml(name="CoreSet").query(view, 1, rng=rng())
    assert asked.ids == (view.ids[5],)


@installed
def test_where_vectors_coincide_no_image_is_asked_for_twice() -> None:
    view = fake_view(ScikitActiveml.needs)
    two = torch.arange(len(view.ids)) % 2
    view.pool.features[:], view.pool.probs[:] = view.pool.features[two], view.pool.probs[two]
    asked = ScikitActiveml(name="Badge").query(view, len(view.ids), rng=rng())
    assert sorted(asked.ids) == sorted(view.ids)


@installed
def test_names_are_theirs() -> None:
    asked = {
        name: ScikitActiveml(name=name).query(fake_view(ScikitActiveml.needs), 7, rng=rng()).ids
        for name in ("Badge", "CoreSet", "TypiClust", "UncertaintySampling")
    }
    assert len(set(asked.values())) == 4
    with pytest.raises(RecipeError, match="name"):
        ScikitActiveml(name="Margin")


def test_without_the_package_a_run_is_refused_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ncenet.strategies.build.find_spec", lambda name: None)
    with pytest.raises(RecipeError, match=r"scikit-activeml needs scikit-activeml: pip install"):
        open_strategy(Recipe().with_changes({"loop.strategy": "scikit-activeml"}))
    monkeypatch.setitem(__import__("sys").modules, "skactiveml", None)
    with pytest.raises(MissingExtra, match=r"ncenet\[bench\]"):
        ScikitActiveml().query(fake_view(ScikitActiveml.needs), 3, rng=rng())
