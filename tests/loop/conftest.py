"""A pool, and loops on it whose learner trains nothing."""

from __future__ import annotations

import numpy as np
import pytest

from ncenet.data.pools import ArrayPool
from ncenet.ledger import Ledger
from ncenet.loop.loop import Loop
from ncenet.rng import Streams
from ncenet.run.folder import RunFolder
from ncenet.strategies import strategies
from tests.loop.fakes import CLASSES, CountingLearner


@pytest.fixture
def pool():
    return ArrayPool(np.arange(30 * 4, dtype=np.uint8).reshape(30, 2, 2, 1))


@pytest.fixture
def make(tmp_path, pool):
    """Open the loop of one folder, as often as wanted, each time with a fresh learner."""
    ledgers = []

    def make(**options):
        ledger = Ledger(tmp_path / "ledger.sqlite")
        ledgers.append(ledger)
        ledger.add_items([(id, pool.content_hash(id), None) for id in pool.ids()])
        name = options.pop("strategy", "confusion")
        return Loop(
            RunFolder(tmp_path),
            ledger,
            pool=pool,
            class_names=options.pop("class_names", CLASSES),
            learner=CountingLearner,
            strategy_name=name,
            strategy=strategies.get(name)(),
            streams=Streams(options.pop("seed", 0)),
            **options,
        )

    yield make
    for ledger in ledgers:
        ledger.close()
