"""Near copies of held-out images: found by stored features, and set apart, so that no model learns them.

A model that learned a frame of a video is right about the next one, and that says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ncenet.data.pools import VectorRows
from ncenet.run.copies import LARGEST, PART
from ncenet.run.doubts import some_of
from ncenet.run.held_out import held_out_ids, set_apart

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.loop.loop import Loop

MOST = 20_000
"""Of a larger pool so many images are compared (ours), those with a label among them."""
SAMPLE = 256
"""Images whose nearest others tell what is near in this pool (ours)."""
CHUNK = 4096


def set_copies_apart(loop: Loop) -> int:
    """Set near copies of held-out images apart; how many there are by now.

    Nothing is done again while no other images have their features.
    """
    vectors = loop.pool if loop.vectors is None else loop.vectors
    held_out = held_out_ids(loop.ledger)
    if not held_out or not isinstance(vectors, VectorRows):
        return 0
    there = vectors.present([item.id for item in loop.ledger.items() if item.problem is None])
    known = len(loop.ledger.apart.ids())
    if loop.compared == len(there):
        return known
    loop.compared = len(there)
    apart = set_apart(loop.ledger)
    measuring = [id for id in there if id in set(held_out)]
    others = [id for id in there if id not in apart]
    if len(others) > MOST:
        labels = {id for id, _ in loop.ledger.labeled()}
        rows = [n for n, id in enumerate(others) if id not in labels]
        kept = some_of(rows, max(0, MOST - len(labels)), loop.streams.numpy("subset", -1))
        others = [id for id in others if id in labels] + [others[n] for n in kept]
    if not measuring or len(others) < 2:
        return known
    found = near_copies_of(unit_vectors(vectors, measuring), unit_vectors(vectors, others))
    loop.ledger.apart.add({others[n]: measuring[m] for n, m in found.items()})
    return known + len(found)


def near_copies_of(
    held_out_HD: npt.NDArray[np.float32], others_ND: npt.NDArray[np.float32]
) -> dict[int, int]:
    """Rows of others that are near copies of held-out images, and of which; see :mod:`ncenet.run.copies`.

    Args:
        held_out_HD: features of length one.
        others_ND: the same of N other images.

    >>> held_out = np.array([[1.0, 0.0]], np.float32)
    >>> others = np.array([[0.9999, 0.0141], [0.0, 1.0], [0.6, 0.8], [-1.0, 0.0]], np.float32)
    >>> near_copies_of(held_out, others)
    {0: 0}
    """
    sample = np.linspace(0, len(others_ND) - 1, min(SAMPLE, len(others_ND))).astype(int)
    nearest = np.full(len(sample), np.inf)
    found: dict[int, tuple[float, int]] = {}
    for start in range(0, len(others_ND), CHUNK):
        part = others_ND[start : start + CHUNK]
        between = 1 - others_ND[sample] @ part.T
        inside = (sample >= start) & (sample < start + len(part))
        between[np.flatnonzero(inside), sample[inside] - start] = np.inf
        nearest = np.minimum(nearest, between.min(1))
        to = 1 - part @ held_out_HD.T
        for n in np.flatnonzero(to.min(1) <= LARGEST).tolist():
            m = int(to[n].argmin())
            found[start + n] = float(to[n, m]), m
    limit = min(LARGEST, PART * float(np.median(nearest)))
    return {n: m for n, (apart, m) in found.items() if apart <= limit}


def unit_vectors(vectors: VectorRows, ids: list[str]) -> npt.NDArray[np.float32]:
    """Vectors (N, D) of images, brought to length one."""
    rows = np.asarray(vectors.rows(ids), np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
