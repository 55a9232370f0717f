"""``ncenet tell``: answers to a query."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ncenet.cli.changes import said_of_cuts
from ncenet.cli.people import opened
from ncenet.console import plain_console
from ncenet.counts import count_of
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
    The same answers told again change nothing, so an interrupted command can be repeated. What they correct,
    and what stands again once an answer was taken back, is listed. Columns who and hash of a table count, as
    they do for ncenet import: an answer about other bytes is refused.

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
        corrected = {"corrected": list(done.corrected)} if done.corrected else {}
        counted = {
            "answers": done.answers,
            "known": len(done.known),
            "labeled": done.labeled,
            "cut": done.cut,
        }
        print(json.dumps({**counted, **corrected, **undone}))
        return
    new = done.answers - len(done.known) - len(done.taken_back)
    back = len(done.taken_back) - len(done.before)
    parts = [f"{count_of(new, 'answer')} recorded"] if new or done.known or not back else []
    parts += [f"{len(done.known)} known already"] * bool(done.known) + [f"{back} taken back"] * bool(back)
    said = (
        f"{', '.join(parts)}; {count_of(done.labeled, 'image has', 'images have')} a "
        f"label{said_of_cuts(done.cut)}"
    )
    plain_console().print(said, highlight=False)
    _list("corrected:", [f"{id!r}: {what}" for id, what in done.corrected.items()])
    _list("taken back before, and not once more:", done.before)
    _list(
        "an earlier answer stands again, which undo under another name (--who) takes back too:",
        [f"{id!r}: {what}" for id, what in done.uncovered.items()],
    )


def _list(what: str, found: Sequence[str]) -> None:
    """Print the first of these in a line, when there are any."""
    if found:
        shown = ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if found[SHOWN:] else "")
        plain_console().print(f"{what} {shown}", highlight=False)


def _text(source: str, name: str) -> str:
    """That of a file or of standard input."""
    try:
        if source == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        with open_text(Path(source)) as lines:
            return "".join(lines)
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not text in UTF-8: {error}; save it as CSV UTF-8") from error
