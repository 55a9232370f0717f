"""Detection as a lesson: images with boxes, judged by SSD's loss with the loss of either head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from ncenet.boxes import Boxes
from ncenet.functional.boxes import anchor_targets
from ncenet.functional.multibox import learned_anchors, multibox_loss
from ncenet.learners.lesson import Outcome
from ncenet.nn.ssd import SSD, Detection
from ncenet.rng import seeded

if TYPE_CHECKING:
    from ncenet.data.augment_boxes import BoxAugment


@dataclass(frozen=True)
class Objects:
    """The objects of one image, as tensors.

    Attributes:
        boxes: (M, 4) in parts of the image's sides.
        classes: (M,) class indices.
        difficult: (M,) bool.
    """

    boxes: Tensor
    classes: Tensor
    difficult: Tensor
    _told: list[tuple[Tensor, int, Tensor, Tensor, Tensor]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, boxes: Boxes, size: tuple[int, int], class_names: Sequence[str]) -> Objects:
        """From boxes in pixels of an image of this width and height."""
        width, height = size
        index = {name: c for c, name in enumerate(class_names)}
        places = torch.tensor(boxes.boxes, dtype=torch.float32).reshape(-1, 4)
        return cls(
            places / torch.tensor([width, height, width, height]),
            torch.tensor([index[label] for label in boxes.labels], dtype=torch.int64),
            torch.tensor(boxes.difficult, dtype=torch.bool),
        )

    @cached_property
    def mirrored(self) -> Objects:
        """Those of the mirror image."""
        left, top, right, bottom = self.boxes.unbind(1)
        return Objects(torch.stack([1 - right, top, 1 - left, bottom], 1), self.classes, self.difficult)

    def targets(self, anchors: Tensor, *, background: int) -> tuple[Tensor, Tensor]:
        """Classes (A,) and codes (A, 4), see :func:`~ncenet.functional.boxes.anchor_targets`.

        Matching takes a fifth of a step and more where frozen maps leave little else to do. So it is kept of
        the few anchors that are not of the background, as long as the anchors are the same.
        """
        if not (self._told and self._told[0][0] is anchors and self._told[0][1] == background):
            wanted, codes = anchor_targets(
                anchors, self.boxes, self.classes, self.difficult, background=background
            )
            there = (wanted != background).nonzero().flatten()
            self._told[:] = [(anchors, background, there, wanted[there], codes[there])]
            return wanted, codes
        *_, there, classes, of_boxes = self._told[0]
        wanted = torch.full((len(anchors),), background, device=anchors.device)
        codes = torch.zeros_like(anchors)
        wanted[there], codes[there] = classes, of_boxes
        return wanted, codes


class Show(Protocol):
    """How a lesson shows its images, each time a little otherwise."""

    def __call__(
        self, ids: Sequence[str], objects: Sequence[Objects], noise: torch.Generator
    ) -> tuple[Tensor, list[Objects]]:
        """What the network reads of B images, on the CPU, and the objects on each as they are shown.

        Args:
            ids: B ids.
            objects: on each image.
            noise: whatever is drawn comes from it.
        """


@dataclass(frozen=True)
class Augmented:
    """Images under the train transform.

    Attributes:
        inputs: maps ids to a batch on the CPU, uint8 (B, channels, S, S).
        augment: the train transform.
    """

    inputs: Callable[[Sequence[str]], Tensor]
    augment: BoxAugment

    def __call__(
        self, ids: Sequence[str], objects: Sequence[Objects], noise: torch.Generator
    ) -> tuple[Tensor, list[Objects]]:
        """See :class:`Show`; uint8 (B, channels, S, S)."""
        images, shown = [], []
        with seeded(noise):
            for image, there in zip(self.inputs(ids), objects, strict=True):
                side = image.shape[-1]
                image, boxes, classes, difficult = self.augment(
                    image, there.boxes * side, there.classes, there.difficult
                )
                images.append(image)
                shown.append(Objects(boxes / side, classes, difficult))
        return torch.stack(images), shown


@dataclass(frozen=True)
class BoxLesson:
    """Images, and the objects on each.

    Attributes:
        network: its anchors and its head judge.
        ids: L ids.
        objects: L images' objects, parallel to ``ids``.
        show: how the images are shown.
    """

    network: SSD
    ids: Sequence[str]
    objects: Sequence[Objects]
    show: Show

    @cached_property
    def anchors(self) -> Tensor:
        """The anchors (A, 4), on the CPU."""
        return self.network.anchors.cpu()

    def description(self) -> list[Any]:
        """Ids and objects."""
        return [
            list(self.ids),
            [[each.boxes.tolist(), each.classes.tolist(), each.difficult.tolist()] for each in self.objects],
        ]

    def batch(self, rows: Sequence[int], noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """What the network reads, and classes (B, A) and codes (B, A, 4) that its anchors should say."""
        background = self.network.background
        inputs, shown = self.show([self.ids[row] for row in rows], [self.objects[row] for row in rows], noise)
        targets = [each.targets(self.anchors, background=background) for each in shown]
        classes, codes = zip(*targets, strict=True)
        return inputs, torch.stack(classes), torch.stack(codes)

    def judge(self, said: Detection, *targets: Tensor) -> Outcome:
        """SSD's loss; right is the part of the learned anchors whose largest output is their class."""
        wanted, codes = targets
        head, background = self.network.head, self.network.background
        # Mining looks at all anchors, but only a few of them are learned: the others need no gradient.
        with torch.no_grad():
            as_background = head.rank_loss(head(said.vectors), background)
        learned = learned_anchors(as_background, wanted, background=background)
        output = head(self.network.vectors_at(said, learned))
        class_losses = head.loss(output, wanted[learned])
        loss, losses = multibox_loss(class_losses, said.codes, learned, wanted, codes, background=background)
        right = torch.zeros_like(as_background)
        right[learned] = (output.detach().argmax(-1) == wanted[learned]).to(right)
        return Outcome(loss, losses, right.sum(1) / learned.sum(1).clamp_min(1))
