"""What the NCE head costs a detector: a training step and a scored image with it, against softmax.

    python benchmarks/detection_cost.py
    python benchmarks/detection_cost.py --profile

Images are noise with boxes drawn at random: only time matters here. Both heads take turns within one run, and
reported are processor seconds, which other programs disturb less than wall time, and the ratio pair by pair.
A step is forward, loss, backward and update on a batch that is ready; a scored image is prediction and
rejection by the mean over its anchors (entropy for softmax, for which rejection has no meaning).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from ncenet.boxes import Boxes
from ncenet.data.augment_boxes import BoxAugment
from ncenet.data.pools import ArrayPool
from ncenet.data.tensors import ImageTensors
from ncenet.learners.box_lesson import Augmented, BoxLesson, Objects
from ncenet.learners.detector import Detector
from ncenet.recipe import DataRecipe, HeadRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.strategies import strategies
from ncenet.types import LabeledSet

HEADS = ("softmax", "nce")


class Case:
    """A detector with one head, and what is timed of it.

    Args:
        backbone: its name.
        head: its head.
        classes: C.
        batch_size: of a training step.
        objects: on each image.
        anchor_features: d of the NCE head.
    """

    def __init__(
        self, backbone: str, head: str, classes: int, batch_size: int, objects: int, anchor_features: int
    ) -> None:
        kernel = {"kernel": "cosine"} if head == "nce" else {}  # Eq. 7, the paper's for detection
        names = tuple(f"class {c}" for c in range(classes))
        rng = np.random.default_rng(0)
        side = 300 if backbone == "ssd300-vgg16" else 160
        self.pool = ArrayPool(rng.integers(0, 256, (batch_size, side, side, 3), dtype=np.uint8))
        corners = rng.uniform(0, 0.7 * side, (batch_size, objects, 2))
        sizes = rng.uniform(0.1 * side, 0.3 * side, (batch_size, objects, 2))
        truth = [
            Boxes(
                tuple(map(tuple, np.concatenate([low, low + size], 1).tolist())),
                tuple(names[c] for c in rng.integers(0, classes, objects)),
            )
            for low, size in zip(corners, sizes, strict=True)
        ]
        ids = list(self.pool.ids())
        self.detector = Detector(
            ModelRecipe(
                backbone=backbone, head=HeadRecipe(name=head, **kernel), anchor_features=anchor_features
            ),
            TrainRecipe(epochs=1, min_steps=0, batch_size=batch_size, lr=1e-3),
            DataRecipe(workers=1),
            Streams(0),
        )
        # One step, so that there is a network and everything has been called once.
        labels = [boxes.to_label() for boxes in truth]
        self.detector.fit(LabeledSet(ids, labels, names), self.pool, cycle=1)
        self.network = self.detector.network
        self.lesson = BoxLesson(
            self.network,
            ids,
            [Objects.of(boxes, (side, side), names) for boxes in truth],
            Augmented(
                ImageTensors(self.pool, ids, size=side).batch,
                BoxAugment(side, fill=[0.0] * 3, flip=False, distort=False),
            ),
        )
        images, *targets = self.lesson.batch(range(batch_size), torch.Generator().manual_seed(0))
        self.images = images.contiguous(memory_format=torch.channels_last)
        self.targets: list[Tensor] = targets
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-3, momentum=0.9)
        self.strategy = strategies.get("rejection" if head == "nce" else "entropy")()

    def step(self) -> None:
        """One training step."""
        self.network.train()
        outcome = self.lesson.judge(self.network(self.images), *self.targets)
        self.optimizer.zero_grad()
        outcome.loss.backward()
        self.optimizer.step()

    def score(self) -> None:
        """One pass over the images as a query makes it."""
        self.network.eval()
        for prediction in self.detector.predict(self.pool, self.pool.ids(), want=self.strategy.needs):
            self.strategy.image_scores(prediction)


def seconds(action: Callable[[], None], repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        action()
    return (time.process_time() - start) / repeats


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbones", nargs="*", default=["ssd300-vgg16", "small"])
    parser.add_argument("--pairs", type=int, nargs="*", default=[5, 15], help="by backbone")
    parser.add_argument("--batch-sizes", type=int, nargs="*", default=[1, 8], help="by backbone")
    parser.add_argument("--classes", type=int, nargs="*", default=[20, 3], help="by backbone")
    parser.add_argument("--objects", type=int, nargs="*", default=[3, 14], help="on an image, by backbone")
    parser.add_argument("--anchor-features", type=int, default=64, help="d of the NCE head")
    parser.add_argument("--profile", action="store_true", help="where a step of the NCE head spends its time")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| backbone | what | softmax s | NCE s | ratio: median (min to max) |")
    print("|---|---|---|---|---|", flush=True)
    for backbone, pairs, batch_size, classes, objects in zip(
        arguments.backbones,
        arguments.pairs,
        arguments.batch_sizes,
        arguments.classes,
        arguments.objects,
        strict=True,
    ):
        cases = {
            head: Case(backbone, head, classes, batch_size, objects, arguments.anchor_features)
            for head in HEADS
        }
        if arguments.profile:
            cases["nce"].step()
            with profile(activities=[ProfilerActivity.CPU]) as profiled:
                cases["nce"].step()
            print(profiled.key_averages().table(sort_by="self_cpu_time_total", row_limit=12))
            continue
        repeats = 1 if backbone == "ssd300-vgg16" else 4
        for what in ("step", "score"):
            for head in HEADS:
                getattr(cases[head], what)()
            times = []
            for n in range(pairs):
                order = HEADS if n % 2 else HEADS[::-1]
                pair = {head: seconds(getattr(cases[head], what), repeats) for head in order}
                times.append((pair["softmax"], pair["nce"]))
            softmax, nce = (sorted(each[i] for each in times)[pairs // 2] for i in (0, 1))
            ratios = sorted(b / a for a, b in times)
            name = "training step" if what == "step" else "scored image"
            per = 1 if what == "step" else batch_size
            print(
                f"| {backbone} | {name} | {softmax / per:.3f} | {nce / per:.3f} | "
                f"{ratios[pairs // 2]:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
