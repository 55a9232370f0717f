import sys
from types import SimpleNamespace

import pytest

from ncenet.compare import Arm, Comparison, read_comparison, run, trials
from ncenet.compare.costs import cost
from ncenet.compare.data_sets import DataSet
from ncenet.engines import engines, local
from ncenet.engines.trial import TrialFailed
from ncenet.errors import DataError, RecipeError, UnknownName, UsageError
from ncenet.loop.estimate import Speed
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.recipe_record import check_recipe
from tests.compare.fake_runs import write_comparison, write_run
from tests.data.make import jpeg, write

BASE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 2, "loop.cycles": 2})
COMPARISON = Comparison(base=BASE, arms=[Arm(name="a"), Arm(name="b")], seeds=[0, 1])


@pytest.fixture
def simulated(monkeypatch):
    """Trials that were given to the simulation, which writes a run and trains nothing."""
    calls = []

    def simulate(recipe, folder, *, notify):
        calls.append(f"{folder.parent.name}/{folder.name}")
        if calls[-1] in broken:
            raise MemoryError("the network did not fit")
        notify({"event": "cycle", "cycle": 1})
        write_run(folder, recipe, [0.5, 0.6])

    broken = set()
    monkeypatch.setitem(sys.modules, "ncenet.loop.simulate", SimpleNamespace(simulate=simulate))
    return SimpleNamespace(calls=calls, broken=broken)


def test_every_arm_runs_with_every_seed_pair_by_pair(tmp_path, simulated):
    events = []
    results = run(COMPARISON, tmp_path, processes=1, on_event=events.append)
    assert simulated.calls == ["a/seed-0", "b/seed-0", "a/seed-1", "b/seed-1"]
    assert results.unfinished == ()
    assert results.runs["b", 1].recipe.loop.seed == 1
    note, *events = events
    assert note["event"] == "note" and "arms 'a' and 'b' have the same recipe" in note["text"]
    assert events[:3] == [
        {"event": "compare", "trials": 4, "finished": 0},
        {"event": "cycle", "cycle": 1, "trial": "a, seed 0"},
        {"event": "trial", "trial": "a, seed 0"},
    ]


def test_missing_images_are_told_once_before_anything_is_written(tmp_path, simulated):
    gone = COMPARISON.model_copy(update={"base": BASE.with_changes({"data.train": "gone.parquet"})})
    with pytest.raises(UsageError, match=r"^gone\.parquet: no built-in data set"):
        run(gone, tmp_path / "out", processes=1)
    assert simulated.calls == [] and not (tmp_path / "out").exists()


def test_without_held_out_images_nothing_is_trained(tmp_path, simulated):
    write(tmp_path / "photos", {f"{name}/{n}.jpg": jpeg(n) for n in range(4) for name in ("cat", "dog")})
    changes = {"data.train": str(tmp_path / "photos")}
    untested = COMPARISON.model_copy(update={"base": BASE.with_changes(changes)})
    with pytest.raises(UsageError, match="photos: nothing to test on; name held-out images"):
        run(untested, tmp_path / "out", processes=1)
    assert simulated.calls == [] and not (tmp_path / "out").exists()
    drawn = COMPARISON.model_copy(update={"base": BASE.with_changes({**changes, "loop.held_out": 2})})
    run(drawn, tmp_path / "out", processes=1)
    assert len(simulated.calls) == 4


