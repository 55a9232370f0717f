"""Why an image is asked for, when the model is a detector: its scores, and what it finds there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ncenet import functional
from ncenet.boxes import Detections
from ncenet.functional.aggregate import aggregate
from ncenet.learners.box_counts import ExpectedBoxes
from ncenet.learners.box_learner import BoxLearner
from ncenet.types import Label, Pool


class Seen(NamedTuple):
    """What a detector makes of some images.

    Attributes:
        found: by id, what it finds there.
        features: (N, D), of length one.
        scores: N numbers of each score that was wanted, means over the anchors.
    """

    found: dict[str, Detections]
    features: Tensor
    scores: list[list[float]]


def look(learner: BoxLearner, pool: Pool, ids: Sequence[str], *scores: Callable[[Tensor], Tensor]) -> Seen:
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
    return Seen(found, torch.cat(features), means)


def box_reasons(
    learner: BoxLearner, pool: Pool, ids: Sequence[str], labels: dict[str, Label], neighbours: int
) -> dict[str, dict[str, Any]]:
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
        id: {
            "boxes": _told(expected.suggest(seen.found[id])),
            "rejection": rejection,
            "confusion": confusion,
            "near": [[other, labels[other]] for other in (list(labels)[k] for k in rows)],
        }
        for id, rejection, confusion, rows in zip(ids, *seen.scores, nearest.tolist(), strict=True)
    }


def _told(objects: Detections) -> list[dict[str, Any]]:
    return [
        {"box": list(box), "label": label, "score": round(score, 4)}
        for box, label, score in zip(objects.boxes, objects.labels, objects.scores, strict=True)
    ]
