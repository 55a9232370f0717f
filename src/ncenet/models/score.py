"""The scores of a data set in a file, and of shards in a folder of such: what is to be done, and doing it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ncenet import addresses
from ncenet.data.shard_files import cells
from ncenet.data.shard_reader import shard_file, shard_reader_of
from ncenet.errors import UnreadableImage, UsageError
from ncenet.models.model import DetectionModel, Model
from ncenet.models.score_file import write_scores
from ncenet.models.score_on_ray import score_on_ray
from ncenet.models.score_shards import Done, Shard, score_here
from ncenet.models.score_tables import BoxTable, ClassTable, ScoreTable
from ncenet.models.scorer import Scorer
from ncenet.models.scoring import score_data
from ncenet.progress import Notify
from ncenet.recipe import OnBadImage
from ncenet.score_columns import LIKELY
from ncenet.stores import is_remote

FILES = (".csv", ".json", ".jsonl", ".parquet")
"""How the names of files end that take the scores of images."""
TRIED = 64
"""Images that are scored to tell how long all take (ours)."""


@dataclass(frozen=True)
class ToScore:
    """What scoring would take.

    Attributes:
        shards: files that are not done.
        of: all files.
        images: in those that are not done; reckoned by their sizes where counting takes reading them.
        counted: whether they were counted.
        gigabytes: of them.
        speed: images that a process like this one scores in a second; 0 when nothing is left, or empty.
    """

    shards: int
    of: int
    images: int
    counted: bool
    gigabytes: float
    speed: float


@dataclass(frozen=True)
class Scored:
    """What was scored.

    Attributes:
        images: how many; of shards, such as were scored now.
        broken: of those, images that could not be read.
        seconds: it took.
        left: of a dry run, what there is to do; else None.
        shards: what became of each.
    """

    images: int
    broken: int = 0
    seconds: float = 0.0
    left: ToScore | None = None
    shards: tuple[Done, ...] = ()


def are_shards(data: str, out: str | None, engine: str | None) -> bool:
    """Whether images are in shards whose scores go into a folder of such."""
    if engine is not None or is_remote(data) or (out is not None and is_remote(out)):
        return True
    if re.search(r"[*?\[]", data) is not None and not Path(data).exists():
        return True
    if out is None or Path(out).suffix.lower() in FILES:
        return False
    return shard_reader_of(data) is not None


def check_options(shards: bool, *, of_files: bool, of_shards: bool) -> None:
    """Refuse what is for files of the other kind.

    Raises:
        UsageError: it is.
    """
    if shards and of_files:
        raise UsageError("shards are scored into Parquet: `outputs` says what, and broken images are rows")
    if not shards and of_shards:
        raise UsageError(
            "`outputs`, `keep`, `image_column`, `workers` and `dry_run` are for shards that are scored into "
            "a folder: name one as `out`"
        )


def table_of(
    model: Model | DetectionModel, *, per_class: bool, boxes: bool, least: float | None
) -> ScoreTable:
    """Which columns there are.

    Raises:
        UsageError: objects are asked for, and the model is a classifier.
    """
    if isinstance(model, DetectionModel):
        return BoxTable(model.class_names, LIKELY if least is None else least, per_class, boxes)
    if boxes or least is not None:
        raise UsageError(f"`boxes` and `least` are for detectors, and {model.file} holds a classifier")
    return ClassTable(model.class_names, model.votes, per_class, model.temperature is not None)


def score_images(
    model: Model | DetectionModel,
    data: str,
    table: ScoreTable,
    out: Path | None,
    on_bad_image: OnBadImage,
    *,
    id_column: str | None = None,
    raw: bool = False,
    as_json: bool = False,
    bad: Callable[[UnreadableImage], None],
    notify: Notify,
) -> int:
    """Score images into a file, or onto standard output; how many there were."""
    chunks = score_data(
        model,
        data,
        on_bad_image=on_bad_image,
        id_column=id_column,
        bad=bad,
        progress=lambda done, total: notify({"event": "score", "done": done, "total": total}),
    )
    return write_scores(chunks, table, out, as_json=as_json, raw=raw)


def missing_of(shards: Sequence[Shard]) -> list[Shard]:
    """Those whose scores are not there."""
    return [shard for shard in shards if not addresses.exists(shard.target)]


def score_missing(
    scorer: Scorer,
    shards: Sequence[Shard],
    engine: Literal["local", "ray"],
    *,
    workers: int | None = None,
    notify: Notify,
) -> Scored:
    """Score the shards that are not done, here or on a cluster; some may fail."""
    missing, results = missing_of(shards), list[Done]()
    tally = _Tally(missing, notify)
    if engine == "ray":
        running = score_on_ray(scorer, missing, workers=workers)
    else:
        running = score_here(scorer, missing, tally.tell)
    for done in running:
        results.append(done)
        tally.finished(done)
        tally.tell(sum(each.rows for each in results), sum(each.broken for each in results))
    images, broken = sum(done.rows for done in results), sum(done.broken for done in results)
    return Scored(images, broken, tally.seconds, shards=tuple(results))


def to_score(scorer: Scorer, shards: Sequence[Shard]) -> ToScore:
    """Score a few images, and say what is to be done and how fast that goes."""
    missing = missing_of(shards)
    size, known = sum(each.size for each in missing), [each.rows for each in missing]
    rows, speed = sum(each or 0 for each in known), 0.0
    if missing:
        shard = missing[0]
        file = shard_file(shard.source)
        if None in known and shard.size:
            rows = round(file.ends[-1] / shard.size * size)
        table = next(file.stream([shard.image, *scorer.keep], TRIED), None)
        if table is not None and len(table):
            images = cells(table[shard.image], shard.source)
            columns = {scorer.image: images} | {name: table[name].to_pylist() for name in scorer.keep}
            scorer(columns)  # the model is read, and what is made once is made
            start = time.perf_counter()
            scorer(columns)
            speed = len(images) / (time.perf_counter() - start)
    return ToScore(len(missing), len(shards), rows, None not in known, size / 1e9, speed)


class _Tally:
    """How far a job is, and how long it will take.

    Args:
        shards: what is to be done.
        notify: takes events of the progress.
    """

    def __init__(self, shards: Sequence[Shard], notify: Notify) -> None:
        self._notify, self._start = notify, time.monotonic()
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
        left = time_in_words(seconds * (shown - rows) / rows) if shown and rows and seconds > 3 else ""
        speed = rows / seconds if seconds > 1 else None
        numbers = {"done": rows, "total": shown, "broken": broken, "left": left, "speed": speed}
        self._notify({"event": "shards", **numbers})


def time_in_words(seconds: float) -> str:
    """A time in words.

    >>> time_in_words(42), time_in_words(150), time_in_words(9000)
    ('42 s', '2.5 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"
