"""What stored features pass through before the head: their principal components, at length 1.

Features of a pretrained network share a large mean, and a few hundred directions hold nearly all that they
say. Centred, turned to these directions and brought to one length they are what distances can be taken of.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ncenet.functional._precision import at_least_float32

COMPONENTS = 256
"""Most directions that are kept (ours, see benchmarks/results/head_fit.md)."""
LOOKED_AT = 20_000
"""So many vectors of a larger pool are looked at, evenly spread (ours)."""
ROWS = 4096
"""Vectors in float32 at a time."""
USUAL = 1e-9, 1e9
"""Where the largest number of a pool is not in between, squares of it would leave single precision (ours)."""


class PrincipalComponents(nn.Module):
    """Vectors (..., D) centred, projected on their P principal components, and brought to length 1.

    A backbone for :class:`ncenet.nn.network.Network`: it has no parameters and learns nothing with the head.

    Args:
        in_features: D.
        out_features: P.
    """

    mean: Tensor
    components: Tensor

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.register_buffer("mean", torch.zeros(in_features))
        self.register_buffer("components", torch.eye(out_features, in_features))

    @classmethod
    @torch.no_grad()
    def of(
        cls, vectors_ND: Tensor, components: int = COMPONENTS, *, looked_at: int = LOOKED_AT
    ) -> PrincipalComponents:
        """Those of a pool, with and without labels; deterministic.

        Args:
            vectors_ND: (N, D), finite, of any precision, also in a memory map; N at least 1.
            components: most to keep. Fewer come when the vectors have fewer dimensions or are fewer.
            looked_at: so many vectors of a larger pool are looked at, evenly spread.

        >>> pool = torch.tensor([[0.0, 9.0], [1.0, 9.0], [2.0, 9.1]])
        >>> PrincipalComponents.of(pool, 1)(pool).flatten().abs().round(decimals=3)
        tensor([1., 1., 1.])
        """
        N, D = vectors_ND.shape
        step = max(1, -(-N // looked_at))
        some = vectors_ND[::step]
        mean, largest = torch.zeros(D, dtype=torch.float64), 0.0
        for rows in some.split(ROWS):
            mean += rows.double().sum(0)
            largest = max(largest, float(rows.abs().max()))
        mean /= len(some)
        usual = largest == 0 or USUAL[0] < largest < USUAL[1]
        scale = 1.0 if usual else 2.0 ** round(math.log2(largest))
        covariance = torch.zeros(D, D, dtype=torch.float64)
        for rows in some.split(ROWS):
            centred = ((rows.double() - mean) / scale).float()
            covariance += (centred.T @ centred).double()
        directions = torch.linalg.eigh(covariance).eigenvectors.flip(1)[:, : min(components, D, N)].T
        # An eigenvector's sign is free: the largest entry is positive, so that it is the same everywhere.
        longest = directions.gather(1, directions.abs().argmax(1, keepdim=True))
        made = cls(D, len(directions))
        made.mean.copy_(mean)
        made.components.copy_(directions * longest.sign() / scale)
        return made

    def forward(self, vectors: Tensor) -> Tensor:
        """(..., P) in float32, of length 1."""
        centred = at_least_float32(vectors) - self.mean
        return normalize(centred @ self.components.T, dim=-1)
