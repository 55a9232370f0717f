"""``ncenet features``: embed images once, and say what the store holds."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from ncenet.console import plain_console
from ncenet.counts import count_of
from ncenet.recipe import Framing

if TYPE_CHECKING:
    from rich.console import Console

    from ncenet.errors import UnreadableImage
    from ncenet.features.embed import Embedder

_SHOWN = 5


def features(
    data: str | None = None,
    /,
    *,
    features: str | None = None,
    weights: Path | None = None,
    framing: Framing | None = None,
    split: str = "train",
    workers: int | None = None,
    engine: Literal["local", "ray"] = "local",
    clear: Annotated[bool, Parameter(negative=())] = False,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Embed images: each becomes a vector, once, which every run with --features then reads.

    What is there already is not computed again, and a killed run goes on where it was. Without DATA it lists
    what the store holds.

    For example: `ncenet features photos/`, then `ncenet label photos/ --features lite0`

    `ncenet features s3://bucket/photos/ --engine ray`

    Args:
        data: Folder of images, Parquet file, CSV manifest or built-in set.
        features: lite0, lite2, timm:NAME, or one of a plug-in. Default: lite0; without DATA all of them.
        weights: File of weights for it, in the place of its own.
        framing: How images become squares: cut the middle out, squash, or pad. Default: its own way.
        split: Of a built-in set: train or test.
        workers: Threads that decode; at least one for each core that runs the network. With ray, actors.
        engine: local, in this process, or ray: shards are embedded on the cluster that RAY_ADDRESS names,
            into a store (in XDG_CACHE_HOME) that all its machines find under the same path.
        clear: Remove what is stored: of this extractor with DATA, of all or those of --features without.
        json_output: Print as JSON.
    """
    from ncenet.features.embed import store_folder

    console = plain_console()
    if data is None:
        _list(store_folder(), features, clear, json_output, console)
        return
    features = "lite0" if features is None else features
    from ncenet.data.open import open_dataset
    from ncenet.errors import UsageError
    from ncenet.features.pool import named, open_source
    from ncenet.features.vectors import VectorTable

    if engine == "ray":
        if clear or split != "train":
            raise UsageError("--clear and --split are not for --engine ray")
        _embed_on_ray(data, features, weights, framing, workers, json_output, console)
        return
    if split not in ("train", "test"):
        raise UsageError(f"--split is train or test, got {split!r}")
    pool = open_dataset(data, split="train" if split == "train" else "test", task=None).pool
    recipe = named(features, weights=weights, framing=framing)
    source = open_source(recipe, pool=pool, ids=pool.ids(), workers=workers or 2)
    if isinstance(source, VectorTable):
        if clear:
            raise UsageError(f"{features}: is a file of yours; ncenet removes what it has stored itself")
        source.check(pool.ids())
        console.print(
            f"{features}: a vector of {source.dim} numbers for each of {count_of(len(pool.ids()), 'image')}"
        )
        return
    if clear:
        count = len(source.store)
        source.store.clear()
        console.print(f"removed {count_of(count, 'vector')} of {features} from {source.store.folder}")
        return
    bad: list[UnreadableImage] = []
    start = time.perf_counter()
    computed = _embed(source, pool, bad)
    seconds = time.perf_counter() - start
    found = {
        "features": features,
        "images": len(pool.ids()),
        "embedded": computed,
        "seconds": round(seconds, 1),
        "images_per_second": round(computed / seconds, 1),
        "by": source.backend.name if computed else None,
        "unreadable": {problem.id: problem.why for problem in bad},
        "stored": len(source.store),
        "megabytes": round(source.store.bytes / 1e6, 1),
        "folder": str(source.store.folder),
        "damaged": [str(file) for file in source.store.damaged],
    }
    if json_output:
        print(json.dumps(found, indent=1))
        return
    console.print(f"images       {found['images']:,}")
    speed = f" in {seconds:.1f} s, {computed / seconds:.0f}/s by {source.backend.name}" if computed else ""
    console.print(f"embedded     {computed:,} now{speed}")
    console.print(f"unreadable   {len(bad):,}")
    for problem in bad[:_SHOWN]:
        console.print(f"             {problem}")
    console.print(
        f"stored       {count_of(len(source.store), 'vector')} of {features}, {found['megabytes']} MB"
    )
    console.print(f"             {source.store.folder}")
    for file in source.store.damaged:
        console.print(f"damaged      {file}: set aside, its images were embedded again")


