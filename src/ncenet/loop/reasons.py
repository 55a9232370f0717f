"""Why an image is asked for: what the model that asked for it says, written down when it asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ncenet import functional
from ncenet.boxes import Detections
from ncenet.functional.aggregate import aggregate
from ncenet.learners.box_counts import ExpectedBoxes
from ncenet.loop.loop import Loop
from ncenet.models.places import temperature_beside
from ncenet.run.held_out import held_out_ids
from ncenet.run.record_files import write_reasons as record_reasons
from ncenet.run.records import Reason
from ncenet.run.shares import shares, sharpness_of
from ncenet.types import BoxLearner, Label, Learner, Pool, Query

NEIGHBOURS = 3
"""Labelled images that are named beside each queried one."""
LIKELIEST = 3
"""Classes whose likelihood is told."""
_SHARPNESS: WeakKeyDictionary[Loop, tuple[object, float]] = WeakKeyDictionary()
"""What was found last, and of what: held-out images are predicted once, however many images are explained."""


def explain_query(loop: Loop, query: Query, cycle: int) -> None:
    """Write for each queried image its likeliest classes, its scores, and the nearest labelled images.

    Nearest is meant by the cosine of the features. With a prototype head the likeliest class is the one whose
    prototype is nearest, measured in rejection radii. A detector tells boxes in the place of classes.

    Args:
        loop: holds the model of the cycle.
        query: what it asked for.
        cycle: 0 has no model, and no reasons beyond the name of who asked.
    """
    labels = dict(loop.labeled())
    ids = [id for id in query.ids if id not in labels]  # answered in the meantime
    if cycle == 0 or not ids:
        return
    learner, files = loop.model(cycle), loop.folder.cycle(cycle)
    if isinstance(learner, BoxLearner):
        record_reasons(files, box_reasons(learner, loop.pool, ids, labels, NEIGHBOURS))
        return
    probs_NC, features_ND = predicted(learner, loop.pool, ids)
    _, features_LD = predicted(learner, loop.pool, list(labels))
    nearest_NK = (features_ND @ features_LD.T).topk(min(NEIGHBOURS, len(labels)), dim=1).indices
    # Classes are added and changed: the model may know others.
    names: tuple[str, ...] = getattr(learner, "class_names", loop.class_names)[: probs_NC.shape[1]]
    said_NC = fitted_shares(loop, cycle, probs_NC)
    reasons = {
        id: _reason(names, probs, said, [list(labels)[row] for row in rows.tolist()], labels)
        for id, probs, said, rows in zip(ids, probs_NC, said_NC, nearest_NK, strict=True)
    }
    record_reasons(files, reasons)


def _reason(
    names: tuple[str, ...], probs: Tensor, said: Tensor, near: list[str], labels: dict[str, str]
) -> Reason:
    order = said.argsort(descending=True)[:LIKELIEST].tolist()
    return Reason(
        rejection=float(functional.rejection(probs)),
        confusion=float(functional.confusion(probs)),
        near=tuple((id, labels[id]) for id in near),
        likelihoods={names[c]: round(float(said[c]), 4) for c in order},
    )


def fitted_shares(loop: Loop, cycle: int, probs_NC: Tensor) -> Tensor:
    """Likelihoods as shares (N, C): fitted to held-out images, or, of few, to labels left out in turn.

    Args:
        loop: the run.
        cycle: whose model said them.
        probs_NC: what it said.
    """
    learner = loop.model(cycle)
    names: tuple[str, ...] = getattr(learner, "class_names", loop.class_names)[: probs_NC.shape[1]]
    told = dict(loop.ledger.labeled(among=held_out_ids(loop.ledger)))
    measured = [id for id, label in told.items() if label in names]
    if loop.available is not None:
        measured = loop.available(measured)
    temperature = temperature_of_cycle(loop, cycle)
    known = cycle, temperature, names, {id: told[id] for id in measured}
    found = _SHARPNESS.get(loop)
    if found is None or found[0] != known:
        theirs = predicted(learner, loop.pool, measured)[0] if measured else probs_NC[:0]
        targets = [names.index(told[id]) for id in measured]
        found = _SHARPNESS[loop] = known, sharpness_of(theirs.numpy(), targets, temperature)
    return torch.from_numpy(shares(probs_NC.numpy(), found[1]))


def temperature_of_cycle(loop: Loop, cycle: int) -> float | None:
    """What labels that were left out in turn tell of the model of a cycle, or of one before."""
    return temperature_beside(loop.folder.cycle(cycle).model, {})


def predicted(learner: Learner, pool: Pool, ids: list[str]) -> tuple[Tensor, Tensor]:
    """Likelihoods (N, C), and features (N, D) of length one."""
    chunks = list(learner.predict(pool, ids, want=frozenset({"probs", "features"})))
    features = [chunk.features for chunk in chunks if chunk.features is not None]
    return torch.cat([chunk.probs for chunk in chunks]), normalize(torch.cat(features).float())


class SeenObjects(NamedTuple):
    """What a detector makes of some images.

    Attributes:
        found: by id, what it finds there.
        features: (N, D), of length one.
        scores: N numbers of each score that was wanted, means over the anchors.
    """

    found: dict[str, Detections]
    features: Tensor
    scores: list[list[float]]


def look(
    learner: BoxLearner, pool: Pool, ids: Sequence[str], *scores: Callable[[Tensor], Tensor]
) -> SeenObjects:
    """All that is wanted of some images, each of them predicted once.

    Anchors are reduced chunk by chunk, for they take much memory.

    Args:
        learner: a fitted detector.
        pool: where the images are.
        ids: which of them, at least one.
        scores: score functions (..., C) -> (...).
    """
    found: dict[str, Detections] = {}
    features: list[Tensor] = []
    means: list[list[float]] = [[] for _ in scores]
    for chunk in learner.predict(pool, ids, want=frozenset({"probs", "features", "boxes"})):
        assert chunk.features is not None
        found |= zip(chunk.ids, learner.objects(pool, chunk), strict=True)
        features.append(normalize(chunk.features))
        for score, values in zip(scores, means, strict=True):
            values += aggregate(score(chunk.probs)).tolist()
    return SeenObjects(found, torch.cat(features), means)


def box_reasons(
    learner: BoxLearner, pool: Pool, ids: Sequence[str], labels: dict[str, Label], neighbours: int
) -> dict[str, Reason]:
    """For each image its scores, the nearest labelled images, and the boxes that it seems to hold.

    Args:
        learner: a fitted detector.
        pool: where the images are.
        ids: which of them, at least one.
        labels: standing answers by id, at least one.
        neighbours: how many labelled images are named.
    """
    seen = look(learner, pool, ids, functional.rejection, functional.confusion)
    known = look(learner, pool, list(labels))
    nearest = (seen.features @ known.features.T).topk(min(neighbours, len(labels)), dim=1).indices
    expected = ExpectedBoxes(labels, pool, learner, found=known.found)
    return {
        id: Reason(
            rejection=rejection,
            confusion=confusion,
            near=tuple((other, labels[other]) for other in (list(labels)[k] for k in rows)),
            boxes=_told(expected.suggest(seen.found[id])),
        )
        for id, rejection, confusion, rows in zip(ids, *seen.scores, nearest.tolist(), strict=True)
    }


def _told(objects: Detections) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"box": list(box), "label": label, "score": round(score, 4)}
        for box, label, score in zip(objects.boxes, objects.labels, objects.scores, strict=True)
    )
