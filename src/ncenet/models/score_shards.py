"""Scores of shards: a file of many images in, a Parquet file of scores out, whole or absent.

A shard is what is resumed. The name of its scores carries the hash of the model and that of the shard, so a
job that is killed and run again, on the same engine or another, does what is missing and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from ncenet import addresses, stores
from ncenet.counts import count_of
from ncenet.data.shard_files import IMAGE, ShardFile, cells, fetched, id_texts
from ncenet.data.shard_reader import shard_file, shard_files
from ncenet.errors import DataError, NcenetError, Unreachable, UsageError
from ncenet.models.scorer import Scorer
from ncenet.score_columns import BOXES, EMBEDDING, LIKELIHOOD, METADATA, PREDICTED, REASON, SHARE
from ncenet.tables import pyarrow

BATCH = 256
"""Images that are decoded and scored at once (ours)."""
_ASKED_AT_ONCE = 16


@dataclass(frozen=True)
class Shard:
    """One file of images, and where its scores go.

    Attributes:
        source: its address.
        name: the same within the pool, without its ending; ids begin with it.
        target: address of the scores.
        size: bytes of it.
        rows: images in it; None where that takes reading it.
        image: column of the images.
        id: column of the ids; None for its name and the row.
    """

    source: str
    name: str
    target: str
    size: int
    rows: int | None = None
    image: str = IMAGE
    id: str | None = None


class Done(NamedTuple):
    """What became of a shard.

    Attributes:
        source: its address.
        rows: images in it.
        broken: images of it that could not be read.
        why: why there are no scores of it; empty when there are.
    """

    source: str
    rows: int
    broken: int = 0
    why: str = ""


def shards_of(
    scorer: Scorer, source: str, out: str, *, image: str | None = None, id: str | None = None
) -> list[Shard]:
    """The shards at an address, with the places of their scores.

    Args:
        scorer: what scores them.
        source: shards of any form, a file, a folder or a glob of such, on this machine or in a store.
        out: folder or address of the scores.
        image: column of the images. Default: what the form has for one.
        id: column of the ids.

    Raises:
        UsageError: there is no such file.
        DataError: one is broken, or has no such column; or a column is not alike in all.
    """
    columns = [*scorer.keep, *([] if id is None else [id])]
    files, names, image = shard_files(source, image=image, columns=columns)
    model = model_hash(scorer)

    def placed(file: ShardFile, name: str) -> Shard:
        told = f"{name} {file.fingerprint()} {image} {id}"
        whose = hashlib.blake2b(told.encode(), digest_size=4).hexdigest()
        target = addresses.below(out, f"{name.replace('/', '-')}.{model[:8]}-{whose}.parquet")
        return Shard(file.address, name, target, addresses.bytes_of(file.address), file.count, image, id)

    with ThreadPoolExecutor(_ASKED_AT_ONCE) as threads:
        return list(threads.map(placed, files, names))


def model_hash(scorer: Scorer) -> str:
    """32 hexadecimal digits that stand for the model's file and what is asked of it."""
    shares = [scorer.temperature] if SHARE in scorer.outputs else []  # it stands beside the model's file
    asked = json.dumps([scorer.outputs, scorer.keep, scorer.least, *shares])
    return _hash_of(scorer.model, Path(scorer.model).stat().st_mtime_ns, asked)


