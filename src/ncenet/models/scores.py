"""What a loaded model says of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ncenet.boxes import Detections
from ncenet.counts import count_of
from ncenet.errors import NonFiniteScore

if TYPE_CHECKING:
    import numpy.typing as npt

SHOWN = 3
"""So many images stand in the text of scores; their tables are attributes."""


@dataclass(frozen=True, repr=False)
class Scores:
    """What a classifier, or a committee of them, says of N images.

    Attributes:
        ids: N ids.
        class_names: the C classes.
        likelihood: (N, C) in [0, 1]; rows of an NCE head need not sum to one. Of a committee, the mean.
        rejection: (N,) in [0, C], how far the image is from every class (Eq. 8).
        confusion: (N,) in [1, C], how close the classes are to the likeliest one (Eq. 9).
        vote_entropy: (N,) in nats, how a committee's votes are divided; None of one network.
        consensus_entropy: (N,) in nats, how unsure a committee is on average; None of one network.
        share: (N, C), likelihoods as numbers that mean how often a class is right; rows sum to one. None
            where no temperature is known that makes them.

    Raises:
        NonFiniteScore: a number is nan or inf.
    """

    ids: Sequence[str]
    class_names: tuple[str, ...]
    likelihood: npt.NDArray[np.float32]
    rejection: npt.NDArray[np.float32]
    confusion: npt.NDArray[np.float32]
    vote_entropy: npt.NDArray[np.float32] | None = None
    consensus_entropy: npt.NDArray[np.float32] | None = None
    share: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        _refuse_non_finite(
            self.ids,
            self.likelihood,
            self.rejection,
            self.confusion,
            self.vote_entropy,
            self.consensus_entropy,
        )

    @property
    def predicted(self) -> tuple[str, ...]:
        """The likeliest class of each image."""
        return tuple(self.class_names[c] for c in self.likelihood.argmax(-1))

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        said_of = self.likelihood if self.share is None else self.share
        first = zip(self.ids, self.predicted[:SHOWN], said_of[:SHOWN].max(-1, initial=0), strict=False)
        said = [f"{id} {name} {highest:.2f}" for id, name, highest in first]
        return f"Scores({_shown(said, len(self))}; {count_of(len(self.class_names), 'class', 'classes')})"

    @classmethod
    def joined(cls, chunks: Sequence[Scores]) -> Scores:
        """One after the other; at least one."""
        votes = [chunk.vote_entropy for chunk in chunks if chunk.vote_entropy is not None]
        shares = [chunk.share for chunk in chunks if chunk.share is not None]
        consensus = [chunk.consensus_entropy for chunk in chunks if chunk.consensus_entropy is not None]
        return cls(
            [id for chunk in chunks for id in chunk.ids],
            chunks[0].class_names,
            np.concatenate([chunk.likelihood for chunk in chunks]),
            np.concatenate([chunk.rejection for chunk in chunks]),
            np.concatenate([chunk.confusion for chunk in chunks]),
            np.concatenate(votes) if votes else None,
            np.concatenate(consensus) if consensus else None,
            np.concatenate(shares) if shares else None,
        )


@dataclass(frozen=True, repr=False)
class BoxScores:
    """What a detector says of N images.

    Attributes:
        found: the objects of each image after non-maximum suppression, likeliest first, boxes in its own
            pixels.
        class_names: the C classes.
        rejection: (N,) in [0, C + 1] (``nms-sum``: a sum of such), Eq. 8 on the anchors, background
            included, made one score an image as a query does.
        confusion: (N,) in [1, C + 1] (``nms-sum``: a sum of such), Eq. 9, likewise.

    Raises:
        NonFiniteScore: a number is nan or inf.
    """

    found: tuple[Detections, ...]
    class_names: tuple[str, ...]
    rejection: npt.NDArray[np.float32]
    confusion: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        _refuse_non_finite(self.ids, self.rejection, self.confusion)

    @property
    def ids(self) -> Sequence[str]:
        """N ids."""
        return [each.id for each in self.found]

    def __len__(self) -> int:
        return len(self.found)

    def __repr__(self) -> str:
        said = [f"{each.id} {count_of(len(each), 'object')}" for each in self.found[:SHOWN]]
        return f"BoxScores({_shown(said, len(self))}; {count_of(len(self.class_names), 'class', 'classes')})"

    @classmethod
    def joined(cls, chunks: Sequence[BoxScores]) -> BoxScores:
        """One after the other; at least one."""
        return cls(
            tuple(each for chunk in chunks for each in chunk.found),
            chunks[0].class_names,
            np.concatenate([chunk.rejection for chunk in chunks]),
            np.concatenate([chunk.confusion for chunk in chunks]),
        )


def _shown(said: Sequence[str], count: int) -> str:
    more = ", ..." if count > len(said) else ""
    return f"{count:,} {'image' if count == 1 else 'images'}{': ' if said else ''}{', '.join(said)}{more}"


def _refuse_non_finite(ids: Sequence[str], *columns: npt.NDArray[np.float32] | None) -> None:
    given = [column.reshape(len(ids), -1) for column in columns if column is not None and len(ids)]
    bad = ~np.isfinite(np.concatenate(given, axis=1)).all(axis=1) if given else np.zeros(0, bool)
    if bad.any():
        raise NonFiniteScore(int(bad.sum()), ids[int(bad.argmax())])
