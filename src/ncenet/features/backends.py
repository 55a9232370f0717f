"""What runs an extractor's network: the fastest of what this machine has.

On a GPU that is torch with half precision. On a CPU it is the first of these that is installed and fit for
it: OpenVINO (x86), ONNX Runtime, torch; ``benchmarks/embed.py`` measures them. On a CPU all of them compute
in single precision and say the same of an image, within what the store's half precision rounds off, so
vectors that one of them made are as good for another.

An engine of graphs has one lane for each core, on which one thread of the caller waits. Images on several
lanes wait for nobody, while cores that share one image wait for each other at every layer: the more so, the
busier the machine is.
"""

from __future__ import annotations

import platform
import sys
import threading
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch

from ncenet.cores import available_threads
from ncenet.features import graphs
from ncenet.features.extractor import Extractor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ncenet.features.graphs import Run

    Engine: TypeAlias = Callable[[Extractor, Path, int], Run]
    """Has an extractor run, with a folder of graphs, on so many lanes."""

X86 = ("x86_64", "amd64")
BATCH = 8
"""Images that a network is given at once (ours); see ``benchmarks/results/embed.md``."""
GPU_BATCH = 256


class Backend(NamedTuple):
    """What runs a network.

    Attributes:
        name: of the engine.
        lanes: how many threads may call ``run`` at once; more wait.
        batch: how many images it is best given at once.
        run: maps images (B, S, S, 3) to vectors (B, D).
    """

    name: str
    lanes: int
    batch: int
    run: Run


def lanes_here(threads: int | None = None) -> int:
    """How many lanes the fastest engine has; nothing is loaded.

    Args:
        threads: of the CPU. Default: all.
    """
    if torch.cuda.is_available() or not engines():
        return 1
    return threads or available_threads()


def fastest(extractor: Extractor, folder: Path, *, threads: int | None = None) -> Backend:
    """What runs a network fastest here.

    Args:
        extractor: the network.
        folder: where graphs for OpenVINO and ONNX Runtime are kept.
        threads: of the CPU. Default: all.
    """
    if torch.cuda.is_available():
        return Backend("torch on the GPU", 1, GPU_BATCH, on_gpu(extractor))
    lanes = lanes_here(threads)
    for name, engine in engines().items():
        try:
            return Backend(name, lanes, BATCH, engine(extractor, folder, lanes))
        except graphs.NoGraph:  # of whatever torch alone can run
            break
    return Backend("torch", 1, BATCH, in_torch(extractor))


def engines() -> dict[str, Engine]:
    """The engines of graphs that are installed and fit for this processor, the fastest first."""
    found: dict[str, Engine] = {}
    if all(find_spec(name) for name in graphs.PACKAGES):
        if platform.machine().lower() in X86 and find_spec("openvino"):
            found["OpenVINO"] = in_openvino
        if find_spec("onnxruntime"):
            found["ONNX Runtime"] = in_onnx
    return found


def in_torch(extractor: Extractor) -> Run:
    """Torch on the CPU, in the layout that suits its convolutions."""
    network, alone = extractor.to(memory_format=torch.channels_last), threading.Lock()

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with alone, torch.inference_mode():
            pixels = torch.from_numpy(images).permute(0, 3, 1, 2)  # channels last as it is
            vectors: npt.NDArray[np.float32] = network(pixels).float().numpy()
            return vectors

    return run


def on_gpu(extractor: Extractor) -> Run:
    """Torch on the GPU: half precision, channels last, from pinned memory."""
    device, alone = torch.device("cuda"), threading.Lock()
    network = extractor.to(device).to(memory_format=torch.channels_last)

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with alone, torch.inference_mode(), torch.autocast("cuda", dtype=torch.float16):
            pixels = torch.from_numpy(images).pin_memory().to(device, non_blocking=True)
            vectors: npt.NDArray[np.float32] = network(pixels.permute(0, 3, 1, 2)).float().cpu().numpy()
            return vectors

    return run


def in_onnx(extractor: Extractor, folder: Path, lanes: int = 1) -> Run:
    """ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1

    def load(file: Path) -> Run:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

        def infer(lane: int, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            vectors: npt.NDArray[np.float32] = session.run(None, {"pixels": pixels})[0]
            return vectors

        return _on_lanes(infer, range(lanes))

    return graphs.on_graph(extractor, folder, load)


def in_openvino(extractor: Extractor, folder: Path, lanes: int = 1) -> Run:
    """OpenVINO on the CPU."""
    openvino = silent_openvino()
    options = {
        "NUM_STREAMS": lanes,
        "INFERENCE_NUM_THREADS": lanes,
        # Some processors would compute in bfloat16, twice as fast: 8 bits of each number, for good.
        "INFERENCE_PRECISION_HINT": "f32",
    }

    def load(file: Path) -> Run:
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(file.read_bytes()), "CPU", options)

        def infer(request: Any, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            vectors: npt.NDArray[np.float32] = request.infer({"pixels": pixels})[0]
            return vectors

        return _on_lanes(infer, [compiled.create_infer_request() for _ in range(lanes)])

    return graphs.on_graph(extractor, folder, load)


def silent_openvino() -> Any:
    """The package without its converter of models, whose import alone tells its maker over the network."""
    if "openvino" not in sys.modules:
        sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment] # importing it fails, as foreseen
        try:
            return import_module("openvino")
        finally:
            del sys.modules["openvino.tools.ovc"]
    return sys.modules["openvino"]


def _on_lanes(
    infer: Callable[[Any, npt.NDArray[np.uint8]], npt.NDArray[np.float32]], lanes: Iterable[Any]
) -> Run:
    """An engine that any number of threads may call: each waits for a lane of its own."""
    free: SimpleQueue[Any] = SimpleQueue()
    for lane in lanes:
        free.put(lane)

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        lane = free.get()
        try:
            return infer(lane, images.transpose(0, 3, 1, 2))
        finally:
            free.put(lane)

    return run
