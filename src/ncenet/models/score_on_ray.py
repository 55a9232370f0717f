"""Shards scored by an actor pool of Ray Data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ncenet.engines.ray import map_rows
from ncenet.models.score_shards import Done, Shard, score_shard
from ncenet.models.scorer import Scorer


class ShardActor:
    """Scores one shard after the other, in a process of its own; the model is read once.

    Args:
        scorer: what scores.
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Score the shard of a row."""
        return score_shard(self.scorer, Shard(**row))._asdict()


def score_on_ray(scorer: Scorer, shards: Sequence[Shard], *, workers: int | None = None) -> Iterator[Done]:
    """Score shards on a cluster, and tell of each as it is done.

    ``RAY_ADDRESS`` names the cluster, as for trials; without it Ray runs on this machine alone. Model, shards
    and scores have to be where all machines find them. An actor that dies is replaced, and does its shard
    again.

    Args:
        scorer: what scores them.
        shards: which.
        workers: actors. Default: one for each GPU of the cluster, or for each core where there is none.

    Raises:
        MissingExtra: Ray is not installed, or not its part for data.
    """
    rows = [asdict(shard) for shard in shards]
    for row in map_rows(ShardActor, (scorer,), rows, workers=workers):
        yield Done(**row)
