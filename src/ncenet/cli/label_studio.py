"""``ncenet label-studio``: queries go to Label Studio, answers come back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.console import plain_console
from ncenet.counts import count_of
from ncenet.errors import UsageError

SHOWN = 20
"""Annotations that are left out and are named one by one."""


def label_studio(
    action: Literal["push", "pull"],
    folder: Path,
    /,
    *,
    url: str = "http://localhost:8080",
    project: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    everything: Annotated[bool, Parameter(name="--all", negative=())] = False,
    who: str | None = None,
    on_conflict: Literal["stop", "keep", "replace"] = "stop",
    dry_run: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Move the last query to Label Studio, or the answers back.

    The access token is read from the environment variable LABEL_STUDIO_API_KEY; Label Studio shows it on its
    page Account & Settings.

    For example:

    `ncenet ask runs/pets -n 50 --out query.csv`

    `ncenet label-studio push runs/pets`

    `ncenet label-studio pull runs/pets`

    Args:
        action: push makes tasks of the images that are asked for, pull records the answers.
        folder: Run folder.
        url: Address of Label Studio.
        project: Number of the project. Default: that of the last push, or a new one.
        everything: With push, all images without an answer, after those of the query.
        who: With pull, name of the annotator. Default: Label Studio's.
        on_conflict: With pull, images that have another answer already: stop, keep it, or replace it.
        dry_run: With pull, say what would change, and change nothing.
    """
    from ncenet.api.label_studio import LabelStudio
    from ncenet.cli.changes import show_changes
    from ncenet.run.opening import open_run

    if action == "push" and (who is not None or dry_run or on_conflict != "stop"):
        raise UsageError("--who, --on-conflict and --dry-run are for pull")
    if action == "pull" and everything:
        raise UsageError("--all is for push")
    console = plain_console(stderr=action == "pull")
    with open_run(folder, read_only=action == "push" or dry_run) as run:
        studio = LabelStudio(run, url)
        if action == "push":
            pushed = studio.push(project=project, everything=everything)
            are = "is a task" if pushed.sent == 1 else "are tasks"
            there = f", {pushed.there} were there already" if pushed.there else ""
            console.print(f"{count_of(pushed.sent, 'image')} {are} of project {pushed.project} now{there}")
            console.print(f"Label at  {pushed.url}")
            return
        left_out: list[str] = []
        changes, recorded = studio.read(
            project=project, who=who, on_conflict=on_conflict, dry_run=dry_run, left_out=left_out.append
        )
    for why in left_out[:SHOWN]:
        console.print(f"left out  {why}")
    if len(left_out) > SHOWN:
        console.print(f"left out  {len(left_out) - SHOWN} more")
    show_changes(changes, recorded, dry_run=dry_run)
