"""What a strategy sees of a learner and a pool."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ncenet.data.pools import VectorRows
from ncenet.errors import UsageError
from ncenet.learners.predictions import predictions_of
from ncenet.progress import Notify
from ncenet.types import LabeledSet, Learner, Pool, Prediction

if TYPE_CHECKING:
    from torch import Tensor

TELL_SECONDS = 0.5
"""Between two reports of how much of the pool was predicted (ours)."""
EXPLAINED = frozenset({"probs", "features", "inputs", "in_radii"})
"""What strategies themselves say they lack; anything else is an extra of a prediction, by name."""


class LearnerView:
    """A :class:`ncenet.types.PoolView` whose predictions are made as the strategy reads them.

    Args:
        learner: who predicts.
        pool: where the images are.
        ids: ids that may be queried.
        labeled: the images that have a label.
        needs: what the strategy needs of a prediction.
        vectors: of the images, the features that strategies see. Default: what the learner says.
        notify: told how much of the pool was predicted.
        chances: how likely an image of the pool belongs to a class, by id, where skips tell.

    Attributes:
        predict_seconds: time spent predicting so far.
    """

    def __init__(
        self,
        learner: Learner,
        pool: Pool,
        ids: Sequence[str],
        labeled: LabeledSet,
        needs: frozenset[str],
        vectors: VectorRows | None = None,
        notify: Notify = lambda event: None,
        chances: Mapping[str, float] | None = None,
    ) -> None:
        self.ids, self.labeled_ids = ids, labeled.ids
        self.predict_seconds = 0.0
        self._learner, self._pool, self._labeled = learner, pool, labeled
        self._vectors = vectors if "features" in needs else None
        self._notify, self._chances = notify, chances
        self._needs = needs if self._vectors is None else needs - {"features"}

    @property
    def labels(self) -> Sequence[int]:
        """Class indices of the labelled images, parallel to ``labeled_ids``."""
        return self._labeled.targets()

    def inputs(self, ids: Sequence[str]) -> Tensor:
        """What the network would read of these images, under the test transform, on the learner's device."""
        return self._learner.inputs(self._pool, ids)

    def predictions(self) -> Iterator[Prediction]:
        """Predictions on the pool in the order of ``ids``, in chunks."""
        done, told = 0, time.monotonic()
        for chunk in self._timed(self.ids):
            yield self._with_chances(chunk)
            done += len(chunk.ids)
            if time.monotonic() > told + TELL_SECONDS or done == len(self.ids):
                told = time.monotonic()
                self._notify({"event": "score", "done": done, "total": len(self.ids)})

    def labeled_predictions(self) -> Iterator[Prediction]:
        """Predictions on the labelled set in the order of ``labeled_ids``, in chunks."""
        return self._timed(self.labeled_ids)

    def _timed(self, ids: Sequence[str]) -> Iterator[Prediction]:
        place = {name: number for number, name in enumerate(self._labeled.class_names, 1)}
        known = max((place.get(label, 0) for label in self._labeled.labels), default=0)  # 0 of boxes
        chunks = predictions_of(self._learner, self._pool, ids, want=self._needs, classes=known)
        while True:
            start = time.perf_counter()
            chunk = next(chunks, None)
            self.predict_seconds += time.perf_counter() - start
            if chunk is None:
                return
            yield self._with_vectors(chunk)

    def _with_vectors(self, chunk: Prediction) -> Prediction:
        if lacking := sorted(self._needs - EXPLAINED - chunk.extras.keys()):
            who = type(self._learner).__name__
            raise UsageError(f"the query strategy needs {lacking[0]!r} of a prediction, and {who} says none")
        if self._vectors is None:
            return chunk
        import torch

        return replace(chunk, features=torch.from_numpy(self._vectors.rows(chunk.ids)))

    def _with_chances(self, chunk: Prediction) -> Prediction:
        if not self._chances:
            return chunk
        import torch

        chances = torch.tensor([self._chances[id] for id in chunk.ids], device=chunk.probs.device)
        return replace(chunk, extras={**chunk.extras, "in_scope": chances})
