"""What the model of a cycle says of the images of the pool, in a file that needs no network to be read.

``opinions.npz`` lies in the folder of the cycle: ids, classes, shares (see :mod:`ncenet.run.shares`) and, for
each image, the nearest others. The page reads it: it suggests, explains, groups and filters by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ncenet.arrays import read_npz
from ncenet.errors import DamagedRecord, DataError
from ncenet.files import whole
from ncenet.run.folder import CycleFolder

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class Opinions:
    """What a model says of N images.

    Attributes:
        cycle: whose model.
        ids: the images.
        class_names: the C classes that it knows.
        shares: (N, C) in [0, 1], rows sum to one.
        scores: (N, 2), rejection and confusion (Eq. 8, 9).
        nearest: (N, K), rows of the images whose features are nearest, the nearest first.
        cosines: (N, K), how near those are.
        copies: (N,), row of the image that stands for each and its near copies.
    """

    cycle: int
    ids: tuple[str, ...]
    class_names: tuple[str, ...]
    shares: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    nearest: npt.NDArray[np.int32]
    cosines: npt.NDArray[np.float32]
    copies: npt.NDArray[np.int32]

    @cached_property
    def row(self) -> dict[str, int]:
        """Row of each image."""
        return {id: n for n, id in enumerate(self.ids)}

    def likeliest(self, id: str, count: int = 3) -> list[tuple[str, float]]:
        """The likeliest classes of an image, and their shares."""
        shares = self.shares[self.row[id]]
        return [(self.class_names[c], round(float(shares[c]), 4)) for c in np.argsort(-shares)[:count]]

    @cached_property
    def sets(self) -> dict[int, tuple[str, ...]]:
        """Images that are near copies of each other, by the row of the one that stands for them."""
        found: dict[int, tuple[str, ...]] = {}
        for n in np.flatnonzero(np.bincount(self.copies, minlength=len(self.ids))[self.copies] > 1).tolist():
            row = int(self.copies[n])
            found[row] = (*found.get(row, ()), self.ids[n])
        return found

    def copies_of(self, id: str) -> tuple[str, ...]:
        """The near copies of an image, itself left out."""
        row = self.row.get(id)
        return () if row is None else tuple(o for o in self.sets.get(int(self.copies[row]), ()) if o != id)

    def near(self, id: str) -> list[tuple[str, float]]:
        """The nearest images, and the cosines."""
        n = self.row[id]
        pairs = zip(self.nearest[n].tolist(), self.cosines[n].tolist(), strict=True)
        return [(self.ids[row], cosine) for row, cosine in pairs]


def write_opinions(files: CycleFolder, said: Opinions) -> None:
    """Write ``opinions.npz``, whole or not at all."""
    with whole(files.opinions) as partial, partial.open("wb") as file:
        np.savez(
            file,
            cycle=np.array(said.cycle),
            ids=_packed(said.ids),
            class_names=_packed(said.class_names),
            shares=said.shares.astype(np.float16),
            scores=said.scores.astype(np.float32),
            nearest=said.nearest.astype(np.int32),
            cosines=said.cosines.astype(np.float16),
            copies=said.copies.astype(np.int32),
        )


def read_opinions(files: CycleFolder) -> Opinions | None:
    """Read ``opinions.npz``; None when it is not there.

    Raises:
        DamagedRecord: it is damaged.
    """
    if not files.opinions.exists():
        return None
    try:
        found = read_npz(files.opinions)
        ids = _unpacked(found["ids"])
        said = Opinions(
            int(found["cycle"]),
            ids,
            _unpacked(found["class_names"]),
            found["shares"].astype(np.float32),
            found["scores"].astype(np.float32),
            found["nearest"].astype(np.int32),
            found["cosines"].astype(np.float32),
            # Files from before near copies were sought have none.
            found["copies"].astype(np.int32) if "copies" in found else np.arange(len(ids), dtype=np.int32),
        )
        _check(said)
        return said
    except DataError as error:
        raise DamagedRecord(files.opinions, str(error).removeprefix(f"{files.opinions}: ")) from None
    except (KeyError, ValueError, TypeError, UnicodeDecodeError) as error:
        raise DamagedRecord(files.opinions, " ".join(str(error).split()) or type(error).__name__) from None


def _check(said: Opinions) -> None:
    """Whether everything is said of each image, and rows that stand for images are rows.

    Raises:
        ValueError: why not.
    """
    n, classes, (_, near) = len(said.ids), len(said.class_names), said.nearest.shape
    shapes = {
        "shares": (said.shares, (n, classes)),
        "scores": (said.scores, (n, 2)),
        "cosines": (said.cosines, (n, near)),
        "nearest": (said.nearest, (n, near)),
        "copies": (said.copies, (n,)),
    }
    for name, (array, shape) in shapes.items():
        if array.shape != shape:
            raise ValueError(f"{name} is {array.shape}, and there are {n} images and {classes} classes")
    rows = np.concatenate([said.nearest.reshape(-1), said.copies])
    if rows.size and not 0 <= rows.min() <= rows.max() < n:
        raise ValueError("it names rows that are not there")
    if not np.isfinite(said.shares).all():
        raise ValueError("shares hold nan or inf")


def _packed(texts: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    """Texts end with NUL, which is in none of them; an array of texts would be as wide as the longest."""
    return np.frombuffer("".join(f"{text}\0" for text in texts).encode(), np.uint8)


def _unpacked(packed: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    return tuple(packed.tobytes().decode().split("\0")[:-1])
