"""What a query may cost: images, objects, or a person's time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ncenet.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class Budget:
    """What a query may cost.

    Attributes:
        images: how many; None when something else bounds it.
        boxes: objects, by the confidences; an image without any counts one.
        seconds: of a person's time.
        seconds_an_image, seconds_a_box: what an image costs.
    """

    images: int | None = None
    boxes: int | None = None
    seconds: float | None = None
    seconds_an_image: float = 0.0
    seconds_a_box: float = 0.0

    @property
    def most(self) -> int:
        """Images that are enough in any case.

        Raises:
            UsageError: nothing says how many, or not one can be paid.
        """
        bounds = [bound for bound in (self.images, self.boxes) if bound is not None]
        if self.seconds is not None:
            if self.seconds < self.seconds_an_image:
                raise UsageError(
                    f"`minutes`: an image takes {self.seconds_an_image:.3g} s, and {self.seconds:.3g} s are "
                    "less than that"
                )
            bounds.append(max(1, int(self.seconds / max(1e-9, self.seconds_an_image))))
        if not bounds:
            raise UsageError("how many? Give a number of images, `boxes` or `minutes`")
        return min(bounds)

    @property
    def by_boxes(self) -> bool:
        """Whether it has to be known how many objects an image has."""
        return self.boxes is not None or (self.seconds is not None and self.seconds_a_box > 0)

    def fits(self, boxes: Sequence[float] | npt.NDArray[np.float64]) -> int:
        """How many images can be paid, one after the other, with so many objects each.

        >>> Budget(boxes=5).fits([2, 0, 1, 4])
        3
        >>> Budget(seconds=30, seconds_an_image=4, seconds_a_box=5).fits([2, 2, 2])
        2
        """
        objects = np.asarray(boxes, dtype=float)
        within = np.ones(len(objects), bool)
        if self.boxes is not None:
            within &= np.cumsum(np.maximum(1, objects)) <= self.boxes
        if self.seconds is not None:
            images = np.arange(1, len(objects) + 1)
            within &= images * self.seconds_an_image + np.cumsum(objects) * self.seconds_a_box <= self.seconds
        count = int(within.sum())
        return count if self.images is None else min(count, self.images)
