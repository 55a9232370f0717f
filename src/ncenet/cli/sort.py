"""``ncenet sort``: images into folders by class."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.console import plain_console
from ncenet.counts import count_of
from ncenet.errors import UsageError

if TYPE_CHECKING:
    from ncenet.sorting.expected import Expected


def sort(
    folder: Path,
    out: Path | None = None,
    /,
    *,
    above: Annotated[float, Parameter(validator=Number(gte=0, lte=1))] = 0.9,
    how: Literal["copy", "link", "move"] = "copy",
    undo: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Sort the images of a run into folders by class, the doubtful into review/; nothing is overwritten.

    What people said goes to its class; of the rest, what the model is sure enough of, and how many of those
    are wrong is told from the held-out images. Without OUT it only says that, for several likelihoods.

    For example:

    `ncenet sort runs/photos-labels`

    `ncenet sort runs/photos-labels sorted/ --above 0.9`

    `ncenet sort runs/photos-labels sorted/ --undo`

    Args:
        folder: Run folder.
        out: Folder to sort into: a new one, or one whose sorting was interrupted. A table, sorted.csv, says
            where each image went and why.
        above: Likelihood from which on the model's word counts; 0 sorts every image.
        how: Copies, hard links (no room, same disk), or the files themselves, which --undo brings back.
        undo: Take a sort back: copies and links go, moved files return.
        json_output: Print JSON.
    """
    from ncenet.progress import bars
    from ncenet.run.opening import open_run
    from ncenet.sorting.sort import expected_of, opinions, sort_images, undo_sort

    console = plain_console()
    if undo:
        if out is None:
            raise UsageError("--undo needs the sorted folder: ncenet sort RUN OUT --undo")
        with bars() as show:
            left = undo_sort(out, folder, notify=show)
        _say({"left": left}, json_output)
        if not json_output:
            console.print(
                f"{out}: taken back" + (f", but for {count_of(len(left), 'image')}" if left else "")
            )
            _say_left(console, left)
        return
    with open_run(folder, read_only=True) as run:
        if out is None:
            with bars() as show:
                said = opinions(run, show)
            table = expected_of(run, said=said)
            _say({"expected": [_as_json(each) for each in table]}, json_output)
            for each in () if json_output else table:
                console.print(str(each))
            return
        with bars() as show:
            done = sort_images(run, out, above=above, how=how, notify=show)
    expected = None if done.expected is None else _as_json(done.expected)
    _say({"counts": done.counts, "expected": expected, "left": done.left}, json_output)
    if json_output:
        return
    if done.expected is not None:
        console.print(str(done.expected))
    for name, count in done.counts.items():
        console.print(f"{count:>8,}  {name}")
    _say_left(console, done.left)
    console.print(f"in {done.out}; sorted.csv says why; --undo takes it back")


def _as_json(expected: Expected) -> dict[str, Any]:
    return {**asdict(expected), "interval": expected.interval}


def _say(said: dict[str, Any], wanted: bool) -> None:
    if wanted:
        print(json.dumps(said, indent=1))


def _say_left(console: Any, left: Any) -> None:
    for id, why in list(left.items())[:20]:
        console.print(f"left out  {id}: {why}")
    if len(left) > 20:
        console.print(f"and {len(left) - 20} more")
