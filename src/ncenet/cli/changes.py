"""What answers from outside do to a run, printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ncenet.console import plain_console
from ncenet.counts import count_of

if TYPE_CHECKING:
    from ncenet.labels.changes import Change

_SHOWN = 20
_PLAIN = ("new", "same", "unsaid")


def said_of_cuts(cut: int) -> str:
    """What is said of boxes that were cut at the edge of their image; nothing when none was."""
    boxes = count_of(cut, "box", "boxes")
    return f"; cut at the edge of their image, beyond which rounding put them: {boxes}" * bool(cut)


def show_changes(changes: Sequence[Change], recorded: int, *, dry_run: bool) -> None:
    """Print how many answers do what, each that is not simply new or known, and what was recorded."""
    from ncenet.labels.changes import counts

    console = plain_console()
    for status, count in counts(changes).items():
        console.print(f"{count:>9,}  {status}")
        listed = [] if status in _PLAIN else [change for change in changes if change.status == status]
        for change in listed[:_SHOWN]:
            console.print(f"           {change}")
        if len(listed) > _SHOWN:
            console.print(f"           and {len(listed) - _SHOWN} more")
    cuts = said_of_cuts(sum(change.cut for change in changes))
    console.print(
        ("nothing was recorded: a dry run" if dry_run else f"{count_of(recorded, 'answer')} recorded") + cuts
    )
