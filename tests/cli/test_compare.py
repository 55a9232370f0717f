"""``compare``: what runs, what is left alone, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ncenet.cli.compare import with_sources
from ncenet.compare import Comparison
from ncenet.compare.trials import check_readable
from ncenet.files import alone
from tests.data.make import gray_png, write

FOLDER = Path("runs/tiny")
BASE = """
base:
  data: {train: digits}
  train: {epochs: 1, min_steps: 4, batch_size: 16, threads: 1}
  loop: {strategy: random, initial: 20, query_size: 10, cycles: 2}
seeds: [0, 1]
figures: {images: 100, points: 20}
"""
ARMS = """
arms:
  - {name: NCE random}
  - {name: NCE confusion, changes: {loop.strategy: confusion}}
"""
SOFTMAX = "  - {name: softmax margin, changes: {model.head.name: softmax, loop.strategy: margin}}\n"


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(f"title: A tiny comparison\n{BASE}{ARMS}")
    return file


def states(folder):
    return {file: file.stat().st_mtime_ns for file in folder.glob("*/seed-*/cycles/*/*")}


def test_a_dry_run_counts_what_is_left_and_writes_nothing(ncenet, file, tmp_path):
    done = ncenet("compare", file, "--dry-run")
    assert done.code == 0, done.err
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert lines["trials"].split() == ["trials", "4"]
    assert lines["labels"].endswith("30 of a pool of 1,297 in each trial (initial 20)")
    assert "for 4 trials one after the other" in lines["minutes"]
    assert "MB a trial" in lines["memory"]
    fewer = ncenet("compare", file, "--dry-run", "--arms", "NCE random", "--seeds", 1)
    assert "for 1 trial one after the other" in fewer.out
    assert list(tmp_path.iterdir()) == [file]


def test_a_second_one_at_the_same_time_is_refused(ncenet, file, monkeypatch):
    monkeypatch.setattr("ncenet.files.PATIENCE", 0.1)
    with alone(FOLDER):
        done = ncenet("compare", file)
    assert done.code == 2
    assert f"{FOLDER}: another ncenet is at work in this folder" in done.said
    assert [path.name for path in FOLDER.iterdir()] == [".lock"], "it has begun nothing"


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_strategy_that_does_not_fit_is_told_before_any_trial(ncenet, file, tmp_path, more):
    file.write_text(f"{file.read_text()}  - {{name: NCE bald, changes: {{loop.strategy: bald}}}}\n")
    done = ncenet("compare", file, *more)
    assert done.code == 2
    assert "NCE bald, seed 0: strategy bald needs model.dropout > 0 or model.members > 1" in done.said
    assert list(tmp_path.iterdir()) == [file]


def test_a_dry_run_says_what_it_leaves_out(ncenet, file):
    assert "left out" not in ncenet("compare", file, "--dry-run").out
    arms = "".join(
        f"  - {{name: NCE {name}, changes: {{loop.strategy: {name}, loop.options.steps: {steps}}}}}\n"
        for name, steps in (("vaal", 300), ("sraal", 1200))
    )
    file.write_text(file.read_text() + arms)
    done = ncenet("compare", file, "--dry-run")
    said = [line for line in done.out.splitlines() if line.startswith("left out")]
    assert len(said) == 2, done.err
    assert "what sraal trains in each query, a model of its own in 1,200 steps" in said[0]
    assert "what vaal trains in each query, a model of its own in 300 steps (its option steps)" in said[1]
    alone = ncenet("compare", file, "--dry-run", "--arms", "NCE random", "NCE vaal").out
    assert "what vaal trains" in alone and "sraal" not in alone


def test_an_arm_that_is_added_later_runs_alone(ncenet, file):
    done = ncenet("compare", file, "--processes", 1, "--seeds", 1)
    assert done.code == 0, done.err
    assert "NCE confusion against NCE random is unclear" in " ".join(done.out.split())
    first = states(FOLDER)
    assert {path.parts[2] for path in first} == {"nce-random", "nce-confusion"}

    file.write_text(file.read_text() + SOFTMAX)
    refused = ncenet("compare", file)
    assert refused.code == 2
    assert "no arm picks at random with the head of 'softmax margin'" in refused.said
    lines = refused.err[refused.err.index("  - name:") :]
    assert lines.splitlines()[0] == "  - name: softmax random"
    file.write_text(file.read_text() + lines.rstrip() + "\n")

    done = ncenet(
        "compare", file, "--processes", 1, "--seeds", 1, "--arms", "softmax random", "softmax margin"
    )
    assert done.code == 0, done.err
    later = states(FOLDER)
    assert {file: later[file] for file in first} == first, "what was finished is left alone"
    assert {path.parts[2] for path in later.keys() - first.keys()} == {"softmax-random", "softmax-margin"}
    record = json.loads(ncenet("report", FOLDER, "--json").out)
    assert [arm["name"] for arm in record["arms"]][2:] == ["softmax margin", "softmax random"]
    assert (record["seeds"], record["unfinished"]) == ([0], [])
    assert "4, 4 of them finished" in ncenet("compare", file, "--dry-run", "--seeds", 1).out


def test_the_same_comparison_on_other_images(ncenet, file, tmp_path):
    for split, count in (("mine", 6), ("held-out", 3)):
        for name in ("cat", "dog"):
            write(tmp_path / split / name, {f"{n}.png": gray_png(n) for n in range(count)})
    words = ("compare", file, "--data", "mine", "--test", "held-out", "--dry-run")
    assert "of a pool of 12 in each trial" in ncenet(*words).out
    assert "of a pool of 1,297 in each trial" in ncenet("compare", file, "--dry-run").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--arms random", "unknown arm 'random': did you mean 'NCE random'?"),
        ("--seeds 3", "3 seeds asked for, but the comparison names 2"),
        ("--seeds 0", "is below 1"),
        ("--processes 0", "is below 1"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_written(ncenet, file, tmp_path, words, message):
    done = ncenet("compare", file, *words.split())
    assert done.code == 2
    assert message in done.said
    assert list(tmp_path.iterdir()) == [file]


def test_a_recipe_is_not_a_comparison(ncenet, tmp_path):
    (tmp_path / "recipe.yaml").write_text("loop: {cycles: 3}\n")
    done = ncenet("compare", "recipe.yaml")
    assert done.code == 2
    assert "recipe.yaml:1 arms: is missing" in done.said


def test_a_comparison_given_to_run_is_told_to_the_one_who_runs_it(ncenet, file):
    done = ncenet("run", file)
    assert done.code == 2
    assert f"{file} holds arms and seeds: ncenet compare {file}" in " ".join(done.err.split())


SETS = """
data:
  - {name: all, train: digits}
  - {name: few, train: digits, changes: {loop.initial: 10}}
