"""Progress where there is no terminal: a line after seconds, then now and then."""

from ncenet.cli.progress import Lines


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