@pytest.mark.parametrize(
    ("base", "changes", "path"),
    [
        ({"model.dropout": 0.5, "model.passes": 7}, {"loop.strategy": "margin"}, "model.passes"),
        ({"model.head.radius": 0.5}, {"model.head.name": "softmax"}, "model.head.radius"),
        (
            {"train.schedule": "steps", "train.lr_drops": (0.5,)},
            {"train.schedule": "cosine"},
            "train.lr_drops",
        ),
    ],
)
def test_a_setting_of_the_base_that_no_arm_reads_is_refused(tmp_path, simulated, base, changes, path):
    whole = BASE.with_changes({"loop.strategy": "bald" if "model.passes" in base else "random", **base})
    arms = [Arm(name="a", changes=changes), Arm(name="b", changes={**changes, "loop.strategy": "entropy"})]
    unread = Comparison(base=whole, arms=arms, seeds=[0])
    for look in (lambda: run(unread, tmp_path / "out", processes=1), lambda: cost(unread, tmp_path / "out")):
        with pytest.raises(RecipeError, match=rf"^base\.{path}: no arm reads it: leave it out"):
            look()
    assert simulated.calls == [] and not (tmp_path / "out").exists()
    reads = Arm(name="c", changes={"loop.strategy": "bald"} if path == "model.passes" else {})
    run(unread.model_copy(update={"arms": (*unread.arms, reads)}), tmp_path / "out", processes=1)
    assert len(simulated.calls) == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"arms": [Arm(name="a", changes={"model.head.name": "paper"})]},
        {"arms": [Arm(name="a")], "data": [DataSet(train="digits", changes={"train.epochs": 7})]},
    ],
    ids=["arms", "sets"],
)
def test_what_all_arms_or_sets_change_is_no_setting_of_the_base(changed):
    trials.check_base_options(Comparison(seeds=[0], **changed))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loop.options.bins": 3}, "loop.options.bins: the strategy of no arm has such an option"),
        ({"model.head.radius": 0.5}, "model.head.radius: no arm reads it: leave it out"),
    ],
)
def test_what_a_data_set_changes_and_no_arm_reads_is_refused(changes, said):
    sets = [DataSet(train="digits", name="plain"), DataSet(train="digits", name="own", changes=changes)]
    arms = [Arm(name="random", changes={"model.head.name": "softmax", "loop.strategy": "random"})]
    with pytest.raises(RecipeError, match=rf"^data set 'own': {said}"):
        trials.check_base_options(Comparison(data=sets, arms=arms, seeds=[0]))


def test_sets_of_the_same_images_cost_what_each_of_them_asks_for(tmp_path):
    sets = [DataSet(train="digits", name="few", changes={"loop.initial": 9}), DataSet(train="digits")]
    whole = COMPARISON.model_copy(update={"data": tuple(sets)})
    found = cost(whole, tmp_path, measure=lambda *_: Speed(0.1, 0.1, 10, (1, 8, 8)))
    assert {name: one.labels for name, _, one in found.sets} == {"few": 11, "digits": 6}


def test_a_dry_run_is_refused_where_the_run_would_be(tmp_path, simulated):
    run(COMPARISON, tmp_path / "both", seeds=1, processes=1)
    write_run(tmp_path / "run", COMPARISON.base, [0.5])
    other = BASE.with_changes({"train.epochs": 3})
    changed = COMPARISON.model_copy(update={"base": other})
    for whole, folder, why in (
        (changed, tmp_path / "both", "seed-0 holds a run with another recipe"),
        (COMPARISON, tmp_path / "run", "run: holds a run, and a comparison keeps its own"),
        (other, tmp_path / "run", "run holds a run with another recipe"),
        (BASE, tmp_path / "both", "both: holds a comparison, whose trials are runs"),
    ):
        with pytest.raises((RecipeError, UsageError), match=why):
            cost(whole, folder)
    assert len(simulated.calls) == 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model.backbone": "smal"}, "^a, seed 0: unknown backbone 'smal': did you mean 'small'"),
        ({"model.features": "lite9"}, "^a, seed 0: unknown extractor 'lite9': did you mean 'lite2'"),
        ({"model.backbone": "identity"}, "^backbone identity takes feature vectors, got images"),
        ({"model.features": "gone.npz"}, r"^gone\.npz: cannot be read"),
    ],
)
def test_a_network_that_cannot_be_had_is_told_once_before_anything_is_written(
    tmp_path, simulated, changes, why
):
    lost = COMPARISON.model_copy(update={"base": BASE.with_changes(changes)})
    with pytest.raises((DataError, UsageError), match=why):
        run(lost, tmp_path / "out", processes=1)
    assert simulated.calls == [] and not (tmp_path / "out").exists()


