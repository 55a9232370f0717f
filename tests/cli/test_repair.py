"""``repair``: what is broken is set aside, and the run goes on with what it said before."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from ncenet.ledger import Ledger
from ncenet.loop.simulate import simulate
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import read_fit, read_query, read_test

TINY = {
    "data.train": "digits",
    "loop.initial": 20,
    "loop.query_size": 10,
    "loop.cycles": 2,
    "train.epochs": 1,
    "train.min_steps": 4,
    "train.batch_size": 16,
    "train.checkpoint_seconds": 0,
}
JUNK = [b"", b"junk", b"\x00" * 5000]


@pytest.fixture(scope="module", params=[False, True], ids=["cold", "warm"])
def simulated(request, tmp_path_factory):
    recipe = Recipe().with_changes(TINY | {"train.warm": request.param})
    folder = tmp_path_factory.mktemp("simulated") / "run"
    simulate(recipe, folder)
    return recipe, folder


@pytest.fixture
def run(simulated, tmp_path):
    """The path of a copy, which a test may break."""
    shutil.copytree(simulated[1], tmp_path / "run")
    return tmp_path / "run"


def answers(run):
    with Ledger(run / "ledger.sqlite", read_only=True) as ledger:
        return [tuple(event) for event in ledger.events()]


def test_what_is_whole_is_left_alone(ncenet, run):
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    done = ncenet("repair", run)
    assert (done.code, done.out) == (0, f"{run}: nothing is broken\n")
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file() and file in before} == before
    assert not (run / "set-aside").exists()


@pytest.mark.parametrize("damage", ["torn", "junk", "gone"])
def test_a_simulation_goes_on_after_its_last_model_is_lost(ncenet, simulated, run, damage):
    recipe, _ = simulated
    before, model = answers(run), run / "cycles" / "002" / "model.safetensors"
    content = model.read_bytes()
    if damage == "gone":
        model.unlink()
    else:
        model.write_bytes(content[: len(content) // 2] if damage == "torn" else b"junk")
    more = recipe.with_changes({"loop.cycles": 3})
    if damage != "gone":
        with pytest.raises(Exception, match=r"model\.safetensors.*not a model file"):
            simulate(more, run)
        done = ncenet("repair", run)
        assert done.code == 0 and f"{model}: not a model file" in done.out, done.err
        assert (run / "set-aside" / "cycles" / "002" / "model.safetensors").exists()
    simulate(more, run)
    assert model.read_bytes() == content, "trained again, it is the same"
    assert answers(run)[: len(before)] == before
    assert (run / "cycles" / "003" / "test.json").exists()


@pytest.mark.parametrize("simulated", [False], ids=["cold"], indirect=True)  # the same with warm weights
@pytest.mark.parametrize("junk", JUNK)
def test_a_checkpoint_of_junk_is_named_and_set_aside(ncenet, run, junk):
    with Ledger(run / "ledger.sqlite") as ledger:
        oracle = answers(run)[0]
        ledger.tell({oracle[4]: "5" if oracle[5] != "5" else "4"}, who="ann", cycle=2)
        ledger.start_cycle(ledger.last_seq())
    checkpoint = run / "cycles" / "003" / "checkpoint.pt"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(junk)
    more = ("--cycles", "3")
    words = [
        word
        for path, value in TINY.items()
        if path not in ("data.train", "loop.cycles")
        for word in (f"--{path.split('.')[1].replace('_', '-')}", value)
    ]
    done = ncenet("simulate", "digits", "--out", run, *words, *more)
    assert done.code == 1 and "checkpoint.pt: damaged, no checkpoint" in done.said, done.said
    assert f"ncenet repair {run}" in done.said and "defect" not in done.said
    assert "checkpoint.pt: no checkpoint" in ncenet("repair", run).out
    assert ncenet("simulate", "digits", "--out", run, *words, *more).code == 0


@pytest.mark.parametrize("simulated", [False], ids=["cold"], indirect=True)  # the same with warm weights
@pytest.mark.parametrize("name", ["fit.json", "test.json", "test.csv", "query.json", "query.csv"])
@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe"])
def test_damaged_records_are_set_aside_and_what_the_ledger_knows_is_written_anew(ncenet, run, name, damage):
    files, before = RunFolder(run).cycle(1), answers(run)
    fit, query = read_fit(files), read_query(files)
    (files.path / name).write_bytes(damage)
    done = ncenet("report", run)
    assert done.code == 1 or name in ("test.csv",), "no report is made of damage"
    assert "defect" not in done.said
    dry = ncenet("repair", run, "--dry-run")
    assert f"{name}: " in dry.out and (files.path / name).read_bytes() == damage
    assert f"set aside as {run}/set-aside/cycles/001/{name}" in ncenet("repair", run).out
    assert (read_fit(files), read_query(files)) == (fit, query)
    assert ncenet("report", run).code == 0
    assert ncenet("repair", run).out.endswith("nothing is broken\n")
    assert answers(run) == before


@pytest.mark.parametrize(
    "names", [["test.json"], ["test.csv"], ["test.json", "test.csv", "model.safetensors"]]
)
def test_a_simulation_tests_earlier_models_again_whose_records_are_lost(ncenet, simulated, run, names):
    recipe, whole = simulated
    files, before = RunFolder(run).cycle(1), answers(run)
    for name in names:
        (files.path / name).write_bytes(b"junk")
    assert ncenet("repair", run).code == 0
    assert (not files.test.exists() and not files.predicted.exists()) or names == ["test.json"]
    simulate(recipe, run)
    of_whole = RunFolder(whole).cycle(1)
    assert replace(read_test(files), seconds=0) == replace(read_test(of_whole), seconds=0)
    assert files.predicted.read_bytes() == of_whole.predicted.read_bytes()
    assert answers(run) == before and [cycle.number for cycle in RunFolder(run).cycles()] == [0, 1, 2]


def test_a_recipe_that_was_cut_off_is_written_anew_from_the_ledger(ncenet, simulated, run):
    file = run / "recipe.yaml"
    file.write_text(file.read_text()[:700])
    done = ncenet("ask", run)
    assert done.code == 2 and "recipe.yaml: is cut off" in done.said
    assert "recipe.yaml: is cut off" in ncenet("repair", run).out
    assert Recipe.load(file) == simulated[0]


def test_cycles_without_their_ledger_are_set_aside(ncenet, run):
    for file in run.glob("ledger.sqlite*"):
        file.unlink()
    assert ncenet("ask", run).code == 2
    assert ncenet("repair", run).code == 0
    assert not list((run / "cycles").iterdir())
    assert {folder.name for folder in (run / "set-aside" / "cycles").iterdir()} == {"000", "001", "002"}
    assert ncenet("ask", run, "-n", 3).code == 0


def test_cycles_that_the_ledger_does_not_know_are_set_aside(ncenet, run):
    shutil.copytree(run / "cycles" / "002", run / "cycles" / "004")
    assert "ncenet repair" in ncenet("ask", run).said
    assert "004: the ledger knows no such cycle" in ncenet("repair", run).out
    assert ncenet("ask", run, "-n", 3).code == 0


def test_a_broken_ledger_is_for_a_copy_to_mend(ncenet, run):
    with Ledger(run / "ledger.sqlite") as ledger:
        ledger.check()
    file = run / "ledger.sqlite"
    content = bytearray(file.read_bytes())
    content[4096 * 2 : 4096 * 8] = bytes(4096 * 6)
    file.write_bytes(content)
    before = file.read_bytes()
    done = ncenet("repair", run)
    assert done.code == 1 and "ledger.sqlite" in done.said and "defect" not in done.said
    assert file.read_bytes() == before


def test_where_no_run_is_nothing_is_repaired(ncenet, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no run here" in ncenet("repair", tmp_path / "empty").said
    assert "there is no such folder" in ncenet("repair", tmp_path / "none").said
    assert not (tmp_path / "none").exists()


def test_a_folder_that_only_contains_runs_or_comparisons_is_none(ncenet, run):
    within = f"folders in it are: name one, such as {run}"
    for command in ("repair", "report"):
        done = ncenet(command, run.parent)
        assert done.code == 2 and within in done.said
    run.rename(run.parent / "seed-0")
    pets = run.parent / "runs" / "pets"
    (pets / "random").mkdir(parents=True)
    (run.parent / "seed-0").rename(pets / "random" / "seed-0")
    (pets / "comparison.yaml").write_text("")
    done = ncenet("repair", pets.parent)
    assert done.code == 2 and f"name one, such as {pets}" in done.said


def test_a_trial_that_was_stopped_before_it_began_has_nothing_to_mend(ncenet, run):
    folder = run.parent / "pets"
    (folder / "random").mkdir(parents=True)
    run.rename(folder / "random" / "seed-0")
    (folder / "random" / "seed-1").mkdir()
    (folder / "random" / "seed-1" / ".lock").touch()
    (folder / "random" / "seed-0" / "cycles" / "001" / "fit.json").write_bytes(b"junk")
    done = ncenet("repair", folder)
    assert done.code == 0 and "fit.json" in done.out
