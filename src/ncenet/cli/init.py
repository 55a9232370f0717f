"""``ncenet init``: a look at the images, and a recipe to read and change before anything starts."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Console

from ncenet.cli.flags import changes_of
from ncenet.cli.people import PeopleFlags, say
from ncenet.console import plain_console
from ncenet.counts import count_of
from ncenet.errors import UsageError
from ncenet.run.folder import RunFolder
from ncenet.run.people import first_recipe, folder_of
from ncenet.run.recipe_record import is_begun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ncenet.data.scan import Scan
    from ncenet.errors import BadAnnotation

_SHOWN = 5


def init(
    images: str,
    /,
    *,
    out: Path | None = None,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
    flags: Annotated[PeopleFlags | None, Parameter(name="*")] = None,
) -> None:
    """Look at every image, say what is there, and write a commented recipe into a run folder.

    Nothing is trained and nobody is asked yet; what it prints last goes on from there.

    For example: `ncenet init photos/ --classes cat,dog,other`

    Args:
        images: Folder of images, Parquet file, CSV manifest or built-in set.
        out: Run folder. Default: runs/IMAGES-labels.
        json_output: Print what was found as JSON.
    """
    folder = folder_of(images, out)
    files = RunFolder(folder)
    if is_begun(files):
        raise UsageError(f"{folder}: a run is here already; ncenet report {folder} says how far it is")
    recipe = first_recipe(images, changes_of(flags), say)

    from ncenet.progress import bars
    from ncenet.run.opening import survey
    from ncenet.run.page import shows_vectors

    with bars() as show:
        seen = survey(recipe, folder, notify=lambda event: None if event["event"] == "note" else show(event))
    notes = [*seen.train.notes, *([] if seen.test is None else seen.test.notes)]
    found, of_test = seen.found.scan, None if seen.of_test is None else seen.of_test.scan
    mistakes = (*seen.found.annotations, *(() if seen.of_test is None else seen.of_test.annotations))
    names = list(seen.class_names)
    if json_output:
        print(
            json.dumps(
                {
                    **_facts(found, of_test),
                    "mistakes": [mistake.why for mistake in mistakes],
                    "pool": len(seen.train.pool.ids()),
                    "notes": notes,
                    "classes": names,
                    "recipe": str(files.recipe),
                },
                indent=1,
            )
        )
        return
    console = plain_console()
    for note in dict.fromkeys(notes):
        console.print(note)
    if seen.hand is not None:
        console.print(
            f"pool         {count_of(len(seen.train.pool.ids()), 'image')}, each looked at when it is "
            "asked for; below is what was looked at now"
        )
    _describe(found, of_test, mistakes, files, console)
    console.print(f"classes      {', '.join(names)}")
    console.print(f"wrote {files.recipe}: read it, change what you like\n")
    where = shlex.quote(str(folder))
    page = "" if shows_vectors(seen.train.pool) else f"ncenet label {where}, or "
    console.print(f"Next:  {page}ncenet ask {where} --out query.csv")


def _facts(found: Scan, of_test: Scan | None) -> dict[str, object]:
    from ncenet.run.findings import copies

    return {
        "images": len(found.hashes),
        "smallest": found.sizes and found.sizes.smallest,
        "largest": found.sizes and found.sizes.largest,
        "stored_as": found.modes,
        "unreadable": {problem.id: problem.why for problem in found.problems},
        "duplicates": [list(group) for group in found.duplicates],
        "copies_of_test_images": copies(found, of_test),
    }


def _describe(
    found: Scan,
    of_test: Scan | None,
    mistakes: Sequence[BadAnnotation],
    files: RunFolder,
    console: Console,
) -> None:
    from ncenet.report.words import copied
    from ncenet.run.findings import copies

    modes = ", ".join(f"{count:,} {mode}" for mode, count in found.modes.items())
    if found.sizes is not None and found.modes.keys() == {"vector"}:
        numbers = count_of(found.sizes.largest, "number")
        console.print(f"vectors      {len(found.hashes):,}, each of {numbers}")
    else:
        console.print(f"images       {len(found.hashes):,} ({modes})")
        if found.sizes is not None:
            smallest, largest, common = found.sizes
            sides = f"sides from {smallest} to {largest}"
            console.print(f"pixels       {f'{common[1]} x {common[0]}, all of them' if common else sides}")
    groups, tested = found.duplicates, copies(found, of_test)
    listed = f", listed in {files.duplicates}" if groups or tested else ""
    console.print(
        f"duplicates   {count_of(sum(len(group) - 1 for group in groups), 'copy', 'copies')}{listed}"
    )
    if tested:
        console.print(f"             {copied(tested)}")
    listed = f"left out, listed in {files.bad_images}"
    console.print(f"unreadable   {len(found.problems):,}{f', {listed}' if found.problems else ''}")
    for problem in found.problems[:_SHOWN]:
        console.print(f"             {problem}")
    if mistakes:
        console.print(f"annotations  {count_of(len(mistakes), 'mistake')}, their images are {listed}")
    for mistake in mistakes[:_SHOWN]:
        console.print(f"             {mistake}")
