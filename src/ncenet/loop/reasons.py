"""Why an image is asked for: what the model that asked for it says, written down when it asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ncenet import functional
from ncenet.files import cycle_folder, write_json
from ncenet.learners.box_learner import BoxLearner
from ncenet.loop.box_reasons import box_reasons
from ncenet.loop.loop import Loop
from ncenet.types import Learner, Pool, Query

NEIGHBOURS = 3
"""Labelled images that are named beside each queried one."""
LIKELIEST = 3
"""Classes whose likelihood is told."""
REASONS = "why.json"
"""Name of the file in the folder of a cycle."""


def write_reasons(loop: Loop, query: Query, cycle: int) -> None:
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
    learner = loop.model(cycle)
    if isinstance(learner, BoxLearner):
        found = box_reasons(learner, loop.pool, ids, labels, NEIGHBOURS)
        write_json(loop.folder.cycle(cycle) / REASONS, found)
        return
    probs_NC, features_ND = _predicted(learner, loop.pool, ids)
    _, features_LD = _predicted(learner, loop.pool, list(labels))
    nearest_NK = (features_ND @ features_LD.T).topk(min(NEIGHBOURS, len(labels)), dim=1).indices
    names = loop.class_names[: probs_NC.shape[1]]  # classes are added at the end: the model may know fewer
    reasons = {
        id: _reason(names, probs, [list(labels)[row] for row in rows.tolist()], labels)
        for id, probs, rows in zip(ids, probs_NC, nearest_NK, strict=True)
    }
    write_json(loop.folder.cycle(cycle) / REASONS, reasons)


def _reason(names: tuple[str, ...], probs: Tensor, near: list[str], labels: dict[str, str]) -> dict[str, Any]:
    order = probs.argsort(descending=True)[:LIKELIEST].tolist()
    return {
        "likelihoods": {names[c]: round(float(probs[c]), 4) for c in order},
        "rejection": float(functional.rejection(probs)),
        "confusion": float(functional.confusion(probs)),
        "near": [[id, labels[id]] for id in near],
    }


def _predicted(learner: Learner, pool: Pool, ids: list[str]) -> tuple[Tensor, Tensor]:
    """Likelihoods (N, C), and features (N, D) of length one."""
    chunks = list(learner.predict(pool, ids, want=frozenset({"probs", "features"})))
    features = [chunk.features for chunk in chunks if chunk.features is not None]
    return torch.cat([chunk.probs for chunk in chunks]), torch.nn.functional.normalize(torch.cat(features))


def read_reasons(folder: Path, cycle: int) -> dict[str, Any]:
    """What :func:`write_reasons` wrote for a cycle, by id; empty when it wrote nothing.

    Args:
        folder: the run folder.
        cycle: which cycle.
    """
    file = cycle_folder(folder, cycle) / REASONS
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found
