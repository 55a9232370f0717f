"""Exit codes and messages: what, where, what to do."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from importlib.metadata import metadata, version

import pytest
import torch

import ncenet as package
from ncenet.data.builtin import datasets
from ncenet.errors import UnknownName
from ncenet.strategies import strategies
from ncenet.strategies.margin import Margin


@pytest.fixture
def failing():
    """Has a run of the strategy ``failing`` raise an error as it begins."""
    with ExitStack() as held:

        def fail(error):
            class Failing(Margin):
                def __init__(self, **options):
                    raise error

            held.enter_context(strategies.temporarily(failing=Failing))
            return "simulate", "digits", "--strategy", "failing"

        yield fail


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("frobnicate", 'Unknown command "frobnicate"'),
        ("simulat digits", 'Did you mean "simulate"?'),
        ("simulate digits --stratgy random", "Unknown option: --stratgy. Did you mean --strategy?"),
        ("simulate", "simulate: DATA is missing"),
        ("simulate digits --seeds two", "--seeds: 'two' is no whole number"),
        ("simulate digits --seeds 0", "--seeds: 0 is below 1"),
        ("simulate digits --engine ray", "shares trials out, and this is a single one: add --beside or"),
        ("simulate digits --engine slurm", "unknown engine 'slurm': known: local, ray"),
        ("simulate digits --processes 0", "--processes: 0 is below 1"),
        ("ask runs/a --data digits -n 0", "-n: 0 is below 1"),
        ("simulate digits --query-size 0", "--query-size: 0 is below 1"),
        ("simulate digits --strategy rejecton", "did you mean 'rejection'? known: badge, "),
        ("simulate digits --backbone smal", "did you mean 'small'?"),
        ("simulate digts", "no such file or folder. Did you mean 'digits'?"),
        ("simulate digits --strategy bald", "bald needs model.dropout > 0 or model.members > 1"),
        ("simulate digits --strategy vote-entropy", "vote-entropy needs model.members > 1: one network"),
        ("simulate digits --beside consensus-entropy", "consensus-entropy needs model.members > 1"),
        ("simulate digits --strategy rejection --head softmax", "needs model.head.name nce"),
        (
            "simulate digits --strategy random --option diversify=kmeans",
            "random has no option 'diversify': it",
        ),
        (
            "simulate digits --strategy badge --option diversify=kmeans --beside random",
            "badge has no option",
        ),
        ("simulate digits --option diversify_factor=1", "--option diversify_factor: 1 is below 2"),
        ("simulate digits --option diversify", "--option diversify: expected NAME=VALUE"),
        ("simulate digits --option divrsify=kmeans", "did you mean 'diversify'? It has: diversify, divers"),
        ("simulate digits --option aggregate=max", "aggregate: max makes one score of those of an image's"),
        ("simulate digits --option steps=5", "--option steps: strategy confusion has no option 'steps'"),
        (
            "simulate digits --head softmax --strategy margin --radius 1",
            "radius: the softmax head has",
        ),
        ("simulate digits --beside random --beside bald", "strategy bald needs model.dropout > 0"),
        ("simulate digits --beside randm", "unknown query strategy 'randm': did you mean 'random'?"),
        ("run nowhere.yaml", "nowhere.yaml: cannot be read: No such file or directory"),
        ("report nowhere", "nowhere: neither a run nor a comparison: there is no such folder"),
        ("ask nowhere", "say where the images are: ncenet ask nowhere --data PHOTOS"),
        ("tell nowhere answers.csv", "nowhere: no run here; ncenet ask makes one"),
        ("datasets --download nothing", "unknown data set 'nothing': known: cifar10"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_to_do(ncenet, words, message):
    done = ncenet(*words.split())
    assert done.code == 2
    assert message in done.said
    assert "Traceback" not in done.err
    assert "defect" not in done.err
    assert done.out == ""


@pytest.mark.parametrize("trial", ["nce-random/seed-0", "digits/nce-random/seed-0"])
@pytest.mark.parametrize(
    "words",
    [
        *("ask study", "ask study --data digits", "tell study a.csv", "annotators study"),
        *(
            "export study a.csv",
            "sort study",
            "score study digits --out s.csv",
            "export study m --model safetensors",
        ),
    ],
)
def test_a_comparison_in_the_place_of_a_run_is_named_with_a_run_in_it(ncenet, tmp_path, trial, words):
    folder = tmp_path / "study" / trial
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").touch()
    (tmp_path / "study" / "comparison.yaml").touch()
    done = ncenet(*words.split())
    assert done.code == 2
    assert f"study: holds a comparison, whose trials are runs: name one, such as study/{trial}" in done.said


def test_a_mistake_in_a_recipe_is_named_by_file_line_and_field(ncenet, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("data:\n  train: digits\nloop:\n  cycles: 3\n  query_size: 0\n")
    done = ncenet("run", recipe)
    assert done.code == 2
    assert f"{recipe}:5 loop.query_size: 0 is below 1" in done.said


def test_a_run_that_fails_exits_1(ncenet, tmp_path):
    (tmp_path / "photos").mkdir()
    done = ncenet("simulate", "photos")
    assert done.code == 1
    assert "photos: no images in this folder" in done.said


def test_debug_gives_the_traceback(ncenet):
    with pytest.raises(UnknownName):
        ncenet("simulate", "digits", "--strategy", "rejecton", "--debug")
    done = subprocess.run(
        [sys.executable, "-m", "ncenet", "--debug", "report", "nowhere"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "UsageError: nowhere" in done.stderr


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    ],
)
def test_want_of_memory_is_no_defect(ncenet, failing, error):
    done = ncenet(*failing(error))
    assert (done.code, "out of memory: take fewer --workers" in done.said) == (1, True)
    assert "defect" not in done.said


def test_what_nobody_foresaw_is_called_a_defect(ncenet, failing):
    words = failing(ZeroDivisionError("by design"))
    done = ncenet(*words)
    assert done.code == 1
    assert "ZeroDivisionError: by design (" in done.said and f"{__file__}, line" in done.said, "where it was"
    assert "this is a defect: run again with --debug" in done.said
    with pytest.raises(ZeroDivisionError):
        ncenet("--debug", *words)


def test_an_interrupt_exits_130_and_is_called_no_error(ncenet, failing):
    done = ncenet(*failing(KeyboardInterrupt))
    assert done.code == 130
    assert done.said.strip() == "interrupted; run the same command again to go on"


def test_a_reader_that_goes_away_is_no_failure():
    listing = [sys.executable, "-m", "ncenet", "strategies"]
    done = subprocess.run(f"{' '.join(listing)} | true", shell=True, capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_shows_the_fields_of_the_recipe(ncenet, flag):
    done = ncenet("simulate", flag)
    assert done.code == 0
    text = " ".join(done.out.replace("│", " ").split())
    assert "--query-size INT Labels asked for in each cycle. [default: 100]" in text
    assert "--prototypes-per-class" in text


def test_version(ncenet):
    assert ncenet("--version").out.strip() == package.__version__


def test_strategies(ncenet):
    rows = json.loads(ncenet("strategies", "--json").out)
    assert [row["name"] for row in rows] == strategies.names()
    needs = {row["name"]: row["needs"] for row in rows}
    assert (needs["random"], needs["rejection"], needs["core-set"]) == ("", "probs", "features")
    assert all(row["what"] for row in rows)
    table = ncenet("strategies").out
    assert all(name in table for name in strategies.names())


def test_datasets(ncenet):
    rows = {row["name"]: row for row in json.loads(ncenet("datasets", "--json").out)}
    assert list(rows) == datasets.names()
    assert rows["digits"]["images"] == "1,297 + 500 test"
    assert rows["digits"]["download"] == "none"
    assert "fashion-mnist" in ncenet("datasets").out


def test_downloading_what_is_there_downloads_nothing(ncenet):
    done = ncenet("datasets", "--download", "digits")
    assert (done.code, done.out) == (0, "")
    assert "digits is on this machine now" in done.said


def test_what_the_system_refuses_is_no_defect(ncenet, tmp_path):
    (tmp_path / "taken").write_text("a file")
    done = ncenet("ask", "run", "--data", "digits", "-n", 5, "--out", "taken/query.csv")
    assert (done.code, "taken: File exists" in done.said) == (1, True), done.said
    assert "defect" not in done.said


def test_a_full_disk_names_no_file_and_is_no_defect(ncenet, failing):
    done = ncenet(*failing(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    assert (done.code, done.said) == (1, "error No space left on device")


def test_doctor(ncenet):
    facts = json.loads(ncenet("doctor", "--json").out)
    extras = {name.removeprefix("extra ") for name in facts if name.startswith("extra ")}
    brought = metadata("ncenet").get_all("Provides-Extra")
    assert extras == set(brought) - {"all", "docs", "bench", "dev"}
    assert "ray 2" in facts["extra ray"] or facts["extra ray"] == "not installed: pip install 'ncenet[ray]'"
    assert facts["extra parquet"] == f"pyarrow {version('pyarrow')}"
    assert facts["ncenet"] == package.__version__
    assert {"python", "torch", "cpu", "memory", "gpu", "extra parquet", "extra timm"} <= facts.keys()
    assert f"{facts['torch']}" in ncenet("doctor").out


def test_doctor_misses_nothing_that_is_for_other_machines(ncenet, monkeypatch):
    elsewhere = "no-such-package; platform_machine == 'abacus' and extra == 'timm'"
    monkeypatch.setattr("ncenet.api.doctor.requires", lambda _: ["timm>=1; extra == 'timm'", elsewhere])
    facts = json.loads(ncenet("doctor", "--json").out)
    assert facts["extra timm"] == f"timm {version('timm')}"
    here = "no-such-package; platform_machine != 'abacus' and extra == 'timm'"
    monkeypatch.setattr("ncenet.api.doctor.requires", lambda _: ["numpy>=2; python_version > '3'", here])
    facts = json.loads(ncenet("doctor", "--json").out)
    assert facts["extra timm"] == "not installed: pip install 'ncenet[timm]'"
    assert facts["extra ray"] == "", "what everybody gets belongs to no extra"


def test_an_old_flag_is_taken_with_a_pointer(ncenet):
    done = ncenet("simulate", "digits", "--diversify", "kmeans", "--strategy", "random")
    assert done.code == 2
    assert "note: loop.diversify is an option of the strategy now: say loop.options.diversify" in done.said
    assert "random has no option 'diversify'" in done.said
    assert "--diversify" not in ncenet("simulate", "--help").out


def test_a_strategy_tells_its_options(ncenet):
    done = ncenet("strategies", "vaal")
    assert "Optimizer steps" in done.out and "steps   300" in done.out
    told = json.loads(ncenet("strategies", "margin", "--json").out)
    assert [option["option"] for option in told["options"]] == [
        *("diversify", "diversify_factor", "aggregate", "aggregate_k")
    ]
    assert ncenet("strategies", "vall").said.count("did you mean 'vaal'?") == 1