def _embed_on_ray(
    data: str,
    features: str,
    weights: Path | None,
    framing: Framing | None,
    workers: int | None,
    json_output: bool,
    console: Console,
) -> None:
    from ncenet.errors import DataError, UsageError
    from ncenet.features.pool import named
    from ncenet.features.vectors import is_vectors
    from ncenet.models.embed_shards import EmbeddedShard, embed_on_ray
    from ncenet.progress import bars

    if is_vectors(features):
        raise UsageError(f"{features}: is a file of vectors; there is nothing to embed")
    recipe = named(features, weights=weights, framing=framing)
    done: list[EmbeddedShard] = []
    start = time.perf_counter()
    with bars() as show:
        for shard in embed_on_ray(recipe, data, workers=workers):
            done.append(shard)
            images, broken = sum(each.rows for each in done), sum(each.broken for each in done)
            speed = images / max(1e-9, time.perf_counter() - start)
            show({"event": "shards", "done": images, "total": None, "broken": broken, "speed": speed})
    seconds = time.perf_counter() - start
    found = {
        "features": features,
        "shards": len(done),
        "images": sum(each.rows for each in done),
        "embedded": sum(each.computed for each in done),
        "unreadable": sum(each.broken for each in done),
        "seconds": round(seconds, 1),
        "failed": {each.source: each.why for each in done if each.why},
    }
    if json_output:
        print(json.dumps(found, indent=1))
    else:
        console.print(f"images       {found['images']:,} in {count_of(len(done), 'shard')}")
        console.print(f"embedded     {found['embedded']:,} now in {seconds:.1f} s")
        console.print(f"unreadable   {found['unreadable']:,}")
    if found["failed"]:
        raise DataError(
            "\n".join(["shards that were not embedded:", *(each.why for each in done if each.why)])
        )


def _embed(source: Embedder, pool: object, bad: list[UnreadableImage]) -> int:
    from ncenet.progress import bars
    from ncenet.types import Pool

    assert isinstance(pool, Pool)
    with bars() as show:
        return source.embed(
            pool,
            pool.ids(),
            progress=lambda done, total: show({"event": "embed", "done": done, "total": total}),
            bad=bad.append,
        )


def _list(root: Path, only: str | None, clear: bool, json_output: bool, console: Console) -> None:
    from ncenet.features.store import Store, remove, stores

    rows: list[dict[str, Any]] = []
    unknown = []
    for store in stores(root):
        if not isinstance(store, Store):
            if only is not None:
                continue
            unknown.append(store)
        elif only in (None, store.name):
            about = {"features": store.name, "fingerprint": store.fingerprint, "stored": len(store)}
            place = {"megabytes": round(store.bytes / 1e6, 1), "folder": str(store.folder)}
            rows.append(about | place)
        else:
            continue
        if clear:
            remove(store.folder if isinstance(store, Store) else store)
    if json_output:
        print(json.dumps([*rows, *({"features": None, "folder": str(each)} for each in unknown)], indent=1))
        return
    for row in rows:
        done = f"{count_of(row['stored'], 'vector')} {'removed' if clear else 'stored'}"
        console.print(f"{row['features']}  {done}, {row['megabytes']} MB  {row['folder']}")
    for folder in unknown:
        console.print(f"{'removed' if clear else 'not read'}  {folder}: a store of another version of ncenet")
    if not rows and not unknown:
        console.print(
            f"no vectors{f' of {only}' * (only is not None)} in {root}; ncenet features DATA embeds images"
        )
