"""Progress: bars on a terminal, a line in a notebook, and in a log one after seconds, then now and then."""

import builtins
import itertools
import time

import numpy as np
import pytest

import ncenet
from ncenet.progress import Lines, Onlooker


def told(events):
    said, now = [], [0.0]
    lines = Lines(said.append, lambda: now[0])
    for at, event in events:
        now[0] = at
        lines(event)
    return said


def scan(done):
    return {"event": "scan", "done": done, "total": 5000}


def test_a_short_command_says_nothing():
    assert told([(0.1, scan(1)), (2.9, scan(4999))]) == []


def test_a_long_one_says_something_within_seconds_and_not_too_often():
    said = told([(at, scan(10 * at)) for at in range(1, 70)])
    assert said == [f"reading images, {10 * at:,} of 5,000" for at in (3, 33, 63)]


def test_trials_are_named_and_every_event_has_its_words():
    fit = {"event": "fit", "trial": "NCE random, seed 0", "cycle": 2, "step": 40, "steps": 1400, "loss": 0.5}
    assert told([(4, fit)]) == ["NCE random, seed 0: cycle 2, step 40 of 1,400"]
    for event in (
        {"event": "embed", "done": 1, "total": 2},
        {"event": "cycle", "cycle": 1, "metric": "accuracy", "accuracy": 0.5, "labeled": 20},
        {"event": "analysis", "figure": "regions", "done": 0, "total": 1},
    ):
        (line,) = told([(4, event)])
        assert line
    assert told([(4, {"event": "query"})]) == []


FIT = {"event": "fit", "cycle": 1, "step": 1, "steps": 4, "loss": 0.5}


def test_a_terminal_has_bars_while_something_is_at_work_and_none_before_and_after(monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    onlooker = Onlooker()
    onlooker(FIT)
    assert capsys.readouterr().err == "", "nothing is at work"
    with onlooker.at_work() as show, onlooker.at_work() as inner:
        show(FIT)
        inner({"event": "score", "done": 3, "total": 8})
    drawn = capsys.readouterr().err
    assert "cycle 1, loss 0.500" in drawn and "asking the model" in drawn and "3/8" in drawn
    onlooker(FIT)
    assert capsys.readouterr().err == ""


def test_a_notebook_has_one_line_that_is_written_anew_and_goes(monkeypatch, capsys):
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setattr(builtins, "get_ipython", lambda: shell, raising=False)
    clock = itertools.count(step=0.4)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with Onlooker().at_work() as show:
        for step in range(1, 9):
            show(FIT | {"step": step})
    _, *lines, last = capsys.readouterr().err.split("\r")[:-1]
    assert lines and all(line.strip().startswith("cycle 1, step ") for line in lines)
    assert last.strip() == "" and len(last) == max(map(len, lines))


@pytest.mark.parametrize("notify", [False, list.append])
def test_who_wants_no_bars_has_none(notify, monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    events = []
    onlooker = Onlooker(notify and events.append)
    with onlooker.at_work() as show:
        show(FIT)
    assert capsys.readouterr().err == "" and events == ([FIT] if notify else [])


def test_in_python_long_work_is_shown_and_every_step_of_it_has_a_name(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    pool = ncenet.ArrayPool(np.random.default_rng(0).random((40, 4), np.float32))
    parts = {"pool": pool, "classes": ["a", "b"], "backbone": "mlp"}
    quick = {"train.epochs": 1, "train.min_steps": 2, "loop.held_out": 5}
    with ncenet.open(tmp_path / "run", recipe=quick, **parts) as run:
        assert "reading images" in capsys.readouterr().err
        run.tell(dict.fromkeys(run.ask().ids, "a"))
        run.tell({id: "ab"[n % 2] for n, id in enumerate(run.ask(20).ids)})
        run.ask(4)
        drawn = capsys.readouterr().err
        assert "cycle 1, loss" in drawn and "testing the model" in drawn and "asking the model" in drawn
    kinds = []
    with ncenet.open(tmp_path / "run", notify=lambda event: kinds.append(event["event"]), **parts) as run:
        run.tell(dict.fromkeys(run.ask(4).ids, "b"))
        run.ask(4)
    assert list(dict.fromkeys(kinds)) == ["scan", "fit", "test", "cycle", "score", "query"]
    with ncenet.open(tmp_path / "run", notify=False, **parts) as run:
        run.tell(dict.fromkeys(run.ask(4).ids, "b"))
        run.ask(4)
    assert capsys.readouterr().err == ""
