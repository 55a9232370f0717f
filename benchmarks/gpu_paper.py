"""The paper's CIFAR-10 protocol on one GPU, in as little time as it takes; goes on where it was stopped.

    python benchmarks/gpu_paper.py cifar10_train.parquet cifar10_test.parquet --out paper.jsonl
    python benchmarks/gpu_paper.py ... --limit-s 840        # a machine that is lent for a quarter of an hour
    python benchmarks/gpu_paper.py ... --device cpu --epochs 1 --cycles 2 --initial 128 --pool 600

ResNet-18 (3x3 stem), 200 epochs, SGD 0.1 to 0.01 at 160, momentum 0.9, weight decay 5e-4, batch 128, random
crop and flip, 1,000 random labels, 1,000 more a cycle to 10,000, weights afresh in each cycle. Images stay on
the device as uint8, crops and flips are made there, in bf16 and channels_last, compiled. Arms stand in the
order in which they answer most. A line is written and synced after each cycle, with the ids that were asked
for, so nothing but the cycle that runs is lost; a seed's arms share their initial images. It also says how
many images a second training took, and first what the network alone does on one batch that never changes.

All batches are of one size, for which the network is compiled once: one that an epoch doesn't fill takes the
first images of the next, so that each image is seen as often as there are epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stored import Stored
from torch import Tensor

from ncenet.data.open import open_dataset
from ncenet.nn.backbones import ResNet18
from ncenet.nn.heads import Head, build_head, heads
from ncenet.recipe import HeadRecipe
from ncenet.strategies import strategies
from selection import View

ARMS = ("nce random", "nce rejection", "nce herding", "softmax random", "softmax entropy")
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
"""Of CIFAR-10's training images (public)."""
PAD = 4


def load(path: str, device: str) -> tuple[Tensor, Tensor]:
    """Images (N, 3, 32, 32) as uint8 and class indices, on the device."""
    dataset = open_dataset(path)
    ids = list(dataset.pool.ids())
    labels = dataset.required_oracle().answer(ids)
    index = {name: c for c, name in enumerate(dataset.class_names)}
    pixels = torch.stack([torch.from_numpy(np.array(dataset.pool.load(image))) for image in ids])
    targets = torch.tensor([index[labels[image]] for image in ids])
    return pixels.permute(0, 3, 1, 2).to(device), targets.to(device)


def some_of(count: int, most: int | None) -> Tensor:
    """Rows of so many images at most, at random: files are often in the order of the classes."""
    return torch.from_numpy(np.sort(np.random.default_rng(0).permutation(count)[:most]))


@cache
def moments(device: str) -> tuple[Tensor, Tensor]:
    """Mean and deviation of bytes, copied to the device once: a copy in each step would wait for the step."""
    mean, deviation = (torch.tensor(v, device=device).view(1, 3, 1, 1) * 255 for v in (MEAN, DEVIATION))
    return mean, deviation


def prepared(pixels: Tensor, device: str) -> Tensor:
    """Normalised, in channels_last."""
    mean, deviation = moments(device)
    return ((pixels.float() - mean) / deviation).contiguous(memory_format=torch.channels_last)


