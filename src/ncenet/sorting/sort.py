"""Sort the images of a run into folders by class, see how that will go before, and take it back.

::

    out/
    ├── cat/…            what people say is a cat, and what the model says from some likelihood on
    ├── dog/…
    ├── review/cat/…     what the model thinks is a cat, and isn't sure enough of
    ├── skipped/…        where files are moved: what people skipped, so that none stays behind
    ├── sorted.csv       each image: where it went, its class, the likelihood, who says so
    └── sorting.json     how it was sorted, and whether that is done

The table is written before the first image moves, so that a sort that is killed goes on by being run again,
and can be taken back whole.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ncenet.counts import count_of
from ncenet.data.pools import FolderPool
from ncenet.errors import DataError, UsageError
from ncenet.files import alone, is_temporary, write_json
from ncenet.ledger import Ledger
from ncenet.progress import Notify
from ncenet.run.folder import RunFolder
from ncenet.run.opening import OpenRun
from ncenet.run.recipe_record import check_recipe
from ncenet.run.shares import shares, sharpness_of
from ncenet.sorting.expected import STEPS, Expected
from ncenet.sorting.place import How, Left, place, undo_place
from ncenet.sorting.plan import (
    HEADER,
    PLACING,
    TABLE,
    Opinion,
    Placed,
    check_place,
    evidence_of,
    plan,
    read_plan,
    write_plan,
)
from ncenet.text_files import read_json

ABOVE = 0.9
"""The likelihood from which on the model sorts, unless somebody names another (ours)."""
LOCK = ".sort.lock"
AT_WORK = "another ncenet sort is at work here; wait until it has ended"
STATES = ("sorting", "sorted", "undoing")
SCHEMA = 1
CHUNK = 512
"""Images that are scored between two reports of progress (ours)."""


@dataclass(frozen=True)
class Sorted:
    """What sorting did.

    Attributes:
        out: the folder.
        counts: images by class; ``review`` is the doubtful; ``unreadable`` ones lie nowhere, and
            neither do ``skipped`` ones unless files are moved.
        expected: how many of them are wrong; None when a sort that was begun before was gone on with.
        left: why images stayed where they are, by id.
    """

    out: Path
    counts: Mapping[str, int]
    expected: Expected | None
    left: Mapping[str, str]


def opinions(run: OpenRun, notify: Notify | None = None) -> dict[str, Opinion]:
    """What the last model says of every image that has no label by a person, and of the held-out ones.

    Args:
        run: the run.
        notify: told of the progress, ``{"event": "score", "done": ..., "total": ...}``.

    Raises:
        UsageError: no model was trained yet, and not every image has a label by a person.
        RecipeError: recipe.yaml is not that of the ledger, so its images may be others.
    """
    from ncenet.run.held_out import held_out_ids

    check_recipe(RunFolder(run.folder), run.recipe)
    labels, held_out = dict(run.ledger.labeled()), frozenset(held_out_ids(run.ledger))
    ids = [i.id for i in run.ledger.items() if i.problem is None and (i.id not in labels or i.id in held_out)]
    file = run.last_model()
    if file is None:
        if any(id not in labels for id in ids):
            raise UsageError(
                f"{run.folder}: no model yet, and {count_of(len(ids), 'image')} without a label: label a few "
                "more"
            )
        return {}
    from ncenet.models.model import Model, load
    from ncenet.models.scores import Scores

    model, chunks = load(file), list[Scores]()
    assert isinstance(model, Model)
    for start in range(0, len(ids), CHUNK):
        for chunk in model.score(run.pool, ids[start : start + CHUNK]):
            assert isinstance(chunk, Scores)
            chunks.append(chunk)
        if notify is not None:
            notify({"event": "score", "done": min(start + CHUNK, len(ids)), "total": len(ids)})
    if not chunks:
        return {}
    said, row = Scores.joined(chunks), {name: c for c, name in enumerate(model.class_names)}
    measured = [n for n, id in enumerate(said.ids) if id in held_out and labels.get(id) in row]
    targets = [row[labels[said.ids[n]]] for n in measured]
    sharpness = sharpness_of(said.likelihood[measured], targets, model.temperature)
    best = shares(said.likelihood, sharpness).max(-1).tolist()
    return dict(zip(said.ids, map(Opinion, said.predicted, best), strict=True))


def expected_of(
    run: OpenRun, steps: Sequence[float] = STEPS, *, said: Mapping[str, Opinion] | None = None
) -> list[Expected]:
    """How many images would be sorted at each likelihood, and how many of those wrong.

    Args:
        run: the run.
        steps: likelihoods.
        said: what the model says. Default: it is asked.
    """
    known = evidence_of(run, opinions(run) if said is None else said)
    return [known.expected(above) for above in steps]


def sort_images(
    run: OpenRun,
    out: Path,
    *,
    above: float = ABOVE,
    how: How = "copy",
    said: Mapping[str, Opinion] | None = None,
    notify: Notify | None = None,
) -> Sorted:
    """Bring every image of a run into the folder of its class, or go on with that.

    Args:
        run: the run.
        out: the folder; new, empty, or one whose sorting was interrupted.
        above: the model's word counts from this likelihood on, in [0, 1]; 0 sorts everything.
        how: copy, link or move.
        said: what the model says. Default: it is asked.
        notify: told of the progress, ``{"event": "sort", "done": ..., "total": ...}``.

    Raises:
        UsageError: the folder holds something else, lies within the images, or there is no model yet; links
            and moves need image files.
        DataError: the images are feature vectors, or the table of an interrupted sort is damaged.
    """
    wanted = {"run": str(run.folder.absolute()), "above": above, "how": how}
    header, estimate = _header(out), None
    rows: list[Placed] = []
    if header is None:
        check_place(run, out)
        root = run.pool.root if isinstance(run.pool, FolderPool) else None
        if how != "copy" and root is None:
            raise UsageError(f"`how={how}` needs image files; these are rows of a table or built in")
        known = evidence_of(run, opinions(run, notify) if said is None else said)
        rows = plan(run, known, above, skipped_too=how == "move")
        estimate = known.expected(above)
        _check_room(root, rows, out, how)
    else:
        _check_same(out, header, wanted)
    with alone(out, lock=LOCK, otherwise=AT_WORK):
        if header is None:
            write_plan(out / TABLE, rows)
            header = {"schema": SCHEMA, **wanted, "root": None if root is None else str(root)}
            write_json(out / HEADER, header | {"state": "sorting"})
        else:
            rows = read_plan(out / TABLE)
        (out / PLACING).unlink(missing_ok=True)
        pool = _files(header, rows) or run.pool
        left = _each(rows, notify, lambda row: place(pool, row, out, how))
        if hasattr(os, "sync"):
            os.sync()  # before anything says that it is done
        write_json(out / HEADER, header | {"state": "sorted", "left": left})
    return Sorted(out, counts_by_class(rows), estimate, left)


def undo_sort(out: Path, run: Path, *, notify: Notify | None = None) -> dict[str, str]:
    """Take a sort back: copies and links go, files that were moved go back to where they were.

    What is no longer what was put there stays. Killed, it goes on by being run again.

    Args:
        out: the sorted folder.
        run: the run folder that it was sorted from, by now perhaps under another name.
        notify: told of the progress.

    Returns:
        Why images stay in the sorted folder, by id.

    Raises:
        UsageError: nothing was sorted there, or from another run.
        DataError: its table is damaged.
        LedgerError: the ledger of the run can't be read.
    """
    header = _header(out)
    if header is None:
        raise UsageError(f"{out}: nothing was sorted here: there is no {HEADER}")
    with Ledger(RunFolder(run).ledger, read_only=True) as ledger:
        known = {item.id for item in ledger.items()}
    with alone(out, lock=LOCK, otherwise=AT_WORK):
        rows = read_plan(out / TABLE)
        strange = next((row for row in rows if row.id not in known), None)
        if strange is not None:  # files go to where the table says: not to wherever somebody else's says
            raise UsageError(
                f"{out}: was sorted from {header['run']}, and {run} holds no such image {strange.id!r}: "
                "name that run"
            )
        write_json(out / HEADER, header | {"state": "undoing"})
        root = None if header["root"] is None else Path(header["root"])
        left = _each(rows, notify, lambda row: undo_place(root, row, out, header["how"]))
        if not left:
            for name in (PLACING, TABLE, HEADER):  # the header last: without it nobody knows what this is
                (out / name).unlink(missing_ok=True)
    if {path.name for path in out.iterdir()} <= {LOCK}:
        (out / LOCK).unlink(missing_ok=True)
        out.rmdir()
    return left


def counts_by_class(rows: Sequence[Placed]) -> dict[str, int]:
    """Images by class, then those for review and those that are not there."""
    found = Counter(row.label if row.by in ("person", "model") else _elsewhere(row.by) for row in rows)
    last = ("review", "skipped", "unreadable")
    return dict(sorted(found.items(), key=lambda pair: (pair[0] in last, pair[0])))


def _elsewhere(by: str) -> str:
    return by if by in ("skipped", "unreadable") else "review"


def _files(header: Mapping[str, Any], rows: Sequence[Placed]) -> FolderPool | None:
    """The image files, those that were moved already included; None where images are no files."""
    if header["root"] is None:
        return None
    return FolderPool(Path(header["root"]), [row.id for row in rows], channels=3)


def _each(rows: Sequence[Placed], notify: Notify | None, do: Any) -> dict[str, str]:
    left = {}
    placed = [row for row in rows if row.to]
    for done, row in enumerate(placed, 1):
        try:
            do(row)
        except Left as why:
            left[row.id] = str(why)
        if notify is not None and (done % 50 == 0 or done == len(placed)):
            notify({"event": "sort", "done": done, "total": len(placed)})
    return left


def _header(out: Path) -> dict[str, Any] | None:
    """What stands in ``sorting.json``; None of a folder that is new, empty, or holds no more than a table.

    Raises:
        UsageError: the folder holds something else.
        DataError: it is damaged.
    """
    if not (out / HEADER).exists():
        ours = {TABLE, PLACING, LOCK}
        if out.exists() and (
            not out.is_dir() or any(p.name not in ours and not is_temporary(p.name) for p in out.iterdir())
        ):
            raise UsageError(f"{out}: is there already and holds something else; name another folder")
        return None
    try:
        header = dict(read_json(out / HEADER))
        if not isinstance(header["root"], str | None) or not isinstance(header["run"], str):
            raise ValueError
        if header["how"] not in ("copy", "link", "move") or header["state"] not in STATES:
            raise ValueError
    except (DataError, ValueError, KeyError, TypeError):
        raise DataError(f"{out / HEADER}: damaged: put it back from a copy, or name another folder") from None
    return header


def _check_same(out: Path, header: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if header["state"] == "undoing":
        raise UsageError(f"{out}: is being taken back: `undo` goes on with that")
    if header["state"] == "sorted":
        raise UsageError(f"{out}: is sorted already; name another folder, or take it back with `undo`")
    for key, value in wanted.items():
        if header.get(key) != value:
            raise UsageError(
                f"{out}: a sort with {key} {header.get(key)} was interrupted here, and this one has {value}: "
                "go on with that, take it back with `undo`, or name another folder"
            )


def _check_room(root: Path | None, rows: Sequence[Placed], out: Path, how: How) -> None:
    """A disk that fills up half way helps nobody."""
    if how != "copy" or root is None:
        return
    sizes = (root / row.id for row in rows if row.to)
    needed = sum(path.stat().st_size for path in sizes if path.exists())
    above = next(path for path in [out.absolute(), *out.absolute().parents] if path.exists())
    free = shutil.disk_usage(above).free
    if needed > free:
        raise UsageError(
            f"{out}: copies take {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free there: "
            "take `how=link`, which needs no room"
        )
