"""What is in scope: pools that hold images of no class, and what skipping them teaches.

Whoever skips an image says that it belongs to no class. A line between labelled and skipped images says of
every other how far it is on which side; where the pool is cut is learned as well, by what the same line says
of answers that it has not seen.

Source: ours. Rejection (Eq. 8) as the number that is cut is measured beside it in benchmarks/open_pool.py.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ncenet.functional.calibration import RIDGE, out_of_fold

TOLD = 0.65
"""So often, at least, a labelled image lies above a skipped one, among answers not seen (ours)."""
PURE = 0.98
"""The pool is cut where so many of the answers above were labels (ours)."""
STEPS = 2000
"""Of a fit: features that were learned may be long, and then it takes hundreds."""
FEW = 4
"""Fewer answers than this set no chances (ours): then the line's own are taken."""


def in_scope(
    pool_ND: Tensor, labeled_LD: Tensor, skipped_SD: Tensor, *, least: int, rng: Generator
) -> Tensor:
    """Which images of a pool belong to some class, by the answers so far.

    Args:
        pool_ND: (N, D) features, finite.
        labeled_LD: (L, D) of images that have a label.
        skipped_SD: (S, D) of images that were skipped.
        least: so many stay at least: those that are most in scope.
        rng: parts the answers, to try the cut on what it has not seen.

    Returns:
        (N,) bool; all True when nothing was skipped, nothing labelled, or skipped images look like labelled
        ones: broken or private, perhaps, but of no kind of their own.

    >>> pool = torch.tensor([[0.0], [0.2], [8.0], [8.3]])
    >>> labeled, skipped = torch.rand(20, 1), 8 + torch.rand(20, 1)
    >>> in_scope(pool, labeled, skipped, least=1, rng=torch.Generator().manual_seed(0))
    tensor([ True,  True, False, False])
    """
    found = _line(pool_ND, labeled_LD, skipped_SD, rng)
    if found is None:
        return torch.ones(len(pool_ND), dtype=torch.bool)
    inside = found.sides >= (purest_cut(found.tried, found.told) if len(found.told) else 0.0)
    if inside.sum() < least:
        inside[found.sides.topk(min(least, len(inside))).indices] = True
    return inside


def chance_in_scope(pool_ND: Tensor, labeled_LD: Tensor, skipped_SD: Tensor, *, rng: Generator) -> Tensor:
    """How likely each image of a pool belongs to some class, by the answers so far.

    For strategies that weigh images, and so need not leave out all that is doubtful.

    Args:
        pool_ND: (N, D) features, finite.
        labeled_LD: (L, D) of images that have a label.
        skipped_SD: (S, D) of images that were skipped.
        rng: parts the answers, to set the chances by what was not learned.

    Returns:
        (N,) float64 in [0, 1]; all 1 where :func:`in_scope` would leave out nothing.

    >>> pool = torch.tensor([[0.0], [0.2], [8.0], [8.3]])
    >>> labeled, skipped = torch.rand(20, 1), 8 + torch.rand(20, 1)
    >>> chance_in_scope(pool, labeled, skipped, rng=torch.Generator().manual_seed(0)) > 0.5
    tensor([ True,  True, False, False])
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    found = _line(pool_ND, labeled_LD, skipped_SD, rng)
    if found is None:
        return torch.ones(len(pool_ND), dtype=torch.float64)
    if len(found.told) < FEW or len(found.told.unique()) < 2:
        return found.sides.sigmoid()
    with threadpool_limits(1):
        scale = LogisticRegression().fit(found.tried[:, None].numpy(), found.told.numpy())
    # A line that says the contrary of the truth, by chance, says nothing.
    return (max(float(scale.coef_[0, 0]), 0.0) * found.sides + float(scale.intercept_[0])).sigmoid()


class _Line(NamedTuple):
    """A line between labelled and skipped images.

    Attributes:
        sides: (N,) how far each image of the pool is on the side of the labels.
        tried: (M,) the same of answers that were left out in turn.
        told: (M,) 1 for those that are labels, 0 for skips.
    """

    sides: Tensor
    tried: Tensor
    told: Tensor


def _line(pool_ND: Tensor, labeled_LD: Tensor, skipped_SD: Tensor, rng: Generator) -> _Line | None:
    """The line; None without a pool or one kind of answer, or where answers left out are not told apart."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    if not (len(pool_ND) and len(labeled_LD) and len(skipped_SD)):
        return None
    pool, answers = in_one_unit(pool_ND, torch.cat([labeled_LD, skipped_SD]))
    labeled = torch.cat([torch.ones(len(labeled_LD)), torch.zeros(len(skipped_SD))]).long()
    with threadpool_limits(1):
        line = LogisticRegression(C=1 / RIDGE, max_iter=STEPS, tol=1e-4).fit(answers.numpy(), labeled.numpy())
        sides = torch.from_numpy(line.decision_function(pool.numpy()))
    said, told = out_of_fold(answers, labeled, rng=rng)
    tried = (said[:, 1] - said[:, 0]).double() if len(told) else sides[:0]
    if len(told) and _told_apart(tried, told) < TOLD:
        return None
    return _Line(sides, tried, told)


def in_one_unit(*parts: Tensor) -> list[Tensor]:
    """Rows (N, D) about their common mean, in such a unit that their mean squared length is 1.

    That is what stored features have, to within half a hundredth, for which the ridge of the line was found;
    of features in a unit of their own the same ridge would be another. One number scales all: what one of
    the features says beside another stays.

    Args:
        parts: rows of the same kind, finite; one row at least in all.

    Returns:
        The parts in float64; rows that are all the same stay so.

    >>> in_one_unit(torch.tensor([[1.0, 0.0], [5.0, 0.0]]), torch.tensor([[3.0, 0.0]]))[0].round(decimals=3)
    tensor([[-1.2250,  0.0000],
            [ 1.2250,  0.0000]], dtype=torch.float64)
    """
    rows, count = [part.to(torch.float64, copy=True) for part in parts], sum(map(len, parts))
    mean = torch.stack([part.sum(0) for part in rows]).sum(0) / count
    lengths = [float(torch.linalg.vector_norm(part.sub_(mean))) for part in rows]
    unit = math.hypot(*lengths) / math.sqrt(count) or 1.0
    return [part.div_(unit) for part in rows]


def purest_cut(sides: Tensor, labeled: Tensor) -> float:
    """The lowest side such that, of the answers at or above it, a part of ``PURE`` were labels."""
    ordered, rows = sides.sort(descending=True)
    pure = labeled[rows].double().cumsum(0) / torch.arange(1, len(rows) + 1) >= PURE
    # Equal sides stand or fall together: the last of each is what counts.
    last = torch.cat([ordered[1:] != ordered[:-1], torch.ones(1, dtype=torch.bool)])
    good = (pure & last).nonzero().flatten()
    return float(ordered[good[-1]]) if len(good) else torch.inf


def _told_apart(sides: Tensor, labeled: Tensor) -> float:
    """How often a label lies above a skip, in [0, 1]; ties count half."""
    above = sides[labeled == 1, None] - sides[labeled == 0]
    return float(((above > 0).double() + (above == 0).double() / 2).mean()) if above.numel() else 1.0
