"""Images of no class are left out of a query, or count for less, as far as skips tell what they look like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ncenet.types import Learner, Pool

if TYPE_CHECKING:
    from torch import Generator, Tensor

NEEDS = frozenset({"features"})
EVEN = 0.5
"""Of images that are weighed those stay that rather belong to a class than not (ours)."""


def of_scope(
    learner: Learner,
    pool: Pool,
    ids: Sequence[str],
    labeled: Sequence[str],
    skipped: Sequence[str],
    *,
    least: int,
    rng: Generator,
    weigh: bool = False,
) -> tuple[list[str], dict[str, float]]:
    """Those of ``ids`` that look more like labelled than like skipped images, by the learner's features.

    Args:
        learner: fitted.
        pool: where the images are.
        ids: what may be asked for.
        labeled: ids of images that have a label.
        skipped: ids of images that were skipped.
        least: so many are kept at least.
        rng: parts the answers, see :func:`ncenet.functional.scope.in_scope`.
        weigh: leave out only what rather belongs to no class, and tell how likely each of the rest has one.

    Returns:
        Ids, in their order; and the chance in [0, 1] of each if they are to be weighed, else none.

    Raises:
        UsageError: the learner predicts no features.
        NonFiniteScore: a feature is nan or inf.
    """
    from ncenet.functional.scope import chance_in_scope, in_scope
    from ncenet.strategies.gather import gather_features

    def features(of: Sequence[str]) -> Tensor:
        return gather_features(learner.predict(pool, of, want=NEEDS), of, "foreign leave-out")

    if not ids or not labeled:
        return list(ids), {}
    # Sorted: the answers are parted alike in whatever order they arrived.
    known = features(ids), features(sorted(labeled)), features(skipped)
    if not weigh:
        inside = in_scope(*known, least=least, rng=rng).tolist()
        return [image for image, keep in zip(ids, inside, strict=True) if keep], {}
    chances = chance_in_scope(*known, rng=rng)
    cut = min(EVEN, float(chances.topk(min(least, len(chances))).values[-1]))
    kept = {image: chance for image, chance in zip(ids, chances.tolist(), strict=True) if chance >= cut}
    return list(kept), kept
