"""Vectors that are the data themselves: a pool that holds no images, with ``model.features: data``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from ncenet.counts import count_of
from ncenet.data.pools import VectorRows
from ncenet.errors import UnreadableImage
from ncenet.recipe import OWN
from ncenet.types import Pool

if TYPE_CHECKING:
    import numpy.typing as npt

LEAST = 64
"""From so many numbers on, vectors are taken for those of a network, whose head learns alone (ours).

Fewer are often measurements in units of their own, of which the length-1 map of such a head loses much; see
``docs/features.md``.
"""


class OwnVectors(VectorRows):
    """A pool of vectors, as the learner sees those of a network.

    Args:
        pool: the vectors.
        sound: ids of those that can be read, in the order of the pool.
    """

    def __init__(self, pool: Pool, sound: Sequence[str]) -> None:
        self.pool, self._sound, self._dim = pool, list(sound), _length(pool, sound)

    @property
    def dim(self) -> int:
        """D."""
        return self._dim

    @property
    def fingerprint(self) -> str:
        """Nothing says what made them: the same for all."""
        return OWN

    def ids(self) -> Sequence[str]:
        """Those of the pool."""
        return self.pool.ids()

    def content_hash(self, id: str) -> str:
        """That of the pool."""
        return self.pool.content_hash(id)

    def load(self, id: str) -> npt.NDArray[np.float32]:
        """The vector (D,).

        Raises:
            UnreadableImage: it holds nan or inf.
            DataError: there is no such id.
        """
        return np.asarray(self.pool.load(id), np.float32)

    def rows(self, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors (N, D) in the order of ``ids``; raises as :meth:`load`."""
        found = np.empty((len(ids), self._dim), np.float32)
        for row, id in enumerate(ids):
            found[row] = self.pool.load(id)
        return found

    def present(self, ids: Sequence[str]) -> list[str]:
        """All of them."""
        return list(ids)

    def known(self) -> list[str]:
        """Those that can be read."""
        return self._sound


def network_of(pool: Pool, *, trained: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Changes by which a run learns on vectors: a head alone on many numbers, a perceptron on few.

    Args:
        pool: the vectors.
        trained: somebody says how a network is to be trained, so one is, whatever the length.
        say: told which.

    Returns:
        By dotted path; nothing where no vector can be read, which a look at all of them tells.
    """
    length = _length(pool, pool.ids())
    if not length:
        return {}
    numbers = f"the data are vectors of {count_of(length, 'number')}"
    if trained or length < LEAST:
        say(f"backbone     mlp: {numbers}, and a perceptron learns on them")
        return {"model.backbone": "mlp"}
    say(f"features     data: {numbers}, and a head learns on them; `model.backbone=mlp` trains a perceptron")
    return {"model.features": OWN}


def _length(pool: Pool, ids: Sequence[str]) -> int:
    """D, by the first vector that can be read; 0 where there is none."""
    for id in ids:
        with suppress(UnreadableImage):
            return int(pool.load(id).shape[0])
    return 0
