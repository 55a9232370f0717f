"""A detector of torchvision as the learner of a run: it trains and finds, and ncenet chooses and remembers.

    with ncenet.open(
        "runs/mine",
        images="photos",
        classes=["cat", "dog"],
        recipe={"task": "detection", "model.features": "lite0"},
        strategy="entropy",
        learner=TorchvisionDetector(ssdlite),
    ) as run:
        ...

What it finds stands for anchors: each find is one, and up to ``most`` of an image are scored. It says nothing
of what an image looks like, so strategies that compare images want ``model.features`` in the recipe.
"""

from __future__ import annotations

import time

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torchvision.models.detection import ssdlite320_mobilenet_v3_large

import ncenet


def ssdlite(classes: int) -> torch.nn.Module:
    """A small one, from random weights. Yours may be pretrained: ``weights_backbone="DEFAULT"``."""
    return ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=classes)


class TorchvisionDetector:
    """Any detector of ``torchvision.models.detection`` as a learner of ncenet.

    Args:
        make: makes the network for so many classes, the background among them.
        steps, batch_size, lr: of its training.
        most: finds of an image that are looked at.
    """

    def __init__(self, make=ssdlite, *, steps=400, batch_size=4, lr=0.01, most=50):
        self.make, self.steps, self.batch_size, self.lr, self.most = make, steps, batch_size, lr, most
        self.net, self.class_names = None, ()

    def fit(self, labeled, pool, *, cycle, before=None, resume=None):
        """Train afresh on the boxes that there are."""
        start, total = time.perf_counter(), 0.0
        self.class_names = labeled.class_names
        number = {name: c for c, name in enumerate(labeled.class_names, start=1)}  # 0 is the background
        targets = [
            {
                "boxes": torch.tensor(boxes.boxes, dtype=torch.float32).reshape(-1, 4),
                "labels": torch.tensor([number[label] for label in boxes.labels], dtype=torch.int64),
            }
            for boxes in labeled.boxes()
        ]
        with torch.random.fork_rng():
            torch.manual_seed(cycle)
            self.net = self.make(len(self.class_names) + 1).train()
            optimizer = torch.optim.SGD(self.net.parameters(), lr=self.lr, momentum=0.9)
            for _ in range(self.steps):
                rows = torch.randint(len(labeled), (self.batch_size,)).tolist()
                images = [self._image(pool, labeled.ids[row]) for row in rows]
                loss = sum(self.net(images, [targets[row] for row in rows]).values())
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10)
                optimizer.step()
                total += loss.item()
        self.net.eval()
        return ncenet.parts.FitReport(
            len(labeled), self.steps, time.perf_counter() - start, total / self.steps, accuracy=0.0
        )

    def detect(self, pool, ids):
        """The objects of each image, in its own pixels, likeliest first."""
        for id in ids:
            with torch.no_grad():
                (said,) = self.net([self._image(pool, id)])
            rows = [row for row in said["scores"].argsort(descending=True).tolist() if said["labels"][row]]
            rows = rows[: self.most]
            yield ncenet.parts.Detections(
                id,
                tuple(tuple(said["boxes"][row].tolist()) for row in rows),
                tuple(self.class_names[said["labels"][row] - 1] for row in rows),
                tuple(said["scores"][row].item() for row in rows),
            )

    def predict(self, pool, ids, *, want):
        """Likelihoods (1, most, C + 1) of the finds of each image; what is left of a find is background."""
        for found in self.detect(pool, ids):
            probs = torch.zeros(1, self.most, len(self.class_names) + 1)
            for row, (label, score) in enumerate(zip(found.labels, found.scores, strict=True)):
                probs[0, row, self.class_names.index(label)] = score
            probs[..., -1] = 1 - probs.sum(-1)
            extras = {}
            if "boxes" in want:  # in parts of the sides
                height, width = pool.load(found.id).shape[:2]
                sides = torch.tensor([width, height, width, height])
                extras["boxes"] = (self.anchors(pool, found.id) / sides)[None]
            yield ncenet.parts.Prediction([found.id], probs, extras=extras)

    def objects(self, pool, said):
        """The objects of images on which a prediction was made."""
        return self.detect(pool, said.ids)

    def anchors(self, pool, id):
        """Where the finds of an image are (most, 4), in its pixels; those that there aren't have no area."""
        (found,) = self.detect(pool, [id])
        places = torch.zeros(self.most, 4)
        places[: len(found)] = torch.tensor(found.boxes).reshape(-1, 4)
        return places

    def save(self, file):
        """Weights, under the names of the classes."""
        about = {"class_names": "\n".join(self.class_names)}
        save_file(self.net.state_dict(), file, metadata=about)

    def load(self, file):
        """What :meth:`save` wrote."""
        with safe_open(file, "pt") as stored:
            self.class_names = tuple(stored.metadata()["class_names"].split("\n"))
        self.net = self.make(len(self.class_names) + 1)
        self.net.load_state_dict(load_file(file))
        self.net.eval()

    def inputs(self, pool, ids):
        """For strategies that train a network of their own, which want images of one size: not from here."""
        raise NotImplementedError("this learner hands out no images")

    def _image(self, pool, id):
        pixels = torch.from_numpy(pool.load(id).copy()).permute(2, 0, 1)
        return pixels.expand(3, -1, -1).float() / 255
