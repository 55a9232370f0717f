"""The train transform of detection: SSD's, from torchvision. Never used when predicting.

Distort the colours, zoom out on a plain ground, crop so that an object stays, mirror, and back to the size
(Liu et al., SSD, Sec. 2.2 and 3.6). Deviations (ours): all of it is done to the square that the network
takes, not to the original; images without objects are not cropped.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from ncenet.functional.boxes import iou

OVERLAPS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Least overlap of the crop with an object (SSD, Sec. 2.2); besides, no bound, and no crop."""
MOST_ZOOM = 4.0
"""SSD300 zooms out up to so many times; smaller images less, so that objects keep as many pixels (ours)."""
TRIALS = 40
"""Crops that are drawn for one bound before another bound is drawn (torchvision's number)."""
LEAST_SCALE = 0.3
"""Least side of a crop, as part of the image's (SSD's public implementation)."""
MOST_RATIO = 2.0
"""A crop is at most so many times wider than tall, or taller than wide (SSD, Sec. 2.2)."""


class IoUCrop(v2.Transform):  # type: ignore[misc]  # torchvision has no types
    """A crop that overlaps at least one object by at least a bound, which is drawn anew for each image.

    The overlap is intersection over union of the crop and an object whose centre is in the crop; objects with
    their centre elsewhere are dropped. torchvision's transform of this kind draws and tests its crops one by
    one; here all of a bound's crops are drawn and tested together, which is many times faster.

    Args:
        overlaps: the bounds; with equal chances each of them, no bound and no crop.
    """

    def __init__(self, overlaps: tuple[float, ...] = OVERLAPS) -> None:
        super().__init__()
        self.overlaps = overlaps

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Top, left, height and width of the crop, and which objects stay; empty for no crop."""
        (boxes,) = (each for each in flat_inputs if isinstance(each, tv_tensors.BoundingBoxes))
        height, width = boxes.canvas_size
        plain = boxes.as_subclass(Tensor)
        centers = (plain[:, :2] + plain[:, 2:]) / 2
        while len(plain):
            choice = int(torch.randint(len(self.overlaps) + 2, ()))
            if choice == len(self.overlaps):
                break
            bound = self.overlaps[choice] if choice < len(self.overlaps) else 0.0
            sides = LEAST_SCALE + (1 - LEAST_SCALE) * torch.rand(TRIALS, 2)
            size = (sides * torch.tensor([width, height])).floor().clamp_min(1)
            start = (torch.rand(TRIALS, 2) * (torch.tensor([width, height]) - size)).floor()
            crops = torch.cat([start, start + size], 1)
            inside = ((centers > crops[:, None, :2]) & (centers < crops[:, None, 2:])).all(-1)
            overlap = iou(crops, plain).where(inside, -1.0).amax(1)
            ratio = size[:, 0] / size[:, 1]
            fits = (overlap >= bound) & (ratio <= MOST_RATIO) & (ratio >= 1 / MOST_RATIO)
            if fits.any():
                first = int(fits.nonzero()[0])
                left, top, right, bottom = (int(edge) for edge in crops[first])
                where = {"top": top, "left": left, "height": bottom - top, "width": right - left}
                return where | {"inside": inside[first]}
        return {}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The crop of an image or of boxes; boxes that leave have no area afterwards."""
        if not params:
            return inpt
        where = {name: value for name, value in params.items() if name != "inside"}
        output = self._call_kernel(v2.functional.crop, inpt, **where)
        if isinstance(output, tv_tensors.BoundingBoxes):
            output = v2.functional.clamp_bounding_boxes(output)
            output[~params["inside"]] = 0
        return output


class BoxAugment:
    """The train transform for one size of images.

    torchvision draws from torch's global generators: call it within :func:`ncenet.rng.seeded`.

    Args:
        side: of the square images, in pixels.
        fill: colour of the ground on which an image is zoomed out, one value a channel, in 0..255.
        flip: mirror half of the images horizontally.
        distort: distort colours, zoom out and crop; False leaves mirroring alone.
    """

    def __init__(self, side: int, *, fill: list[float], flip: bool, distort: bool) -> None:
        steps: list[v2.Transform] = _sane()
        if distort:
            widest = max(1.0, MOST_ZOOM * side / 300)
            steps += [
                v2.RandomZoomOut(fill={tv_tensors.Image: fill}, side_range=(1.0, widest), p=0.5),
                IoUCrop(),
                v2.Resize((side, side), antialias=True),
                # Last: the colours of a pixel are its own, and here there are fewest pixels.
                v2.RandomPhotometricDistort(),
            ]
        if flip:
            steps.append(v2.RandomHorizontalFlip(0.5))
        self.steps = v2.Compose([*steps, *_sane()])

    def __call__(
        self, image: Tensor, boxes: Tensor, classes: Tensor, difficult: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Augment one image.

        Args:
            image: uint8 (channels, S, S).
            boxes: (M, 4) in pixels of the square. They may reach beyond it, and are cut off at its edge;
                those that then are less than a pixel wide or tall are dropped.
            classes: (M,).
            difficult: (M,) bool.

        Returns:
            The same four, with as many objects as are left.
        """
        size = (image.shape[-2], image.shape[-1])
        marked = tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=size)
        pixels, places, classes, difficult = self.steps(tv_tensors.Image(image), marked, classes, difficult)
        return pixels.as_subclass(Tensor), places.as_subclass(Tensor), classes, difficult


def _sane() -> list[v2.Transform]:
    """Cut boxes off at the edge of the image, drop those of less than a pixel with what belongs to them."""
    return [v2.ClampBoundingBoxes(), v2.SanitizeBoundingBoxes(labels_getter=lambda item: item[2:])]
