"""How much weight points of a set cover under the kernel of Eq. 6, and greedily which covers the most.

A gain is kept for each point, and falls when another is picked: by what that one covers better than all
before, which is ever less of the set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ncenet.functional._precision import at_least_float32, middle

ROUNDING = 2e-6
"""A kernel that exceeds the cover by less than this part of it covers nothing new, and a squared distance
below this part of the two squared norms is none: rounding (ours)."""
LONG = 32.0
"""Above this |a|^2 / (2 R^2) distances are looked at for rounding; below, a kernel shows none (ours)."""
TIE = 1e-5
"""Gains within this part of the largest count as equal (ours): float32 can't tell them apart."""
DRIFT = 1e-6
"""What is taken off a gain may be wrong by this part of what the gain was (ours): then it is summed anew."""
PICKED = -torch.inf
"""Gain of a point that has been picked: below every other."""


@dataclass(frozen=True)
class HerdSizes:
    """Sizes that herding works with (ours, by benchmarks/herding.py): more memory for less time.

    Attributes:
        whole: points whose kernel is kept in memory, 400 MB: of a larger pool so many propose at a time.
        many: of a larger pool pairs are kept from one pick in so many points on; below, going through the
            kernel takes longer than judging.
        picks: a further part is drawn for so many picks.
        judges: points that tell what those that lead in a part cover of the whole pool, drawn from a larger.
        front: points that are judged at a time.
        first: picks before pairs are kept.
        pairs: pairs that are kept at a time: 16 bytes each, and some more while they are sorted.
        largest: points of a part of which pairs are kept: its time grows with their square, that of all parts
            with their number.
        block: rows and columns of one matrix product; changes no pick.
        rows: points whose change of cover is worked in at a time; changes no pick.
    """

    whole: int = 10_000
    many: int = 20
    picks: int = 100
    judges: int = 50_000
    front: int = 32
    first: int = 100
    pairs: int = 30_000_000
    largest: int = 60_000
    block: int = 1024
    rows: int = 64

    def blocks(self, count: int, start: int = 0) -> Iterator[slice]:
        """From a start to a count in steps of ``block``."""
        return (slice(at, min(at + self.block, count)) for at in range(start, count, self.block))


class Kernel:
    """Eq. 6 between some points and vectors.

    Args:
        points_MD: the points.
        radius: R.
        offset: what is taken off all vectors, see :func:`ncenet.functional._precision.middle`.
        sizes: of its blocks.
    """

    def __init__(self, points_MD: Tensor, radius: float, offset: Tensor, sizes: HerdSizes) -> None:
        self.radius, self.offset, self.sizes = radius, offset, sizes
        self.points = self.scaled(points_MD)
        self.norms = self.points.square().sum(1) / 2

    def scaled(self, vectors: Tensor) -> Tensor:
        """In units of the radius, so that the kernel is exp(a.b - |a|^2 / 2 - |b|^2 / 2).

        Raises:
            ValueError: a vector is more radii long than float32 can square.
        """
        scaled = ((at_least_float32(vectors) - self.offset) / self.radius).float()
        if not scaled.square().sum(1).isfinite().all():
            raise ValueError(f"a radius of {self.radius:g} is too small: distances in radii overflow float32")
        return scaled

    def __call__(self, rows: slice, vectors_BD: Tensor) -> Tensor:
        """Between some of the points and vectors in units of the radius, (rows, B)."""
        return self.logarithms(rows, vectors_BD).exp_()

    def logarithms(self, rows: slice, vectors_BD: Tensor) -> Tensor:
        """The same as logarithms, at most 0."""
        own, norms = self.norms[rows, None], vectors_BD.square().sum(1) / 2
        exponent = torch.addmm(norms, self.points[rows], vectors_BD.T, beta=-1)
        return _distances(exponent, own, norms)

    def from_few(self, vectors_FD: Tensor) -> Tensor:
        """Between a few vectors in units of the radius and all points, (F, M): a row for each vector."""
        kernels = vectors_FD.new_empty(len(vectors_FD), len(self.norms))
        own = vectors_FD.square().sum(1, keepdim=True) / 2
        for some in self.sizes.blocks(len(self.norms)):
            block, norms = kernels[:, some], self.norms[some]
            torch.addmm(norms, vectors_FD, self.points[some].T, beta=-1, out=block)
            _distances(block, own, norms)
        return kernels.exp_()

    def covered_by(self, centers_LD: Tensor) -> Tensor:
        """The largest kernel between each point and a centre, (M,); 0 without any."""
        cover = torch.zeros_like(self.norms)
        for some in self.sizes.blocks(len(centers_LD)):
            vectors = self.scaled(centers_LD[some])
            for rows in self.sizes.blocks(len(cover)):
                cover[rows] = torch.maximum(cover[rows], self(rows, vectors).amax(1))
        return cover


