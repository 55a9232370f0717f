"""One fit: the training loop, readable from top to bottom, resumable at every epoch.

The loop is ours; devices, mixed precision and several GPUs are accelerate's.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ncenet.errors import DamagedRecord, Diverged
from ncenet.files import whole
from ncenet.learners.lesson import Lesson
from ncenet.nn.auxiliary import Auxiliary
from ncenet.progress import Notify
from ncenet.recipe import TrainRecipe
from ncenet.rng import Streams
from ncenet.text_files import check_regular
from ncenet.types import FitReport

WARMUP = 0.1
"""Part of the fit in which the cosine schedule climbs to its full rate (ours)."""


def learning_rate(recipe: TrainRecipe, done: float) -> float:
    """The learning rate when a fraction ``done`` in [0, 1) of the steps has been taken.

    >>> paper = TrainRecipe(schedule="steps", lr=0.1, lr_drops=(0.8,))
    >>> learning_rate(paper, 159 / 200), round(learning_rate(paper, 160 / 200), 6)
    (0.1, 0.01)
    """
    if recipe.schedule == "steps":
        return recipe.lr * 0.1 ** sum(done >= drop for drop in recipe.lr_drops)
    if done < WARMUP:
        return recipe.lr * (0.05 + 0.95 * done / WARMUP)
    return recipe.lr * 0.5 * (1 + math.cos(math.pi * (done - WARMUP) / (1 - WARMUP)))


def epoch_batches(count: int, batch_size: int, generator: torch.Generator) -> list[Tensor]:
    """A random order of ``count`` positions, cut into as few batches as ``batch_size`` allows.

    Their sizes differ by one at most (ours): 100 images in batches of 32 would leave a last batch of 4, whose
    batch statistics upset the network after every epoch.

    >>> [len(batch) for batch in epoch_batches(100, 32, torch.Generator())]
    [25, 25, 25, 25]
    """
    order = torch.randperm(count, generator=generator)
    return list(order.tensor_split(math.ceil(count / batch_size)))


_IN_A_CHECKPOINT = {"fingerprint", "epoch", "seconds", "loss", "accuracy", "network", "optimizer", "scaler"}


@dataclass(frozen=True)
class FitJob:
    """Everything that one fit needs.

    Attributes:
        network: what learns; moved to the accelerator's device. One with an auxiliary has it as attribute
            ``auxiliary``, and hands on what it said as attribute ``auxiliary`` of its output.
        lesson: what it learns.
        recipe: section ``train``.
        streams: the run's random numbers.
        cycle: keys the streams.
        checkpoint: file to resume from and to write to, or None.
        notify: told of progress after each epoch.
        keep_end: write the checkpoint after the last epoch too. For a fit that others follow before the model
            is saved: resumed, it is over at once.
        slow: the part of the network that takes ``recipe.backbone_rate`` of the rate.
    """

    network: nn.Module
    lesson: Lesson
    recipe: TrainRecipe
    streams: Streams
    cycle: int
    checkpoint: Path | None = None
    notify: Notify | None = None
    keep_end: bool = False
    slow: nn.Module | None = None

    def run(self, accelerator: Accelerator) -> FitReport:
        """Train to the end, from the checkpoint when there is one.

        Raises:
            Diverged: the loss of an epoch is nan or inf.
        """
        start = time.perf_counter()
        recipe, count = self.recipe, len(self.lesson.ids)
        steps_per_epoch = math.ceil(count / recipe.batch_size)
        epochs = max(recipe.epochs, math.ceil(recipe.min_steps / steps_per_epoch))
        total = epochs * steps_per_epoch

        optimizer = torch.optim.SGD(
            self._groups(),
            lr=recipe.lr,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.nesterov,
        )
        network, optimizer = accelerator.prepare(self.network, optimizer)
        first_epoch, spent, loss, accuracy = self._restore(optimizer, accelerator)
        saved_at = time.perf_counter()
        auxiliary: Auxiliary | None = getattr(self.network, "auxiliary", None)
        network.train()
        for epoch in range(first_epoch, epochs):
            total_loss = torch.zeros((), device=accelerator.device)
            correct = torch.zeros((), device=accelerator.device)
            seen = torch.zeros((), device=accelerator.device)
            with self.streams.scope("dropout", self.cycle, epoch, accelerator.process_index):
                for step, (inputs, *targets) in enumerate(
                    self._batches(epoch, accelerator), start=epoch * steps_per_epoch
                ):
                    for group in optimizer.param_groups:
                        group["lr"] = learning_rate(recipe, step / total) * group.get("part", 1.0)
                    if auxiliary is not None:
                        auxiliary.done = step / total
                    said = network(inputs)
                    outcome = self.lesson.judge(said, *targets)
                    objective = outcome.loss
                    if auxiliary is not None:
                        objective = objective + auxiliary.loss(said.auxiliary, outcome.losses.detach())
                    optimizer.zero_grad()
                    accelerator.backward(objective)
                    optimizer.step()
                    total_loss += outcome.losses.detach().sum()
                    correct += outcome.right.sum()
                    seen += len(inputs)
            sums = accelerator.reduce(torch.stack([total_loss, correct, seen]))
            loss, accuracy = (sums[:2] / sums[2]).tolist()
            if not math.isfinite(loss):  # before it could be saved as a checkpoint
                raise Diverged(loss, epoch + 1, epochs, recipe.lr)
            if self.notify is not None:
                done = (epoch + 1) * steps_per_epoch
                self.notify({"event": "fit", "cycle": self.cycle, "step": done, "steps": total, "loss": loss})
            if epoch + 1 == epochs:
                due = self.keep_end
            else:
                due = time.perf_counter() - saved_at >= recipe.checkpoint_seconds
            if due and accelerator.is_main_process:
                seconds = spent + time.perf_counter() - start
                self._save(optimizer, accelerator, epoch + 1, seconds, loss, accuracy)
                saved_at = time.perf_counter()
        accelerator.unwrap_model(network, keep_fp32_wrapper=False).eval()
        return FitReport(count, total, spent + time.perf_counter() - start, loss, accuracy)

    def _groups(self) -> list[dict[str, Any]]:
        """What the optimizer moves, and at which part of the rate."""
        if self.slow is None:
            return [{"params": list(self.network.parameters())}]
        slow = list(self.slow.parameters())
        known = set(map(id, slow))
        others = [parameter for parameter in self.network.parameters() if id(parameter) not in known]
        return [{"params": others}, {"params": slow, "part": self.recipe.backbone_rate}]

    def _batches(self, epoch: int, accelerator: Accelerator) -> Iterator[list[Tensor]]:
        """This process's share of each batch of an epoch, augmented, on the device."""
        order = self.streams.torch("order", self.cycle, epoch)
        noise = self.streams.torch("augment", self.cycle, epoch, accelerator.process_index)
        rank, world = accelerator.process_index, accelerator.num_processes
        for batch in epoch_batches(len(self.lesson.ids), self.recipe.batch_size, order):
            # Every process gets as many images, and two at least, because batch normalisation cannot train on
            # one; the first images of the batch fill up the shares.
            padded = torch.arange(max(2, math.ceil(len(batch) / world)) * world) % len(batch)
            inputs, *targets = self.lesson.batch(batch[padded[rank::world]].tolist(), noise)
            if inputs.dim() == 4 and self.recipe.channels_last:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            yield [tensor.to(accelerator.device, non_blocking=True) for tensor in (inputs, *targets)]

    def _fingerprint(self) -> str:
        """What a checkpoint must have been made for."""
        parts = [*self.lesson.description(), self.recipe.model_dump(mode="json"), self.cycle]
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()

    def _save(
        self,
        optimizer: torch.optim.Optimizer,
        accelerator: Accelerator,
        epoch: int,
        seconds: float,
        loss: float,
        accuracy: float,
    ) -> None:
        if self.checkpoint is None:
            return
        scaler = accelerator.scaler
        state = {
            "fingerprint": self._fingerprint(),
            "epoch": epoch,
            "seconds": seconds,
            "loss": loss,
            "accuracy": accuracy,
            "network": self.network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scaler": None if scaler is None else scaler.state_dict(),
        }
        with whole(self.checkpoint) as partial, partial.open("wb") as stream:
            try:
                torch.save(state, stream)
            except RuntimeError as error:
                if isinstance(error.__context__, OSError):  # a full disk, in torch's words
                    raise error.__context__ from None
                raise

    def _restore(
        self, optimizer: torch.optim.Optimizer, accelerator: Accelerator
    ) -> tuple[int, float, float, float]:
        """Epoch to go on with, seconds spent, last loss and accuracy."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return 0, 0.0, math.nan, math.nan
        state = read_checkpoint(self.checkpoint, accelerator.device)
        if state["fingerprint"] != self._fingerprint():  # of another labelled set or recipe: worthless
            return 0, 0.0, math.nan, math.nan
        self.network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        if accelerator.scaler is not None:
            accelerator.scaler.load_state_dict(state["scaler"])
        return state["epoch"], state["seconds"], state["loss"], state["accuracy"]


def read_checkpoint(file: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """From where a fit goes on.

    Raises:
        DamagedRecord: the file is no checkpoint; without it the fit begins anew.
    """
    try:
        check_regular(file)
        state = torch.load(file, map_location=device, weights_only=True)
    except Exception as error:  # whatever somebody's bytes make of the reader
        raise DamagedRecord(file, f"no checkpoint: {type(error).__name__}") from error
    if not isinstance(state, dict) or not state.keys() >= _IN_A_CHECKPOINT:
        raise DamagedRecord(file, "no checkpoint: it holds something else")
    return state
