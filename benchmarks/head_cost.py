"""What the NCE head costs in training: an epoch with it against an epoch with softmax, in alternation.

    python benchmarks/head_cost.py

Images are noise: only time matters here. Reported are processor seconds, which other programs disturb
less than wall time, and the ratio pair by pair. The paper measured 1.51 h against 1.50 h, a ratio of 1.007.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from ncenet.data.pools import ArrayPool
from ncenet.learners.classifier import Classifier
from ncenet.recipe import DataRecipe, HeadRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet

CLASSES = tuple("abcdefghij")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbones", nargs="*", default=["small", "resnet18"])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--images", type=int, nargs="*", default=[2048, 256], help="an epoch, by backbone")
    parser.add_argument("--batch-size", type=int, default=128)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{arguments.pairs} pairs, batches of {arguments.batch_size}, 32 x 32 RGB, one thread")
    print("| backbone | images an epoch | softmax s | NCE s | ratio: median (min to max) |")
    print("|---|---|---|---|---|", flush=True)
    for backbone, images in zip(arguments.backbones, arguments.images, strict=True):
        pixels = np.random.default_rng(0).integers(0, 256, (images, 32, 32, 3), dtype=np.uint8)
        pool = ArrayPool(pixels)
        labeled = LabeledSet(list(pool.ids()), [CLASSES[i % 10] for i in range(images)], CLASSES)
        train = TrainRecipe(epochs=1, min_steps=0, batch_size=arguments.batch_size)

        def epoch(head: str, backbone=backbone, pool=pool, labeled=labeled, train=train) -> float:
            learner = Classifier(
                ModelRecipe(backbone=backbone, head=HeadRecipe(name=head)),
                train,
                DataRecipe(image_size=32),
                Streams(0),
            )
            start = time.process_time()
            learner.fit(labeled, pool, cycle=1)
            return time.process_time() - start

        epoch("softmax"), epoch("nce")  # imports and first calls
        pairs = [
            (epoch("softmax"), epoch("nce")) if i % 2 else (epoch("nce"), epoch("softmax"))[::-1]
            for i in range(arguments.pairs)
        ]
        softmax, nce = (sorted(p[i] for p in pairs)[len(pairs) // 2] for i in (0, 1))
        ratios = sorted(b / a for a, b in pairs)
        middle = ratios[len(ratios) // 2]
        print(
            f"| {backbone} | {images} | {softmax:.2f} | {nce:.2f} | "
            f"{middle:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
