"""A run of few steps, and parts of one's own for it."""

import hashlib

import numpy as np
import torch

import ncenet

QUICK = {"train.epochs": 1, "train.min_steps": 2, "train.batch_size": 8}


class Stripes:
    """A pool of one's own: images that are made when they are asked for."""

    channels = 1

    def ids(self):
        return [f"stripe-{n}" for n in range(40)]

    def load(self, id):
        return np.full((8, 8, 1), 6 * int(id.removeprefix("stripe-")), np.uint8)

    def content_hash(self, id):
        return hashlib.sha256(self.load(id)).hexdigest()


class Prior(ncenet.parts.Learner):
    """A learner of one's own: says of every image how frequent the classes are."""

    def fit(self, labeled, pool, **rest):
        counts = torch.bincount(torch.tensor(labeled.targets()), minlength=len(labeled.class_names))
        self.share = counts / counts.sum()

    def predict(self, pool, ids, *, want):
        yield ncenet.parts.Prediction(list(ids), self.share.repeat(len(ids), 1))


def brightness(ids):
    """The right answers."""
    return {id: "dark" if int(id.removeprefix("stripe-")) < 20 else "light" for id in ids}


def opened(folder, **parts):
    """A run that is begun, or goes on, with these parts."""
    return ncenet.open(folder, **{"pool": Stripes(), "classes": ["dark", "light"], "recipe": QUICK} | parts)