def test_a_network_of_many_trials_is_looked_at_once(tmp_path, simulated, monkeypatch):
    seen = []
    monkeypatch.setattr("ncenet.loop.networks.check_network", lambda recipe: seen.append(recipe.loop.seed))
    arms = [*COMPARISON.arms, Arm(name="c", changes={"model.dropout": 0.5})]
    run(Comparison(base=BASE, arms=arms, seeds=[0, 1]), tmp_path, processes=1)
    assert seen == [0, 0]
    run(Comparison(base=BASE, arms=arms, seeds=[0, 1]), tmp_path, processes=1)
    assert seen == [0, 0], "what is finished needs no network"


def test_of_several_sets_each_is_looked_at_before_anything_is_trained(tmp_path, simulated):
    for folder, names in (("train", "ab"), ("same", "ab"), ("other", "abz")):
        write(tmp_path / folder, {f"{name}/{n}.jpg": jpeg(n) for n in range(3) for name in names})
    sets = [
        DataSet(name=test, train=str(tmp_path / "train"), test=str(tmp_path / test))
        for test in ("same", "other")
    ]
    both = Comparison(base=BASE, arms=COMPARISON.arms, seeds=[0], data=sets)
    for look in (lambda: run(both, tmp_path / "out", processes=1), lambda: cost(both, tmp_path / "out")):
        with pytest.raises(DataError, match=r"other: the test images have 1 class \(z\), which"):
            look()
    assert simulated.calls == [] and not (tmp_path / "out").exists()
    alone = both.model_copy(update={"data": (both.data[1].model_copy(update={"test": None}),)})
    with pytest.raises(UsageError, match="train: nothing to test on"):
        cost(alone)


def test_what_is_finished_needs_its_images_no_more(tmp_path, simulated, monkeypatch):
    run(COMPARISON, tmp_path, processes=1)

    def gone(*_):
        raise DataError("gone")

    monkeypatch.setattr("ncenet.data.open.open_train", gone)
    assert run(COMPARISON, tmp_path, processes=1).unfinished == ()


def test_finished_trials_are_left_alone_and_an_arm_added_later_runs_alone(tmp_path, simulated):
    run(COMPARISON, tmp_path, processes=1)
    simulated.calls.clear()
    more = Comparison(base=BASE, arms=[*COMPARISON.arms, Arm(name="c")], seeds=[0, 1])
    results = run(more, tmp_path, processes=1)
    assert simulated.calls == ["c/seed-0", "c/seed-1"]
    assert {arm for arm, _ in results.runs} == {"a", "b", "c"}


def test_some_arms_run_now_and_the_folder_keeps_all(tmp_path, simulated):
    results = run(COMPARISON, tmp_path, arms=["b"], processes=1)
    assert simulated.calls == ["b/seed-0", "b/seed-1"]
    assert results.comparison == COMPARISON
    assert results.unfinished == (("a", 0), ("a", 1))
    run(COMPARISON, tmp_path, processes=1)
    assert simulated.calls[2:] == ["a/seed-0", "a/seed-1"]
    with pytest.raises(UnknownName, match="unknown arm 'c'"):
        run(COMPARISON, tmp_path, arms=["c"])


def test_the_first_seeds_run_alone_and_the_folder_forgets_no_seed_that_was_begun(tmp_path, simulated):
    results = run(COMPARISON, tmp_path, seeds=1, processes=1)
    assert simulated.calls == ["a/seed-0", "b/seed-0"]
    assert results.comparison.seeds == (0,), "what nobody asked for is not missing"
    assert results.unfinished == ()
    run(COMPARISON, tmp_path, arms=["a"], processes=1)
    assert simulated.calls[2:] == ["a/seed-1"]
    assert run(COMPARISON, tmp_path, seeds=1, processes=1).comparison.seeds == (0, 1)
    with pytest.raises(UsageError, match="3 seeds asked for, but the comparison names 2"):
        run(COMPARISON, tmp_path, seeds=3)


