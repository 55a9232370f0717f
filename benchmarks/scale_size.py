"""What scoring shards costs and takes by size, in a limited memory, and after a kill.

    python benchmarks/scale_size.py growth        # 1e4 to 1e6 tiny images
    python benchmarks/scale_size.py memory        # 20 GB of images in 1 GB of memory; needs root, and Linux
    python benchmarks/scale_size.py killed        # a process that is killed, and run again

Each prints a Markdown table; see results/scale.md. Everything is generated, in ``--folder`` or in a temporary
folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scale import main, model, photograph, shards, table


@contextmanager
def bounded(limit: int | None) -> Iterator[Path | None]:
    """A group of processes that have so many bytes together, as containers have; only root may make one."""
    root = Path("/sys/fs/cgroup")
    old = root / "memory"
    group = (old if old.is_dir() else root) / f"ncenet-{os.getpid()}"
    if limit is None:
        yield None
        return
    group.mkdir()
    try:
        (group / ("memory.limit_in_bytes" if old.is_dir() else "memory.max")).write_text(str(limit))
        yield group
    finally:
        group.rmdir()


def command(*words: object, limit: int | None = None) -> tuple[float, float, float, str]:
    """Seconds, those of the processor, peak memory in MB and what was said, of a command of ncenet."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said, bounded(limit) as group:
        process = subprocess.Popen(
            [sys.executable, "-m", "ncenet", *map(str, words)],
            stdout=said, stderr=subprocess.STDOUT,
            preexec_fn=lambda: group and (group / "cgroup.procs").write_text(str(os.getpid())),
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}\n{text}")
    seconds = time.perf_counter() - start
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text


def growth(folder: Path, most: int = 1_000_000) -> None:
    """Time and memory over the number of tiny images; what each image beyond those of the row above costs."""
    file, rows = model(folder, 16), []
    before, spent = 0, 0.0
    for count in (most // 100, most // 10, most):
        source = shards(folder / f"in-{count}", count, max(1, count // 10_000), 32)
        _, seconds, megabytes, _ = command("score", file, source, "--out", folder / f"out-{count}")
        more = f"{1e6 * (seconds - spent) / (count - before):.0f}" if before else ""
        rows.append((f"{count:,}", f"{seconds:.1f}", more, f"{megabytes:.0f}"))
        print(*rows[-1], flush=True)
        before, spent = count, seconds
        shutil.rmtree(source)
    table(("images", "processor seconds", "microseconds for each more", "peak MB"), *rows)


def memory(folder: Path, gigabytes: int = 20) -> None:
    """Images of 500 kB, more than there is memory: scored, and read as a pool. Needs root, and Linux.

    Eight shards, which are links to one file: an eighth of the disk, and as much to be read.
    """
    file = model(folder)
    source = folder / "in"
    if not source.exists():
        _large(source, gigabytes)
    size = sum(each.stat().st_size for each in source.iterdir())
    limit = 10**9
    seconds, used, megabytes, _ = command("score", file, source, "--out", folder / "out", limit=limit)
    print(f"scored in {seconds:.0f} s", flush=True)
    look, looked, seen, _ = command(
        "init", source, "--out", folder / "run", "--classes", "cat,dog", "--backbone", "small", limit=limit
    )
    table(
        ("in 1 GB of memory", "GB of images", "seconds", "of the processor", "peak MB"),
        ("ncenet score", f"{size / 1e9:.1f}", f"{seconds:.0f}", f"{used:.0f}", f"{megabytes:.0f}"),
        ("ncenet init", f"{size / 1e9:.1f}", f"{look:.0f}", f"{looked:.0f}", f"{seen:.0f}"),
    )


def _large(source: Path, gigabytes: int) -> None:
    """Eight links to a shard of images of 500 kB."""
    source.mkdir()
    rng = np.random.default_rng(0)
    noise, count = rng.bytes(470_000), 2000 * gigabytes // 8
    schema = pa.schema([("image", pa.binary())])
    with pq.ParquetWriter(source / "0.parquet", schema, compression="none", use_dictionary=False) as writer:
        for start in range(0, count, 50):
            rows = range(start, min(start + 50, count))
            some = [photograph(rng, 128) + noise + row.to_bytes(8) for row in rows]
            writer.write_table(pa.table({"image": pa.array(some, pa.binary())}))
    for number in range(1, 8):
        (source / f"{number}.parquet").hardlink_to(source / "0.parquet")


def killed(folder: Path, count: int = 3000) -> None:
    """A process that is killed in the middle, and run again, beside one that was left alone."""
    source, file = shards(folder / "in", count, 10, 128), model(folder)
    command("score", file, source, "--out", folder / "whole")
    words = [sys.executable, "-m", "ncenet", "score", str(file), str(source), "--out", str(folder / "killed")]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folder / "killed").is_dir() or len(list((folder / "killed").glob("*.parquet"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = len(list((folder / "killed").glob("*.parquet")))
    *_, said = command("score", file, source, "--out", folder / "killed")
    digests = [
        {
            each.name: hashlib.sha256(each.read_bytes()).hexdigest()
            for each in (folder / name).glob("*.parquet")
        }
        for name in ("whole", "killed")
    ]
    print(f"{left} of 10 files were there when it was killed; {said.splitlines()[0]}")
    print(f"the same files, byte by byte: {digests[0] == digests[1]}")


if __name__ == "__main__":
    main(__doc__ or "", {"growth": growth, "memory": memory, "killed": killed})
