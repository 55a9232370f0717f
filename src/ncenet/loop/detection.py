"""How well a detector finds objects on held-out images, read once, after training."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ncenet.boxes import Detections
from ncenet.data.dataset import BoxTestSet
from ncenet.functional.average_precision import (
    judge_all,
    mean_average_precision,
    mean_average_precision_interval,
)
from ncenet.learners.box_counts import LEAST_SCORE
from ncenet.learners.box_learner import BoxLearner
from ncenet.loop.pictures import draw_tested
from ncenet.rng import Streams
from ncenet.tables import write_csv

MOST_LISTED = 100
"""Detections of one image that are listed, the likeliest first (ours)."""


def score_detector(learner: BoxLearner, test: BoxTestSet, files: Path) -> dict[str, Any]:
    """Score a detector on held-out images; list what it finds, and draw a few images with it.

    Args:
        learner: a fitted detector.
        test: held-out images with boxes.
        files: folder of the cycle; takes ``detections.csv`` and the pictures.

    Returns:
        A record: ``images``, ``objects`` (that are not difficult), ``metric`` "mAP", ``mAP`` by 11 points,
        ``mAP_interval`` (its 95 % interval over other images), ``mAP_area``, ``per_class`` and
        ``per_class_area``, ``seconds``; precisions in [0, 1]. Classes without an object are left out.
    """
    start = time.perf_counter()
    found = list(learner.detect(test.pool, test.ids))
    judged = judge_all(found, test.boxes, test.class_names)
    points, area = mean_average_precision(judged), mean_average_precision(judged, method="area")
    seconds = time.perf_counter() - start
    random = Streams(0).numpy("bootstrap", len(test))
    interval = mean_average_precision_interval(judged, rng=random)
    write_csv(files / "detections.csv", ("id", "x1", "y1", "x2", "y2", "label", "score"), _listed(found))
    draw_tested(files, test, found)
    return {
        "images": len(test),
        "objects": test.objects,
        "metric": "mAP",
        "mAP": points.mean,
        "mAP_interval": interval,
        "mAP_area": area.mean,
        "per_class": dict(points.per_class),
        "per_class_area": dict(area.per_class),
        "seconds": seconds,
    }


def _listed(found: Sequence[Detections]) -> Iterator[tuple[str, ...]]:
    for each in found:
        rows = zip(each.boxes, each.labels, each.scores, strict=True)
        for box, label, score in list(rows)[:MOST_LISTED]:
            if score >= LEAST_SCORE:
                yield (each.id, *(f"{edge:.1f}" for edge in box), label, f"{score:.4f}")
