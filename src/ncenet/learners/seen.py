"""What the frozen part of a detector makes of images: computed once, and kept in the store of features."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ncenet.data.tensors import ImageTensors
from ncenet.features.embed import store_folder
from ncenet.features.store import Store
from ncenet.learners.box_lesson import Objects
from ncenet.nn.ssd import SSD
from ncenet.nn.weights import fingerprint
from ncenet.types import Pool

VERSION = 1
"""Part of every fingerprint: raised when the same weights and images would give other maps."""
CHUNK = 16
"""Rows that are written, and told of, at once (ours)."""
HALF = float(np.finfo(np.float16).max)


class SeenMaps:
    """What :meth:`ncenet.nn.ssd.SSD.look` says of the images of a pool, also mirrored.

    Rows are kept in half precision under the content hash of the image, for all runs of a user, until the
    store is full; the others are computed whenever they are asked for. Either way they are the same, bit for
    bit.

    Args:
        name: of the backbone.
        network: it looks.
        pool: where the images are.
        tensors: the same as the network reads them.
        most_gb: the store takes no more once it has so many 1e9 bytes; 0 for none.
    """

    def __init__(self, name: str, network: SSD, pool: Pool, tensors: ImageTensors, *, most_gb: float) -> None:
        self._network, self._pool, self._tensors, self._most = network, pool, tensors, most_gb * 1e9
        self._hashes: dict[str, str] = {}
        self._store: Store | None = None
        frozen = network.backbone.frozen
        if most_gb and frozen is not None:
            about = [VERSION, network.backbone.side, network.mean.tolist(), network.std.tolist()]
            self._store = Store(store_folder(), f"{name}-maps", fingerprint(about, frozen.state_dict()))

    def batch(self, ids: Sequence[str], mirrored: Sequence[bool] | None = None) -> Tensor:
        """Rows (B, W) in float32.

        Args:
            ids: which images.
            mirrored: of which of them the mirror image; None for none.

        Raises:
            UnreadableImage: an image cannot be decoded.
            DataError: the disk is full.
        """
        wanted = list(zip(ids, [False] * len(ids) if mirrored is None else mirrored, strict=True))
        if self._store is None:
            return torch.stack([self._look(*one) for one in wanted]).float()
        keys = [self._key(*one) for one in wanted]
        fresh: dict[str, Tensor] = {}
        for key, one, there in zip(keys, wanted, self._store.has(keys), strict=True):
            if not there and key not in fresh:
                fresh[key] = self._look(*one)
        if fresh and self._store.bytes < self._most:
            self._store.put(list(fresh), torch.stack(list(fresh.values())).float().numpy())
            fresh = {}
        kept = [key for key in keys if key not in fresh]
        rows = dict(zip(kept, torch.from_numpy(self._store.get(kept)), strict=True)) if kept else {}
        return torch.stack([fresh[key].float() if key in fresh else rows[key] for key in keys])

    def prepare(
        self, ids: Sequence[str], *, mirrored: bool = False, tell: Callable[[int, int], None]
    ) -> None:
        """Keep the rows of images that have none yet, as long as there is room; what is not kept comes later.

        Args:
            ids: which images.
            mirrored: their mirror images too.
            tell: told how many were looked at, and of how many, if there are any.

        Raises:
            UnreadableImage: an image cannot be decoded.
            DataError: the disk is full.
        """
        if self._store is None:
            return
        wanted = [(id, mirror) for mirror in (False, True)[: 1 + mirrored] for id in ids]
        keys = [self._key(*one) for one in wanted]
        there = self._store.has(keys).tolist()
        missing = [one for one, found in zip(wanted, there, strict=True) if not found]
        for start in range(0, len(missing), CHUNK):
            if self._store.bytes >= self._most:
                return
            part = missing[start : start + CHUNK]
            self.batch([id for id, _ in part], [mirror for _, mirror in part])
            tell(start + len(part), len(missing))

    def _look(self, id: str, mirrored: bool) -> Tensor:
        """A row (W,) in half precision."""
        # One image at a time: in batches of other sizes it would be rounded otherwise.
        image = self._tensors.batch([id])
        device = self._network.mean.device
        with torch.no_grad():
            row = self._network.look((image.flip(-1) if mirrored else image).to(device))[0]
        return row.clamp(-HALF, HALF).half().cpu()

    def _key(self, id: str, mirrored: bool) -> str:
        if id not in self._hashes:
            self._hashes[id] = self._pool.content_hash(id)
        text = f"{self._hashes[id]}{' mirrored' if mirrored else ''}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class SeenWithMirrors:
    """What a lesson shows of images that were seen: half of them mirrored, and nothing else done to them.

    Args:
        seen: where they are.
        flip: mirror them at all.
    """

    def __init__(self, seen: SeenMaps, *, flip: bool) -> None:
        self._seen, self.flip = seen, flip

    def __call__(
        self, ids: Sequence[str], objects: Sequence[Objects], noise: torch.Generator
    ) -> tuple[Tensor, list[Objects]]:
        """See :class:`ncenet.learners.box_lesson.Show`."""
        mirrored = [self.flip and bool(draw < 0.5) for draw in torch.rand(len(ids), generator=noise)]
        there = [each.mirrored if turn else each for each, turn in zip(objects, mirrored, strict=True)]
        return self._seen.batch(ids, mirrored), there
