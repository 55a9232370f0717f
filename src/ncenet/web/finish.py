"""The finish line: sort the images, take labels and model along, from the page.

Sorting asks a model about every image, so it happens in a process of its own. Where it sorts to, the page has
no say: into the run folder, as ``sorted``, ``sorted-2`` and so on. Whoever has the link writes nowhere else.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ncenet.cores import available_threads
from ncenet.engines.standing import StandingWorker
from ncenet.engines.trial import Failure
from ncenet.errors import DataError, UsageError
from ncenet.labels.transfer import NOTE
from ncenet.progress import Notify
from ncenet.run.opening import OpenRun, open_run
from ncenet.tables import csv_lines
from ncenet.text_files import read_json

STEPS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
"""Likelihoods that the page offers (ours)."""


@dataclass(frozen=True)
class Job:
    """What a process needs to sort.

    Attributes:
        folder: the run.
        out: where to; None only says what would be sorted.
        above: the likelihood.
        how: copies or hard links.
    """

    folder: Path
    out: Path | None = None
    above: float = 0.9
    how: Literal["copy", "link"] = "copy"


def work(job: Job, notify: Notify) -> dict[str, Any]:
    """Sort, or say what would be sorted; the outcome as JSON."""
    from ncenet.sorting.sort import expected_of, opinions, sort_images

    with open_run(job.folder, read_only=True) as run:
        if job.out is None:
            table = expected_of(run, STEPS, said=opinions(run, notify))
            return {"expected": [asdict(each) | {"interval": each.interval} for each in table]}
        done = sort_images(run, job.out, above=job.above, how=job.how, notify=notify)
        return {"out": str(done.out), "counts": dict(done.counts), "left": dict(done.left)}


class Finish:
    """One sorting at a time, and what became of the last.

    Args:
        folder: the run.
        changed: called when there is something new to tell.
    """

    def __init__(self, folder: Path, changed: Any) -> None:
        self._folder, self._changed = folder, changed
        self._worker = StandingWorker(threads=available_threads())
        self._busy = threading.Lock()
        self.state: dict[str, Any] | None = None

    def close(self) -> None:
        """End the process, whatever it is at; a sort goes on when the run is opened another time."""
        self._worker.close()

    def start(self, above: float | None, how: Literal["copy", "link"]) -> bool:
        """Begin; False when another is going on.

        Args:
            above: the likelihood; None only says what would be sorted.
            how: copies or hard links.
        """
        if not self._busy.acquire(blocking=False):
            return False
        out = None if above is None else self._place(above, how)
        job = Job(self._folder, out, above or 0.0, how)
        self.state = {"phase": "working", "done": 0, "total": 1}
        threading.Thread(target=self._run, args=(job,), name="finish", daemon=True).start()
        return True

    def _place(self, above: float, how: str) -> Path:
        """The sort that was interrupted, if it was such a one; else a new folder."""
        *begun, new = self._places()
        for out in begun:
            header = _header(out)
            if (header.get("state"), header.get("above"), header.get("how")) == ("sorting", above, how):
                return out
        return new

    def _places(self) -> list[Path]:
        """Where the page sorted to before, and where it would sort to next."""
        places = [self._folder / "sorted"]
        while places[-1].exists():
            places.append(self._folder / f"sorted-{len(places) + 1}")
        return places

    def _interrupted(self) -> list[dict[str, Any]]:
        """Sorts that were begun from the page and not ended, as when the server was killed."""
        headers = [(out, _header(out)) for out in self._places()[:-1]]
        return [
            {"out": str(out), "above": header["above"], "how": header["how"]}
            for out, header in headers
            if header.get("state") == "sorting" and header.get("how") in ("copy", "link")
        ]

    def _run(self, job: Job) -> None:
        outcome: Any = Failure("it ended without an outcome", "")
        try:
            outcome = self._worker.run(work, job, self._hear)
        finally:
            self._worker.rest()  # it holds a model, and is not needed again soon
            if isinstance(outcome, Failure):
                self.state = {"phase": "failed", "why": outcome.summary}
            else:
                self.state = {"phase": "sorted" if job.out else "looked", **outcome.value}
            self.state["interrupted"] = self._interrupted()
            self._busy.release()
            self._changed()

    def _hear(self, event: Mapping[str, Any]) -> None:
        if event["event"] in ("score", "sort"):
            self.state = {"phase": "working", "done": event["done"], "total": event["total"]}
            self._changed()


def _header(out: Path) -> dict[str, Any]:
    """What says how a folder was sorted; empty when it can't be read."""
    try:
        return dict(read_json(out / "sorting.json"))
    except (DataError, TypeError, ValueError):
        return {}


def labels_csv(run: OpenRun) -> bytes:
    """The labels as CSV."""
    return _written(lambda file: _export(run, file), "labels.csv")


def report_html(folder: Path) -> bytes:
    """The report as one page."""
    from ncenet.report.summary import write_report

    with tempfile.TemporaryDirectory(prefix="ncenet-") as place:
        write_report(folder, ("html",), out=Path(place))
        return (Path(place) / "report.html").read_bytes()


def _export(run: OpenRun, file: Path) -> None:
    from ncenet.labels.transfer import export_labels

    export_labels(run, file)


def _written(write: Any, name: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="ncenet-") as place:
        write(Path(place) / name)
        return (Path(place) / name).read_bytes()


def to_take_along(run: OpenRun, name: str) -> tuple[bytes, str]:
    """A file to take along, and its media type.

    Raises:
        UsageError: there is no such file, or no model yet.
    """
    if name == "labels.csv":
        return labels_csv(run), "text/csv; charset=utf-8"
    if name == "notes.csv":
        rows = run.ledger.notes.of().values()
        return "".join(csv_lines(NOTE, rows)).encode(), "text/csv; charset=utf-8"
    if name == "report.html":
        return report_html(run.folder), "text/html; charset=utf-8"
    model = run.last_model() if name == "model.safetensors" else None
    if model is None:
        raise UsageError(f"there is no {name} here" + (" yet" if name == "model.safetensors" else ""))
    return model.read_bytes(), "application/octet-stream"
