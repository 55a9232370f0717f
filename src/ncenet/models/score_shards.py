"""Scores of shards: a Parquet file of images in, a Parquet file of scores out, whole or absent.

A shard is what is resumed. The name of its scores carries the hash of the model and that of the shard, so a
job that is killed and run again, on the same engine or another, does what is missing and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ncenet import addresses
from ncenet.data.rows import RowIds
from ncenet.errors import DataError, NcenetError, UsageError
from ncenet.models.scorer import BOXES, EMBEDDING, LIKELIHOOD, PREDICTED, REASON, Scorer
from ncenet.tables import pyarrow

BATCH = 256
"""Images that are decoded and scored at once (ours)."""
METADATA = b"ncenet"
"""Key under which a file of scores says what made it, as JSON."""


@dataclass(frozen=True)
class Shard:
    """One file of images, and where its scores go.

    Attributes:
        source: its address.
        name: the same within the pool, without ``.parquet``; ids begin with it.
        target: address of the scores.
        rows: images in it.
        image: column of the images.
        id: column of the ids; None for its name and the number of the row.
    """

    source: str
    name: str
    target: str
    rows: int
    image: str = "image"
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
    scorer: Scorer, source: str, out: str, *, image: str = "image", id: str | None = None
) -> list[Shard]:
    """The shards at an address, with the places of their scores.

    Args:
        scorer: what scores them.
        source: a Parquet file, a folder or a glob of such, on this machine or in a store.
        out: folder or address of the scores.
        image: column of the images.
        id: column of the ids.

    Raises:
        UsageError: there is no such file.
        DataError: one is no Parquet file, or has no such column.
    """
    pa, found = pyarrow("scoring shards"), []
    files = addresses.files_at(source, (".parquet",))
    model = model_hash(scorer)
    for file, name in zip(files, addresses.names_below(source, files), strict=True):
        with addresses.reading(file) as opened, addresses.reasons(file):
            metadata = pa.parquet.read_metadata(opened)
        columns = metadata.schema.to_arrow_schema().names
        for column in (image, *scorer.keep, *([] if id is None else [id])):
            if column not in columns:
                raise DataError(f"{file}: has no column {column!r}, only {', '.join(columns)}")
        told = f"{name} {metadata.num_rows} {addresses.size_of(file)} {image} {id} " + repr(
            [metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups)]
        )
        whose = hashlib.blake2b(told.encode(), digest_size=4).hexdigest()
        target = addresses.below(out, f"{name.replace('/', '-')}.{model[:8]}-{whose}.parquet")
        found.append(Shard(file, name, target, metadata.num_rows, image, id))
    return found


def model_hash(scorer: Scorer) -> str:
    """32 hexadecimal digits that stand for the model's file and what is asked of it."""
    asked = json.dumps([scorer.outputs, scorer.keep, scorer.least])
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
    if addresses.exists(shard.target):
        return Done(shard.source, shard.rows)
    done = broken = 0
    try:
        with addresses.whole_at(shard.target) as file, _writer(scorer, shard, file) as write:
            for table in _scored(scorer, shard):
                write(table)
                done += len(table[REASON])
                broken += int((table[REASON] != "").sum())
                told(done, broken)
    except NcenetError as error:
        return Done(shard.source, shard.rows, broken, str(error))
    return Done(shard.source, shard.rows, broken)


def score_here(
    scorer: Scorer, shards: Iterable[Shard], told: Callable[[int, int], None] = lambda rows, broken: None
) -> Iterator[Done]:
    """Score shards one after the other in this process; ``told`` is of all images so far."""
    before = bad = 0
    for shard in shards:
        done = score_shard(scorer, shard, lambda rows, broken: told(before + rows, bad + broken))  # noqa: B023
        before, bad = before + shard.rows, bad + done.broken
        told(before, bad)
        yield done


def _scored(scorer: Scorer, shard: Shard) -> Iterator[dict[str, Any]]:
    pa, start = pyarrow("scoring shards"), 0
    ids = RowIds(f"{shard.name}/", shard.rows)
    columns = [shard.image, *scorer.keep, *([] if shard.id is None else [shard.id])]
    with (
        addresses.reading(shard.source) as source,
        addresses.reasons(shard.source),
        pa.parquet.ParquetFile(source) as file,
    ):
        for batch in file.iter_batches(BATCH, columns=list(dict.fromkeys(columns))):
            given = {name: batch.column(name).to_pylist() for name in batch.schema.names}
            rows = range(start, start + len(batch))
            named = [ids[row] for row in rows] if shard.id is None else given[shard.id]
            if None in named:
                raise DataError(f"{shard.source}: row {rows[named.index(None)]} has no id in {shard.id!r}")
            start += len(batch)
            kept = {name: given[name] for name in scorer.keep}
            yield scorer({scorer.image: given[shard.image], scorer.id: list(map(str, named)), **kept})


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
    if name in (LIKELIHOOD, EMBEDDING):
        kind = pa.float32() if name == LIKELIHOOD else pa.float16()
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
            f"{len(failed)} of {len(done)} shard(s) have no scores:\n{shown}{more}\nall others are done; run "
            "the same command again for these"
        )


def check_out(out: str) -> str:
    """The address of a folder of scores.

    Raises:
        UsageError: it is that of a file.
    """
    if not addresses.is_remote(out) and Path(out).is_file():
        raise UsageError(f"{out}: is a file; shards of scores go into a folder")
    return out
