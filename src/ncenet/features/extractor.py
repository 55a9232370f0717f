"""Extractors: networks that turn images into vectors, the door by which they enter, and fingerprints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ncenet.features.framing import Preprocessing
from ncenet.nn.weights import fingerprint
from ncenet.recipe import Framing
from ncenet.registry import Registry
from ncenet.types import Pool

VERSION = 1
"""Part of every fingerprint: raised when the same network and images would give other vectors."""


@dataclass(frozen=True)
class Wanted:
    """What a factory of extractors is told.

    Attributes:
        name: as the recipe has it, with what stands behind a colon.
        weights: file of weights, in the place of the extractor's own.
        framing: how images become squares; None for the extractor's own way.
        empty: leave the weights out: they come from the file of a model next.
        pool: where images are, for extractors that learn from images, without any label.
        ids: which of them will be looked at.

    >>> Wanted("mine:large", framing="pad").name.partition(":")[2]
    'large'
    """

    name: str
    weights: Path | None = None
    framing: Framing | None = None
    empty: bool = False
    pool: Pool | None = None
    ids: Sequence[str] = ()


class Extractor(nn.Module):
    """A network without its classifier, and what is done to images before they meet it.

    Args:
        name: as the recipe has it.
        network: maps float images (B, 3, S, S), normalised, to vectors (B, D).
        preprocessing: how an image becomes what the network reads.

    >>> means = Extractor("means", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), Preprocessing(8))
    >>> means(torch.full((1, 3, 8, 8), 255, dtype=torch.uint8))
    tensor([[1., 1., 1.]])
    >>> means.dim, len(means.fingerprint)
    (3, 32)
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, network: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.name, self.network, self.preprocessing = name, network.eval(), preprocessing
        # No part of the weights: they stand in the preprocessing.
        for which in ("mean", "std"):
            values = torch.tensor(getattr(preprocessing, which)).view(1, -1, 1, 1)
            self.register_buffer(which, 255 * values, persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Vectors (B, D) of images uint8 (B, 3, S, S) in 0..255."""
        vectors: Tensor = self.network((images.to(self.mean.dtype) - self.mean) / self.std)
        return vectors

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that stand for name, weights and preprocessing."""
        return fingerprint([VERSION, self.name, self.preprocessing.about()], self.network.state_dict())

    @property
    def dim(self) -> int:
        """D."""
        side = self.preprocessing.side
        with torch.no_grad():
            return int(
                self(torch.zeros((1, 3, side, side), dtype=torch.uint8, device=self.mean.device)).shape[1]
            )


extractors: Registry[Extractor] = Registry(
    "extractor", package="ncenet.features.extractors", group="ncenet.extractors"
)
"""Factories that are given a :class:`Wanted`, by the name before a colon: ``timm`` of ``timm:resnet50``."""


def open_extractor(wanted: Wanted) -> Extractor:
    """The extractor of a name.

    Raises:
        UnknownName: there is none of this name.
        UsageError: it cannot be had like this, for instance without a network.
        MissingExtra: a package that it needs is not installed.
        DataError: the weights are no weights of this network.
    """
    return extractors.use(wanted.name.partition(":")[0], lambda make: make(wanted))
