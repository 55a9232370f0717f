"""A lesson: what one fit learns from, and how the network's output on it is judged.

The training loop knows this interface and no task; classification is here, detection in
:mod:`ncenet.learners.box_lesson`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from ncenet.data.augment import augment
from ncenet.nn.heads import Head
from ncenet.nn.network import Output


class Outcome(NamedTuple):
    """How a batch was judged.

    Attributes:
        loss: scalar, what the step minimises.
        losses: (B,), the loss of each image alone.
        right: (B,) in [0, 1], how much of each image was right.
    """

    loss: Tensor
    losses: Tensor
    right: Tensor


class Lesson(Protocol):
    """Examples, and the judge of what a network says of them."""

    @property
    def ids(self) -> Sequence[str]:
        """L ids."""

    def description(self) -> list[Any]:
        """What is learned, as JSON: a checkpoint of another lesson is worthless."""

    def batch(self, rows: Sequence[int], noise: torch.Generator) -> tuple[Tensor, ...]:
        """Inputs, then what they are judged by, B rows each, on the CPU.

        Args:
            rows: positions in ``ids``; they may repeat.
            noise: whatever augmentation draws comes from it.
        """

    def judge(self, said: Any, *targets: Tensor) -> Outcome:
        """Judge what the network said of the inputs by what else was in the batch."""


@dataclass(frozen=True)
class ClassLesson:
    """Images or vectors, a class for each.

    Attributes:
        head: knows the loss.
        inputs: maps ids to a batch on the CPU, uint8 (B, channels, H, W) or float (B, D0).
        ids: L ids.
        targets: (L,) class indices.
        crop_padding: pixels; 0 for vectors.
        flip: random horizontal flips; never for vectors.
    """

    head: Head
    inputs: Callable[[Sequence[str]], Tensor]
    ids: Sequence[str]
    targets: Tensor
    crop_padding: int
    flip: bool

    def description(self) -> list[Any]:
        """Number of classes, ids and targets."""
        return [self.head.num_classes, list(self.ids), self.targets.tolist()]

    def batch(self, rows: Sequence[int], noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """Augmented inputs and class indices (B,)."""
        inputs = self.inputs([self.ids[row] for row in rows])
        if self.crop_padding or self.flip:
            inputs = augment(inputs, crop_padding=self.crop_padding, flip=self.flip, generator=noise)
        return inputs, self.targets[torch.as_tensor(rows)]

    def judge(self, said: Output, *targets: Tensor) -> Outcome:
        """The head's loss, and whether the largest output is the class."""
        (classes,) = targets
        losses = self.head.loss(said.output, classes)
        loss = losses.mean() + self.head.penalty() / len(self.ids)
        return Outcome(loss, losses, (said.output.detach().argmax(-1) == classes).float())