@lru_cache(maxsize=4)
def _hash_of(model: str, written: int, asked: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with Path(model).open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    digest.update(asked.encode())
    return digest.hexdigest()


def score_shard(
    scorer: Scorer, shard: Shard, told: Callable[[int, int], None] = lambda rows, broken: None
) -> Done:
    """Score one shard, unless it was done before.

    Args:
        scorer: what scores it.
        shard: which one.
        told: of the images done and of the broken ones among them, batch by batch.

    Returns:
        What became of it; a shard that cannot be read or written is told by a reason.
    """
    done = broken = 0
    try:
        if addresses.exists(shard.target):
            return Done(shard.source, shard.rows or 0)
        with addresses.whole_at(shard.target) as file, _writer(scorer, shard, file) as write:
            for table in _scored(scorer, shard):
                write(table)
                done += len(table[REASON])
                broken += int((table[REASON] != "").sum())
                told(done, broken)
    except NcenetError as error:
        return Done(shard.source, done, broken, str(error))
    return Done(shard.source, done, broken)


def score_here(
    scorer: Scorer, shards: Iterable[Shard], told: Callable[[int, int], None] = lambda rows, broken: None
) -> Iterator[Done]:
    """Score shards one after the other in this process; ``told`` is of all images so far."""
    before = bad = 0
    for shard in shards:
        done = score_shard(scorer, shard, partial(_told_beyond, told, before, bad))
        before, bad = before + done.rows, bad + done.broken
        told(before, bad)
        yield done


def _told_beyond(told: Callable[[int, int], None], before: int, bad: int, rows: int, broken: int) -> None:
    told(before + rows, bad + broken)


def _scored(scorer: Scorer, shard: Shard) -> Iterator[dict[str, Any]]:
    file, start, seen = shard_file(shard.source), 0, set[str]()
    key = shard.id or file.key
    numbered = None if key else file.row_ids(shard.name)
    columns = [shard.image, *scorer.keep, *([key] if key else [])]
    for table in file.stream(list(dict.fromkeys(columns)), BATCH):
        rows = range(start, start + len(table))
        named = [numbered[row] for row in rows] if numbered else []
        if key:
            named = id_texts(table[key], key, shard.source, start)
            if len(seen.union(named)) < start + len(named):
                raise DataError(f"{shard.source}: the id {_twice(seen, named)!r} is there twice")
            seen.update(named)
            named = named if shard.id else [f"{shard.name}/{name}" for name in named]
        start += len(table)
        kept = {name: table[name].to_pylist() for name in scorer.keep}
        images = _fetched(cells(table[shard.image], shard.source), first=rows.start == 0)
        yield scorer({scorer.image: images, scorer.id: named, **kept})


def _twice(seen: set[str], named: Sequence[str]) -> str:
    """The first of some ids that is there before."""
    before = set(seen)
    for id in named:
        if id in before:
            break
        before.add(id)
    return id


def _fetched(images: Sequence[bytes | str | None], *, first: bool) -> list[bytes | DataError | None]:
    """Encoded bytes of a batch, or why there are none.

    Args:
        images: bytes, or addresses of them.
        first: whether these are the first of a shard.

    Raises:
        Unreachable: a store does not answer, or refuses all of them: no fault of the images.
    """

    def fetch(image: bytes | str | None) -> bytes | DataError | None:
        try:
            return fetched(image)
        except DataError as error:
            return error

    if not any(isinstance(image, str) for image in images):
        return [fetch(image) for image in images]
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as threads:
        found = list(threads.map(fetch, images))
    refused = [each for each in found if isinstance(each, Unreachable)]
    whole = len(refused) == len(found) and (first or len(found) == BATCH)
    failed = next((each for each in refused if whole or each.silent), None)
    if failed is not None:
        raise failed
    return found


@contextmanager
def _writer(scorer: Scorer, shard: Shard, file: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    pa = pyarrow("scoring shards")
    about = {
        "model": model_hash(scorer),
        "outputs": list(scorer.outputs),
        "class_names": list(scorer.class_names),
        "source": shard.source,
    }
    opened: list[Any] = []

    def write(columns: Mapping[str, Any]) -> None:
        table = pa.table({name: _arrow(pa, name, rows, scorer) for name, rows in columns.items()})
        table = table.replace_schema_metadata({METADATA: json.dumps(about).encode()})
        if not opened:
            opened.append(pa.parquet.ParquetWriter(file, table.schema))
        opened[0].write_table(table)

    try:
        yield write
        if not opened:
            write(scorer({scorer.image: [], scorer.id: [], **{name: [] for name in scorer.keep}}))
    finally:
        for writer in opened:
            writer.close()


def _arrow(pa: Any, name: str, rows: Any, scorer: Scorer) -> Any:
    """A column as Parquet has it."""
    if name in (LIKELIHOOD, SHARE, EMBEDDING):
        kind = pa.float16() if name == EMBEDDING else pa.float32()
        return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel(), kind), rows.shape[1])
    if name == BOXES:
        edges = pa.list_(pa.float32(), 4)
        object_ = pa.struct({"box": edges, "label": pa.string(), "likelihood": pa.float32()})
        return pa.array(rows.tolist(), pa.list_(object_))
    if name in (scorer.id, PREDICTED, REASON):
        return pa.array(rows.tolist(), pa.string())
    return pa.array(rows.tolist()) if name in scorer.keep else pa.array(rows, pa.float32())


def check_done(done: Sequence[Done]) -> None:
    """Refuse to call a job done in which shards have no scores.

    Raises:
        DataError: names them.
    """
    failed = [each for each in done if each.why]
    if failed:
        shown = "\n".join(f"  {each.why}" for each in failed[:20])
        more = f"\n  and {len(failed) - 20} more" if len(failed) > 20 else ""
        raise DataError(
            f"{len(failed):,} of {count_of(len(done), 'shard')} without scores:\n{shown}{more}\nall "
            "others are done; run the same command again for these"
        )


def check_out(out: str) -> str:
    """The address of a folder of scores.

    Raises:
        UsageError: it is that of a file.
    """
    if not stores.is_remote(out) and Path(out).is_file():
        raise UsageError(f"{out}: is a file; shards of scores go into a folder")
    return out
