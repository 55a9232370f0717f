"""Scoring shards beside bare loops, its cost and memory by size, and what is started and chosen at scale.

    python benchmarks/scale.py engines            # local beside a DataLoader, ray beside map_batches
    python benchmarks/scale.py growth             # 1e4 to 1e5 tiny images
    python benchmarks/scale.py memory             # 4 GB of images in 1 GB of memory, by a limit
    python benchmarks/scale.py killed             # a process that is killed, and run again
    python benchmarks/scale.py start 10000000     # init, ask --scores, label on so many images
    python benchmarks/scale.py select 10000000    # top 10,000 beside DuckDB and pandas
    python benchmarks/scale.py diversify          # 10,000 of 1e6 rows with 512 numbers each

Each prints a Markdown table; see results/scale.md. Everything is generated, in ``--folder`` or a temporary
one. Rivals run in turns, three times each, and the middle counts: on a machine with other work the ratios say
something, the seconds little. Needs the extras ``ray`` and, for ``select``, ``duckdb`` and ``pandas``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BATCH, SIDE = 256, 64
TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("what", choices=sorted(PARTS))
    parser.add_argument("rows", nargs="?", type=int)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with tempfile.TemporaryDirectory(prefix="ncenet-scale-") as made:
        folder = given.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        PARTS[given.what](folder, *([given.rows] if given.rows else []))


def table(*rows: tuple[Any, ...]) -> None:
    """Print Markdown, the first row as header."""
    for number, row in enumerate(rows):
        print("| " + " | ".join(str(cell) for cell in row) + " |")
        if number == 0:
            print("|" + "---|" * len(row))


def photograph(rng: np.random.Generator, side: int, quality: int = 85) -> bytes:
    """A JPEG with structure at several scales."""
    import PIL.Image

    coarse = PIL.Image.fromarray(rng.integers(0, 256, (side // 16, side // 16, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((side, side), PIL.Image.Resampling.BICUBIC), np.int16)
    noisy = np.clip(pixels + rng.integers(-12, 12, pixels.shape), 0, 255).astype(np.uint8)
    data = BytesIO()
    PIL.Image.fromarray(noisy).save(data, "JPEG", quality=quality)
    return data.getvalue()


def shards(folder: Path, count: int, files: int, side: int, *, distinct: int = 64, group: int = 1000) -> Path:
    """Parquet shards of photographs; ``distinct`` of them come again, each with other bytes at its end."""
    rng = np.random.default_rng(0)
    if folder.exists():  # of an earlier run in the same folder
        return folder
    folder.mkdir(parents=True)
    made = [photograph(rng, side) for _ in range(distinct)]
    each = count // files
    for number in range(files):
        with pq.ParquetWriter(folder / f"{number:04}.parquet", pa.schema([("image", pa.binary())])) as writer:
            for start in range(0, each, group):
                rows = range(start, min(start + group, each))
                images = [made[row % distinct] + (number * each + row).to_bytes(8) for row in rows]
                writer.write_table(pa.table({"image": pa.array(images, pa.binary())}))
    return folder


def model(folder: Path, side: int = SIDE) -> Path:
    """A small network for images of that side, trained for a moment."""
    from ncenet.data.pools import ArrayPool
    from ncenet.learners.classifier import Classifier
    from ncenet.recipe import DataRecipe, ModelRecipe, TrainRecipe
    from ncenet.rng import Streams
    from ncenet.types import LabeledSet

    pool = ArrayPool(np.random.default_rng(0).integers(0, 255, (30, side, side, 3), dtype=np.uint8))
    labels = ["cat", "dog", "other"] * 10
    learner = Classifier(
        ModelRecipe(), TrainRecipe(epochs=1, min_steps=0), DataRecipe(image_size=side), Streams(0)
    )
    learner.fit(LabeledSet(list(pool.ids()), labels, ("cat", "dog", "other")), pool, cycle=1)
    learner.save(folder / "model.safetensors")
    return folder / "model.safetensors"


class Bare:
    """What one would write by hand: decode, resize, network, likelihoods; nothing is looked after."""

    def __init__(self, file: str) -> None:
        import torch

        import ncenet

        torch.set_num_threads(1)
        self.network = ncenet.load(file).learner.network.eval()

    def decode(self, data: bytes) -> Any:
        from ncenet.data import images

        return images.decode(data, 3, SIDE)

    def said(self, pixels: Any) -> Any:
        import torch

        with torch.inference_mode():
            inputs = torch.as_tensor(pixels).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
            return self.network.head.probs(self.network(inputs).output).numpy()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"likelihood": self.said(np.stack([self.decode(data) for data in batch["image"]]))}


def by_loader(file: str, source: Path, out: Path, workers: int) -> None:
    """A loop over a DataLoader whose workers decode; one Parquet file comes out."""
    from torch.utils.data import DataLoader

    bare = Bare(file)
    loader = DataLoader(
        _Rows(source, bare), batch_size=BATCH, num_workers=workers, collate_fn=np.stack, prefetch_factor=4
    )
    writer = None
    for pixels in loader:
        rows = pa.FixedSizeListArray.from_arrays(pa.array(bare.said(pixels).ravel()), 3)
        found = pa.table({"likelihood": rows})
        writer = writer or pq.ParquetWriter(out, found.schema)
        writer.write_table(found)
    assert writer is not None
    writer.close()


def _Rows(source: Path, bare: Bare) -> Any:
    from torch.utils.data import IterableDataset, get_worker_info

    class Rows(IterableDataset):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[Any]:
            about = get_worker_info()
            files = sorted(source.glob("*.parquet"))
            for file in files[about.id :: about.num_workers] if about else files:
                for batch in pq.ParquetFile(file).iter_batches(BATCH, columns=["image"]):
                    for data in batch.column(0).to_pylist():
                        yield bare.decode(data)

    return Rows()


def in_turns(rivals: dict[str, Callable[[Path], None]], folder: Path) -> dict[str, list[float]]:
    """Seconds of each, one after the other, several times."""
    found: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(TURNS):
        for name, run in rivals.items():
            out = folder / f"{name.replace(' ', '-')}-{turn}"
            out.mkdir()
            start = time.perf_counter()
            run(out)
            found[name].append(time.perf_counter() - start)
    return found


def compared(found: dict[str, list[float]], images: int, ours: str, other: str) -> None:
    ratios = [b / a for a, b in zip(found[ours], found[other], strict=True)]
    table(
        ("", "images/s (each turn)", "of the other, middle"),
        (ours, ", ".join(f"{images / s:.0f}" for s in found[ours]), f"{median(ratios):.2f}"),
        (other, ", ".join(f"{images / s:.0f}" for s in found[other]), ""),
    )


def engines(folder: Path, count: int = 4000) -> None:
    """Ours beside bare loops, on two cores; then whether both engines say the same."""
    import ray
    import ray.data

    import ncenet
    from ncenet.models.score_on_ray import score_on_ray
    from ncenet.models.score_shards import score_here, shards_of

    source, file = shards(folder / "in", count, 8, 256), model(folder)
    scorer = ncenet.Scorer(file, ("likelihood",), workers=2)

    def local(out: Path) -> None:
        assert not any(done.why for done in score_here(scorer, shards_of(scorer, str(source), str(out))))

    rivals = {"local": local, "DataLoader": lambda out: by_loader(str(file), source, out / "a.parquet", 2)}
    compared(in_turns(rivals, folder), count, "local", "DataLoader")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    alone = ncenet.Scorer(file, ("likelihood",), workers=1)

    def ours(out: Path) -> None:
        done = list(score_on_ray(alone, shards_of(alone, str(source), str(out)), workers=2))
        assert not any(each.why for each in done)

    def bare(out: Path) -> None:
        rows = ray.data.read_parquet(str(source))
        rows.map_batches(
            Bare, fn_constructor_args=(str(file),), batch_size=BATCH, concurrency=2
        ).write_parquet(str(out))

    compared(in_turns({"ray": ours, "map_batches": bare}, folder), count, "ray", "map_batches")
    ray.shutdown()
    parts = [
        pq.read_table(folder / name, columns=["id", "likelihood"]).to_pydict()
        for name in ("local-0", "ray-0")
    ]
    same = parts[0]["id"] == parts[1]["id"]
    apart = np.abs(np.array(parts[0]["likelihood"]) - np.array(parts[1]["likelihood"])).max()
    print(f"\nids equal: {same}; likelihoods differ by {apart:.1g} at most")


def command(*words: object, limit: int | None = None) -> tuple[float, float, float, str]:
    """Seconds, those of the processor, peak memory in MB and what was said, of a command of ncenet."""

    def limited() -> None:
        if limit is not None:  # private memory: files that are mapped, as libraries are, do not count
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "ncenet", *map(str, words)],
            stdout=said, stderr=subprocess.STDOUT, preexec_fn=limited,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}\n{text}")
    seconds = time.perf_counter() - start
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text


def growth(folder: Path, most: int = 100_000) -> None:
    """Time and memory over the number of tiny images."""
    file, rows = model(folder, 16), []
    for count in (most // 10, most // 10 * 3, most):
        source = shards(folder / f"in-{count}", count, max(1, count // 10_000), 32)
        _, seconds, megabytes, _ = command("score", file, source, "--out", folder / f"out-{count}")
        rows.append((f"{count:,}", f"{seconds:.1f}", f"{1e6 * seconds / count:.0f}", f"{megabytes:.0f}"))
    table(("images", "processor seconds", "microseconds each", "peak MB"), *rows)


def memory(folder: Path, gigabytes: int = 4) -> None:
    """Images of 500 kB, more than there is memory: scored, and read as a pool."""
    file = model(folder)
    source = folder / "in"
    source.mkdir()
    rng = np.random.default_rng(0)
    noise, count = rng.bytes(470_000), 2000 * gigabytes // 8
    for number in range(8):
        with pq.ParquetWriter(
            source / f"{number}.parquet", pa.schema([("image", pa.binary())]), compression="none"
        ) as writer:
            for start in range(0, count, 50):
                some = [
                    photograph(rng, 128) + noise + bytes([row % 251])
                    for row in range(start, min(start + 50, count))
                ]
                writer.write_table(pa.table({"image": pa.array(some, pa.binary())}))
    size = sum(each.stat().st_size for each in source.iterdir())
    limit = 10**9
    seconds, _, megabytes, _ = command("score", file, source, "--out", folder / "out", limit=limit)
    look, _, seen, _ = command(
        "init", source, "--out", folder / "run", "--classes", "cat,dog", "--backbone", "small", limit=limit
    )
    table(
        ("under RLIMIT_DATA of 1 GB", "GB of images", "seconds", "peak MB"),
        ("ncenet score", f"{size / 1e9:.1f}", f"{seconds:.0f}", f"{megabytes:.0f}"),
        ("ncenet init, which looks at every image", f"{size / 1e9:.1f}", f"{look:.0f}", f"{seen:.0f}"),
    )


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
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in rivals}
    for _ in range(TURNS):
        for name, words in rivals.items():
            found[name].append(process_of(*words))
    ours = found["ncenet select"]
    table(
        (f"10,000 of {count:,} rows", "seconds (each turn)", "of ours, middle", "peak MB"),
        *(
            (
                name,
                ", ".join(f"{seconds:.1f}" for seconds, _ in turns),
                f"{median(b[0] / a[0] for a, b in zip(ours, turns, strict=True)):.2f}",
                f"{max(peak for _, peak in turns):.0f}",
            )
            for name, turns in found.items()
        ),
    )


def process_of(*words: object) -> tuple[float, float]:
    """Seconds and peak memory in MB of a process of Python."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return time.perf_counter() - start, used.ru_maxrss / 1024


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
            pq.write_table(
                pa.table({"id": ids, "score": scores, "embedding": embedding}), source / f"{number}.parquet"
            )
    rows = []
    for how in ("herding", "kmeans", "kcenter"):
        words = ("-m", "ncenet", "select", source, "-n", 10_000, "--by", "score", "--diversify", how)
        seconds, megabytes = process_of(*words, "--out", folder / f"{how}.csv")
        rows.append((how, f"{seconds:.0f}", f"{megabytes:.0f}"))
    table((f"10,000 of {count:,} x 512", "seconds", "peak MB"), *rows)


PARTS: dict[str, Callable[..., None]] = {
    "engines": engines,
    "growth": growth,
    "memory": memory,
    "killed": killed,
    "start": start,
    "select": select,
    "diversify": diversify,
}

if __name__ == "__main__":
    main()
