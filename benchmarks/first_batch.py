"""Which features the first batch is chosen on, where nothing may be downloaded.

    python benchmarks/first_batch.py NAME.parquet ... [--images 2000] [--seeds 3]

For each set of labelled images (Parquet, as `ncenet` reads it) and each kind of features: the accuracy of
five nearest neighbours (how much the features know), and, for a first batch of five images a class chosen by
TypiClust on them or at random, how many classes it holds and how right its nearest image is about all
others. The nearest image is looked up in the same features: a row compares two choices, not features.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from ncenet.data.open import open_dataset
from ncenet.data.tensors import ImageTensors
from ncenet.functional import typical_images
from ncenet.learners.features import SIDE, patch_features

COMPONENTS = 64


def principal(rows: Tensor, components: int = COMPONENTS) -> Tensor:
    centred = rows - rows.mean(0)
    _, _, directions = torch.linalg.svd(centred[:2000], full_matrices=False)
    return centred @ directions[:components].T


def pixels(images: Tensor, rng: torch.Generator) -> Tensor:
    """Principal components of the images at 16 x 16."""
    return principal(nn.functional.adaptive_avg_pool2d(images.float(), 16).flatten(1))


def random_convolutions(images: Tensor, rng: torch.Generator) -> Tensor:
    """Two layers of Gaussian filters, pooled."""
    channels = images.shape[1]
    first = torch.randn(64, channels, 5, 5, generator=rng) / (channels * 25) ** 0.5
    second = torch.randn(256, 64, 3, 3, generator=rng) / (64 * 9) ** 0.5
    chunks = []
    for chunk in ((images.float() - 128) / 64).split(128):
        x = nn.functional.max_pool2d(nn.functional.conv2d(chunk, first).relu(), 2)
        chunks.append(nn.functional.adaptive_avg_pool2d(nn.functional.conv2d(x, second).relu(), 2).flatten(1))
    return principal(torch.cat(chunks))


def patches(images: Tensor, rng: torch.Generator) -> Tensor:
    """Responses to patches of the images themselves."""
    return patch_features(lambda rows: images[rows.start : rows.stop], len(images), rng)


def autoencoder(images: Tensor, rng: torch.Generator, steps: int = 400) -> Tensor:
    """The middle of a small convolutional auto-encoder after 400 steps of 64 images."""
    channels = images.shape[1]
    with torch.random.fork_rng():
        torch.manual_seed(int(torch.randint(2**31, (), generator=rng)))
        encode = nn.Sequential(
            *(nn.Conv2d(channels, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU()),
            *(nn.Conv2d(64, 64, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 64)),
        )
        decode = nn.Sequential(
            *(nn.Linear(64, 1024), nn.ReLU(), nn.Unflatten(1, (64, 4, 4))),
            *(nn.ConvTranspose2d(64, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU()),
            nn.ConvTranspose2d(32, channels, 4, 2, 1),
        )
    scaled = (images.float() - 128) / 64
    optimizer = torch.optim.Adam([*encode.parameters(), *decode.parameters()], lr=1e-3)
    for _ in range(steps):
        batch = scaled[torch.randint(len(images), (64,), generator=rng)]
        loss = nn.functional.mse_loss(decode(encode(batch)), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        return torch.cat([encode(chunk) for chunk in scaled.split(256)]).clone()


KINDS = {
    "PCA of 16 x 16 pixels": pixels,
    "random convolutions": random_convolutions,
    "patches of the images": patches,
    "auto-encoder, 400 steps": autoencoder,
}


def neighbours(features: Tensor, targets: Tensor, k: int = 5) -> float:
    distances = torch.cdist(features, features).fill_diagonal_(torch.inf)
    votes = nn.functional.one_hot(targets[distances.topk(k, largest=False).indices]).sum(1)
    return float((votes.argmax(1) == targets).float().mean())


def worth(features: Tensor, targets: Tensor, rows: Tensor) -> tuple[int, float]:
    """Classes in a batch, and how often its nearest image is right about the others, in percent."""
    others = torch.ones(len(targets), dtype=torch.bool)
    others[rows] = False
    nearest = torch.cdist(features[others], features[rows]).argmin(1)
    right = targets[rows][nearest] == targets[others]
    return len(targets[rows].unique()), 100 * float(right.float().mean())


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| images | features | seconds | 5-NN | TypiClust: classes | nearest | random: classes | nearest |")
    print("|---|---|---|---|---|---|---|---|")
    for name in arguments.sets:
        data = open_dataset(name)
        order = torch.randperm(len(data.pool.ids()), generator=torch.Generator().manual_seed(0))
        ids = [data.pool.ids()[row] for row in order[: arguments.images].tolist()]
        labels = data.required_oracle().answer(ids)
        targets = torch.tensor([data.class_names.index(labels[id]) for id in ids])
        images = ImageTensors(data.pool, ids, size=SIDE).batch(ids)
        size = 5 * len(data.class_names)
        for kind, compute in KINDS.items():
            rows: list[list[float]] = []
            for seed in range(arguments.seeds):
                rng = torch.Generator().manual_seed(seed)
                start = time.process_time()
                features = compute(images, rng)
                seconds = time.process_time() - start
                chosen = typical_images(features, [], size, rng=rng).rows
                chance = torch.randperm(len(ids), generator=rng)[:size]
                rows.append(
                    [
                        *(seconds, 100 * neighbours(features, targets)),
                        *worth(features, targets, chosen),
                        *worth(features, targets, chance),
                    ]
                )
            cells = " | ".join(f"{mean(list(column)):.1f}" for column in zip(*rows, strict=True))
            print(f"| {Path(name).stem} | {kind} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
