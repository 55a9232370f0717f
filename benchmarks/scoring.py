"""Scoring the pool: as fast as a bare inference loop, and in memory that does not grow with the pool.

    python benchmarks/scoring.py speed
    python benchmarks/scoring.py memory

``speed`` times a query by rejection (predict, score, top-k) against the network called on the same batches
in a bare loop, in alternation, on CIFAR-sized noise. ``memory`` scores 1,000,000 feature vectors that are
made up as they are read, and reports the peak of the process above what it used once the model was there.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence

import numpy as np
import torch

from ncenet.data.pools import ArrayPool
from ncenet.data.tensors import ImageTensors
from ncenet.learners.classifier import PREDICT_BATCH, Classifier
from ncenet.loop.view import LearnerView
from ncenet.recipe import DataRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.strategies import strategies
from ncenet.types import LabeledSet

CLASSES = tuple("abcdefghij")


def fitted(pool, shape_of: str) -> Classifier:
    """A classifier that took a single step: speed and memory do not depend on what it knows."""
    ids = list(pool.ids()[:64])
    learner = Classifier(
        ModelRecipe(backbone=shape_of),
        TrainRecipe(epochs=1, min_steps=0),
        DataRecipe(image_size=None if shape_of == "identity" else 32),
        Streams(0),
    )
    learner.fit(LabeledSet(ids, [CLASSES[i % 10] for i in range(64)], CLASSES), pool, cycle=1)
    return learner


def speed(images: int, pairs: int, backbone: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (images, 32, 32, 3), dtype=np.uint8)
    pool = ArrayPool(pixels)
    learner = fitted(pool, backbone)
    strategy = strategies.get("rejection")()
    ids = pool.ids()
    tensors = ImageTensors(pool, ids, size=32)

    def query() -> float:
        start = time.process_time()
        view = LearnerView(learner, pool, ids, LabeledSet([], [], CLASSES), strategy.needs)
        strategy.query(view, 200, rng=torch.Generator())
        return time.process_time() - start

    def bare() -> float:
        batches = [ids[i : i + PREDICT_BATCH] for i in range(0, len(ids), PREDICT_BATCH)]
        network = learner.network
        start = time.process_time()
        with torch.inference_mode():
            for batch in batches:
                network(tensors.batch(batch).contiguous(memory_format=torch.channels_last))
        return time.process_time() - start

    query(), bare()
    times = [(query(), bare()) if i % 2 else (bare(), query())[::-1] for i in range(pairs)]
    ratios = sorted(b / q for q, b in times)
    seconds = sorted(q for q, _ in times)[pairs // 2]
    print(
        f"{backbone}: {images / seconds:,.0f} img/s of processor time; "
        f"speed against a bare loop: median {ratios[pairs // 2]:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
    )


class MadeUpVectors:
    """Vectors that are drawn when they are read, so that the pool itself takes no memory."""

    channels = 0

    def __init__(self, count: int, dimensions: int) -> None:
        self._ids = [f"{i:07d}" for i in range(count)]
        self._dimensions = dimensions

    def ids(self) -> Sequence[str]:
        return self._ids

    def load(self, id: str) -> np.ndarray:
        return np.random.default_rng(int(id)).standard_normal(self._dimensions, dtype=np.float32)

    def content_hash(self, id: str) -> str:
        return id


def memory(count: int, dimensions: int) -> None:
    pool = MadeUpVectors(count, dimensions)
    learner = Classifier(
        ModelRecipe(backbone="identity"),
        TrainRecipe(epochs=1, min_steps=0),
        DataRecipe(cache_gb=0, workers=1),
        Streams(0),
    )
    ids = list(pool.ids()[:64])
    learner.fit(LabeledSet(ids, [CLASSES[i % 10] for i in range(64)], CLASSES), pool, cycle=1)
    strategy = strategies.get("rejection")()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    view = LearnerView(learner, pool, pool.ids(), LabeledSet([], [], CLASSES), strategy.needs)
    query = strategy.query(view, 200, rng=torch.Generator())
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:,} vectors of {dimensions} dimensions, {len(query)} queried in {seconds:.0f} s: "
        f"peak {peak - before:.0f} MB above the {before:.0f} MB of program, ids and model"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["speed", "memory"])
    parser.add_argument("--images", type=int, default=5120)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--backbone", default="small")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.what == "speed":
        speed(arguments.images, arguments.pairs, arguments.backbone)
    else:
        memory(arguments.vectors, arguments.dimensions)


if __name__ == "__main__":
    main()
