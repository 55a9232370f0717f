"""A cache folder of the test's own, and extractors that need no package and no weights."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

from ncenet.features.extractor import Extractor, extractors
from ncenet.features.framing import Preprocessing


def grid_network() -> nn.Module:
    """Mean of each channel in each quarter: D = 12."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing is read from or written to the cache folder of whoever runs the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ncenet"


@pytest.fixture(autouse=True)
def in_torch(monkeypatch):
    """No graph is made for these small networks, unless a test is about that."""
    monkeypatch.setattr("ncenet.features.graphs.PACKAGES", ("no such package",))


@pytest.fixture
def grid():
    """The extractor ``grid``, as if a plug-in had brought it."""

    def make(wanted):
        framing = wanted.framing or "squash"
        return Extractor(wanted.name, grid_network(), Preprocessing(8, framing, interpolation="bilinear"))

    with extractors.temporarily(grid=make):
        yield


def edges_network() -> nn.Module:
    """A network with weights: D = 4."""
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@pytest.fixture
def edges():
    """The extractor ``edges``, whose weights are others where it is told to leave them out."""

    def make(wanted):
        with torch.random.fork_rng():
            torch.manual_seed(1 if wanted.empty else 0)
            return Extractor(wanted.name, edges_network(), Preprocessing(16, wanted.framing or "crop"))

    with extractors.temporarily(edges=make):
        yield


@pytest.fixture
def photos(tmp_path):
    """Thirty small photographs of three classes in a folder for each class; the colour tells the class."""
    colours = {"ant": (200, 60, 60), "bee": (60, 200, 60), "cow": (60, 60, 200)}
    root = tmp_path / "photos"
    random = np.random.default_rng(0)
    for name, colour in colours.items():
        (root / name).mkdir(parents=True)
        for number in range(10):
            pixels = random.integers(-50, 50, (20, 30, 3)) + np.array(colour)
            PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / name / f"{number}.png")
    return root


@pytest.fixture
def counted(monkeypatch):
    """How many images were given to networks, batch by batch."""
    seen = []
    forward = Extractor.forward

    def counting(self, images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return forward(self, images)

    monkeypatch.setattr(Extractor, "forward", counting)
    return seen