def cropped(pixels: Tensor) -> Tensor:
    """Each image padded by 4, cropped at random and flipped at random, on the device."""
    B, _, H, W = pixels.shape
    padded = torch.nn.functional.pad(pixels, (PAD,) * 4)
    down, right = (torch.randint(2 * PAD + 1, (B, 1, 1), device=pixels.device) for _ in "ab")
    rows = torch.arange(H, device=pixels.device)[:, None] + down
    columns = torch.arange(W, device=pixels.device)[None, :] + right
    flip = torch.rand(B, 1, 1, device=pixels.device) < 0.5
    columns = torch.where(flip, columns.flip(-1), columns)
    batch = torch.arange(B, device=pixels.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[batch, rows, columns].permute(0, 3, 1, 2)


def batches(count: int, epochs: int, size: int, device: str) -> list[Tensor]:
    """Rows of all steps: one random order after the other, cut into batches of one size."""
    order = torch.cat([torch.randperm(count, device=device) for _ in range(epochs)])
    return list(order.split(size)[: max(1, len(order) // size)])


class Net:
    """Backbone and head, the step that trains them, and how long it took."""

    def __init__(self, args: argparse.Namespace, head: str) -> None:
        self.args = args
        self.backbone: Any = ResNet18((3, 32, 32)).to(args.device, memory_format=torch.channels_last)
        radius = "class" if head == "nce" else None
        self.head: Head = build_head(HeadRecipe(name=head, radius=radius), 512, 10).to(args.device)
        self.optimizer = torch.optim.SGD(
            [*self.backbone.parameters(), *self.head.parameters()],
            lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=False,
        )  # fmt: skip
        self.run = torch.compile(self.backbone) if args.compile else self.backbone

    def features(self, images: Tensor) -> Tensor:
        with torch.autocast(self.args.device, dtype=torch.bfloat16, enabled=self.args.device != "cpu"):
            return self.run(images).float()

    def step(self, images: Tensor, targets: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.head.loss(self.head(self.features(images)), targets).mean().backward()
        self.optimizer.step()

    def train(self, pixels: Tensor, targets: Tensor) -> float:
        """Images a second."""
        args, begun, seen = self.args, time.perf_counter(), 0
        self.head.meet(targets)
        steps = batches(len(targets), args.epochs, args.batch, args.device)
        for number, rows in enumerate(steps):
            for group in self.optimizer.param_groups:
                group["lr"] = 0.1 if number < 0.8 * len(steps) else 0.01
            self.step(prepared(cropped(pixels[rows]), args.device), targets[rows])
            seen += len(rows)
        synchronize(args.device)
        return seen / (time.perf_counter() - begun)

    @torch.no_grad()
    def embed(self, pixels: Tensor) -> Tensor:
        self.backbone.eval()
        features = torch.cat([self.features(prepared(part, self.args.device)) for part in pixels.split(500)])
        self.backbone.train()
        return features

    def alone(self, steps: int) -> float:
        """Images a second of the same step on one batch that is there already."""
        images = prepared(
            torch.randint(256, (self.args.batch, 3, 32, 32), device=self.args.device), self.args.device
        )
        targets = torch.randint(10, (self.args.batch,), device=self.args.device)
        self.step(images, targets)
        synchronize(self.args.device)
        begun = time.perf_counter()
        for _ in range(steps):
            self.step(images, targets)
        synchronize(self.args.device)
        return steps * self.args.batch / (time.perf_counter() - begun)


def synchronize(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def cycle(
    args: argparse.Namespace, data: Stored, arm: str, seed: int, number: int, labeled: list[int]
) -> dict[str, Any]:
    """Train on the labelled images, test, and ask for the next ones."""
    name, how = arm.split()
    torch.manual_seed(10_000 * seed + number)
    net = Net(args, name)
    begun = time.perf_counter()
    rate = net.train(data.raw[labeled], data.targets[labeled])
    test = net.head(net.embed(data.raw_test)).argmax(1)
    accuracy = float((test == data.test_targets).double().mean())
    strategy = strategies.get(how)()
    head, features = net.head.cpu(), net.embed(data.raw).cpu()
    stored = replace(data, pool=features, targets=data.targets.cpu())
    view = View(head, stored, labeled, strategy.needs)
    rng = torch.Generator().manual_seed(10_000 * seed + number)
    asked = [int(image) for image in strategy.query(view, args.query_size, rng=rng).ids]
    return {
        "arm": arm, "seed": seed, "cycle": number, "labels": len(labeled), "accuracy": accuracy,
        "seconds": round(time.perf_counter() - begun, 2), "images_per_second": round(rate),
        **settings(args), "asked": asked,
    }  # fmt: skip


def settings(args: argparse.Namespace) -> dict[str, Any]:
    """What all cycles of a file have in common."""
    return {name: getattr(args, name) for name in ("epochs", "batch", "initial", "query_size", "pool")}


def whole_rows(file: Path, common: dict[str, Any]) -> list[dict[str, Any]]:
    """What is there already; a last line that was cut off goes, and its cycle runs again."""
    if not file.exists():
        return []
    text = file.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        os.truncate(file, len(whole))
    rows = [json.loads(line) for line in whole.splitlines()]
    for name, value in common.items():
        if others := {row.get(name) for row in rows} - {value}:
            raise SystemExit(f"{file} holds runs of {name} {others.pop()}, not {value}: name another file")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--arms", nargs="+", default=list(ARMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cycles", type=int, default=10)
    parser.add_argument("--initial", type=int, default=1000)
    parser.add_argument("--query-size", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--pool", type=int, help="look at so many images of the pool")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--limit-s", type=float, help="begin no cycle that would end after so many seconds")
    args = parser.parse_args()
    for arm in args.arms:  # a typing error is told before anything is trained
        head, _, how = arm.partition(" ")
        heads.get(head), strategies.get(how)
    args.compile &= args.device != "cpu"
    torch.set_float32_matmul_precision("high")
    begun, last, of = time.perf_counter(), 0.0, args.initial
    done: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in whole_rows(args.out, settings(args)):
        done.setdefault((row["arm"], row["seed"]), []).append(row)
        last, of = row["seconds"], row["labels"]
    pixels, targets = load(args.train, args.device)
    test, test_targets = load(args.test, args.device)
    some = some_of(len(pixels), args.pool).to(args.device)
    pixels, targets = pixels[some], targets[some]
    data = Stored("cifar10", pixels, targets, test, test_targets, 10, pixels, test)
    alone = Net(args, "nce").alone(5 if args.device == "cpu" else 100)
    print(f"the network alone: {alone:.0f} images a second", flush=True)
    with args.out.open("a", encoding="utf-8") as file:
        for seed in range(args.seeds):
            for arm in args.arms:
                rows = done.get((arm, seed), [])
                labeled = np.random.default_rng(seed).permutation(len(pixels))[: args.initial].tolist()
                for row in rows:
                    labeled += row["asked"]
                for number in range(len(rows) + 1, args.cycles + 1):
                    if rows and not rows[-1]["asked"]:  # the pool is used up
                        break
                    needed = last * max(1.0, len(labeled) / of)
                    if args.limit_s and time.perf_counter() - begun + needed > args.limit_s:
                        return
                    row = cycle(args, data, arm, seed, number, labeled)
                    rows.append(row)
                    labeled += row["asked"]
                    last, of = row["seconds"], row["labels"]
                    file.write(json.dumps(row) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                    shown = {key: value for key, value in row.items() if key != "asked"}
                    print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main()
