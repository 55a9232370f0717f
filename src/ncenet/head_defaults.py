"""Defaults of the head's settings: those of the paper, and those that measure best on stored features."""

from __future__ import annotations

from typing import Any

PAPER: dict[str, Any] = {
    "radius": "class",
    "init": "normal",
    "map_prototypes": False,
    "cross_entropy": 0.0,
    "pull": 0.0,
}
"""What the paper says of its head."""
STORED: dict[str, Any] = {
    "radius": "shared",
    "init": "class-mean",
    "map_prototypes": True,
    "cross_entropy": 0.5,
    "pull": 5.0,
}
"""What measures best where the head alone learns, on stored features: benchmarks/results/head_fit.md."""
STORED_SOFTMAX = {**STORED, "pull": 0.01}
"""The same of the softmax head, which reads ``pull`` alone: scikit-learn's C is one over it."""
