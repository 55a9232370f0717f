"""Progress, fed by the events of runs: bars in a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ncenet.cli.console import plain_console, visible


class Bars:
    """One bar for the cycles of each run in flight, one for the fit that it is at.

    Args:
        progress: where to draw.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._accuracy: dict[str, str] = {}
        self._begun: tuple[float, int] | None = None

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show an event of a run; ``trial`` names the run when there are several."""
        trial = str(event.get("trial", ""))
        match event["event"]:
            case "compare":
                self._show("", "trials", event["finished"], event["trials"])
            case "trial":
                self._progress.advance(self._tasks["", "trials"])
                for kind in ("scan", "cycles", "fit"):
                    self._hide(trial, kind)
            case "analysis":
                self._show("", "analysis", event["done"], event["total"], f"figure {event['figure']}")
                if event["done"] == event["total"]:
                    self._hide("", "analysis")
            case "scan":
                self._show(trial, "scan", event["done"], event["total"], "reading images")
            case "score" | "sort" as kind:
                note = {"score": "asking the model", "sort": "sorting images"}[kind]
                self._show(trial, kind, event["done"], event["total"], note)
            case "shards":
                note = f"scoring images{_speed(event)}, {event['broken']:,} broken"
                self._show(trial, "shards", event["done"], event["total"], note)
            case "rows":
                self._show(trial, "rows", event["done"], event["total"], "reading scores")
            case "embed":
                self._hide(trial, "scan")
                self._show(trial, "embed", event["done"], event["total"], self._speed(event))
                if event["done"] == event["total"]:
                    self._hide(trial, "embed")
            case "maps":
                self._hide(trial, "scan")
                self._show(trial, "maps", event["done"], event["total"], "looking at images")
                if event["done"] == event["total"]:
                    self._hide(trial, "maps")
            case "fit":
                self._hide(trial, "scan")
                self._hide(trial, "maps")
                note = f"cycle {event['cycle']}, loss {event['loss']:.3f}{self._accuracy.get(trial, '')}"
                self._show(trial, "fit", event["step"], event["steps"], note)
            case "cycle":
                reached = f"{event['metric']} {event['accuracy']:.1%}"
                self._accuracy[trial] = f", {reached} at {event['labeled']} labels"
                if "cycles" in event:  # people answer until they stop: nobody knows how many there will be
                    self._show(trial, "cycles", event["cycle"], event["cycles"])

    def _speed(self, event: Mapping[str, Any]) -> str:
        """What is told of images that are embedded: how many in a second."""
        now, done = time.perf_counter(), event["done"]
        if self._begun is None or done < self._begun[1]:
            self._begun = now, done
        start, at = self._begun
        if now - start < 1:
            return "embedding images"
        return f"embedding images, {(done - at) / (now - start):.0f}/s"

    def _show(self, trial: str, kind: str, done: int, total: int | None, note: str = "") -> None:
        label = visible(f"{trial} {note or kind}".strip())
        if (trial, kind) not in self._tasks:
            self._tasks[trial, kind] = self._progress.add_task(label, total=total)
        self._progress.update(self._tasks[trial, kind], completed=done, total=total, description=label)

    def _hide(self, trial: str, kind: str) -> None:
        if (trial, kind) in self._tasks:
            self._progress.remove_task(self._tasks.pop((trial, kind)))


FIRST_SECONDS, EVERY_SECONDS = 3.0, 30.0
"""Without a terminal, when the first line is printed and how often another one (ours)."""


class Lines:
    """The same where there is no terminal, as in a log: a line after seconds, then one now and then.

    Args:
        say: takes a line.
        clock: seconds.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._next = clock() + FIRST_SECONDS

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Print an event of a run when it is time to."""
        said, now = self._line(event), self._clock()
        if said is None or now < self._next:
            return
        self._next = now + EVERY_SECONDS
        trial = str(event.get("trial", ""))
        self._say(visible(f"{trial}: {said}" if trial else said))

    def _line(self, event: Mapping[str, Any]) -> str | None:
        match event["event"]:
            case "scan":
                return f"reading images, {event['done']:,} of {event['total']:,}"
            case "score":
                return f"asking the model, {event['done']:,} of {event['total']:,} images"
            case "sort":
                return f"sorting images, {event['done']:,} of {event['total']:,}"
            case "shards":
                left = f", {event['left']} left" if event.get("left") else ""
                of = "" if event["total"] is None else f" of {event['total']:,}"
                done = f"{event['done']:,}{of}{_speed(event)}"
                return f"scoring images, {done}, {event['broken']:,} broken{left}"
            case "rows":
                return f"reading scores, {event['done']:,} of {event['total']:,} rows"
            case "embed":
                return f"embedding images, {event['done']:,} of {event['total']:,}"
            case "maps":
                return f"looking at images, {event['done']:,} of {event['total']:,}"
            case "fit":
                return f"cycle {event['cycle']}, step {event['step']:,} of {event['steps']:,}"
            case "cycle":
                return f"cycle {event['cycle']}: {event['metric']} {event['accuracy']:.1%}"
            case "analysis":
                return f"figure {event['figure']}, {event['done']:,} of {event['total']:,}"
        return None


def _speed(event: Mapping[str, Any]) -> str:
    return "" if event.get("speed") is None else f", {event['speed']:,.0f}/s"


@contextmanager
def bars() -> Iterator[Bars | Lines]:
    """Bars on standard error while the block runs; a line now and then when that is not a terminal."""
    console = plain_console(stderr=True)
    if not console.is_terminal:
        yield Lines(console.print)
        return
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        yield Bars(progress)
