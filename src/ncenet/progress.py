"""Progress by the events of runs: bars on a terminal, a line in a notebook, one now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ncenet.counts import count_of

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Notify: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Told of each event, a mapping; ``"event"`` in it names the kind: ``"scan"``, ``"query"``, ``"cycle"``."""
Watch: TypeAlias = Notify | Literal[False] | None
"""Who is told of the progress: a function; nobody, with False; by default whoever looks on."""


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
        self._noted: set[str] = set()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show an event of a run; ``trial`` names the run when there are several."""
        trial = str(event.get("trial", ""))
        match event["event"]:
            case "note":
                from ncenet.console import visible

                if event["text"] not in self._noted:  # by the first of several runs on the same images
                    self._progress.console.print(visible(event["text"]), markup=False, highlight=False)
                self._noted.add(event["text"])
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
                if event["done"] == event["total"]:
                    self._hide(trial, kind)
            case "test":
                self._hide(trial, "fit")
                self._show(trial, "test", 0, event["images"], "testing the model")
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
                self._hide(trial, "test")
                reached = f"{event['metric']} {event['accuracy']:.1%}"
                self._accuracy[trial] = f", {reached} at {count_of(event['labeled'], 'label')}"
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
        from ncenet.console import visible

        label = visible(f"{trial} {note or kind}".strip())
        if (trial, kind) not in self._tasks:
            self._tasks[trial, kind] = self._progress.add_task(label, total=total)
        self._progress.update(self._tasks[trial, kind], completed=done, total=total, description=label)

    def _hide(self, trial: str, kind: str) -> None:
        if (trial, kind) in self._tasks:
            self._progress.remove_task(self._tasks.pop((trial, kind)))


FIRST, EVERY = 3.0, 30.0
"""Seconds: without a terminal, when the first line is printed and how often another one (ours)."""


class Lines:
    """The same where there is no terminal, as in a log: a line after seconds, then one now and then.

    Args:
        say: takes a line.
        clock: seconds. Default: those of the machine.
        first: seconds until something is said.
        every: seconds until the next.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        clock: Callable[[], float] | None = None,
        *,
        first: float = FIRST,
        every: float = EVERY,
    ) -> None:
        self._say, self._clock, self._every = say, clock or time.monotonic, every
        self._next, self._noted = self._clock() + first, set[str]()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Print an event of a run when it is time to."""
        from ncenet.console import visible

        if event["event"] == "note" and event["text"] not in self._noted:
            self._noted.add(event["text"])
            self._say(visible(event["text"]))
        said, now = self._line(event), self._clock()
        if said is None or now < self._next:
            return
        self._next = now + self._every
        trial = str(event.get("trial", ""))
        self._say(visible(f"{trial}: {said}" if trial else said))

    def _line(self, event: Mapping[str, Any]) -> str | None:
        match event["event"]:
            case "scan":
                return f"reading images, {event['done']:,} of {event['total']:,}"
            case "score":
                return f"asking the model, {event['done']:,} of {count_of(event['total'], 'image')}"
            case "test":
                return f"testing the model on {count_of(event['images'], 'image')}"
            case "sort":
                return f"sorting images, {event['done']:,} of {event['total']:,}"
            case "shards":
                left = f", {event['left']} left" if event.get("left") else ""
                of = "" if event["total"] is None else f" of {event['total']:,}"
                done = f"{event['done']:,}{of}{_speed(event)}"
                return f"scoring images, {done}, {event['broken']:,} broken{left}"
            case "rows":
                return f"reading scores, {event['done']:,} of {count_of(event['total'], 'row')}"
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
def bars() -> Iterator[Notify]:
    """What shows events on standard error while the block runs: bars, or lines where there is no terminal.

    A notebook has one line, which is written anew; a log gets a line now and then.
    """
    from ncenet.console import plain_console

    console = plain_console(stderr=True)
    if console.is_jupyter:
        with _rewritten() as line:
            yield line
        return
    if not console.is_terminal:
        yield Lines(console.print)
        return
    from rich import progress as drawn

    columns = (
        drawn.TextColumn("{task.description}", markup=False),
        drawn.BarColumn(),
        drawn.MofNCompleteColumn(),
        drawn.TimeElapsedColumn(),
        drawn.TimeRemainingColumn(),
    )
    with drawn.Progress(*columns, console=console, transient=True) as progress:
        yield Bars(progress)


@contextmanager
def _rewritten() -> Iterator[Lines]:
    """One line, written over and over again."""
    longest = 0

    def say(text: str) -> None:
        nonlocal longest
        longest = max(longest, len(text))
        sys.stderr.write(f"\r{text.ljust(longest)}")
        sys.stderr.flush()

    try:
        yield Lines(say, first=1.0, every=0.5)
    finally:
        if longest:
            sys.stderr.write(f"\r{' ' * longest}\r")


class Onlooker:
    """Whoever looks on while a run works: the caller's own function, bars, or nobody.

    Args:
        notify: who is told.
    """

    def __init__(self, notify: Watch = None) -> None:
        self._shows = notify is None
        self._notify = notify or None

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Pass an event on."""
        if self._notify is not None:
            self._notify(event)

    @contextmanager
    def at_work(self) -> Iterator[Notify]:
        """Bars stand while the block runs, unless they do already or nobody wants some."""
        if not self._shows or self._notify is not None:
            yield self
            return
        with bars() as self._notify:
            try:
                yield self
            finally:
                self._notify = None
