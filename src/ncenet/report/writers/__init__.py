"""The formats of a report, one file each.

A format enters by being a module of this package, one of a plug-in by an entry point of the group
``ncenet.report_formats``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ncenet.compare.records import Results, RunResults
from ncenet.compare.suite import SuiteResults
from ncenet.registry import Registry
from ncenet.report.blocks import Figure, ReportSection


@dataclass(frozen=True)
class ReportContent:
    """What a format is given to write.

    Attributes:
        title: of the whole.
        sections: what it says.
        results: what that was made from.
    """

    title: str
    sections: Sequence[ReportSection]
    results: Results | SuiteResults | RunResults

    @property
    def figures(self) -> list[Figure]:
        """All figures, in the order of the sections."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Figure)]


Files: TypeAlias = Mapping[str, bytes]
"""Content by name of the file."""

report_formats: Registry[Files] = Registry(
    "report format", package="ncenet.report.writers", group="ncenet.report_formats"
)
"""Functions from a :class:`ReportContent` to the files that it is in this format."""
