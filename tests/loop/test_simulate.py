"""When a simulation is finished."""

from __future__ import annotations

import numpy as np
import pytest

from ncenet.compare.read import read_run
from ncenet.errors import UsageError
from ncenet.loop.estimate import cost_of
from ncenet.loop.simulate import simulate
from ncenet.recipe import Recipe
from tests.loop.fakes import CountingLearner


@pytest.mark.parametrize(("cycles", "done"), [(3, 3), (9, 7)], ids=["all cycles", "the pool is used up"])
def test_without_test_images_it_is_finished_when_its_cycles_are_done(tmp_path, monkeypatch, cycles, done):
    np.savez(tmp_path / "train.npz", X=np.eye(20, 5, dtype=np.float32), y=np.arange(20) % 2)
    changes = {"loop.cycles": cycles, "loop.initial": 8, "loop.query_size": 2, "loop.strategy": "margin"}
    recipe = Recipe().with_changes({"data.train": str(tmp_path / "train.npz")} | changes)
    run = tmp_path / "run"

    class Interrupt(Exception):
        pass

    def stop(event):
        if event["event"] == "query":
            raise Interrupt

    with pytest.raises(Interrupt):
        simulate(recipe, run, learner=CountingLearner(2), notify=stop)
    assert not read_run(run).finished
    simulate(recipe, run, learner=CountingLearner(2))
    results = read_run(run)
    assert len(results.cycles) == done and results.tested == ()
    assert results.finished and results.used_up == (done < cycles)

    def opened(*_, **__):
        raise AssertionError("it is finished, and its images are of no use any more")

    monkeypatch.setattr("ncenet.loop.simulate.open_loop", opened)
    simulate(recipe, run, learner=CountingLearner(2))
    named = recipe.with_changes({"loop.held_out": 2})
    (run / "recipe.yaml").write_text(named.to_yaml())
    assert not read_run(run).finished, "its tests are lost"
    with pytest.raises(AssertionError):
        simulate(named, run, learner=CountingLearner(2))


def test_one_class_alone_is_refused_before_anything_is_written(tmp_path):
    for name in ("train", "test"):
        np.savez(tmp_path / f"{name}.npz", X=np.eye(6), y=np.array(["ant"] * 6))
    places = {f"data.{name}": str(tmp_path / f"{name}.npz") for name in ("train", "test")}
    recipe = Recipe().with_changes({**places, "model.features": "data"})
    with pytest.raises(UsageError, match="'ant' is the only class, and a model tells two apart"):
        simulate(recipe, tmp_path / "run")
    with pytest.raises(UsageError, match="'ant' is the only class"):
        cost_of(recipe)
    assert not (tmp_path / "run").exists()
