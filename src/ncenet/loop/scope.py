"""Images of no class are left out of a query, as far as skipped ones tell what they look like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ncenet.types import Learner, Pool

if TYPE_CHECKING:
    from torch import Generator, Tensor

NEEDS = frozenset({"features"})


def of_scope(
    learner: Learner,
    pool: Pool,
    ids: Sequence[str],
    labeled: Sequence[str],
    skipped: Sequence[str],
    *,
    least: int,
    rng: Generator,
) -> list[str]:
    """Those of ``ids`` that look more like labelled than like skipped images, by the learner's features.

    Args:
        learner: fitted.
        pool: where the images are.
        ids: what may be asked for.
        labeled: ids of images that have a label.
        skipped: ids of images that were skipped.
        least: so many are kept at least.
        rng: parts the answers, see :func:`ncenet.functional.scope.in_scope`.

    Raises:
        UsageError: the learner predicts no features.
        NonFiniteScore: a feature is nan or inf.
    """
    from ncenet.functional.scope import in_scope
    from ncenet.strategies.gather import gather_features

    def features(of: Sequence[str]) -> Tensor:
        return gather_features(learner.predict(pool, of, want=NEEDS), of, "foreign leave-out")

    if not ids or not labeled:
        return list(ids)
    # Sorted: the answers are parted alike in whatever order they arrived.
    inside = in_scope(features(ids), features(sorted(labeled)), features(skipped), least=least, rng=rng)
    return [image for image, keep in zip(ids, inside.tolist(), strict=True) if keep]
