"""What runs an extractor's network: the fastest of what this machine has.

On a GPU that is torch with half precision; on a CPU it is ONNX Runtime where it is installed, else torch.
``benchmarks/embed.py`` measures them.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import Tensor

from ncenet.features.extractor import Extractor
from ncenet.files import alone, whole

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Run: TypeAlias = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
    """Maps images (B, S, S, 3) to vectors (B, D)."""

ONNX = ("onnx", "onnxscript", "onnxruntime")


def fastest(extractor: Extractor, graphs: Path, *, threads: int | None = None) -> tuple[str, Run]:
    """What runs a network fastest here, with its name.

    Args:
        extractor: the network.
        graphs: folder in which the graphs for ONNX Runtime are kept.
        threads: of the CPU. Default: all.
    """
    if torch.cuda.is_available():
        return "torch on the GPU", on_gpu(extractor)
    if all(find_spec(name) for name in ONNX):
        return "ONNX Runtime", in_onnx(extractor, graphs, threads=threads)
    return "torch", in_torch(extractor)


def in_torch(extractor: Extractor) -> Run:
    """Torch on the CPU, in the layout that suits its convolutions."""
    network = extractor.to(memory_format=torch.channels_last)

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            pixels = torch.from_numpy(images).permute(0, 3, 1, 2)  # channels last as it is
            vectors: npt.NDArray[np.float32] = network(pixels).float().numpy()
            return vectors

    return run


def on_gpu(extractor: Extractor) -> Run:
    """Torch on the GPU: half precision, channels last, from pinned memory."""
    device = torch.device("cuda")
    network = extractor.to(device).to(memory_format=torch.channels_last)

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with torch.inference_mode(), torch.autocast("cuda", dtype=torch.float16):
            pixels = torch.from_numpy(images).pin_memory().to(device, non_blocking=True)
            vectors: npt.NDArray[np.float32] = network(pixels.permute(0, 3, 1, 2)).float().cpu().numpy()
            return vectors

    return run


def in_onnx(extractor: Extractor, graphs: Path, *, threads: int | None = None) -> Run:
    """ONNX Runtime on the CPU; the graph is made once for each fingerprint."""
    import onnxruntime

    file = graphs / f"{extractor.fingerprint}.onnx"
    with alone(graphs, wait=True):  # of several processes one makes it
        if not file.exists():
            write_graph(extractor, file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or os.cpu_count() or 1
    # Threads that wait in a busy loop take the cores from those that decode.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        vectors: npt.NDArray[np.float32] = session.run(None, {"pixels": images.transpose(0, 3, 1, 2)})[0]
        return vectors

    return run


def write_graph(extractor: Extractor, file: Path) -> None:
    """Write an extractor as an ONNX file that reads ``pixels`` uint8 (batch, 3, S, S).

    Torch's older exporter follows one run of the network and takes a tenth of the time, which a person at the
    labelling page waits for. Its graph is kept if it says of other images what the network says; else torch's
    newer one makes it.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings(), whole(file) as partial:
        warnings.simplefilter("ignore")  # of the exporters' own deprecations
        if not _followed(extractor, partial):
            _exported(extractor, partial)


def _followed(extractor: Extractor, file: Path) -> bool:
    """Write the graph of one run; whether it holds for other images, and another number of them."""
    import onnxruntime

    side = extractor.preprocessing.side
    pixels = _noise(3, side)
    export: Any = torch.onnx.export  # the typed half of it is the newer exporter's
    try:
        export(
            extractor,
            (_noise(2, side),),
            str(file),
            input_names=["pixels"],
            output_names=["embedding"],
            dynamic_axes={"pixels": {0: "batch"}, "embedding": {0: "batch"}},
            dynamo=False,
        )
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        said = torch.from_numpy(session.run(None, {"pixels": pixels.numpy()})[0])
    except Exception:  # noqa: BLE001 - whatever it can't follow, the newer one says why or can
        return False
    wanted = extractor(pixels).float()
    near = 1e-3 * float(wanted.abs().max())
    return said.shape == wanted.shape and torch.allclose(said, wanted, rtol=1e-3, atol=near)


def _exported(extractor: Extractor, file: Path) -> None:
    example = _noise(2, extractor.preprocessing.side)
    exported = torch.export.export(extractor, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    program: Any = torch.onnx.export(
        exported, input_names=["pixels"], output_names=["embedding"], dynamo=True, verbose=False
    )
    program.save(file, external_data=False)


def _noise(count: int, side: int) -> Tensor:
    """Images (B, 3, S, S), the same every time."""
    rng = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count, 3, side, side), generator=rng, dtype=torch.uint8)
