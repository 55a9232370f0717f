"""The held-out set: random images of the pool that measure the model and never train it.

It is recorded as the first query of the run, under a name of its own, so the ledger alone says which images
belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ncenet.data.dataset import BoxTestSet, TestSet
from ncenet.ledger.ledger import Ledger
from ncenet.rng import Streams
from ncenet.types import Boxes, Pool, Query

HELD_OUT = "held-out set"
"""What the ledger calls the query for it."""
LARGEST_SHARE = 0.5
"""Of the pool at most this much is held out (ours): a model has to learn from something."""


def draw_held_out(ledger: Ledger, size: int, streams: Streams) -> tuple[str, ...]:
    """Ids of the held-out set, drawn and recorded unless that was done before.

    Args:
        ledger: with the items of the pool in it.
        size: how many images are wanted; fewer come when the pool is small.
        streams: the run's random numbers.

    Returns:
        The ids in the order of the draw; none when ``size`` is 0.
    """
    recorded = ledger.latest_query(strategy=HELD_OUT)
    if recorded is not None:
        return recorded.query.ids
    if size == 0:
        return ()
    closed = ledger.closed_ids()  # answered before: chosen by somebody, so not random
    ids = [item.id for item in ledger.items() if item.problem is None and item.id not in closed]
    size = min(size, int(LARGEST_SHARE * len(ids)))
    order = streams.numpy("held-out").permutation(len(ids))[:size]
    query = Query(tuple(ids[i] for i in order), (0.0,) * size)
    ledger.record_query(0, HELD_OUT, query)
    return query.ids


def held_out_test(
    ledger: Ledger, pool: Pool, held_out: Sequence[str], class_names: tuple[str, ...]
) -> TestSet | BoxTestSet | None:
    """Those held-out images that have a label by now; None when none has, or, with boxes, none has an object.

    Args:
        ledger: where the labels are.
        pool: where the images are.
        held_out: ids of the held-out set.
        class_names: the C classes.
    """
    index = {name: c for c, name in enumerate(class_names)}
    labels = dict(ledger.labeled())
    ids = [id for id in held_out if id in labels]
    if ledger.recall("task") == "detection":
        test = BoxTestSet(pool, ids, tuple(Boxes.from_label(labels[id]) for id in ids), class_names)
        return test if test.objects else None
    return TestSet(pool, ids, tuple(index[labels[id]] for id in ids), class_names) if ids else None
