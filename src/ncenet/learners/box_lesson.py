"""Detection as a lesson: images with boxes, judged by SSD's loss with the loss of either head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ncenet.boxes import Boxes
from ncenet.data.augment_boxes import BoxAugment
from ncenet.functional.boxes import anchor_targets
from ncenet.functional.multibox import learned_anchors, multibox_loss
from ncenet.learners.lesson import Outcome
from ncenet.nn.ssd import SSD, Detection
from ncenet.rng import seeded


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


@dataclass(frozen=True)
class BoxLesson:
    """Images, and the objects on each.

    Attributes:
        network: its anchors and its head judge.
        inputs: maps ids to a batch on the CPU, uint8 (B, channels, S, S).
        ids: L ids.
        objects: L images' objects, parallel to ``ids``.
        augment: the train transform.
    """

    network: SSD
    inputs: Callable[[Sequence[str]], Tensor]
    ids: Sequence[str]
    objects: Sequence[Objects]
    augment: BoxAugment

    def description(self) -> list[Any]:
        """Ids and objects."""
        return [
            list(self.ids),
            [[each.boxes.tolist(), each.classes.tolist(), each.difficult.tolist()] for each in self.objects],
        ]

    def batch(self, rows: Sequence[int], noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Augmented images, and classes (B, A) and codes (B, A, 4) that their anchors should say."""
        anchors = self.network.anchors.cpu()
        images, classes, codes = [], [], []
        with seeded(noise):
            for row, image in zip(rows, self.inputs([self.ids[row] for row in rows]), strict=True):
                there, side = self.objects[row], image.shape[-1]
                image, boxes, labels, difficult = self.augment(
                    image, there.boxes * side, there.classes, there.difficult
                )
                wanted, code = anchor_targets(
                    anchors, boxes / side, labels, difficult, background=self.network.background
                )
                images.append(image)
                classes.append(wanted)
                codes.append(code)
        return torch.stack(images), torch.stack(classes), torch.stack(codes)

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
