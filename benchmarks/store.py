"""A million vectors on disk: how long a process takes to open them, and how much memory.

    python benchmarks/store.py [--rows 1000000] [--width 512]

A store of random vectors in half precision is written in chunks; then fresh processes open it, look up all
hashes, and read a thousand vectors from all over it. Beside it the same table as one Parquet file, which is
decoded as a whole. Seconds count from after the imports. Resident memory holds pages of the mapped files too,
which the system takes back when it needs them; what belongs to the process alone is told beside it (Linux).
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ncenet.features.store import MERGED_ROWS, Store

SOME = 1000


def hashes(rows: range) -> list[str]:
    return [hashlib.blake2b(str(row).encode(), digest_size=16).hexdigest() for row in rows]


def make(folder: Path, rows: int, width: int) -> float:
    """Write both tables; seconds of the store."""
    store, random, spent = Store(folder, "random", "0" * 32), np.random.default_rng(0), 0.0
    names: list[str] = []
    with pq.ParquetWriter(
        folder / "table.parquet",
        pa.schema([("hash", pa.string()), ("vector", pa.list_(pa.float16(), width))]),
        compression="none",
    ) as parquet:
        for first in range(0, rows, MERGED_ROWS):
            some = hashes(range(first, min(rows, first + MERGED_ROWS)))
            vectors = random.standard_normal((len(some), width), dtype=np.float32)
            begun = time.perf_counter()
            store.put(some, vectors)
            spent += time.perf_counter() - begun
            flat = pa.array(vectors.astype(np.float16).reshape(-1))
            column = pa.FixedSizeListArray.from_arrays(flat, width)
            parquet.write_table(pa.table({"hash": some, "vector": column}))
            names += some
    return spent


class Since:
    """Seconds since the imports, and MB of the process."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()

    def say(self, what: str) -> None:
        seconds = time.perf_counter() - self.begun
        status = Path("/proc/self/status").read_text(encoding="ascii")
        resident, own = (
            int(line.split()[1]) / 1000
            for name in ("VmRSS:", "RssAnon:")
            for line in status.splitlines()
            if line.startswith(name)
        )
        print(f"| {what} | {seconds:.2f} | {resident:.0f} | {own:.0f} |", flush=True)


def read_store(folder: Path, rows: int) -> None:
    every = hashes(range(rows))
    picked = [every[row] for row in np.random.default_rng(1).choice(rows, SOME, replace=False).tolist()]
    since = Since()
    store = Store(folder, "random", "0" * 32)
    assert len(store) == rows
    since.say("store: open")
    assert store.has(picked).all()
    since.say(f"store: and {SOME:,} hashes looked up")
    store.get(picked)
    since.say(f"store: and {SOME:,} vectors from all over it")
    assert store.has(every).all()
    since.say("store: and all hashes looked up")


def read_parquet(folder: Path) -> None:
    since = Since()
    pq.read_table(folder / "table.parquet", memory_map=True)
    since.say("Parquet: open")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--read", choices=("store", "parquet"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read == "store":
        return read_store(arguments.folder, arguments.rows)
    if arguments.read == "parquet":
        return read_parquet(arguments.folder)
    with tempfile.TemporaryDirectory() as name:
        seconds = make(Path(name), arguments.rows, arguments.width)
        size = sum(file.stat().st_size for file in Path(name).rglob("*.arrow"))
        told = f"{arguments.rows:,} vectors of {arguments.width}: {size / 1e9:.2f} GB"
        print(f"{told}, written in {seconds:.1f} s\n")
        print("| what | seconds | MB resident | MB of its own |\n|---|---:|---:|---:|", flush=True)
        for what in ("store", "parquet"):
            words = ["--rows", str(arguments.rows), "--folder", name, "--read", what]
            subprocess.run([sys.executable, __file__, *words], check=True)
    return None


if __name__ == "__main__":
    main()
