"""The oracle line: better than any strategy in a simulation, and impossible anywhere else."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import ncenet
from ncenet.compare import read_run
from ncenet.data.open import open_train
from ncenet.errors import RecipeError, UsageError
from ncenet.loop.oracle import PART, OracleLine, exchanged, open_simulated, worth
from ncenet.loop.simulate import simulate
from ncenet.recipe import Recipe
from ncenet.strategies import strategies
from ncenet.strategies.build import ORACLE, open_strategy
from tests.contracts.fakes import fake_view

OPTIONS = {"candidates": 600, "exchanges": 2}


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """Digits as vectors, their pixels."""
    file = tmp_path_factory.mktemp("vectors") / "digits.npz"
    base, ids, rows = Recipe().data, [], []
    from ncenet.data.open import open_test

    train = open_train(Recipe())
    for pool in (train.pool, open_test(base, train).pool):
        ids += pool.ids()
        rows += [pool.load(id).reshape(-1) / 255 for id in pool.ids()]
    np.savez(file, ids=np.array(ids), vectors=np.array(rows, np.float32))
    return file


@pytest.fixture
def recipe(vectors):
    sizes = {"loop.initial": 10, "loop.query_size": 5, "loop.cycles": 3}
    return Recipe().with_changes(
        {
            "model.features": str(vectors),
            "loop.strategy": ORACLE,
            "loop.options": OPTIONS,
        }
        | sizes
    )


def accuracy(recipe, folder):
    simulate(recipe, folder)
    return [cycle.accuracy for cycle in read_run(folder).tested]


def test_it_is_above_strategies_and_its_score_is_the_accuracy_that_follows(recipe, tmp_path):
    line = accuracy(recipe, tmp_path / "line")
    for name in ("random", "margin", "herding"):
        other = accuracy(recipe.with_changes({"loop.strategy": name}), tmp_path / name)
        assert other[0] == line[0], "the same initial set"
        assert line[1] >= other[1] and line[2] > other[2], name
    for cycle in (1, 2):
        rows = (tmp_path / f"line/cycles/{cycle:03d}/query.csv").read_text().splitlines()
        assert len(rows) == 6 and float(rows[1].split(",")[2]) == line[cycle]


@pytest.mark.slow
def test_exchanges_raise_what_the_best_proposal_reaches(recipe, tmp_path):
    reached = {}
    for exchanges in (0, 12):
        changes = {"loop.options": OPTIONS | {"exchanges": exchanges}, "loop.query_size": 20}
        changed = recipe.with_changes(changes | {"loop.cycles": 2})
        reached[exchanges] = accuracy(changed, tmp_path / str(exchanges))
    assert reached[12][0] == reached[0][0] and reached[12][1] > reached[0][1]


def test_an_exchange_is_of_a_part_and_for_others():
    query, others = tuple("abcdefgh"), tuple("ghijkl")
    sizes = set()
    for seed in range(40):
        changed = exchanged(query, others, torch.Generator().manual_seed(seed))
        new = set(changed) - set(query)
        assert len(set(changed)) == 8 and new <= set("ijkl") and 1 <= len(new) <= 8 // PART
        sizes.add(len(new))
    assert sizes == {1, 2}
    assert exchanged(query, query, torch.Generator()) == query, "there is nothing else"


def test_of_equally_right_models_the_surer_one_is_better():
    probs, targets = torch.tensor([[0.6, 0.4], [0.2, 0.8]]), torch.tensor([0, 0])
    assert worth(probs, targets) == pytest.approx((0.5, 0.4))
    assert worth(probs * 1e-9, targets) == pytest.approx((0.5, 0.4)), "likelihoods need not sum to one"
    assert worth(torch.zeros(2, 2), targets) == (1.0, 0.0), "nothing likely is no division by zero"


def test_a_run_that_is_stopped_goes_on_with_the_same_queries(recipe, tmp_path):
    whole = accuracy(recipe, tmp_path / "whole")

    class Stopped(Exception):
        pass

    def stop(event):
        if event["event"] == "query" and event["cycle"] == 1:
            raise Stopped

    with pytest.raises(Stopped):
        simulate(recipe, tmp_path / "again", notify=stop)
    assert accuracy(recipe, tmp_path / "again") == whole


def test_no_real_run_can_have_it(recipe, tmp_path):
    assert ORACLE not in strategies.names()
    with pytest.raises(UsageError, match="only ncenet simulate and ncenet compare have it"):
        open_strategy(recipe)
    with pytest.raises(UsageError, match="reads hidden labels and test accuracy"):
        ncenet.open(tmp_path / "run", images="digits", recipe=recipe)
    with pytest.raises(ncenet.errors.NcenetError):
        ncenet.select([[0.5, 0.5], [0.9, 0.1]], 1, strategy=ORACLE)


def test_a_simulated_run_cannot_be_gone_on_with_by_people(recipe, tmp_path):
    simulate(recipe.with_changes({"loop.cycles": 1}), tmp_path)
    with pytest.raises(UsageError, match="oracle reads hidden labels"), ncenet.open(tmp_path) as run:
        run.ask(1)


def test_unbound_it_answers_nobody():
    with pytest.raises(UsageError, match="simulate and compare alone"):
        OracleLine().query(fake_view(frozenset({"features"})), 3, rng=None)


def test_networks_that_learn_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(RecipeError, match="takes frozen features"):
        simulate(Recipe().with_changes({"loop.strategy": ORACLE}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_without_images_of_their_own_to_test_on_it_is_refused_before_anything_is_trained(recipe):
    with pytest.raises(RecipeError, match=r"data\.test in the place of loop\.held_out"):
        open_simulated(recipe.with_changes({"loop.held_out": 20}))
    with pytest.raises(UsageError, match="there are no held-out images"):
        OracleLine().reveal(SimpleNamespace(test=None), None)


def test_a_simulation_has_it_beside_others_and_holds_none_against_it(recipe):
    compared = ncenet.Comparison.beside(recipe, ["random", "margin"], seeds=2)
    assert compared.baseline_arm == "nce random"
    assert compared.recipe("nce oracle", 0).loop.options == OPTIONS
    assert compared.recipe("nce margin", 0).loop.options == {}
    margin = recipe.with_changes({"loop.strategy": "margin"})
    assert ncenet.Comparison.beside(margin, [ORACLE], seeds=2).baseline_arm == "nce margin"
    assert ncenet.Comparison.beside(margin, [ORACLE, "random"], seeds=2).baseline_arm == "nce random"


def test_beside_others_it_says_that_features_are_missing():
    for strategy, beside in ((ORACLE, "random"), ("random", ORACLE)):
        with pytest.raises(RecipeError, match="takes frozen features"):
            ncenet.Comparison.beside(Recipe().with_changes({"loop.strategy": strategy}), [beside])


def test_its_option_is_checked(recipe):
    assert open_simulated(recipe).options.candidates == 600
    with pytest.raises(RecipeError, match=r"loop\.options\.candidates"):
        open_simulated(recipe.with_changes({"loop.options": {"candidates": 0}}))
    with pytest.raises(RecipeError, match="strategy oracle has no option 'candidate'"):
        open_simulated(recipe.with_changes({"loop.options": {"candidate": 10}}))


def test_the_view_that_strategies_get_holds_no_hidden_label(recipe, tmp_path, monkeypatch):
    seen = []
    query = OracleLine.query

    def look(self, view, query_size, *, rng):
        seen.append(vars(view))
        return query(self, view, query_size, rng=rng)

    monkeypatch.setattr(OracleLine, "query", look)
    simulate(recipe.with_changes({"loop.cycles": 2}), tmp_path)
    held = seen[0]
    hidden = {"_learner", "_pool", "_vectors", "_labeled", "_needs", "_notify", "_chances"}
    assert set(held) == {"ids", "labeled_ids", "predict_seconds", *hidden}
    assert len(held["_labeled"]) == 10
    assert not hasattr(held["_pool"], "oracle") and not hasattr(held["_vectors"], "oracle")


def test_provenance_names_it(recipe, tmp_path):
    simulate(recipe.with_changes({"loop.cycles": 2}), tmp_path)
    assert json.loads((tmp_path / "cycles/001/query.json").read_text())["strategy"] == ORACLE
