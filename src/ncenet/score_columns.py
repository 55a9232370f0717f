"""Names and numbers on which those who write files of scores and those who read them agree."""

from __future__ import annotations

LIKELIHOOD, BOXES, EMBEDDING, SHARE = "likelihood", "boxes", "embedding", "share"
PREDICTED = "predicted"
REASON = "reason"
"""Why an image could not be read; empty of one that could."""
METADATA = b"ncenet"
"""Key of a Parquet file's metadata under which a file of ours says what made it, as JSON."""
LIKELY = 0.5
"""Likelihood from which on an object counts unless somebody says more (ours)."""