"""


@pytest.fixture
def several(file):
    text = file.read_text().replace("  data: {train: digits}\n", "") + SETS
    file.write_text(text.replace("seeds: [0, 1]", "seeds: [0]"))
    return file


def test_several_sets_run_into_folders_of_their_own_and_are_reported_together(ncenet, several):
    dry = ncenet("compare", several, "--dry-run")
    assert "trials     4" in dry.out and "pool of 1,297 in each trial on few (initial 10)" in dry.out
    done = ncenet("compare", several, "--processes", 1)
    assert done.code == 0, done.err
    assert "NCE confusion against NCE random is unclear on 2 sets" in " ".join(done.out.split())
    for name in ("all", "few"):
        assert (FOLDER / name / "report.html").exists() and (FOLDER / name / "nce-random/seed-0").is_dir()
    assert "Mean ranks" in (FOLDER / "report.html").read_text()
    before = states(FOLDER / "all") | states(FOLDER / "few")
    several.write_text(several.read_text().replace("seeds: [0]", "seeds: [0, 1]"))
    assert ncenet("compare", several, "--arms", "NCE random", "--processes", 1).code == 0
    after = states(FOLDER / "all") | states(FOLDER / "few")
    assert before.items() < after.items() and len(after) == len(before) * 3 // 2, "the new seed ran alone"
    again = ncenet("report", FOLDER, "--json")
    assert json.loads(again.out)["sets"].keys() == {"all", "few"}


def test_other_sets_take_the_place_of_those_of_the_file(ncenet, several):
    one = ncenet("compare", several, "--dry-run", "--data", "digits")
    assert "trials     2" in one.out and "trial on digits (initial 20)" in one.out
    more = ncenet("compare", several, "--dry-run", "--data", "digits", "x/", "--test", "digits")
    assert more.code == 2 and "1 --test for 2 data sets: one for each, in order" in more.said


def test_sets_of_one_name_are_called_after_the_folders_above(ncenet, several, tmp_path):
    for at in ("a/train", "b/train", "held-out"):
        for name in ("cat", "dog"):
            write(tmp_path / at / name, {f"{n}.png": gray_png(n) for n in range(12)})
    words = ("compare", several, "--dry-run", "--test", "held-out", "held-out", "--data", "a/train")
    done = ncenet(*words, "b/train")
    assert "trial on a/train" in done.out and "trial on b/train" in done.out, done.said
    twice = ncenet(*words, "a/train")
    assert twice.code == 2 and "would share the folder 'a-train': give one another name" in twice.said


def test_other_held_out_images_leave_the_rest_of_the_sets(several):
    sets = with_sources(Comparison.load(several), (), ("x", "y")).data
    before = Comparison.load(several).data
    assert [each.test for each in sets] == ["x", "y"]
    assert [each.model_copy(update={"test": None}) for each in sets] == list(before)


def test_several_sets_for_a_file_that_names_one(ncenet, file):
    done = ncenet("compare", file, "--dry-run", "--data", "digits", "nowhere/cars")
    assert done.code == 2 and "nowhere/cars: no built-in data set" in done.said


def test_a_broken_image_of_any_set_is_told_before_the_first_trial(ncenet, several, tmp_path):
    images = {f"{label}/{n}.png": gray_png(n) for label in ("cat", "dog") for n in range(20)}
    for name, more in (("fine", {}), ("torn", {"cat/x.png": b"no image"}), ("held-out", {})):
        write(tmp_path / name, images | more)
    data, test = ("fine", "torn"), ("held-out", "held-out")
    done = ncenet("compare", several, "--data", *data, "--test", *test)
    assert done.code == 1 and "data set 'torn': 1 unreadable image: cat/x.png" in done.said
    assert done.said.endswith("or leave them out with data.on_bad_image: skip in the recipe")
    assert not FOLDER.exists()
    several.write_text(several.read_text().replace("base:", "base:\n  data: {on_bad_image: skip}", 1))
    check_readable(with_sources(Comparison.load(several), data, test), FOLDER, lambda event: None)


def test_arms_with_one_recipe_are_told_of(ncenet, file):
    file.write_text(file.read_text() + "  - {name: the same again, changes: {loop.strategy: random}}\n")
    done = ncenet("compare", file, "--data", "nowhere")
    assert "arms 'NCE random' and 'the same again' have the same recipe: what sets them apart" in done.said
    assert done.said.count("the same recipe") == 1 and "error nowhere: " in done.said
    assert "note       arms 'NCE random' and 'the same again'" in ncenet("compare", file, "--dry-run").out


def test_a_seed_that_no_arm_runs_with_is_told_of(ncenet, file):
    text = file.read_text()
    assert "note" not in ncenet("compare", file, "--dry-run").out
    file.write_text(text.replace("loop: {", "loop: {seed: 7, ", 1))
    assert "base.loop.seed 7 is not used: seeds says" in ncenet("compare", file, "--dry-run").out
    assert "base.loop.seed 7 is not used" in ncenet("compare", file, "--data", "nowhere").said
