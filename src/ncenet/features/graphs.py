"""An extractor as an ONNX file, for the engines that run such graphs; made once for each fingerprint."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch

from ncenet.features.extractor import Extractor
from ncenet.files import alone, whole

if TYPE_CHECKING:
    import numpy.typing as npt

    Run: TypeAlias = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
    """Maps images (B, S, S, 3) to vectors (B, D)."""
    Load: TypeAlias = Callable[[Path], Run]
    """Has an engine take up a graph."""

AGREE = 1e-3
"""A graph holds if its vectors of noise differ from torch's by no more than this part of the largest number,
about what half precision rounds off (ours)."""


class NoGraph(Exception):
    """Neither exporter can make a graph of a network; says why."""


PACKAGES = ("onnx", "onnxscript")
"""What making a graph needs."""


def on_graph(extractor: Extractor, folder: Path, load: Load) -> Run:
    """An extractor in an engine of graphs.

    Args:
        extractor: the network.
        folder: where graphs are kept.
        load: the engine.

    Raises:
        NoGraph: it can't be made one.
    """
    file = folder / f"{extractor.fingerprint}.onnx"
    if file.exists():
        try:
            return load(file)
        except Exception:  # noqa: BLE001 - each engine has its own; a graph that is damaged is made anew
            with contextlib.suppress(OSError):
                file.unlink()
    try:
        with alone(folder, wait=True):  # of several processes one makes it
            if not file.exists():
                write_graph(extractor, file, load)
        return load(file)
    except OSError:  # the folder is only read, or the disk is full: the graph is for this process alone
        try:
            with TemporaryDirectory() as own:
                write_graph(extractor, Path(own) / file.name, load)
                return load(Path(own) / file.name)
        except OSError as error:
            raise NoGraph(f"{extractor.name}: {error}") from error


def write_graph(extractor: Extractor, file: Path, load: Load) -> None:
    """Write an extractor as an ONNX file that reads ``pixels`` uint8 (batch, 3, S, S).

    Torch's older exporter follows one run of the network and takes a tenth of the time, which a person at the
    labelling page waits for. Its graph is kept if it says of other images what the network says; else torch's
    newer one makes it.

    Raises:
        NoGraph: that one can't either.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings(), whole(file) as partial:
        warnings.simplefilter("ignore")  # of the exporters' own deprecations
        if not write_followed(extractor, partial, load):
            write_exported(extractor, partial)


def write_followed(extractor: Extractor, file: Path, load: Load) -> bool:
    """Write the graph of one run; whether it holds for other images, and another number of them."""
    side = extractor.preprocessing.side
    export: Any = torch.onnx.export  # the typed half of it is the newer exporter's
    images = _noise(3, side)
    try:
        export(
            extractor,
            (_pixels(_noise(2, side)),),
            str(file),
            input_names=["pixels"],
            output_names=["embedding"],
            dynamic_axes={"pixels": {0: "batch"}, "embedding": {0: "batch"}},
            dynamo=False,
        )
        said = load(file)(images)
    except Exception:  # noqa: BLE001 - whatever it can't follow, the newer one says why or can
        return False
    wanted = extractor(_pixels(images)).float().numpy()
    near = AGREE * float(np.abs(wanted).max())
    return said.shape == wanted.shape and np.allclose(said, wanted, rtol=AGREE, atol=near)


def write_exported(extractor: Extractor, file: Path) -> None:
    """Write the graph that the newer exporter makes of the program of a network.

    Raises:
        NoGraph: it can't.
    """
    example = _pixels(_noise(2, extractor.preprocessing.side))
    try:
        exported = torch.export.export(
            extractor, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},)
        )
        program: Any = torch.onnx.export(
            exported, input_names=["pixels"], output_names=["embedding"], dynamo=True, verbose=False
        )
        program.save(file, external_data=False)
    except OSError:
        raise
    except Exception as error:  # the exporters raise each their own, of whatever the network does
        raise NoGraph(f"{extractor.name}: {error}") from error


def _noise(count: int, side: int) -> npt.NDArray[np.uint8]:
    """Images (B, S, S, 3), the same every time."""
    return np.random.default_rng(count).integers(0, 256, (count, side, side, 3), np.uint8)


def _pixels(images: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Images (B, S, S, 3) as torch has them, (B, 3, S, S)."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
