"""Why an image is asked for, when the model is a detector: its scores, and what it finds there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ncenet import functional
from ncenet.functional.aggregate import aggregate
from ncenet.loop.box_learner import BoxLearner
from ncenet.loop.budget import ExpectedBoxes
from ncenet.loop.detection import LEAST_SCORE
from ncenet.types import Detections, Label, Pool, box_problem

MOST_FOUND = 100
"""Boxes of an image that are written down, the likeliest first (ours)."""


class Seen(NamedTuple):
    """What a detector makes of some images.

    Attributes:
        rejection: (N,), mean over the anchors of each.
        confusion: (N,), mean over the anchors of each.
        features: (N, D), of length one.
    """

    rejection: Tensor
    confusion: Tensor
    features: Tensor


def look(learner: BoxLearner, pool: Pool, ids: Sequence[str]) -> Seen:
    """Scores and features of some images; anchors are reduced chunk by chunk, for they take much memory."""
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for chunk in learner.predict(pool, ids, want=frozenset({"probs", "features"})):
        assert chunk.features is not None
        parts.append(
            (
                aggregate(functional.rejection(chunk.probs)),
                aggregate(functional.confusion(chunk.probs)),
                normalize(chunk.features),
            )
        )
    rejection, confusion, features = zip(*parts, strict=True)
    return Seen(torch.cat(rejection), torch.cat(confusion), torch.cat(features))


def box_reasons(
    learner: BoxLearner, pool: Pool, ids: Sequence[str], labels: dict[str, Label], neighbours: int
) -> dict[str, dict[str, Any]]:
    """For each image its scores, the nearest labelled images, and the boxes that it seems to hold.

    How many boxes are told follows from how many people drew where the detector found as much, see
    :class:`ncenet.loop.budget.ExpectedBoxes`: a threshold would tell none of one head and a clutter of
    another.

    Args:
        learner: a fitted detector.
        pool: where the images are.
        ids: which of them, at least one.
        labels: standing answers by id, at least one.
        neighbours: how many labelled images are named.
    """
    seen, known = look(learner, pool, ids), look(learner, pool, list(labels))
    nearest = (seen.features @ known.features.T).topk(min(neighbours, len(labels)), dim=1).indices
    expected = ExpectedBoxes(labels, pool, learner)
    return {
        id: {
            "boxes": _told(found, round(expected(id))),
            "rejection": float(seen.rejection[row]),
            "confusion": float(seen.confusion[row]),
            "near": [[other, labels[other]] for other in (list(labels)[k] for k in nearest[row].tolist())],
        }
        for row, (id, found) in enumerate(zip(ids, learner.detect(pool, ids), strict=True))
    }


def _told(found: Detections, count: int) -> list[dict[str, Any]]:
    """The likeliest boxes at whole pixels, as people draw them; what is narrower is none."""
    told = [
        {"box": edges, "label": label, "score": round(score, 4)}
        for box, label, score in zip(found.boxes, found.labels, found.scores, strict=True)
        if score >= LEAST_SCORE and box_problem(edges := [round(edge) for edge in box]) is None
    ]
    return told[: min(count, MOST_FOUND)]
