"""``ncenet import``: labels from other tools."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ncenet.cli.changes import show_changes
from ncenet.cli.people import opened

if TYPE_CHECKING:
    from ncenet.labels.changes import Change


def import_(
    folder: Path,
    source: Path,
    /,
    *,
    format: str | None = None,
    who: str | None = None,
    on_conflict: Literal["stop", "keep", "replace"] = "stop",
    on_mismatch: Literal["stop", "skip"] = "stop",
    empty: Annotated[bool, Parameter(negative=())] = False,
    dry_run: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Read labels into a run, as answers; what stands is never overwritten unasked.

    Images are known by id and content hash. Look first with `--dry-run`.

    For example:

    `ncenet import runs/pets labels.csv --dry-run`

    `ncenet import runs/pets sorted/ --who ann`

    Args:
        folder: Run folder.
        source: What `ncenet export` wrote, or files of another tool in the same format.
        format: csv, jsonl, parquet, class-folders, coco, voc, yolo. Default: what the source looks like.
        who: Name of the annotator. Default: whom the file names, else the user's login.
        on_conflict: Images that have another answer by somebody else, or a later one: stop, keep that answer,
            or replace it.
        on_mismatch: Answers for unknown ids, changed bytes, unreadable images, unknown classes: stop, or skip
            and list them.
        empty: COCO: an image that is listed without a box has no object. Otherwise it is passed over as
            unsaid, for nobody may have looked at it.
        dry_run: Say what would change, and change nothing.
        json_output: Print JSON.
    """
    from ncenet.labels.changes import apply, counts
    from ncenet.labels.transfer import read_labels

    with opened(folder, read_only=dry_run) as run:  # one that init prepared is begun, also by a dry run
        changes = read_labels(
            run, source, format=format, who=who, otherwise=getpass.getuser(), listed_is_empty=empty
        )
        recorded = 0 if dry_run else apply(
            run.ledger, changes, on_conflict=on_conflict, on_mismatch=on_mismatch
        )  # fmt: skip
    if json_output:
        cut = sum(change.cut for change in changes)
        listed = [_listed(change) for change in changes if change.status != "same"]
        said = {"recorded": recorded, "counts": counts(changes), "cut": cut, "changes": listed}
        print(json.dumps(said, indent=1))
        return
    show_changes(changes, recorded, dry_run=dry_run)


def _listed(change: Change) -> dict[str, object]:
    before = change.before
    return {
        "id": change.record.id,
        "status": change.status,
        "kind": change.record.kind,
        "label": change.record.label,
        "who": change.who,
        "before": None if before is None else {"label": before.label, "kind": before.kind, "who": before.who},
        "why": change.why,
    }
