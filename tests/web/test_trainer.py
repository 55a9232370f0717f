"""A lesson in a process of its own, and one that fails."""

from __future__ import annotations

import queue
from dataclasses import replace

from ncenet.data.open import open_dataset
from ncenet.ledger import Ledger
from ncenet.loop.open import open_loop
from ncenet.run.findings import scan_pool
from ncenet.web.trainer import Trainer, TrainingWork
from tests.web.conftest import truth


def finished(events: queue.Queue) -> dict:
    """The last event of a lesson."""
    while (event := events.get(timeout=120))["event"] not in ("learned", "failed"):
        pass
    return event


def test_lessons_in_a_process_beside_this_one(tmp_path, recipe):
    recipe = recipe.with_changes({"loop.held_out": 0})
    folder = tmp_path / "run"
    found = scan_pool(open_dataset(recipe.data.train), recipe)
    loop, _ = open_loop(recipe, folder, found=found)
    first = loop.ask(6, held_out_first=False)
    loop.tell({id: truth(id) for id in first.ids}, who="ann")
    loop.ledger.close()
    events: queue.Queue = queue.Queue()
    trainer = Trainer(events.put)
    lesson = TrainingWork(recipe, folder, found, query_size=8)
    assert trainer.start(lesson)
    assert not trainer.start(lesson), "one at a time"
    assert finished(events) == {"event": "learned", "cycle": 1}
    assert not trainer.busy
    with Ledger(folder / "ledger.sqlite", read_only=True) as ledger:
        assert len(ledger.latest_query(1).query) == 8
    assert (folder / "cycles" / "001" / "why.json").exists()

    other = replace(lesson, recipe=recipe.with_changes({"loop.seed": 5}))
    assert trainer.start(other)
    event = finished(events)
    assert event["event"] == "failed" and "holds a run with another recipe" in event["why"]
