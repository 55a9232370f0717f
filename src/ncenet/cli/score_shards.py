"""Shards of images into shards of scores: the part of ``ncenet score`` that runs for hours."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ncenet.cli.console import plain_console
from ncenet.errors import UsageError
from ncenet.stores import is_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ncenet.models.score_shards import Done, Shard
    from ncenet.models.scorer import Scorer

TRIED = 64
"""Images that a dry run scores to tell how long all take (ours)."""


def are_shards(data: str, out: str | None, engine: str | None) -> bool:
    """Whether images are in shards whose scores go into a folder of such."""
    if engine is not None or is_remote(data) or (out is not None and is_remote(out)):
        return True
    if re.search(r"[*?\[]", data) is not None and not Path(data).exists():
        return True
    if out is None or Path(out).suffix.lower() in (".csv", ".json", ".jsonl", ".parquet"):
        return False
    from ncenet.data.shard_reader import shard_reader_of

    return shard_reader_of(data) is not None


class Tally:
    """How far a job is, and how long it will take.

    Args:
        shards: what is to be done.
        show: takes events of the progress.
    """

    def __init__(self, shards: Sequence[Shard], show: Callable[[Mapping[str, Any]], None]) -> None:
        self._show, self._start = show, time.monotonic()
        self._sizes = {shard.source: shard.size for shard in shards}
        self._known = None if any(s.rows is None for s in shards) else sum(s.rows or 0 for s in shards)
        self._rows = self._bytes = 0

    @property
    def seconds(self) -> float:
        """Since the job began."""
        return time.monotonic() - self._start

    def finished(self, done: Done) -> None:
        """A shard is done."""
        self._rows += done.rows
        self._bytes += self._sizes[done.source]

    def tell(self, rows: int, broken: int) -> None:
        """So many images are done. Of shards that say so late, how many there are is told by their sizes."""
        total, seconds = self._known, self.seconds
        if total is None:
            total = round(self._rows / self._bytes * sum(self._sizes.values())) if self._rows else None
        shown = None if total is None else max(total, rows)
        left = _span(seconds * (shown - rows) / rows) if shown and rows and seconds > 3 else ""
        speed = rows / seconds if seconds > 1 else None
        event = {
            "event": "shards",
            "done": rows,
            "total": shown,
            "broken": broken,
            "left": left,
            "speed": speed,
        }
        self._show(event)


def score_shards(
    model: str,
    data: str,
    out: str | None,
    engine: Literal["local", "ray"],
    outputs: Sequence[str],
    keep: Sequence[str],
    image: str | None,
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
    total = _images(shards)
    console.print(
        f"{len(shards):,} shards{f' of {total}' if total else ''}, {len(shards) - len(missing):,} done before"
    )
    if dry_run:
        _estimate(scorer, missing)
        return
    results: list[Done] = []
    with bars() as show:
        tally = Tally(missing, show)
        if engine == "ray":
            from ncenet.models.score_on_ray import score_on_ray

            running = score_on_ray(scorer, missing, workers=workers)
        else:
            running = score_here(scorer, missing, tally.tell)
        for done in running:
            results.append(done)
            tally.finished(done)
            tally.tell(sum(each.rows for each in results), sum(each.broken for each in results))
    images, broken = sum(done.rows for done in results), sum(done.broken for done in results)
    seconds = tally.seconds
    speed = f" in {_span(seconds)}, {images / max(seconds, 1e-9):,.0f} images/s" if images else ""
    console.print(f"{images:,} images scored{speed}; {broken:,} broken, rows with a reason; scores in {out}")
    check_done(results)


def _images(shards: Sequence[Shard]) -> str:
    """How many images shards hold, in words; nothing where that takes reading them."""
    counts = [shard.rows for shard in shards]
    return "" if None in counts else f"{sum(count or 0 for count in counts):,} images"


def _estimate(scorer: Scorer, missing: Sequence[Shard]) -> None:
    """Score a few images, and say what all would take."""
    from ncenet.data.shard_files import cells
    from ncenet.data.shard_reader import shard_file

    console = plain_console(stderr=True)
    if not missing:
        console.print("nothing is left to do")
        return
    shard = missing[0]
    file = shard_file(shard.source)
    table = next(file.stream([shard.image, *scorer.keep], TRIED), None)
    if table is None or not len(table):
        console.print(f"{shard.source} is empty: nothing to judge by")
        return
    images = cells(table[shard.image], shard.source)
    columns = {scorer.image: images} | {name: table[name].to_pylist() for name in scorer.keep}
    scorer(columns)  # the model is read, and what is made once is made
    start = time.perf_counter()
    scorer(columns)
    speed = len(images) / (time.perf_counter() - start)
    size = sum(each.size for each in missing)
    rows = file.ends[-1] if shard.rows is None else 0
    known = [each.rows for each in missing]
    count = round(rows / shard.size * size) if None in known else sum(each or 0 for each in known)
    hours = count / speed / 3600
    about = "about " if None in known else ""
    console.print(
        f"{about}{count:,} images, {size / 1e9:,.1f} GB in {len(missing):,} shards are to be scored"
    )
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
