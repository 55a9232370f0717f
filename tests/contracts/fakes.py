"""A pool of which everything has been predicted: strategies are tested on it, and nothing is trained."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ncenet.types import Prediction

CLASSES, FEATURES, PASSES, INPUTS = 4, 6, 3, 5


@dataclass
class Part:
    """Predictions on some images, rows in the order of ``ids``."""

    ids: list[str]
    probs: Tensor
    features: Tensor
    samples: Tensor
    predicted_loss: Tensor
    inputs: Tensor
    in_radii: Tensor

    def reordered(self, rows: list[int]) -> Part:
        return Part(
            [self.ids[row] for row in rows],
            self.probs[rows],
            self.features[rows],
            self.samples[:, rows],
            self.predicted_loss[rows],
            self.inputs[rows],
            self.in_radii[rows],
        )

    def tensors(self) -> list[Tensor]:
        return [self.probs, self.features, self.samples, self.predicted_loss, self.inputs, self.in_radii]


@dataclass
class FakeView:
    """A ``PoolView``. Predictions carry what was wanted and no more; the rest is nan or missing."""

    pool: Part
    labeled: Part
    wanted: frozenset[str]
    chunk: int = 5
    passes: int = 0
    answers: list[int] | None = None
    """Classes of the labelled images. Default: one after the other."""
    most_held: int = field(default=0, init=False)
    """Most tensors of chunks that were alive at a time; each chunk has one per thing that is wanted."""

    @property
    def ids(self):
        return self.pool.ids

    @property
    def labeled_ids(self):
        return self.labeled.ids

    @property
    def labels(self):
        return self.answers or [n % CLASSES for n in range(len(self.labeled.ids))]

    def inputs(self, ids):
        assert "inputs" in self.wanted, "inputs were read by a strategy that does not say so"
        rows = dict(zip(self.pool.ids, self.pool.inputs, strict=True))
        rows |= zip(self.labeled.ids, self.labeled.inputs, strict=True)
        return torch.stack([rows[id] for id in ids])

    def predictions(self):
        self.passes += 1
        return self._chunks(self.pool)

    def labeled_predictions(self):
        return self._chunks(self.labeled)

    def but(self, **changes):
        return replace(self, passes=0, **changes)

    def _chunks(self, part):
        assert self.wanted - {"inputs"}, "predictions were made for a strategy that needs none"
        given: list[weakref.ref[Tensor]] = []
        for start in range(0, len(part.ids), self.chunk):
            rows = slice(start, start + self.chunk)
            probs, features, samples = part.probs[rows], part.features[rows], part.samples[:, rows]
            predicted_loss, in_radii = part.predicted_loss[rows], part.in_radii[rows]
            extras = {"samples": samples, "predicted_loss": predicted_loss, "in_radii": in_radii}
            prediction = Prediction(
                part.ids[rows],
                probs if "probs" in self.wanted else torch.full_like(probs, torch.nan),
                features if "features" in self.wanted else None,
                {name: tensor for name, tensor in extras.items() if name in self.wanted},
            )
            given += [weakref.ref(tensor) for tensor in (probs, features, samples, predicted_loss, in_radii)]
            del probs, features, samples, predicted_loss, in_radii, extras
            self.most_held = max(self.most_held, sum(tensor() is not None for tensor in given))
            yield prediction
            del prediction


def fake_part(prefix: str, size: int, seed: int, grid: int | None = None) -> Part:
    """Random predictions; on a coarse grid many of them are equal, and lots must break the ties."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape):
        if grid is None:
            return torch.rand(*shape, generator=rng)
        return torch.randint(0, grid + 1, shape, generator=rng) / grid

    # Ids sort in another order than they stand, and have no meaning as positions.
    ids = [f"{prefix}/{(37 * n + 11) % 1009:04}.png" for n in range(size)]
    part = Part(
        ids,
        draw(size, CLASSES),
        draw(size, FEATURES),
        draw(PASSES, size, CLASSES),
        draw(size),
        draw(size, INPUTS),
        2 * draw(size, FEATURES),
    )
    if size:  # one image that no class claims, and on which the passes disagree
        part.probs[0] = 0
        part.samples[:, 0] = torch.eye(PASSES, CLASSES)
    return part


def fake_view(
    wanted: frozenset[str], *, size: int = 23, labeled: int = 6, seed: int = 0, grid: int | None = None
) -> FakeView:
    return FakeView(
        fake_part("pool", size, seed, grid), fake_part("labeled", labeled, seed + 1, grid), wanted
    )
