"""The run folder: what its files are called is said in one place."""

import ast
from pathlib import Path

import pytest

import ncenet
from ncenet import files
from ncenet.errors import UsageError
from ncenet.recipe import Recipe
from ncenet.run import folder
from ncenet.run.folder import CycleFolder, RunFolder
from ncenet.run.recipe_record import check_recipe

SRC = Path(ncenet.__file__).parent
ELSEWHERE = {"model.safetensors", "query.csv", "checkpoint.pt", "cycles"}
"""What is a word, or the name of something else as well: exported models, files that people fill in."""


def names():
    """All that run and cycle folders call their files."""
    made = RunFolder(Path("run")), CycleFolder(Path("run/cycles/001"))
    given = [
        getattr(each, name)
        for each in made
        for name, member in vars(type(each)).items()
        if isinstance(member, property)
    ]
    return {path.name for path in given if isinstance(path, Path)}


def strings(tree):
    """All constants that are text, but for those that stand alone, as docstrings do."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_what_is_looked_for_is_there():
    assert {"recipe.yaml", "ledger.sqlite", "test.json", "test.csv", "fit.json", "why.json"} <= names()
    assert names() >= ELSEWHERE
    assert list(strings(ast.parse('"""Of recipe.yaml."""\nf"{x}: no recipe.yaml"'))) == [": no recipe.yaml"]


def test_no_other_module_spells_the_name_of_a_file_of_a_run():
    looked_for = names() - ELSEWHERE
    found = [
        f"{file.relative_to(SRC)}: {text!r}"
        for file in SRC.rglob("*.py")
        if file not in {Path(folder.__file__), Path(files.__file__)}  # what marks a folder is told below
        for text in strings(ast.parse(file.read_text(encoding="utf-8")))
        if any(name in text for name in looked_for)
    ]
    assert found == [], "ask run.folder.RunFolder for its path"


def test_cycles_are_found_by_number(tmp_path):
    run = RunFolder(tmp_path)
    for number in (2, 1, 12):
        run.cycle(number).path.mkdir(parents=True)
    (run.all_cycles / "later").mkdir()
    assert [cycle.number for cycle in run.cycles()] == [1, 2, 12]


def test_a_folder_of_comparisons_is_none_itself(tmp_path):
    """A run may lie beside them, as after ``ncenet ask runs --data photos``."""
    comparison, trial = tmp_path / "study", tmp_path / "study" / "random" / "seed-0"
    trial.mkdir(parents=True)
    for file in (comparison / "comparison.yaml", trial / "recipe.yaml"):
        file.touch()
    folder.refuse_comparison(tmp_path)
    with pytest.raises(UsageError, match="study: holds a comparison, whose trials are runs: name one"):
        folder.refuse_comparison(comparison)


@pytest.fixture
def kept(tmp_path):
    """A comparison of one arm, whose trial has a cycle."""
    trial = RunFolder(tmp_path / "study" / "random" / "seed-0")
    trial.cycle(1).path.mkdir(parents=True)
    for file in (tmp_path / "study" / "comparison.yaml", trial.recipe, trial.ledger):
        file.touch()
    return tmp_path


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("study/random", "belongs to the comparison in .*study: name another folder"),
        ("study/analysis", "belongs to the comparison in .*study: name another folder"),
        ("study/random/seed-0/cycles", "lies within the run in .*seed-0: name another folder"),
        ("study/random/seed-0/cycles/001/new", "lies within the run in .*seed-0: name another folder"),
    ],
)
def test_what_a_run_or_comparison_keeps_for_itself_is_no_folder_for_another(kept, monkeypatch, place, said):
    monkeypatch.chdir(kept)
    for path in (Path(place), kept / place):
        with pytest.raises(UsageError, match=said):
            folder.refuse_run(path)
        with pytest.raises(UsageError, match=said):
            check_recipe(RunFolder(path), Recipe())


def test_beside_what_is_kept_there_is_room(kept):
    RunFolder(kept).ledger.touch()  # a run in whose folder others were begun
    for place in ("study", "study/other", "study/random/seed-1", "other", "cycles-of-life", "runs/cycles"):
        folder.refuse_kept(kept / place)  # raises where it is refused


def test_a_comparison_takes_no_file_and_no_folder_of_a_run_that_was_not_begun(tmp_path):
    (tmp_path / "notes").touch()
    with pytest.raises(UsageError, match="notes: is a file, and a comparison has a folder of its own"):
        folder.refuse_run(tmp_path / "notes")
    RunFolder(tmp_path).recipe.touch()
    with pytest.raises(UsageError, match="holds a run, and a comparison keeps its own"):
        folder.refuse_run(tmp_path)
