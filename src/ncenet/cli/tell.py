"""``ncenet tell``: answers to a query."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ncenet.cli.changes import said_of_cuts
from ncenet.cli.people import opened
from ncenet.console import plain_console
from ncenet.errors import DataError
from ncenet.text_files import open_text

SHOWN = 20


def tell(
    folder: Path,
    answers: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    who: str | None = None,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Record answers; each is on disk when this returns, or none of them is.

    Answers may be partial, late, or corrections of earlier ones. An empty label is no answer; the words skip
    and unsure close an image without a label, and undo takes its answer back (unless a class is called so).
    The same answers told again change nothing, so an interrupted command can be repeated. Columns who and
    hash of a table count, as they do for ncenet import: an answer about other bytes is refused.

    For example:

    `ncenet tell runs/pets answers.csv`

    `echo '{"a.jpg": "cat"}' | ncenet tell runs/pets -`

    With --task detection a label is a JSON list of boxes, empty when there is no object:

    `echo '{"a.jpg": [{"box": [10, 20, 110, 220], "label": "cat"}], "b.jpg": []}' | ncenet tell runs/pets -`

    Args:
        folder: Run folder.
        answers: CSV file with columns id and label, JSON file of labels by id or of objects with id and
            label, or - for standard input.
        who: Name of the annotator. Default: the user's login.
        json_output: Print JSON.
    """
    from ncenet.labels.answered_file import record_answers

    name = "standard input" if answers == "-" else answers
    with opened(folder) as run:
        done = record_answers(run, _text(answers, name), name, who=who, otherwise=getpass.getuser())
    if json_output:
        undone = {"taken_back_before": list(done.before)} if done.taken_back else {}
        print(json.dumps({"answers": done.answers, "labeled": done.labeled, "cut": done.cut, **undone}))
        return
    console = plain_console()
    console.print(
        f"{done.answers} answers recorded; {done.labeled} images have a label{said_of_cuts(done.cut)}",
        highlight=False,
    )
    if before := done.before:
        shown = ", ".join(before[:SHOWN]) + (f" and {len(before) - SHOWN} more" if before[SHOWN:] else "")
        console.print(f"taken back before, and not once more: {shown}")


def _text(source: str, name: str) -> str:
    """That of a file or of standard input."""
    try:
        if source == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        with open_text(Path(source)) as lines:
            return "".join(lines)
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not text in UTF-8: {error}; save it as CSV UTF-8") from error
