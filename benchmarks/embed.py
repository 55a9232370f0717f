"""Images a second of an extractor: what runs its network, and what ncenet makes of it from files on.

    python benchmarks/embed.py DATA [--name lite0] [--images 256] [--rounds 3]

Every backend that is installed takes the same squares in turns, round by round, so that other work on the
machine meets all of them; the best round of each counts. End to end is `ncenet features`: reading, decoding,
the network and the store. In the same turns.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ncenet.data.open import open_dataset
from ncenet.features import backends
from ncenet.features.embed import BATCH, Embedder
from ncenet.features.extractor import Extractor, Wanted, open_extractor
from ncenet.features.framing import square_of

Run = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]


def eager(network: torch.nn.Module) -> Run:
    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            pixels = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
            return network(pixels).float().numpy()

    return run


def openvino(file: Path) -> Run:
    import openvino as ov

    compiled = ov.Core().compile_model(str(file), "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    return lambda images: compiled({"pixels": np.ascontiguousarray(images.transpose(0, 3, 1, 2))})[0]


def all_of(extractor: Callable[[], Extractor], folder: Path, compile: bool) -> dict[str, Run]:
    """Each backend has a network of its own: layouts are changed in place."""
    runs: dict[str, Run] = {
        "torch, eager": eager(extractor()),
        "torch, channels last": backends.in_torch(extractor()),
        "ONNX Runtime": backends.in_onnx(extractor(), folder),
    }
    if compile:
        runs["torch.compile"] = eager(torch.compile(extractor()))  # type: ignore[arg-type]
    if find_spec("openvino"):
        runs["OpenVINO"] = openvino(next(folder.glob("*.onnx")))
    return runs


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
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = all_of(lambda: open_extractor(wanted), folder, not arguments.no_compile)
        for run in runs.values():
            run(squares[:BATCH])
        for number in range(arguments.rounds):
            for what, run in runs.items():
                begun = time.perf_counter()
                for start in range(0, len(squares) - len(squares) % BATCH, BATCH):
                    run(squares[start : start + BATCH])
                rate = (len(squares) // BATCH * BATCH) / (time.perf_counter() - begun)
                best[what] = max(best.get(what, 0.0), rate)
            embedder = Embedder(open_extractor(wanted), root=folder / str(number) / "features")
            embedder.backend[1](squares[:BATCH])  # the graph is made once on a machine
            begun = time.perf_counter()
            embedder.embed(pool, ids)
            rate = len(ids) / (time.perf_counter() - begun)
            best["ncenet features, end to end"] = max(best.get("ncenet features, end to end", 0.0), rate)
    fastest = max(rate for what, rate in best.items() if what in runs)
    print("| what | images a second | of the fastest network alone |\n|---|---:|---:|")
    for what, rate in sorted(best.items(), key=lambda each: -each[1]):
        print(f"| {what} | {rate:.1f} | {rate / fastest:.2f} |")


if __name__ == "__main__":
    main()