def _distances(products: Tensor, own_B1: Tensor, others_M: Tensor) -> Tensor:
    """From a.b - |b|^2 / 2, (B, M), in place -|a - b|^2 / 2, at most 0; own and others' are |.|^2 / 2."""
    exponent = products.sub_(own_B1).clamp_max_(0)
    # A vector many radii long: its distance to a neighbour is a difference that rounding may decide.
    if exponent.numel() and float(others_M.max()) + float(own_B1.max()) > LONG:
        exponent[exponent > -ROUNDING * (own_B1 + others_M)] = 0
    return exponent


class GreedyCover:
    """The kernel between the points of a part, what covers them, and what each would cover beyond that.

    Args:
        part_MD: the points.
        radius: R.
        weights_M: their weights.
        centers_LD: what covers to begin with.
        sizes: of blocks and rows.
    """

    def __init__(
        self, part_MD: Tensor, radius: float, weights_M: Tensor, centers_LD: Tensor, sizes: HerdSizes
    ) -> None:
        kernel = Kernel(part_MD, radius, middle(part_MD), sizes)
        self.weights, self.sizes = weights_M, sizes
        self.cover = kernel.covered_by(centers_LD)
        self.between = self.cover.new_empty(len(part_MD), len(part_MD))
        for rows in sizes.blocks(len(part_MD)):
            for columns in sizes.blocks(len(part_MD), rows.start):
                block = kernel(rows, kernel.points[columns])
                self.between[rows, columns] = block
                self.between[columns, rows] = block.T.contiguous()  # written twice as fast
        self.gains = torch.zeros_like(self.cover, dtype=torch.float64)
        self.drift, self.changed = (
            torch.zeros_like(self.gains),
            torch.zeros_like(self.gains, dtype=torch.bool),
        )
        self.sum_anew(torch.arange(len(part_MD), device=part_MD.device))

    def sum_anew(self, points: Tensor) -> None:
        """Gains of some points from their kernels: max(0, k - cover), without what is rounding alone."""
        covered = self.cover * (1 + ROUNDING)
        for rows in points.split(self.sizes.rows):
            self.gains[rows] = ((self.between[rows] - covered).clamp_min_(0) @ self.weights).double()
        self.drift[points], self.changed[points] = DRIFT * self.gains[points], False

    def leader(self) -> tuple[int, float]:
        """The point with the largest gain, of equal ones the first, and its gain."""
        while True:
            best = float(self.gains.max())
            near = (self.gains + self.drift >= best * (1 - TIE)).nonzero().flatten()
            vague = near[self.changed[near] & (self.drift[near] > TIE * best)]
            if not len(vague):
                first = int((self.gains >= best * (1 - TIE)).nonzero()[0])
                return first, float(self.gains[first])
            self.sum_anew(vague)

    def add(self, index: int) -> None:
        """Make a point a centre, and take off what that leaves the others to cover."""
        new = self.between[index]
        changed = (new > self.cover).nonzero().flatten()
        self.changed[:] = True
        for rows in changed.split(self.sizes.rows):
            before = (self.cover[rows] * (1 + ROUNDING))[:, None]
            after = (new[rows] * (1 + ROUNDING))[:, None]
            lost = self.between[rows].clamp_(before, after).sub_(before)
            self.gains -= self.weights[rows] @ lost
        self.cover[changed] = new[changed]
        self.gains[index], self.drift[index] = PICKED, 0
