"""What is wanted of a learner that finds boxes, besides what is wanted of any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ncenet.boxes import Detections
from ncenet.types import Learner, Pool, Prediction

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class BoxLearner(Learner, Protocol):
    """A learner whose labels are texts of boxes; :class:`ncenet.learners.detector.Detector` is one."""

    def detect(self, pool: Pool, ids: Sequence[str]) -> Iterator[Detections]:
        """The objects of each image in pixels of the original, likeliest first, in the order of ``ids``."""

    def objects(self, pool: Pool, said: Prediction) -> Iterator[Detections]:
        """What :meth:`detect` finds in images on which a prediction with boxes has been made."""

    def anchors(self, pool: Pool, id: str) -> Tensor:
        """The anchors (A, 4) on one image, in its pixels; they may reach beyond it."""
