"""Images a second of an extractor: what runs its network, and what ncenet makes of it from files on.

    python benchmarks/embed.py DATA [--name lite0] [--images 256] [--rounds 3]

Every engine that is installed takes the same squares in turns, round by round, so that other work on the
machine meets all of them; the best round of each counts, and the middle one of the ratios to the fastest
network of each round. Engines run as ncenet has them run, an image on each core, and as they do by
themselves, all cores on each image. Of the processor's time the least counts that an image took in any round:
it tells what a busy machine would hide. "Off" is how far vectors are from torch's, in parts of the largest
number. End to end is `ncenet features`: reading, decoding, the network and the store. In the same turns.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import torch

from ncenet.data.open import open_dataset
from ncenet.features import backends
from ncenet.features.embed import Embedder
from ncenet.features.extractor import Extractor, Wanted, open_extractor
from ncenet.features.framing import square_of

Run = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
OURS = "ncenet features, end to end"
BATCH = 16
"""What an engine is given that has all cores at one batch."""
CORES = os.cpu_count() or 1


def eager(network: torch.nn.Module) -> Run:
    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
            return network(pixels).float().numpy()

    return run


def openvino_alone(file: Path, precision: str = "f32") -> Run:
    core = backends.silent_openvino().Core()
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    request = core.compile_model(core.read_model(file.read_bytes()), "CPU", options).create_infer_request()
    return lambda images: request.infer({"pixels": images.transpose(0, 3, 1, 2)})[0]


def onnx_alone(file: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"pixels": images.transpose(0, 3, 1, 2)})[0]


def all_of(
    extractor: Callable[[], Extractor], folder: Path, compile: bool
) -> dict[str, tuple[Run, int, int]]:
    """What runs a network, threads that call it, and images at once. Each has a network of its own."""
    runs: dict[str, tuple[Run, int, int]] = {
        "torch, eager": (eager(extractor()), 1, BATCH),
        "torch, channels last": (backends.in_torch(extractor()), 1, BATCH),
    }
    if compile:
        runs["torch.compile"] = eager(torch.compile(extractor())), 1, BATCH  # type: ignore[arg-type]
    alone = {"OpenVINO": openvino_alone, "ONNX Runtime": onnx_alone}
    for name, engine in backends.engines().items():
        runs[f"{name}, an image a core"] = engine(extractor(), folder, CORES), CORES, backends.BATCH
        file = next(folder.glob("*.onnx"))
        runs[f"{name}, all cores on each"] = alone[name](file), 1, BATCH
        if name == "OpenVINO":
            runs[f"{name}, likewise, bfloat16"] = openvino_alone(file, "bf16"), 1, BATCH
    return runs


def timed(act: Callable[[], object], images: int) -> tuple[float, float]:
    """Images a second, and milliseconds of the processor for each."""
    begun, spent = time.perf_counter(), time.process_time()
    act()
    return images / (time.perf_counter() - begun), 1000 * (time.process_time() - spent) / images


def through(run: Run, callers: int, size: int, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Vectors of all squares, by so many threads that call, with so many squares each time."""
    parts = [squares[start : start + size] for start in range(0, len(squares), size)]
    with ThreadPoolExecutor(callers) as threads:
        return np.concatenate(list(threads.map(run, parts)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--name", default="lite0")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    arguments = parser.parse_args()
    pool = open_dataset(arguments.data).pool
    ids = list(pool.ids())[: arguments.images]
    wanted = Wanted(arguments.name, None, None)
    how = open_extractor(wanted).preprocessing
    squares = np.stack([square_of(pool, id, how, wanted=lambda _: True)[1] for id in ids])
    rates: dict[str, list[float]] = defaultdict(list)
    spent: dict[str, float] = {}

    def note(what: str, act: Callable[[], object]) -> None:
        speed, ms = timed(act, len(squares))
        rates[what].append(speed)
        spent[what] = min(ms, spent.get(what, ms))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = all_of(lambda: open_extractor(wanted), folder / "graphs", not arguments.no_compile)
        said = {what: through(*how, squares[: 2 * BATCH]) for what, how in runs.items()}
        for number in range(arguments.rounds):
            for what, how in runs.items():
                note(what, lambda how=how: through(*how, squares))  # type: ignore[misc]
            embedder = Embedder(open_extractor(wanted), root=folder / str(number) / "features")
            embedder.vectors(squares[:BATCH])  # the graph is made once on a machine
            note(OURS, lambda embedder=embedder: embedder.embed(pool, ids))  # type: ignore[misc]
    print(f"{OURS}, by {embedder.backend.name}; {CORES} cores, {len(ids)} images, {arguments.rounds} rounds")
    known = said["torch, eager"]
    single = [what for what in runs if "bfloat16" not in what]
    fastest = [max(rates[what][n] for what in single) for n in range(arguments.rounds)]
    print("| what | images a second | of the fastest network alone | ms of the processor | off |")
    print("|---|---:|---:|---:|---:|")
    for what, found in sorted(rates.items(), key=lambda each: -max(each[1])):
        part = median(one / best for one, best in zip(found, fastest, strict=True))
        off = f"{np.abs(said[what] - known).max() / np.abs(known).max():.1g}" if what in said else ""
        print(f"| {what} | {max(found):.1f} | {part:.2f} | {spent[what]:.1f} | {off} |")


if __name__ == "__main__":
    main()
