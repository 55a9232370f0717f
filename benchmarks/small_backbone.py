"""Which small backbone? Accuracy and speed of a few shapes of ``SmallNet`` after as many epochs.

    python benchmarks/small_backbone.py TRAIN.parquet TEST.parquet

One thread; speeds are images per second of processor time, which other programs disturb little. Accuracy is
told twice: of the images, and of the mean of what is said of them and of their mirror images.
"""

from __future__ import annotations

import argparse
import math
import time

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, interpolate

from ncenet.data.dataset import TestSet, as_test_set
from ncenet.data.open import open_dataset, open_test
from ncenet.learners.classifier import Classifier
from ncenet.nn.backbones import SmallNet
from ncenet.nn.heads import Head, heads
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.recipe import DataRecipe, HeadRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.types import LabeledSet

SMOOTHING = 0.1
WIDTHS = ["32-64-128", "16-32-64-128", "32-64-128-256", "64-128-256"]


class TriedNet(SmallNet):
    """The small network with what was tried on it.

    Args:
        sides: of images in the first parts of a fit; each has as many steps, and so has the whole.
        whitened: behind a stem that whitens.
    """

    def __init__(self, widths: tuple[int, ...], sides: list[int], steps: int, whitened: bool) -> None:
        super().__init__((3, 32, 32), widths, whitened=whitened)
        self.sides, self.steps, self.step = [*sides, 32], steps, 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            side = self.sides[min(len(self.sides) * self.step // self.steps, len(self.sides) - 1)]
            self.step += 1
            if side < x.shape[-1]:
                x = interpolate(x, size=(side, side), mode="bilinear", antialias=True)
        return super().forward(x)


class SmoothedClassifier(SoftmaxClassifier):
    """Softmax with smoothed labels."""

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(output, targets, reduction="none", label_smoothing=SMOOTHING)


@heads.register("smoothed")
def _smoothed(recipe: HeadRecipe, in_features: int, num_classes: int) -> Head:
    return SmoothedClassifier(in_features, num_classes)


@torch.no_grad()
def said_of(learner: Classifier, test: TestSet, *, mirrored: bool) -> torch.Tensor:
    """Likelihoods (N, C) of the test images, or of their mirror images."""
    images, parts = learner.tensors_of(test.pool), []
    for start in range(0, len(test), 500):
        inputs = images.batch(test.ids[start : start + 500])
        parts.append(
            learner.network.head.probs(learner.network(inputs.flip(-1) if mirrored else inputs).output)
        )
    return torch.cat(parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--labels", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--widths", nargs="*", default=WIDTHS, help="channels of the stages")
    parser.add_argument("--heads", nargs="*", default=["softmax", "nce"], help="softmax, nce, smoothed")
    parser.add_argument("--radius", help="of the NCE head; default: one for each class")
    parser.add_argument(
        "--sides", nargs="*", type=int, default=[], help="of images in the first parts of a fit"
    )
    parser.add_argument("--whitened", action="store_true", help="behind a fixed stem that whitens")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--nesterov", action="store_true")
    parser.add_argument("--precision", default="fp32")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = open_dataset(arguments.train)
    test = as_test_set(
        open_test(DataRecipe(train=arguments.train, test=arguments.test), data), data.class_names
    )
    columns = "widths|parameters|head|training img/s|scoring img/s|accuracy % by seed|with mirror images"
    print(f"| {columns.replace('|', ' | ')} |\n{'|---' * 7}|", flush=True)
    for widths in [tuple(map(int, shape.split("-"))) for shape in arguments.widths]:
        for head in arguments.heads:
            accuracy, both, fit, score, parameters = [], [], 0.0, 0.0, 0
            for seed in range(arguments.seeds):
                streams = Streams(seed)
                order = streams.numpy("initial").permutation(len(data.pool.ids()))[: arguments.labels]
                answers = data.required_oracle().answer([data.pool.ids()[i] for i in order])
                labeled = LabeledSet(list(answers), list(answers.values()), data.class_names)
                radius = arguments.radius if head == "nce" else None
                steps = arguments.epochs * math.ceil(arguments.labels / TrainRecipe().batch_size)
                learner = Classifier(
                    ModelRecipe(head=HeadRecipe(name=head, radius=radius)),
                    TrainRecipe(
                        epochs=arguments.epochs,
                        min_steps=0,
                        lr=arguments.lr,
                        nesterov=arguments.nesterov,
                        precision=arguments.precision,
                    ),
                    DataRecipe(image_size=32),
                    streams,
                    backbone=lambda widths=widths, steps=steps: TriedNet(
                        widths, arguments.sides, steps, arguments.whitened
                    ),
                )
                start = time.process_time()
                report = learner.fit(labeled, data.pool, cycle=1)
                fitted = time.process_time()
                said = said_of(learner, test, mirrored=False)
                done = time.process_time()
                twice = said + said_of(learner, test, mirrored=True)
                right, of_both = (
                    float((shares.argmax(1) == torch.tensor(test.targets)).float().mean())
                    for shares in (said, twice)
                )
                parameters = sum(p.numel() for p in learner.network.parameters())
                accuracy.append(f"{100 * right:.1f}")
                both.append(f"{100 * of_both:.1f}")
                fit += arguments.epochs * report.labeled / (fitted - start) / arguments.seeds
                score += len(test) / (done - fitted) / arguments.seeds
            print(
                f"| {widths} | {parameters:,} | {head} | {fit:.0f} | {score:.0f} | {' '.join(accuracy)} "
                f"| {' '.join(both)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
