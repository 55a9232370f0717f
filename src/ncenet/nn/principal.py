"""What stored features pass through before the head: their principal components, at length 1.

Features of a pretrained network share a large mean, and a few hundred directions hold nearly all that they
say. Centred, turned to these directions and brought to one length they are what distances can be taken of.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ncenet.errors import NonFiniteScore
from ncenet.functional._precision import at_least_float32

COMPONENTS = 256
"""Most directions that are kept (ours, see benchmarks/results/head_fit.md)."""
LOOKED_AT = 20_000
"""So many vectors of a larger pool are looked at, evenly spread (ours)."""
WIDE, LOOKED_AT_WIDE = 2048, 2048
"""Of vectors with more numbers than the first so many are looked at (ours): what took the cube of the numbers
takes that of the vectors, seconds whatever their width."""
ROWS = 4096
"""Vectors in float32 at a time."""
USUAL = 1e-9, 1e9
"""Where the largest number of a pool is not in between, squares of it would leave single precision (ours)."""

NOTHING = 1e-7
"""A direction with less than so much of the variance of the first is what single precision rounds off."""


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
            looked_at: so many vectors of a larger pool are looked at, evenly spread; of wide ones at most
                :data:`LOOKED_AT_WIDE`.

        Raises:
            NonFiniteScore: a vector that is looked at has entries that are no numbers.

        >>> pool = torch.tensor([[0.0, 9.0], [1.0, 9.0], [2.0, 9.1]])
        >>> PrincipalComponents.of(pool, 1)(pool).flatten().abs().round(decimals=3)
        tensor([1., 1., 1.])
        """
        N, D = vectors_ND.shape
        step = step_of(N, D, looked_at)
        some = vectors_ND[::step]
        mean, largest = torch.zeros(D, dtype=torch.float64), 0.0
        for rows in some.split(ROWS):
            mean += rows.double().sum(0)
            largest = max(largest, float(rows.abs().max()))
        if not mean.isfinite().all():
            bad = torch.cat([~rows.isfinite().all(1) for rows in some.split(ROWS)]).nonzero().flatten()
            raise NonFiniteScore(len(bad), f"row {step * int(bad[0])} of the vectors")
        mean /= len(some)
        usual = largest == 0 or USUAL[0] < largest < USUAL[1]
        scale = 1.0 if usual else 2.0 ** min(max(round(math.log2(largest)), -126), 126)
        centred = (((rows.double() - mean) / scale).float() for rows in some.split(ROWS))
        of = _by_vectors if D > WIDE else _by_numbers
        directions = of(centred, min(components, D, N))
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


def step_of(count: int, width: int, looked_at: int = LOOKED_AT) -> int:
    """Every how manieth vector of a pool is looked at.

    Args:
        count: N.
        width: D.
        looked_at: so many at most; of wide ones no more than :data:`LOOKED_AT_WIDE` either.

    >>> step_of(50_000, 1280), step_of(50_000, 24_000)
    (3, 25)
    """
    return max(1, -(-count // (min(looked_at, LOOKED_AT_WIDE) if width > WIDE else looked_at)))


def _by_numbers(parts: Iterable[Tensor], count: int) -> Tensor:
    """The directions (P, D) of centred vectors in which they vary most, from their covariance (D, D)."""
    covariance: Tensor | float = 0.0
    for rows in parts:
        covariance = covariance + (rows.T @ rows).double()
    assert isinstance(covariance, Tensor)
    directions: Tensor = torch.linalg.eigh(covariance).eigenvectors.flip(1)[:, :count].T
    return directions


def _by_vectors(parts: Iterable[Tensor], count: int) -> Tensor:
    """The same, in float64, from the products (N, N) of the vectors; those in which they vary at all."""
    vectors = torch.cat(list(parts))
    products = torch.zeros(len(vectors), len(vectors), dtype=torch.float64)
    for columns in vectors.split(ROWS, dim=1):
        products += (columns @ columns.T).double()
    values, weights = (found.flip(-1)[..., :count] for found in torch.linalg.eigh(products))
    some = max(1, int((values > values[0] * NOTHING).sum()))
    directions: Tensor = normalize(weights[:, :some].T.float() @ vectors, dim=1).double()
    return directions
