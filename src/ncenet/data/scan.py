"""One look at every image before anything depends on it: what is broken, what is there twice, what size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ncenet.counts import count_of
from ncenet.data.pools import probe, stamp
from ncenet.data.scan_cache import Look, read_looks, write_looks
from ncenet.errors import UnreadableImage

if TYPE_CHECKING:
    from ncenet.types import Pool

DEFAULT_SIDE = 64
_CHUNK = 64


class Sizes(NamedTuple):
    """Sizes of the images that can be read, in pixels.

    Attributes:
        smallest: shortest side of any.
        largest: longest side of any.
        common: (height, width), when all agree on it.
    """

    smallest: int
    largest: int
    common: tuple[int, int] | None

    def default_side(self) -> int:
        """The side to resize to when nobody said: their own, if all are equal squares up to 64, else 64.

        >>> Sizes(28, 28, (28, 28)).default_side(), Sizes(28, 640, None).default_side()
        (28, 64)
        """
        if self.common is not None and self.common[0] == self.common[1] <= DEFAULT_SIDE:
            return self.common[0]
        return DEFAULT_SIDE


@dataclass(frozen=True, repr=False)
class Scan:
    """What a look at every image found.

    Attributes:
        hashes: content hash by id, of the images that can be read, in the order of the pool.
        problems: the images that cannot be read, with the reason, in the order of the pool.
        duplicates: groups of ids with the same content hash.
        sizes: their sizes; None when no image can be read.
        modes: how many images are stored how ("RGB", "L", "CMYK", "I;16", "vector"...), most frequent first.
    """

    hashes: dict[str, str]
    problems: tuple[UnreadableImage, ...]
    duplicates: tuple[tuple[str, ...], ...]
    sizes: Sizes | None
    modes: dict[str, int]

    def __repr__(self) -> str:
        """What there is, shortly."""
        copies = sum(len(group) - 1 for group in self.duplicates)
        copied = count_of(copies, "copy", "copies")
        modes = ", ".join(f"{count:,} {mode}" for mode, count in self.modes.items()) or "none"
        sides = "" if self.sizes is None else f"; sides from {self.sizes.smallest} to {self.sizes.largest}"
        return f"Scan({modes}{sides}; {len(self.problems):,} unreadable, {copied})"

    @property
    def readable(self) -> list[str]:
        """Ids of the images that can be read, in the order of the pool."""
        return list(self.hashes)

    def joined(self, hashes: Mapping[str, str], problems: Sequence[UnreadableImage]) -> Scan:
        """The same with images that came since; sizes and modes stay those of the first look."""
        tried = {*hashes, *(problem.id for problem in problems)}
        all_hashes = {**self.hashes, **hashes}
        kept = [problem for problem in self.problems if problem.id not in tried]
        return replace(
            self,
            hashes=all_hashes,
            problems=(*kept, *problems),
            duplicates=_duplicates(all_hashes),
        )


def scan(
    pool: Pool,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    kept: Path | None = None,
    of_all: bool = True,
) -> Scan:
    """Decode and hash every image once; those that cannot be read are listed.

    Args:
        pool: the images.
        workers: threads that decode.
        progress: called in this thread with the number of images done and of all.
        kept: file of what earlier looks found, made when missing: sound images whose files have not changed
            since are taken from there.
        of_all: whether ``kept`` is of these images alone; else what it says of others stays.
    """
    ids = pool.ids()
    chunks = [range(start, min(start + _CHUNK, len(ids))) for start in range(0, len(ids), _CHUNK)]
    known = {} if kept is None else read_looks(kept)
    looks: dict[str, Look] = {}
    hashes: dict[str, str] = {}
    problems: list[UnreadableImage] = []
    shapes: Counter[tuple[int, int]] = Counter()
    modes: Counter[str] = Counter()
    with ThreadPoolExecutor(workers) as threads:
        for chunk, found in zip(
            chunks, threads.map(lambda c: _look(pool, [ids[r] for r in c], known), chunks), strict=True
        ):
            for id, look in found:
                if isinstance(look, UnreadableImage):
                    problems.append(look)
                    continue
                hashes[id] = look.hash
                shapes[look.what.height, look.what.width] += 1
                modes[look.what.mode] += 1
                if look.stamp:
                    looks[id] = look
            if progress is not None:
                progress(chunk.stop, len(ids))
    if not of_all:
        looks = known | looks
    if kept is not None and looks != known:
        write_looks(kept, looks)
    return Scan(hashes, tuple(problems), _duplicates(hashes), _sizes(shapes), dict(modes.most_common()))


def _look(
    pool: Pool, ids: Sequence[str], known: Mapping[str, Look]
) -> list[tuple[str, Look | UnreadableImage]]:
    found: list[tuple[str, Look | UnreadableImage]] = []
    for id in ids:
        now = stamp(pool, id)  # before the bytes are read: what changes meanwhile is noticed the next time
        before = known.get(id)
        if before is not None and before.stamp == now:
            found.append((id, before))
            continue
        try:
            found.append((id, Look(now or "", pool.content_hash(id), probe(pool, id))))
        except UnreadableImage as problem:
            found.append((id, problem))
    return found


def _duplicates(hashes: dict[str, str]) -> tuple[tuple[str, ...], ...]:
    groups: dict[str, list[str]] = {}
    for id, content_hash in hashes.items():
        groups.setdefault(content_hash, []).append(id)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _sizes(shapes: Counter[tuple[int, int]]) -> Sizes | None:
    if not shapes:
        return None
    sides = [side for shape in shapes for side in shape]
    return Sizes(min(sides), max(sides), next(iter(shapes)) if len(shapes) == 1 else None)
