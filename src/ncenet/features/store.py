"""Vectors on disk, each under the content hash of its image; any number of processes read and write.

::

    features/
    └── lite0-1f0a…/                 one folder for each fingerprint
        ├── about.json               whose vectors these are
        ├── .lock                    held while chunks are merged
        └── 1764380000-4711-0.arrow  a chunk: columns hash and vector, never changed once it is there

A chunk is an Arrow file (IPC, uncompressed), read by memory map: what nobody asks for is not read. It takes
its name when it is whole, so a killed process loses the chunk that it was at. Vectors are kept in half
precision, or in single where they are too large for that.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from ncenet.class_names import shown
from ncenet.errors import DataError
from ncenet.files import LOCK, whole, write_json
from ncenet.tables import pyarrow
from ncenet.text_files import read_json

if TYPE_CHECKING:
    import numpy.typing as npt

FORMAT = "ncenet-features-1"
MERGED_ROWS = 1 << 16
"""Chunks are merged up to so many rows (ours): a million vectors are sixteen files."""
MANY = 32
"""So many chunks that could be merged are left alone (ours)."""

_number = itertools.count()


class _Chunk(NamedTuple):
    """A chunk in the memory map.

    Attributes:
        hashes: (N, 2) uint64, the 128 bits of each content hash.
        vectors: (N, D) float16 or float32.
    """

    hashes: npt.NDArray[np.uint64]
    vectors: npt.NDArray[Any]


class Store:
    """The vectors of one extractor.

    Args:
        root: folder of all stores.
        name: of the extractor.
        fingerprint: of the extractor; vectors of another are never mixed with its own.

    Attributes:
        folder: where its chunks are; made with the first.
        damaged: files that were no whole chunks, under the name by which they were set aside.

    Raises:
        DataError: the folder is a store of another version, or none.
    """

    def __init__(self, root: Path, name: str, fingerprint: str) -> None:
        self.folder = root / f"{_plain(name)}-{fingerprint[:16]}"
        self.name, self.fingerprint = name, fingerprint
        self.damaged: list[Path] = []
        self._lock = FileLock(self.folder / LOCK)  # whose holder may take it again
        self._chunks: dict[str, _Chunk] = {}
        self._index: tuple[npt.NDArray[Any], ...] | None = None
        self._check()
        self.refresh()

    def __len__(self) -> int:
        return sum(len(chunk.hashes) for chunk in self._chunks.values())

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return sum(file.stat().st_size for file in self.folder.glob("*.arrow"))

    def refresh(self) -> None:
        """Take up what other processes have written or merged meanwhile."""
        if not self.folder.is_dir():
            self._chunks, self._index = {}, None
            return
        names = {file.name for file in self.folder.glob("*.arrow")}
        if names == self._chunks.keys():
            return
        chunks = {name: chunk for name, chunk in self._chunks.items() if name in names}
        for name in sorted(names - chunks.keys()):
            # A file that is gone was merged by another process into one that is there.
            with contextlib.suppress(FileNotFoundError):
                width = next((chunk.vectors.shape[1] for chunk in chunks.values()), None)
                chunk = self._read(self.folder / name, width)
                if chunk is not None:
                    chunks[name] = chunk
        self._chunks, self._index = chunks, None

    def has(self, hashes: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which of these images have a vector (N,)."""
        return self._find(hashes) >= 0

    def get(self, hashes: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors (N, D) of images.

        Args:
            hashes: their content hashes.

        Raises:
            KeyError: one has none; see :meth:`has`.
            DataError: one holds nan or inf.
        """
        places = self._find(hashes)
        if (places < 0).any():
            raise KeyError(hashes[int(np.argmax(places < 0))])
        chunks = list(self._chunks.values())
        if not chunks:
            return np.zeros((0, 0), np.float32)
        table = np.empty((len(places), chunks[0].vectors.shape[1]), np.float32)
        starts = np.cumsum([0, *(len(chunk.hashes) for chunk in chunks)])
        owners = np.searchsorted(starts, places, side="right") - 1
        for number in np.unique(owners):
            mine = owners == number
            table[mine] = chunks[number].vectors[places[mine] - starts[number]]
        if not np.isfinite(table).all():
            bad = owners[int(np.argmax(~np.isfinite(table).all(1)))]
            raise DataError(
                f"{self.folder / list(self._chunks)[bad]}: damaged: a vector holds nan or inf; remove the "
                "file, and its images are embedded again"
            )
        return table

    def put(self, hashes: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors: all of them or, when the process is killed meanwhile, none.

        Args:
            hashes: N content hashes.
            vectors: (N, D), finite.

        Raises:
            DataError: a vector holds nan or inf or has another length than those before, or the disk is full.
        """
        if not len(hashes):
            return
        width = next((chunk.vectors.shape[1] for chunk in self._chunks.values()), vectors.shape[1])
        if vectors.shape[1] != width:
            raise DataError(
                f"{self.name}: says {vectors.shape[1]} numbers of an image, and the vectors in {self.folder} "
                f"have {width}"
            )
        if not np.isfinite(vectors).all():
            row = int(np.argmax(~np.isfinite(vectors).all(1)))
            raise DataError(f"{self.name}: the vector of the image of hash {hashes[row]} holds nan or inf")
        fits = float(np.abs(vectors).max()) < float(np.finfo(np.float16).max)
        self._write(_packed(hashes), vectors.astype(np.float16 if fits else np.float32))
        self.refresh()

    def add(self, hashes: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors as :meth:`put` does, but those that another process has kept meanwhile.

        Args:
            hashes: N content hashes.
            vectors: (N, D), finite.

        Raises:
            DataError: as for :meth:`put`.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise self._not_written(error) from error
        try:
            self.refresh()
            new = ~self.has(hashes)
            self.put([hash for hash, wanted in zip(hashes, new, strict=True) if wanted], vectors[new])
        finally:
            self._lock.release()

    def merge(self, *, many: int = MANY, rows: int = MERGED_ROWS) -> None:
        """Make few chunks of many; another process that reads them goes on.

        Args:
            many: so many chunks that could be merged are left alone.
            rows: chunks are merged up to so many.
        """
        small = {n: c for n, c in self._chunks.items() if len(c.hashes) < rows}
        if len(small) <= many:
            return
        # Nothing is lost where it can't be done, in a folder that is only read, say, or on a full disk.
        with (
            contextlib.suppress(Timeout, OSError, DataError),
            self._lock.acquire(timeout=0),
        ):
            self.refresh()
            small = {n: c for n, c in self._chunks.items() if len(c.hashes) < rows}
            for names in _together(small, rows):
                of = [small[name] for name in names]
                kind = np.result_type(*(chunk.vectors.dtype for chunk in of))
                vectors = np.concatenate([chunk.vectors.astype(kind, copy=False) for chunk in of])
                self._write(np.concatenate([chunk.hashes for chunk in of]), vectors)
                for name in names:
                    with contextlib.suppress(OSError):  # on some systems an open file can't be removed
                        (self.folder / name).unlink()
            self.refresh()

    def clear(self) -> None:
        """Remove all vectors of this extractor.

        Raises:
            DataError: they cannot be removed.
        """
        remove(self.folder)
        self.refresh()

    def _check(self) -> None:
        file = self.folder / "about.json"
        if not self.folder.is_dir() or not file.exists():
            return
        try:
            about = read_json(file)
        except DataError:
            about = {}
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            found = about.get("format") if isinstance(about, dict) else None
            raise DataError(
                f"{file}: a store of another version ({shown(found)}; this one writes {FORMAT!r}): remove "
                "the folder, and its images are embedded again"
            )

    def _read(self, file: Path, width: int | None) -> _Chunk | None:
        """A chunk of vectors of that length; None for a damaged file, which is set aside."""
        arrow = pyarrow("the store of features")
        try:
            with arrow.memory_map(str(file)) as source:
                table = arrow.ipc.open_file(source).read_all()
            hashes = table["hash"].chunk(0).buffers()[1]  # a chunk is one batch; combining would copy it
            column = table["vector"].chunk(0)
            values = column.values.to_numpy(zero_copy_only=True)
            packed = np.frombuffer(hashes, np.uint64).reshape(-1, 2)[: len(table)]
            return _Chunk(packed, values.reshape(len(table), -1 if width is None else width))
        except FileNotFoundError:
            raise
        except (arrow.ArrowException, OSError, KeyError, ValueError, IndexError, AttributeError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # the system's own, of a sound file
                why = os.strerror(error.errno).lower()  # Arrow's own sentence names the file twice
                raise DataError(f"{file}: vectors cannot be read: {why}") from error
            aside = file.with_suffix(".damaged")
            with contextlib.suppress(OSError):
                file.replace(aside)
            self.damaged.append(aside)
            return None

    def _write(self, packed: npt.NDArray[np.uint64], vectors: npt.NDArray[Any]) -> None:
        arrow = pyarrow("the store of features")
        n, width = vectors.shape
        hashes = arrow.Array.from_buffers(arrow.binary(16), n, [None, arrow.py_buffer(packed.tobytes())])
        flat = arrow.array(np.ascontiguousarray(vectors).reshape(-1))
        column = arrow.FixedSizeListArray.from_arrays(flat, width)
        table = arrow.table({"hash": hashes, "vector": column})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / "about.json").exists():
                about = {"format": FORMAT, "name": self.name, "fingerprint": self.fingerprint}
                with self._lock:
                    write_json(self.folder / "about.json", about)
            file = self.folder / f"{time.time_ns() // 1000}-{os.getpid()}-{next(_number)}.arrow"
            with whole(file) as partial, partial.open("wb") as sink:
                with arrow.ipc.new_file(sink, table.schema) as writer:
                    writer.write_table(table)
                sink.flush()
                os.fsync(sink.fileno())
        except OSError as error:
            raise self._not_written(error) from error

    def _not_written(self, error: OSError) -> DataError:
        return DataError(
            f"{self.folder}: vectors cannot be written: {(error.strerror or str(error)).lower()}; those that "
            "were written before are safe. Make room, or name another folder in XDG_CACHE_HOME"
        )

    def _find(self, hashes: Sequence[str]) -> npt.NDArray[np.int64]:
        """Row of each hash over all chunks, in their order; -1 where there is none."""
        wanted = _packed(hashes)
        if self._index is None:
            chunks = [chunk.hashes for chunk in self._chunks.values()]
            every = np.concatenate(chunks) if chunks else np.zeros((0, 2), np.uint64)
            order = np.argsort(every[:, 0], kind="stable")
            self._index = every[order, 0], every[order, 1], order
        first, second, order = self._index
        if not len(first):
            return np.full(len(wanted), -1)
        place = np.minimum(np.searchsorted(first, wanted[:, 0]), len(first) - 1)
        while True:  # hashes that agree in their first half stand side by side
            same = first[place] == wanted[:, 0]
            onwards = same & (second[place] != wanted[:, 1]) & (place + 1 < len(first))
            if not onwards.any():
                break
            place = place + onwards
        same &= second[place] == wanted[:, 1]
        return np.where(same, order[place], -1)


def stores(root: Path) -> Iterator[Store | Path]:
    """All stores; of one that another version made, or that doesn't say what it is, the folder.

    Args:
        root: folder of all stores.
    """
    for file in sorted(root.glob("*/about.json")):
        try:
            about = read_json(file)
            store = Store(root, about["name"], about["fingerprint"])
        except (DataError, KeyError, TypeError, AttributeError):
            yield file.parent
        else:
            yield store if store.folder == file.parent else file.parent


def remove(folder: Path) -> None:
    """Remove the folder of a store, if it is there.

    Raises:
        DataError: it cannot be removed.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataError(f"{folder}: cannot be removed: {(error.strerror or str(error)).lower()}") from error


def _packed(hashes: Sequence[str]) -> npt.NDArray[np.uint64]:
    return np.frombuffer(bytes.fromhex("".join(hashes)), np.uint64).reshape(-1, 2)


def _together(chunks: Mapping[str, _Chunk], most: int) -> Iterator[list[str]]:
    """Names of chunks that are merged into one, up to so many rows."""
    names: list[str] = []
    rows = 0
    for name, chunk in chunks.items():
        if rows + len(chunk.hashes) > most and names:
            yield names
            names, rows = [], 0
        names.append(name)
        rows += len(chunk.hashes)
    if len(names) > 1:
        yield names


def _plain(name: str) -> str:
    """A name as a part of a path.

    >>> _plain("timm:vit_small/x")
    'timm_vit_small_x'
    """
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80]
