"""Have the model of a cycle look at the images of the pool; write down what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ncenet import functional
from ncenet.data.pools import VectorRows
from ncenet.ledger.provenance import MODEL_OR_STAND_IN
from ncenet.loop.doubted_boxes import doubt_boxes
from ncenet.loop.held_out_copies import unit_vectors
from ncenet.loop.loop import Loop
from ncenet.loop.reasons import predicted, temperature_of_cycle
from ncenet.run.copies import near_copies
from ncenet.run.doubts import doubts, left_out_shares, some_of, votes
from ncenet.run.held_out import held_out_ids, set_apart
from ncenet.run.opinions import Opinions, write_opinions
from ncenet.run.record_files import write_doubts
from ncenet.run.shares import shares, sharpness_of
from ncenet.types import BoxLearner, Learner

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_VECTORS, MOST_IMAGES = 20_000, 2_000
"""So many images of a larger pool are looked at after each fit (ours): a second or two."""
LEAST_LABELS, MOST_LABELS = 100, 4_000
"""Labels are doubted when there are so many (ours): fewer say little. Of more, so many are drawn anew after
each fit, for all of them would take too long."""
NEAREST = 12
"""Neighbours that are kept of each image (ours)."""
PROJECTED = 128
"""Dimensions in which neighbours of many images are sought (ours); exact for up to :data:`EXACT` images."""
EXACT = 4_000


def opine(loop: Loop, cycle: int, learner: Learner | None = None) -> Opinions | None:
    """Ask the model of a cycle about the images of the pool.

    A detector looks at those that have boxes alone, doubts them, and says nothing else: None.
    Held-out images are among them: their answers make shares of likelihoods. They are no neighbours.

    Args:
        loop: the run.
        cycle: which one; 0 of a first guess, which forms no groups and doubts nothing.
        learner: holds that model already. Default: it is loaded.
    """
    learner = loop.model(cycle) if learner is None else learner
    if isinstance(learner, BoxLearner):
        doubt_boxes(loop, cycle, learner)
        return None
    labels = dict(loop.ledger.labeled())
    held_out = [id for id in held_out_ids(loop.ledger) if id in labels]
    ids = _looked_at(loop, held_out, cycle)
    if not ids:
        return None
    probs_NC, features_ND = predicted(learner, loop.pool, ids)
    names: tuple[str, ...] = getattr(learner, "class_names", loop.class_names[: probs_NC.shape[1]])
    row, likelihood = {id: n for n, id in enumerate(ids)}, probs_NC.numpy()
    told = [id for id in held_out if labels[id] in names and id in row]
    targets = [names.index(labels[id]) for id in told]
    sharpness = sharpness_of(likelihood[[row[id] for id in told]], targets, temperature_of_cycle(loop, cycle))
    apart = {row[id] for id in set_apart(loop.ledger) if id in row}
    nearest, cosines = neighbours(features_ND, apart)
    scores = torch.stack([functional.rejection(probs_NC), functional.confusion(probs_NC)], 1)
    said = Opinions(
        cycle,
        tuple(ids),
        names,
        shares(likelihood, sharpness).astype(np.float32),
        scores.float().numpy(),
        nearest,
        cosines,
        _copies(loop, ids, nearest, apart),
    )
    write_opinions(loop.folder.cycle(cycle), said)
    if not cycle:
        return said
    known = [n for n, id in enumerate(ids) if labels.get(id) in names and id not in set_apart(loop.ledger)]
    known = some_of(known, MOST_LABELS, loop.streams.numpy("subset", -cycle, 1))
    if len(known) >= LEAST_LABELS:
        targets, features = [names.index(labels[ids[n]]) for n in known], features_ND[known].numpy()
        found = doubts(
            left_out_shares(features, targets, len(names)), votes(features, targets, len(names)), targets
        )
        write_doubts(loop.folder.cycle(cycle), [ids[known[row]] for row in found])
    return said


def _copies(
    loop: Loop, ids: list[str], nearest: npt.NDArray[np.int32], apart: set[int]
) -> npt.NDArray[np.int32]:
    """Who stands for whom; without stored features everybody for themselves.

    What a network that learns here makes of images says how they are to be told apart, not how they look.
    """
    vectors = loop.pool if loop.vectors is None else loop.vectors
    if not isinstance(vectors, VectorRows):
        return np.arange(len(ids), dtype=np.int32)
    return near_copies(unit_vectors(vectors, ids), nearest, apart)


def neighbours(features_ND: Tensor, apart: set[int]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Rows (N, K) of the nearest images, and their cosines; those set apart are nobody's neighbours.

    Args:
        features_ND: of length one.
        apart: rows.
    """
    found = features_ND
    if len(found) > EXACT:
        random = torch.Generator().manual_seed(0)
        projection = torch.randn(found.shape[1], PROJECTED, generator=random)
        found = normalize(found @ projection)
    rows, cosines = [], []
    k = min(NEAREST, max(0, len(found) - 1 - len(apart)))
    hidden = torch.tensor(sorted(apart), dtype=torch.long)
    for start in range(0, len(found), 1024):
        similar = found[start : start + 1024] @ found.T
        similar[torch.arange(len(similar)), torch.arange(start, start + len(similar))] = -2
        similar[:, hidden] = -2
        near = similar.topk(k, dim=1)
        rows.append(near.indices.numpy().astype(np.int32))
        cosines.append(near.values.numpy())
    return np.concatenate(rows), np.concatenate(cosines)


def _looked_at(loop: Loop, held_out: list[str], cycle: int) -> list[str]:
    """All readable images; of many a part, with those that have a label or are asked for among them."""
    sound = [item.id for item in loop.ledger.items() if item.problem is None]
    if loop.available is not None:
        sound = loop.available(sound)
    most = MOST_VECTORS if isinstance(loop.pool, VectorRows) else MOST_IMAGES
    if len(sound) <= most:
        return sound
    asked = loop.ledger.latest_query(among=MODEL_OR_STAND_IN)
    first = {*held_out, *(id for id, _ in loop.ledger.labeled()), *(asked.query.ids if asked else ())}
    rest = [id for id in sound if id not in first]
    order = loop.streams.numpy("subset", -cycle).permutation(len(rest))[: max(0, most - len(first))]
    wanted = first | {rest[n] for n in order}
    return [id for id in sound if id in wanted]
