"""Choosing at scale: how soon a large pool is there, and queries beside what one would write by hand.

    python benchmarks/scale_choice.py start 10000000     # init, ask --scores, label on so many images
    python benchmarks/scale_choice.py select 10000000    # top 10,000 beside DuckDB and pandas
    python benchmarks/scale_choice.py diversify          # 10,000 of 1e6 rows with 512 numbers each

Each prints a Markdown table; see results/scale.md. ``select`` needs ``duckdb`` and ``pandas``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scale import TURNS, main, shards, table
from scale_size import command


def start(folder: Path, count: int = 10_000_000) -> None:
    """How long init, ask --scores and the labelling page take to be there."""
    rng = np.random.default_rng(0)
    source = shards(folder / "in", count, max(1, count // 1_000_000), 16, group=10_000)
    scores = folder / "scores"
    if not scores.exists():
        scores.mkdir()
        for each in sorted(source.glob("*.parquet")):
            rows = pq.read_metadata(each).num_rows
            ids = pa.array([f"{each.stem}/{row:0{max(5, len(str(rows - 1)))}}" for row in range(rows)])
            pq.write_table(pa.table({"id": ids, "doubt": rng.random(rows, np.float32)}), scores / each.name)
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    init = command("init", source, "--out", run, "--classes", "cat,dog", "--backbone", "small")
    words = ("ask", run, "--scores", scores, "--by", "doubt", "-n", 500, "--json")
    ask, again = command(*words), command(*words)
    began = time.perf_counter()
    page = subprocess.Popen(
        [sys.executable, "-m", "ncenet", "label", str(run), "--no-browser", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert page.stdout is not None
    for line in page.stdout:
        if line.startswith("Label at"):
            break
    label = time.perf_counter() - began
    page.terminate()
    _, _, used = os.wait4(page.pid, 0)
    size = (run / "ledger.sqlite").stat().st_size
    table(
        (f"{count:,} images", "seconds", "of the processor", "peak MB"),
        *((name, f"{a:.1f}", f"{b:.1f}", f"{c:.0f}") for name, (a, b, c) in {
            "ncenet init": init[:3],
            "ncenet ask --scores, 500 images": ask[:3],
            "500 others": again[:3],
            "ncenet label, until the page is there": (
                label, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
            ),
        }.items()),
    )  # fmt: skip
    print(f"\nledger: {size / 1e6:.1f} MB")


def select(folder: Path, count: int = 10_000_000) -> None:
    """The best 10,000 of one score: ours, DuckDB, pandas."""
    rng = np.random.default_rng(0)
    source = folder / "scores"
    source.mkdir()
    for number in range(10):
        rows = count // 10
        ids = pa.array(np.char.add(f"{number}/", np.arange(rows).astype("U8").astype(object).astype(str)))
        pq.write_table(
            pa.table({"id": ids, "score": rng.random(rows, np.float32)}), source / f"{number}.parquet"
        )
    of_duckdb = f"SELECT id, score FROM '{source}/*.parquet' ORDER BY score DESC, id LIMIT 10000"
    of_pandas = f"pandas.read_parquet({str(source)!r}).nlargest(10000, 'score')"
    rivals = {
        "ncenet select": (
            "-m",
            "ncenet",
            "select",
            source,
            "-n",
            10_000,
            "--by",
            "score",
            "--out",
            folder / "q.csv",
        ),
        "DuckDB": ("-c", f"import duckdb; print(len(duckdb.sql({of_duckdb!r}).fetchall()))"),
        "pandas": ("-c", f"import pandas; print(len({of_pandas}))"),
    }
    if count > 20_000_000:
        del rivals["pandas"]  # which reads all rows into memory
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in rivals}
    for _ in range(TURNS):
        for name, words in rivals.items():
            found[name].append(process_of(*words))
    ours = found["ncenet select"]
    table(
        (f"10,000 of {count:,} rows", "seconds (each turn)", "of ours, middle", "peak MB"),
        *(
            (
                name,
                ", ".join(f"{seconds:.1f}" for seconds, _, _ in turns),
                f"{median(b[0] / a[0] for a, b in zip(ours, turns, strict=True)):.2f}",
                f"{max(peak for *_, peak in turns):.0f}",
            )
            for name, turns in found.items()
        ),
    )


def process_of(*words: object) -> tuple[float, float, float]:
    """Seconds, those of the processor, and peak memory in MB of a process of Python."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def diversify(folder: Path, count: int = 1_000_000) -> None:
    """10,000 images of many, spread over 50,000 candidates with 512 numbers each."""
    rng, source = np.random.default_rng(0), folder / "vectors"
    if not source.exists():
        source.mkdir()
        centers = rng.standard_normal((1000, 512), np.float32)
        for number in range(10):
            rows = count // 10
            vectors = centers[rng.integers(1000, size=rows)] + rng.standard_normal((rows, 512), np.float32)
            embedding = pa.FixedSizeListArray.from_arrays(pa.array(vectors.astype(np.float16).ravel()), 512)
            ids = pa.array([f"{number}/{row:06}" for row in range(rows)])
            scores = rng.random(rows, np.float32)
            doubt = rng.random((rows, 10), np.float32)
            probs = pa.FixedSizeListArray.from_arrays(
                pa.array((doubt / doubt.sum(1, keepdims=True)).ravel()), 10
            )
            columns = {"id": ids, "score": scores, "likelihood": probs, "embedding": embedding}
            pq.write_table(pa.table(columns), source / f"{number}.parquet")
    rows = []
    for how in ("herding", "kcenter", "badge", "kmeans"):
        words = ("-m", "ncenet", "select", source, "-n", 10_000, "--by", "score", "--diversify", how)
        seconds, processor, megabytes = process_of(*words, "--out", folder / f"{how}.csv")
        rows.append((how, f"{seconds:.0f}", f"{processor:.0f}", f"{megabytes:.0f}"))
        print(*rows[-1], flush=True)
    table((f"10,000 of {count:,} x 512", "seconds", "of the processor", "peak MB"), *rows)


if __name__ == "__main__":
    main(__doc__ or "", {"start": start, "select": select, "diversify": diversify})
