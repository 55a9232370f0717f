"""Whether choosing pays: what the panel says, by what the last model wrote."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ncenet.loop.choosing import compare_choosing
from ncenet.loop.open import open_loop
from ncenet.run.record_files import last_choosing, write_choosing
from tests.browser.conftest import Server
from tests.loop.vectors import NAMES, photographs, recipe

SAID = {
    (28, 12, 12): "Choosing pays: 24 chosen labels taught a model more than as many random ones did",
    (12, 28, 12): "Choosing does not pay here: 24 chosen labels taught a model less than as many",
    (20, 20, 20): "Whether choosing pays can't be told yet: 24 chosen labels taught a model as much as",
}
"""By how many of thirty images the two models named right, and both."""


@pytest.fixture
def measured(tmp_path):
    """A page on a run of which a model has said whether choosing pays; the record's folder and the record."""
    ids = [f"{n:03}.png" for n in range(90)]
    loop, _ = open_loop(recipe(photographs(tmp_path, ids), **{"loop.held_out": 30}), tmp_path / "run")
    with loop.ledger:
        for size in (30, 20, 20):
            loop.tell({id: NAMES[int(id[:3]) % 2] for id in loop.ask(size).ids}, who="ann")
        cycle = loop.fit()
        assert compare_choosing(loop, cycle) is not None
    running = Server(tmp_path)
    running.runs = ("run",)
    try:
        running.start()
        yield running, loop.folder.cycle(cycle)
    finally:
        running.kill()


def test_the_panel_says_what_the_record_of_the_last_model_does(measured, annotator):
    running, files = measured
    ann = annotator(running)
    found = last_choosing([files])
    for (chosen, random, both), said in {(found.chosen, found.random, found.both): "", **SAID}.items():
        record = replace(found, chosen=chosen, random=random, both=both)
        write_choosing(files, record)
        ann.page.reload()
        low, high = (  # with a minus sign, as on the page
            f"{100 * bound:+.1f}".replace("-", "\u2212") for bound in record.interval
        )
        words = ann.page.locator("#advice p", has_text=re.compile("hoosing (pays|does)")).inner_text()
        assert f"{low} to {high} points" in words and words.startswith(said)
    assert ann.mistakes == []
