"""Features that nothing was trained for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from ncenet.data.pools import ArrayPool
from ncenet.features.own import OwnVectors
from ncenet.learners import features as module
from ncenet.learners.features import COMPONENTS, frozen_features, patch_features
from ncenet.nn.backbones import TimmNet
from ncenet.recipe import ModelRecipe

pytestmark = pytest.mark.usefixtures("global_generators_untouched")
PLAIN = ModelRecipe()


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def stripes():
    """Sixty noisy images, half of them striped across and half along; brightness says nothing."""
    random = np.random.default_rng(0)
    wave = (np.arange(32) // 3 % 2 * 120).astype(np.uint8)
    across, along = np.tile(wave, (32, 1)), np.tile(wave[:, None], (1, 32))
    images = [
        np.roll(across if n % 2 else along, random.integers(6), axis=n % 2)
        + random.integers(0, 60, (32, 32))
        + random.integers(0, 70)
        for n in range(60)
    ]
    return ArrayPool(np.stack(images).astype(np.uint8))


def test_what_looks_alike_lies_together(stripes):
    table = frozen_features(stripes, stripes.ids(), PLAIN, rng=rng())
    assert table.shape == (60, min(60, COMPONENTS)) and table.dtype == torch.float32
    nearest = torch.cdist(table, table).fill_diagonal_(torch.inf).argmin(1)
    assert (nearest % 2 == torch.arange(60) % 2).float().mean() > 0.9


def test_the_same_generator_the_same_features(stripes):
    one, two, other = (frozen_features(stripes, stripes.ids(), PLAIN, rng=rng(s)) for s in (0, 0, 1))
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_images_are_read_in_batches(stripes):
    images = torch.from_numpy(stripes.array).permute(0, 3, 1, 2)
    asked = []

    def rows(wanted):
        asked.append(len(wanted))
        return images[wanted.start : wanted.stop]

    patch_features(rows, len(images), rng())
    assert max(asked) <= module.BATCH


def test_flat_images_have_finite_features():
    flat = ArrayPool(np.full((10, 16, 16, 3), 7, np.uint8))
    assert frozen_features(flat, flat.ids(), PLAIN, rng=rng()).isfinite().all()


def test_vectors_of_a_network_are_their_own_features():
    vectors = ArrayPool(np.arange(12, dtype=np.float32).reshape(4, 3))
    own, ids = OwnVectors(vectors, list(vectors.ids())), list(reversed(vectors.ids()))
    assert torch.equal(
        frozen_features(own, ids, PLAIN, rng=rng()), torch.from_numpy(vectors.array[::-1].copy())
    )


def test_the_unit_of_a_measurement_changes_nothing():
    rows = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    rows[:, 3] = 5  # constant
    features, others = (
        frozen_features(ArrayPool(each), [f"{n:05}" for n in range(50)], PLAIN, rng=rng())
        for each in (rows, (rows * [1000, 0.001, 1, 7] + [3, 0, -2, 1]).astype(np.float32))
    )
    torch.testing.assert_close(others, features, rtol=0, atol=1e-3)
    assert features.isfinite().all()


class Means(nn.Module):
    """A network as timm makes them: it knows the scale that it wants."""

    pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}  # noqa: RUF012 - as timm
    head_hidden_size = 3

    def forward(self, x):
        assert x.shape[1:] == (3, 8, 8)
        return x.mean((2, 3))


def test_a_pretrained_backbone_gets_its_own_size_and_scale(monkeypatch):
    monkeypatch.setattr(module, "pretrained_net", lambda *_: TimmNet(Means()))
    monkeypatch.setattr(module, "trained_side", lambda _: 8)
    pool = ArrayPool(np.full((3, 20, 20, 3), 255, np.uint8))
    model = ModelRecipe(backbone="timm:any", pretrained=True)
    assert torch.allclose(frozen_features(pool, pool.ids(), model, rng=rng()), torch.full((3, 3), 2.0))


def test_a_backbone_that_is_not_pretrained_is_not_used(monkeypatch, stripes):
    expected = frozen_features(stripes, stripes.ids(), ModelRecipe(), rng=rng())
    monkeypatch.setattr(module, "pretrained_net", None)
    found = frozen_features(stripes, stripes.ids(), ModelRecipe(backbone="timm:any"), rng=rng())
    assert torch.equal(found, expected), "patches of the images, as without timm"
