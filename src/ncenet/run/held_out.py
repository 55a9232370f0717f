"""The held-out set: random images of the pool that measure the model and never train it.

It is recorded as the first query of the run, with who asked for it, so the ledger alone says which images
belong to it. It may grow with the answers: then all that it will ever hold is drawn at the start, for what
is left of the pool later is no random part of it, and is asked for by and by. Other images of the pool may
have the same bytes as one of them, or look like it; such copies are set apart too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeVar

from ncenet.boxes import Boxes
from ncenet.data.dataset import BoxTestSet, TestSet
from ncenet.ledger.ledger import Ledger
from ncenet.ledger.provenance import HELD_OUT
from ncenet.rng import Streams
from ncenet.types import Pool, Query

MOST = 500
"""A held-out set grows no further (ours): that many tell 80 % from 84 %."""
RULE = "held-out"
"""The fact under which the ledger keeps how it grows: how many come first, and their share of answers."""
LARGEST_SHARE = 0.5
"""Of the pool at most this much is held out (ours): a model has to learn from something."""
FIRST = 15
"""So many images that measure come before all others (ours): enough to tell a good first model ..."""
EVERY = 3
"""... and then one after so many others (ours), until the held-out set is answered."""

T = TypeVar("T")


def held_out_ids(ledger: Ledger) -> tuple[str, ...]:
    """Ids of the held-out set in the order of the draw; none when none was drawn."""
    recorded = ledger.latest_query(by=HELD_OUT)
    return () if recorded is None else recorded.query.ids


def set_apart(ledger: Ledger) -> frozenset[str]:
    """Ids of the held-out images and of all their copies: no model chooses among these or learns them."""
    held_out = held_out_ids(ledger)
    return ledger.same_bytes(held_out).union(held_out, ledger.apart.ids())


def measuring(ledger: Ledger) -> tuple[str, ...]:
    """Ids of the held-out images that are due by now, in the order of the draw: as many as answers want."""
    ids, rule = held_out_ids(ledger), ledger.recall(RULE)
    if rule is None:
        return ids
    first, share = json.loads(rule)
    others = len(ledger.closed_ids().difference(ids))
    return ids[: grown(first, share, others)]


def grown(first: int, share: float, others: int) -> int:
    """How many held-out images are due; they come some at a time, a fifth of the first ones (ours).

    Args:
        first: at the start.
        share: of all answers, theirs included, in [0, 1).
        others: how many other images have an answer.

    >>> grown(50, 0.1, 300), grown(50, 0.1, 530), grown(50, 0.1, 540), grown(50, 0, 900)
    (50, 50, 60, 50)
    """
    step = max(1, first // 5)
    return first + max(0, round(share / (1 - share) * others) - first) // step * step


def draw_held_out(
    ledger: Ledger,
    size: int,
    streams: Streams,
    *,
    share: float = 0.0,
    largest_share: float = LARGEST_SHARE,
) -> None:
    """Draw and record the held-out set, no two of the same bytes, unless that was done before.

    Args:
        ledger: with the items of the pool in it.
        size: how many images are wanted at first; fewer come when the pool is small.
        streams: the run's random numbers.
        share: of all answers so many measure, as they come.
        largest_share: of the items.
    """
    if size == 0:
        return
    with ledger.transaction():  # of two processes that begin a run at once, one draws
        if ledger.latest_query(by=HELD_OUT) is None:
            items = sum(item.problem is None for item in ledger.items()) if share else 0
            _draw(ledger, max(size, min(MOST, round(share * items))), streams, largest_share)
            if share:
                ledger.remember(RULE, json.dumps([size, share]))


def _draw(ledger: Ledger, size: int, streams: Streams, largest_share: float) -> None:
    items = [item for item in ledger.items() if item.problem is None]
    closed = ledger.closed_ids()
    seen = {item.hash for item in items if item.id in closed}  # chosen by somebody, so not random
    ids = []
    for item in items:
        if item.hash not in seen:
            seen.add(item.hash)
            ids.append(item.id)
    size = min(size, int(largest_share * len(ids)))
    order = streams.numpy("held-out").permutation(len(ids))[:size]
    ledger.record_query(0, HELD_OUT, Query(tuple(ids[i] for i in order), (0.0,) * size))


def interleaved(measuring: Sequence[T], others: Sequence[T], *, measured: int, told: int) -> list[T]:
    """Held-out images among others: first some, then one after every few others.

    Args:
        measuring: those of the held-out set that are still to be answered.
        others: what else is asked for.
        measured: how many of the held-out set have been answered.
        told: how many others have.

    >>> interleaved(["a", "b"], [1, 2, 3, 4], measured=FIRST, told=0)
    [1, 2, 3, 'a', 4, 'b']
    """
    order: list[T] = []
    first, second = iter(measuring), iter(others)
    left = len(measuring)
    for other in second:
        while left and measured < FIRST + told // EVERY:
            order.append(next(first))
            measured, left = measured + 1, left - 1
        order.append(other)
        told += 1
    return [*order, *first]


def unlabeled_held_out(ledger: Ledger) -> tuple[str, ...]:
    """Held-out images that nobody has answered yet, in runs with one class an image."""
    if ledger.recall("task") == "detection":
        return ()
    closed = ledger.closed_ids() | ledger.problems().keys()
    return tuple(id for id in sorted(held_out_ids(ledger)) if id not in closed)


def held_out_test(ledger: Ledger, pool: Pool, class_names: tuple[str, ...]) -> TestSet | BoxTestSet | None:
    """Those held-out images that have a label by now; None when none has, or, with boxes, none has an object.

    Args:
        ledger: where the labels are.
        pool: where the images are.
        class_names: the C classes.
    """
    index = {name: c for c, name in enumerate(class_names)}
    labels = dict(ledger.labeled())
    ids = [id for id in sorted(held_out_ids(ledger)) if id in labels]
    if ledger.recall("task") == "detection":
        test = BoxTestSet(pool, ids, tuple(Boxes.from_label(labels[id]) for id in ids), class_names)
        return test if test.objects else None
    return TestSet(pool, ids, tuple(index[labels[id]] for id in ids), class_names) if ids else None
