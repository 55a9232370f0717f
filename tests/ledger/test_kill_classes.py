"""A merge that is killed at any moment was made or was not; so was its undoing."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time

import pytest

from ncenet.ledger import Ledger
from tests.integration.forks import ended, forked

COUNT = 400


def merging(file, tell):
    """Merge and undo for ever; says when it is at it."""
    with Ledger(file) as ledger:
        os.write(tell, b".")
        while True:
            ledger.classes.merge("t-shirt", "shirt", who="ann")
            ledger.classes.undo(who="ann")


@pytest.mark.skipif(sys.platform == "win32", reason="forks, and kills with SIGKILL")
def test_a_killed_merge_is_whole_or_not_there(tmp_path):
    file, moments = tmp_path / "ledger.sqlite", random.Random(0)
    ids = [f"{n:04}" for n in range(COUNT)]
    with Ledger(file) as ledger:
        ledger.remember("class_names", json.dumps(["shirt", "t-shirt"]))
        ledger.add_items((id, "hash", None) for id in ids)
        ledger.tell({id: ("shirt", "t-shirt")[n % 2] for n, id in enumerate(ids)}, who="ann", cycle=0)
        apart = dict(ledger.labeled())
    found: list[bool] = []
    while len(found) < 8 or (len(set(found)) < 2 and len(found) < 60):
        hear, tell = os.pipe()
        child = forked(lambda tell=tell: merging(file, tell))
        os.read(hear, 1)
        time.sleep(moments.uniform(0.0, 0.02 * (4 + len(found))))
        os.kill(child, signal.SIGKILL)
        assert ended(child) == -signal.SIGKILL
        os.close(hear), os.close(tell)
        with Ledger(file) as ledger:
            ledger.check()
            names, labels = ledger.class_names(), dict(ledger.labeled())
            merged = names == ("shirt",)
            assert labels == (dict.fromkeys(ids, "shirt") if merged else apart), "half of it"
            assert merged or names == ("shirt", "t-shirt")
            if merged:
                ledger.classes.undo(who="ann")
            assert dict(ledger.labeled()) == apart
        found.append(merged)
    assert len(set(found)) == 2, "killed in both states"
