"""A run finds its images again that were moved: by their bytes, whatever they are called now.

Ids never change. Where the files still have the paths that their ids say, the recipe names the new folder.
Else ``images.csv`` in the run folder says which file is which id, and the recipe names that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ncenet.counts import count_of
from ncenet.data.open import open_dataset
from ncenet.data.pools import FolderPool
from ncenet.errors import UnreadableImage, UsageError
from ncenet.files import alone
from ncenet.ledger import Ledger
from ncenet.ledger.ledger import GONE
from ncenet.ledger.records import Item, not_as_labelled
from ncenet.progress import Notify
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.recipe_file import keep
from ncenet.run.recipe_record import load_recipe, record_recipe
from ncenet.tables import write_csv
from ncenet.types import Pool

SHOWN = 5


@dataclass(frozen=True)
class Relinked:
    """What was found of the images of a run.

    Attributes:
        recipe: that of the run from now on.
        found: file of each image that is there, by id.
        missing: ids of those that are not.
        new: files that the run did not know.
        left_out: of those, such as have the name of another image.
    """

    recipe: Recipe
    found: Mapping[str, str]
    missing: Sequence[str]
    new: Sequence[str]
    left_out: Sequence[str] = ()

    def __str__(self) -> str:
        """One line."""
        renamed = sum(id != file for id, file in self.found.items())
        of = count_of(len(self.found) + len(self.missing), "image")
        parts = [f"{len(self.found):,} of {of} found by their bytes"]
        if renamed:
            parts[0] += f", {renamed:,} of them under another name"
        if self.missing:
            more = f" and {len(self.missing) - SHOWN:,} more" if len(self.missing) > SHOWN else ""
            parts.append(f"{len(self.missing):,} missing: {', '.join(self.missing[:SHOWN])}{more}")
        if self.new:
            parts.append(f"{len(self.new):,} new")
        if self.left_out:
            named = ", ".join(self.left_out[:SHOWN])
            parts.append(f"{len(self.left_out):,} left out, named like other images: {named}")
        return "; ".join(parts)


def relink(folder: Path, source: str, *, notify: Notify | None = None) -> Relinked:
    """Have a run take its images from another place from now on.

    Args:
        folder: the run folder.
        source: where the images are now, in any form that ``--data`` takes.
        notify: told of the progress, ``{"event": "scan", "done": ..., "total": ...}``.

    Raises:
        UsageError: there is no run, no such place, or none of the run's images is there.
        LedgerError: images with a label are missing; nothing is changed then.
        DataError: what is there is no data set.
    """
    files, recipe = RunFolder(folder), load_recipe(RunFolder(folder))
    pool = open_dataset(source, task=recipe.task, classes=recipe.data.classes).pool
    with alone(folder, wait=True), Ledger(files.ledger) as ledger:
        items, labels = ledger.items(), dict(ledger.labeled())
        found, missing = match_files(items, hashes_of(pool, recipe.data.workers, notify))
        if not found:
            raise UsageError(f"{source}: holds none of {count_of(len(items), 'image')} of {folder}")
        if lost := sorted(labels.keys() & set(missing)):
            raise not_as_labelled(f"not in {source}", lost)
        taken, known = set(found.values()), {item.id for item in items}
        new = [id for id in pool.ids() if id not in taken]
        left_out: list[str] = []
        place = source
        if any(id != file for id, file in found.items()):
            if not isinstance(pool, FolderPool):
                raise UsageError(
                    f"{source}: names images otherwise than the run does; only files can be re-linked"
                )
            left_out = [id for id in new if id in known]
            new = [id for id in new if id not in known]
            rows = {**found, **{id: id for id in new}}
            write_csv(
                files.images, ("path", "moved_to"), ((id, str(pool.root / file)) for id, file in rows.items())
            )
            place = str(files.images)
        recipe = recipe.with_changes({"data.train": place})
        record_recipe(ledger, recipe)
        keep(files.recipe, recipe)
    return Relinked(recipe, found, missing, new, left_out)


def hashes_of(pool: Pool, workers: int, notify: Notify | None = None) -> dict[str, str]:
    """Content hash of every image that can be read, by id."""
    ids, found = pool.ids(), {}

    def hash_of(id: str) -> str | None:
        try:
            return pool.content_hash(id)
        except UnreadableImage:
            return None

    with ThreadPoolExecutor(workers) as threads:
        for done, (id, hash) in enumerate(zip(ids, threads.map(hash_of, ids), strict=True), 1):
            if hash is not None:
                found[id] = hash
            if notify is not None and (done % 64 == 0 or done == len(ids)):
                notify({"event": "scan", "done": done, "total": len(ids)})
    return found


def match_files(items: Collection[Item], hashes: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """File of each image by its bytes, and the images that have none.

    Of files with the same bytes an image gets that with its own name, or one that no other image has.

    Args:
        items: the images of a run.
        hashes: content hash by file.

    >>> match_files([Item("a", "1", None), Item("b", "2", None)], {"x/a": "1", "b": "2", "c": "3"})
    ({'a': 'x/a', 'b': 'b'}, [])
    """
    found = {item.id: item.id for item in items if item.hash and hashes.get(item.id) == item.hash}
    free: dict[str, list[str]] = defaultdict(list)
    for file, hash in hashes.items():
        if file not in found:
            free[hash].append(file)
    copies = {item.hash: item.id for item in items if item.id in found}
    for item in items:
        if item.id in found or not item.hash:
            continue
        if free[item.hash]:
            found[item.id] = free[item.hash].pop(0)
        elif item.hash in copies:
            found[item.id] = found[copies[item.hash]]
        if item.id in found:
            copies.setdefault(item.hash, item.id)
    missing = [item.id for item in items if item.id not in found and item.problem in (None, GONE)]
    return {item.id: found[item.id] for item in items if item.id in found}, missing