def test_an_arm_may_run_with_fewer_seeds(tmp_path, simulated):
    few = Comparison(base=BASE, arms=[Arm(name="a"), Arm(name="b", seeds=1)], seeds=[0, 1])
    results = run(few, tmp_path, processes=1)
    assert simulated.calls == ["a/seed-0", "b/seed-0", "a/seed-1"]
    assert results.unfinished == ()


def test_a_trial_with_a_cycle_missing_goes_on(tmp_path, simulated):
    run(COMPARISON, tmp_path, processes=1)
    (tmp_path / "b/seed-1/cycles/002/test.json").unlink()
    simulated.calls.clear()
    simulated.broken.add("b/seed-1")
    with pytest.raises(TrialFailed, match="trial 'b, seed 1' failed: MemoryError"):
        run(COMPARISON, tmp_path, processes=1)
    assert simulated.calls == ["b/seed-1"]


def test_a_failed_trial_leaves_the_others_on_disk(tmp_path, simulated):
    simulated.broken.add("a/seed-0")
    with pytest.raises(TrialFailed, match="the network did not fit"):
        run(COMPARISON, tmp_path, processes=1)
    assert read_comparison(tmp_path).unfinished == (("a", 0),)


def test_another_recipe_in_the_folder_is_refused_before_anything_runs(tmp_path, simulated):
    run(COMPARISON, tmp_path, processes=1)
    simulated.calls.clear()
    other = Comparison(base=BASE.with_changes({"train.lr": 0.3}), arms=COMPARISON.arms, seeds=[0, 1])
    with pytest.raises(RecipeError, match=r"train\.lr: 0\.1 there, 0\.3 now"):
        run(other, tmp_path, processes=1)
    assert simulated.calls == []
    assert read_comparison(tmp_path).comparison == COMPARISON


def test_the_engine_that_is_named_runs_the_trials(tmp_path, simulated, monkeypatch):
    asked = []

    def map_trials(function, jobs, *, processes, on_event):
        asked.append((list(jobs), processes))
        yield from local.map_trials(function, jobs, processes=1, on_event=on_event)

    monkeypatch.setattr(trials, "has_gpu", lambda: True)
    with engines.temporarily(ray=map_trials):
        results = run(COMPARISON, tmp_path, engine="ray")
    every = ["a, seed 0", "b, seed 0", "a, seed 1", "b, seed 1"]
    assert asked == [(every, None)], "a GPU here says nothing of those of the cluster"
    assert len(results.runs) == 4


def test_a_comparison_takes_no_folder_of_a_run(tmp_path, simulated):
    """Else its report would stand where that of the run is looked for; both may have one default folder."""
    write_run(tmp_path / "pets", BASE, [0.5, 0.6])
    both = Comparison(base=BASE, data=[DataSet(name="pets", train="digits")], arms=[Arm(name="a")], seeds=[0])
    for comparison, folder in ((COMPARISON, tmp_path / "pets"), (both, tmp_path)):
        with pytest.raises(UsageError, match="pets: holds a run, and a comparison keeps its own"):
            run(comparison, folder, processes=1)
        assert simulated.calls == [] and not (folder / "comparison.yaml").exists()


def test_a_run_takes_no_folder_of_a_comparison(tmp_path):
    write_comparison(tmp_path, COMPARISON, {"a": [[0.5, 0.6]]})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="holds a comparison, whose trials are runs: name one, such as"):
        check_recipe(RunFolder(tmp_path), BASE)
    assert sorted(tmp_path.rglob("*")) == before
