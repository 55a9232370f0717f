"""Progress bars, fed by the events of runs; silent where nobody looks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
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
            case "embed":
                self._hide(trial, "scan")
                self._show(trial, "embed", event["done"], event["total"], self._speed(event))
                if event["done"] == event["total"]:
                    self._hide(trial, "embed")
            case "fit":
                self._hide(trial, "scan")
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

    def _show(self, trial: str, kind: str, done: int, total: int, note: str = "") -> None:
        label = visible(f"{trial} {note or kind}".strip())
        if (trial, kind) not in self._tasks:
            self._tasks[trial, kind] = self._progress.add_task(label, total=total)
        self._progress.update(self._tasks[trial, kind], completed=done, total=total, description=label)

    def _hide(self, trial: str, kind: str) -> None:
        if (trial, kind) in self._tasks:
            self._progress.remove_task(self._tasks.pop((trial, kind)))


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars on standard error while the block runs; nothing is drawn when that is not a terminal."""
    console = plain_console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        yield Bars(progress)
