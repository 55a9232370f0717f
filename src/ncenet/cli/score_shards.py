"""Shards of images into shards of scores: the part of ``ncenet score`` that runs for hours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ncenet.console import plain_console
from ncenet.counts import count_of
from ncenet.errors import UsageError


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
    from ncenet.models.score import missing_of, score_missing, time_in_words, to_score
    from ncenet.models.score_shards import check_done, check_out, shards_of
    from ncenet.models.scorer import Scorer
    from ncenet.progress import bars

    console = plain_console(stderr=True)
    if out is None:
        raise UsageError("shards of scores go into a folder: --out FOLDER, or an address")
    scorer = Scorer(model, outputs or None, keep=keep, workers=workers if engine == "local" else None)
    shards = shards_of(scorer, data, check_out(out), image=image, id=id)
    counts = [shard.rows for shard in shards]
    total = "" if None in counts else f" of {count_of(sum(count or 0 for count in counts), 'image')}"
    console.print(
        f"{count_of(len(shards), 'shard')}{total}, {len(shards) - len(missing_of(shards)):,} done before"
    )
    if dry_run:
        left = to_score(scorer, shards)
        if not left.shards:
            console.print("nothing is left to do")
        elif not left.speed:
            console.print("the first of them is empty: nothing to judge by")
        else:
            seconds, about = left.images / left.speed, "" if left.counted else "about "
            console.print(
                f"to be scored: {about}{count_of(left.images, 'image')}, {left.gigabytes:,.1f} GB in "
                f"{count_of(left.shards, 'shard')}"
            )
            console.print(
                f"a process like this one scores {left.speed:,.0f} images/s: {time_in_words(seconds)} alone; "
                f"on 10 of them {time_in_words(seconds / 10)}, on 100 {time_in_words(seconds / 100)}, "
                f"{seconds / 3600:,.1f} hours of processes in all"
            )
        return
    with bars() as show:
        done = score_missing(scorer, shards, engine, workers=workers, notify=show)
    speed = f" in {time_in_words(done.seconds)}, {done.images / max(done.seconds, 1e-9):,.0f} images/s"
    console.print(
        f"{count_of(done.images, 'image')} scored{speed * bool(done.images)}; {done.broken:,} broken, rows "
        f"with a reason; scores in {out}"
    )
    check_done(done.shards)
