"""The results of a run or a comparison, which show themselves."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ncenet.compare.records import Results, RunResults, Table
from ncenet.compare.suite import SuiteResults
from ncenet.errors import UsageError
from ncenet.report.blocks import Figure
from ncenet.report.summary import print_results, read_results, results_record, write_report

if TYPE_CHECKING:
    from os import PathLike


class Point(NamedTuple):
    """A point of a learning curve.

    Attributes:
        labeled: labels that were learned.
        accuracy: the headline number on the held-out images, in [0, 1].
    """

    labeled: int
    accuracy: float


class Report:
    """What a folder of a run or a comparison says, as it stands now.

    It prints itself as a table; in a notebook it shows the learning curve and the table.

    Args:
        folder: a run or a comparison, finished or not.

    Attributes:
        folder: where it was read.
        results: the records.

    Raises:
        UsageError: the folder is neither.

    >>> import ncenet, tempfile
    >>> changes = {"train.epochs": 1, "train.min_steps": 1, "loop.cycles": 1, "loop.initial": 10}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = ncenet.simulate(ncenet.Recipe().with_changes(changes), folder)
    ...     [point.labeled for point in report.curve()]
    [10]
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder)
        self.results: Results | SuiteResults | RunResults = read_results(self.folder)

    def curve(self, arm: str | None = None) -> list[Point]:
        """The learning curve: of a run, or the mean over the seeds of an arm.

        Args:
            arm: of a comparison. Default: the baseline.

        Raises:
            UnknownName: there is no such arm.
            UsageError: there are several data sets, each with its own: see :attr:`sets`.
        """
        if isinstance(self.results, SuiteResults):
            raise UsageError(f"each data set has its own curve: take sets[name], of {', '.join(self.sets)}")
        if isinstance(self.results, RunResults):
            return [
                Point(cycle.labeled, cycle.accuracy)
                for cycle in self.results.cycles
                if cycle.accuracy is not None
            ]
        comparison = self.results.comparison
        name = comparison.baseline_arm if arm is None else arm
        comparison.folder(name, comparison.seeds[0])  # there is such an arm
        curves = list(self.results.curves(name).values())
        return [
            Point(labeled, sum(curve.accuracy[n] for curve in curves) / len(curves))
            for n, labeled in enumerate(self.results.labeled if curves else ())
        ]

    @property
    def sets(self) -> dict[str, Report]:
        """The report on each data set by its name; none where there is but one."""
        if not isinstance(self.results, SuiteResults):
            return {}
        return {name: Report(of_set.folder) for name, of_set in self.results.sets.items()}

    def record(self) -> dict[str, Any]:
        """Everything, as what JSON can hold; accuracies in [0, 1]."""
        return results_record(self.folder)

    def write(
        self, formats: Collection[str] = (), *, out: str | PathLike[str] | None = None
    ) -> tuple[Path, ...]:
        """Write the report: page, Markdown, LaTeX, CSV and figures.

        Args:
            formats: which, such as ``["html"]``. Default: all.
            out: folder that takes the files. Default: the folder itself.

        Returns:
            The files.

        Raises:
            UnknownName: there is no such format.
        """
        return write_report(self.folder, formats, out=None if out is None else Path(out))

    def __repr__(self) -> str:
        """The tables as the terminal shows them."""
        from rich.console import Console

        console = Console(width=110, color_system=None, force_terminal=False)
        with console.capture() as text:
            print_results(self.folder, console)
        return text.get().rstrip()

    def _repr_html_(self) -> str:
        """For notebooks: the curve, and the table below it."""
        from ncenet.report.sections import sections_of, title_of

        parts = [f"<h4>{escape(title_of(self.results))}</h4>"]
        shown: set[type] = set()
        for section in sections_of(self.results):
            for block in section.blocks:
                if isinstance(block, Figure | Table) and type(block) not in shown:
                    shown.add(type(block))
                    parts.append(block.svg if isinstance(block, Figure) else _as_html(block))
        return "".join(parts)


def _as_html(table: Table) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
