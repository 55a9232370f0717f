"""Scoring shards beside bare loops.

    python benchmarks/scale.py local              # --engine local beside a DataLoader
    python benchmarks/scale.py ray                # --engine ray beside a bare map_batches, and beside local

Each prints a Markdown table; see results/scale.md. Everything is generated, in ``--folder`` or a temporary
one. Rivals run in turns, each round in the other order, and the middle counts. Seconds by the clock say
little on a machine with other work, so those of the processor stand beside them: of this process and all
below it, workers of Ray too. Needs the extra ``ray``. What scoring costs and takes by size is measured by
``scale_size.py``, choosing by ``scale_choice.py``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

BATCH, SIDE = 256, 64
TURNS = 3


def main(doc: str, parts: dict[str, Callable[..., None]]) -> None:
    """The command line of these scripts."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("what", choices=sorted(parts))
    parser.add_argument("rows", nargs="?", type=int)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with tempfile.TemporaryDirectory(prefix="ncenet-scale-") as made:
        folder = given.folder or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        parts[given.what](folder, *([given.rows] if given.rows else []))


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


class Used:
    """Seconds by the clock and of the processor, of this process and all below it, also those that end.

    They are looked at ten times a second, and what that takes is left out.
    """

    def __enter__(self) -> Used:
        self._first, self._last, self._own = self._look(), dict[tuple[int, float], float](), 0.0
        self._start, self._over = time.perf_counter(), threading.Event()
        self._watch = threading.Thread(target=self._watching)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.clock = time.perf_counter() - self._start
        self._over.set()
        self._watch.join()
        spent = sum(seconds - self._first.get(key, 0.0) for key, seconds in self._last.items())
        self.processor = spent - self._own

    def _watching(self) -> None:
        over = False
        while not over:
            over = self._over.wait(0.1)
            self._last |= self._look()
        self._own = time.thread_time()

    def _look(self) -> dict[tuple[int, float], float]:
        here = psutil.Process()
        found = {}
        for process in (here, *here.children(recursive=True)):
            try:
                times = process.cpu_times()
                found[process.pid, process.create_time()] = times.user + times.system
            except psutil.Error:
                continue  # it ended meanwhile
        return found


def in_turns(rivals: dict[str, Callable[[Path], None]], folder: Path) -> dict[str, list[Used]]:
    """What each takes, one after the other, several times, each time in the other order."""
    found: dict[str, list[Used]] = {name: [] for name in rivals}
    for turn in range(TURNS):
        for name in sorted(rivals, key=list(rivals).index, reverse=turn % 2 == 1):
            out = folder / f"{name.replace(' ', '-')}-{turn}"
            out.mkdir()
            with Used() as used:
                rivals[name](out)
            found[name].append(used)
            print(f"{name}: {used.clock:.1f} s, {used.processor:.1f} s of the processor", flush=True)
    return found


def compared(found: dict[str, list[Used]], images: int, ours: str, other: str) -> None:
    """Both ratios are those of speeds: above one, ours is the faster."""
    table(
        ("", "images/s (each turn)", "of the other", "processor ms an image (each turn)", "of the other"),
        *(
            (
                name,
                ", ".join(f"{images / used.clock:.0f}" for used in found[name]),
                f"{_ratio(found, 'clock', ours, other)}" if name == ours else "",
                ", ".join(f"{1000 * used.processor / images:.2f}" for used in found[name]),
                f"{_ratio(found, 'processor', ours, other)}" if name == ours else "",
            )
            for name in (ours, other)
        ),
    )


def _ratio(found: dict[str, list[Used]], what: str, ours: str, other: str) -> str:
    ratios = [getattr(b, what) / getattr(a, what) for a, b in zip(found[ours], found[other], strict=True)]
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def local(folder: Path, count: int = 4000) -> None:
    """``--engine local`` beside a loop over a DataLoader, on two cores."""
    import ncenet
    from ncenet.models.score_shards import score_here, shards_of

    source, file = shards(folder / "in", count, 8, 256), model(folder)
    scorer = ncenet.Scorer(file, ("likelihood",), workers=2)

    def ours(out: Path) -> None:
        assert not any(done.why for done in score_here(scorer, shards_of(scorer, str(source), str(out))))

    rivals = {"local": ours, "DataLoader": lambda out: by_loader(str(file), source, out / "a.parquet", 2)}
    compared(in_turns(rivals, folder), count, "local", "DataLoader")


def ray(folder: Path, count: int = 4000) -> None:
    """``--engine ray`` beside a bare ``map_batches``, on a cluster of two cores; then both engines."""
    import ray
    import ray.data

    import ncenet
    from ncenet.models.score_on_ray import score_on_ray
    from ncenet.models.score_shards import score_here, shards_of

    source, file = shards(folder / "in", count, 8, 256), model(folder)
    scorer = ncenet.Scorer(file, ("likelihood",), workers=1)
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False

    def ours(out: Path) -> None:
        done = list(score_on_ray(scorer, shards_of(scorer, str(source), str(out)), workers=2))
        assert not any(each.why for each in done)

    def bare(out: Path) -> None:
        rows = ray.data.read_parquet(str(source)).map_batches(
            Bare,
            fn_constructor_args=(str(file),),
            batch_size=BATCH,
            concurrency=2,
            num_cpus=0.5,  # those who read and write need some too
        )
        rows.write_parquet(str(out))

    compared(in_turns({"ray": ours, "map_batches": bare}, folder), count, "ray", "map_batches")
    ray.shutdown()
    assert not any(
        done.why for done in score_here(scorer, shards_of(scorer, str(source), str(folder / "here")))
    )
    names = ("here", "ray-0")
    parts = [pq.read_table(folder / name, columns=["id", "likelihood"]).to_pydict() for name in names]
    same = parts[0]["id"] == parts[1]["id"]
    apart = np.abs(np.array(parts[0]["likelihood"]) - np.array(parts[1]["likelihood"])).max()
    print(f"\nids equal: {same}; likelihoods differ by {apart:.1g} at most")


PARTS: dict[str, Callable[..., None]] = {"local": local, "ray": ray}

if __name__ == "__main__":
    main(__doc__ or "", PARTS)
