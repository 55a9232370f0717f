"""Shards of images into shards of scores: the part of ``ncenet score`` that runs for hours."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ncenet.addresses import is_remote
from ncenet.cli.console import plain_console
from ncenet.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncenet.models.score_shards import Shard
    from ncenet.models.scorer import Scorer

TRIED = 64
"""Images that a dry run scores to tell how long all take (ours)."""


def are_shards(data: str, out: str | None, engine: str | None) -> bool:
    """Whether images are Parquet shards that go into a folder of such."""
    if engine is not None or is_remote(data) or (out is not None and is_remote(out)):
        return True
    into_file = out is None or Path(out).suffix.lower() in (".csv", ".json", ".jsonl", ".parquet")
    several = re.search(r"[*?\[]", data) is not None and not Path(data).exists()
    folder = Path(data).is_dir() and next(Path(data).rglob("*.parquet"), None) is not None
    return several or (not into_file and (folder or Path(data).suffix.lower() == ".parquet"))


def score_shards(
    model: str,
    data: str,
    out: str | None,
    engine: Literal["local", "ray"],
    outputs: Sequence[str],
    keep: Sequence[str],
    image: str,
    id: str | None,
    workers: int | None,
    dry_run: bool,
) -> None:
    """Score what is missing, with progress and a summary."""
    from ncenet import addresses
    from ncenet.cli.progress import bars
    from ncenet.models.score_shards import check_done, check_out, score_here, shards_of
    from ncenet.models.scorer import Scorer

    console = plain_console(stderr=True)
    if out is None:
        raise UsageError("shards of scores go into a folder: --out FOLDER, or an address")
    scorer = Scorer(model, outputs or None, keep=keep, workers=workers if engine == "local" else None)
    shards = shards_of(scorer, data, check_out(out), image=image, id=id)
    missing = [shard for shard in shards if not addresses.exists(shard.target)]
    total, images = sum(s.rows for s in shards), sum(s.rows for s in missing)
    console.print(f"{len(shards):,} shards of {total:,} images, {len(shards) - len(missing):,} done before")
    if dry_run:
        _estimate(scorer, missing, images)
        return
    start, rows, broken = time.monotonic(), 0, 0

    with bars() as show:

        def tell(done: int, bad: int) -> None:
            seconds = time.monotonic() - start
            left = _span(seconds * (images - done) / done) if done and seconds > 3 else ""
            show({"event": "shards", "done": done, "total": images, "broken": bad, "left": left})

        if engine == "ray":
            from ncenet.models.score_on_ray import score_on_ray

            results = []
            for done in score_on_ray(scorer, missing, workers=workers):
                results.append(done)
                rows, broken = rows + done.rows, broken + done.broken
                tell(rows, broken)
        else:
            results = list(score_here(scorer, missing, tell))
            broken = sum(done.broken for done in results)
    seconds = time.monotonic() - start
    speed = f" in {_span(seconds)}, {images / max(seconds, 1e-9):,.0f} images/s" if images else ""
    console.print(f"{images:,} images scored{speed}; {broken:,} broken, rows with a reason; scores in {out}")
    check_done(results)


def _estimate(scorer: Scorer, missing: Sequence[Shard], images: int) -> None:
    """Score a few images, and say what all would take."""
    from itertools import islice

    import pyarrow.parquet

    from ncenet import addresses

    console = plain_console(stderr=True)
    if not missing:
        console.print("nothing is left to do")
        return
    shard = missing[0]
    with addresses.reading(shard.source) as source, pyarrow.parquet.ParquetFile(source) as file:
        batch = next(islice(file.iter_batches(TRIED, columns=[shard.image, *scorer.keep]), 1), None)
    given = {} if batch is None else batch.to_pydict()
    if not given or not given[shard.image]:
        return
    columns = {scorer.image: given[shard.image]} | {name: given[name] for name in scorer.keep}
    scorer(columns)  # the model is read, and what is made once is made
    start = time.perf_counter()
    scorer(columns)
    speed = len(given[shard.image]) / (time.perf_counter() - start)
    size = sum(addresses.size_of(each.source) for each in missing)
    hours = images / speed / 3600
    console.print(f"{images:,} images, {size / 1e9:,.1f} GB in {len(missing):,} shards are to be scored")
    console.print(
        f"a process like this one scores {speed:,.0f} images/s: {_span(3600 * hours)} alone; on 10 of them "
        f"{_span(360 * hours)}, on 100 {_span(36 * hours)}, {hours:,.1f} hours of processes in all"
    )


def _span(seconds: float) -> str:
    """A time in words.

    >>> _span(42), _span(150), _span(9000)
    ('42 s', '2.5 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"
