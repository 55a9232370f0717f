"""What a report is made of, before it is a page, Markdown or LaTeX: sections of a few kinds of block.

A section is written once and shown by every format that can; a new section needs no change in the formats.

>>> ReportSection("Effort", (Note("20 labels in all"),)).title
'Effort'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ncenet.compare.records import Table
from ncenet.compare.statistics import Verdict


@dataclass(frozen=True)
class Verdicts:
    """Sentences that say what was found, each with its verdict."""

    sentences: tuple[tuple[Verdict, str], ...]


@dataclass(frozen=True)
class Note:
    """A paragraph beside the point: what is missing, how to read what stands above or below it."""

    text: str


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        name: stem of its file, should it become one.
        svg: an ``<svg>`` element (:func:`ncenet.report.figures.drawing.as_svg`).
        caption: what is seen, as text.
        wide: whether it takes the whole width of a page.
    """

    name: str
    svg: str
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Picture:
    """A photograph with something drawn on it.

    Attributes:
        jpeg: the bytes of its file.
        caption: what is seen, as text.
    """

    jpeg: bytes
    caption: str


@dataclass(frozen=True)
class Facts:
    """Facts by subject."""

    items: Mapping[str, str]


@dataclass(frozen=True)
class Code:
    """Text whose line breaks and spaces count."""

    text: str


@dataclass(frozen=True)
class Folded:
    """Blocks that only few want to see: behind a line to click on the page, left out of print."""

    summary: str
    blocks: tuple[Block, ...]


Block: TypeAlias = Verdicts | Note | Figure | Picture | Facts | Code | Folded | Table


@dataclass(frozen=True)
class ReportSection:
    """A part of a report.

    Attributes:
        title: in words; empty for what needs none.
        blocks: what it holds, in order.
    """

    title: str
    blocks: tuple[Block, ...]
