"""NumPy's files, from whomever: regular files without programs in them, that fit into memory."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncenet.counts import count_of
from ncenet.errors import DataError
from ncenet.text_files import check_regular

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SHARE_OF_MEMORY = 0.5
"""Of the machine's, that the arrays of one file may take (ours)."""
LOOKED_AT, NUMBERS = 2_000, 4_000_000
"""Vectors, and numbers in them, that say how all lie (ours): 2 tenths of a second and 32 MB."""
MOST_LOST = 0.01
"""Of the deviation of vectors, in single precision (ours)."""
FAR = 1e4
"""A vector so many times as far from the middle of all as nearly all others is a mistake (ours): it moves the
mean to where all others look alike."""
NEARLY_ALL = 0.95
"""Share of the vectors that lie as far as is usual, or nearer (ours): most may be of one image, or nearly."""
ALIKE = 2**-23 / MOST_LOST
"""Vectors that differ by a smaller part of their length are one image's, but for rounding in single precision
(ours): of few vectors most may be."""
PART = 4096
"""Vectors in double precision at a time."""
_LED_TO = (
    ValueError,
    EOFError,
    RuntimeError,
    LookupError,
    SyntaxError,
    TypeError,
    ArithmeticError,
    zlib.error,
)
"""What NumPy, zipfile and their decompressors make of a stranger's bytes."""


def read_npz(file: Path) -> dict[str, npt.NDArray[Any]]:
    """All arrays of an archive, by name.

    Raises:
        DataError: it can't be read, holds something else than arrays of plain values, or more than fits.
    """
    import numpy as np

    with _explained(file, "not an archive of arrays that can be read"), file.open("rb") as data:
        with zipfile.ZipFile(data) as archive:  # a few bytes of it may say that they unpack to anything
            check_memory(sum(member.file_size for member in archive.infolist()))
        data.seek(0)
        with np.load(data, allow_pickle=False) as members:
            arrays = {name: members[name] for name in members.files}
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):
                raise ValueError(f"{name!r} is no array")
        return arrays


def map_npy(file: Path) -> npt.NDArray[Any]:
    """The array of a file, which stays on the disk until it is looked at.

    Raises:
        DataError: it can't be read, or holds something else than one array of plain values.
    """
    import numpy as np

    with _explained(file, "no array that can be read"):
        array: npt.NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("it is an archive of several")
        return array


def check_vectors(vectors: npt.NDArray[Any], where: object, name: Callable[[int], str]) -> None:
    """Make sure that vectors can be compared in single precision, in which all are.

    Args:
        vectors: (N, D) numbers of any kind, D at least 1; perhaps on the disk: read a part at a time.
        where: the file in which they stand, or what they are called.
        name: what a row is called.

    Raises:
        DataError: one holds nan, inf or more than single precision can, some are absurdly far from all
            others, or single precision rounds off what sets them apart.
    """
    import numpy as np

    with np.errstate(over="ignore"):  # told below
        finite = [np.isfinite(part.astype(np.float32, copy=False)).all(1) for part in _parts(vectors)]
    if bad := sum(int((~rows).sum()) for rows in finite):
        raise DataError(
            f"{where}: {count_of(bad, 'vector holds', 'vectors hold')} nan, inf or what single precision "
            f"can't, the first of {name(int(np.argmin(np.concatenate(finite))))}"
        )
    if len(vectors):
        check_far(vectors, where, name)
        _check_precision(vectors, where)


def check_far(vectors: npt.NDArray[Any], where: object, name: Callable[[int], str]) -> None:
    """Make sure that no vector is absurdly far from all others.

    Args:
        vectors: (N, D) finite numbers, N at least 1, perhaps on the disk.
        where: the file in which they stand, or what they are called.
        name: what a row is called.

    Raises:
        DataError: some are, :data:`FAR` times as far as :data:`NEARLY_ALL`; names the farthest.
    """
    import numpy as np

    some = _some(vectors)
    middle = np.median(some, 0)
    away = np.linalg.norm(some - middle, axis=1)
    apart = away[away > ALIKE * np.linalg.norm(middle)]
    if not len(apart):
        return
    usual = float(np.quantile(apart, NEARLY_ALL, method="lower"))
    times = np.concatenate([np.linalg.norm(part - middle, axis=1) for part in _parts(vectors)]) / usual
    if count := int((times > FAR).sum()):
        row = int(times.argmax())
        raise DataError(
            f"{where}: {count_of(count, 'vector lies', 'vectors lie')} more than {FAR:,.0f} times as far "
            "from the middle as others do, that of "
            f"{name(row)} {times[row]:,.0f} times: mend it or leave it out"
        )


def _check_precision(vectors: npt.NDArray[Any], where: object) -> None:
    import numpy as np

    some = _some(vectors)
    apart, lost = ((rows - rows[0]).std(0) for rows in (some, some.astype(np.float32) - some))
    apart, lost = np.linalg.norm(apart), np.linalg.norm(lost)
    if lost > MOST_LOST * apart:
        raise DataError(
            f"{where}: the vectors lie so far from zero that single precision rounds off "
            f"{lost / apart:.0%} of what sets them apart: subtract their mean"
        )


def _some(vectors: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Of many vectors some, evenly spread, in double precision."""
    import numpy as np

    most = max(100, min(LOOKED_AT, NUMBERS // vectors.shape[1]))
    return np.asarray(vectors[:: -(-len(vectors) // most)], np.float64)


def _parts(vectors: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    return (vectors[start : start + PART] for start in range(0, len(vectors), PART))


def check_memory(size: int) -> None:
    """Make sure that what is unpacked at once fits into memory.

    Args:
        size: in bytes.

    Raises:
        ValueError: it doesn't.
    """
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return
    most = SHARE_OF_MEMORY * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if size > most:
        raise ValueError(
            f"unpacked it has {size / 1e9:,.0f} GB, more than {SHARE_OF_MEMORY:.0%} of this machine's memory"
        )


@contextmanager
def _explained(file: Path, what: str) -> Iterator[None]:
    try:
        check_regular(file)
        yield
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except MemoryError as error:
        raise DataError(f"{file}: {what}: it says that it holds more than fits into memory") from error
    except zipfile.BadZipFile as error:
        raise DataError(f"{file}: {what}: no archive, or a broken one") from error
    except _LED_TO as error:
        said = " ".join(str(error).split())[:200]
        if "allow_pickle" in said:
            said = "it holds Python objects, which can't be read without running code"
        raise DataError(f"{file}: {what}: {said}") from error
