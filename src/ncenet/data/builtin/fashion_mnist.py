"""Fashion-MNIST: articles of clothing, 28 x 28 pixels."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ncenet.data.builtin import BuiltinSet, datasets, not_here
from ncenet.data.dataset import Dataset, Oracle, Split
from ncenet.data.pools import ArrayPool
from ncenet.data.rows import RowIds
from ncenet.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package ``dataset-fashion-mnist`` puts the files."""

CLASSES = (
    "t-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_MEGABYTES = 30


@datasets.register("fashion-mnist")
def fashion_mnist() -> BuiltinSet:
    """As easy to handle as digits, and harder to learn."""
    return BuiltinSet(
        name="fashion-mnist",
        description="articles of clothing, 28 x 28 gray",
        licence="MIT (Zalando Research)",
        images=(60_000, 10_000),
        classes=10,
        download_mb=0 if DEBIAN.is_dir() else _MEGABYTES,
        open=_open,
    )


def _open(split: Split, root: Path, download: bool) -> Dataset:
    part = "train" if split == "train" else "t10k"
    downloaded = root / "FashionMNIST" / "raw"  # torchvision's layout
    folder = next((f for f in (DEBIAN, downloaded) if (f / f"{part}-images-idx3-ubyte.gz").is_file()), None)
    if folder is None:
        if not download:
            raise not_here(
                "fashion-mnist", _MEGABYTES, root, ", or install Debian's package dataset-fashion-mnist"
            )
        from torchvision.datasets import FashionMNIST

        FashionMNIST(root, train=split == "train", download=True)
        folder = downloaded
    pixels = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    targets = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    ids = RowIds(f"{split}/", len(pixels))
    labels = {id: CLASSES[target] for id, target in zip(ids, targets, strict=True)}
    return Dataset(f"fashion-mnist ({split})", ArrayPool(pixels, ids), Oracle(labels), CLASSES)


def read_idx(file: Path) -> npt.NDArray[np.uint8]:
    """Read a gzipped IDX file of bytes: two zeros, type 8, the number of dimensions, their sizes, the values.

    Raises:
        DataError: the file is not that.
    """
    try:
        data = gzip.decompress(file.read_bytes())
    except (OSError, EOFError) as error:
        raise DataError(f"{file}: cannot be read: {error}") from error
    dimensions = data[3] if data[:3] == b"\0\0\x08" else 0
    shape = tuple(np.frombuffer(data[4 : 4 + 4 * dimensions], ">u4").tolist())
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions)
    if dimensions == 0 or values.size != np.prod(shape):
        raise DataError(f"{file}: not an IDX file of bytes, or cut short: download it again")
    return values.reshape(shape)
