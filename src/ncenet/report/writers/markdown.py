"""Reports in Markdown, for a README, a pull request, a wiki."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ncenet.compare.records import Table
from ncenet.report.blocks import Block, Code, Facts, Figure, Folded, Note, Picture, ReportSection, Verdicts
from ncenet.report.writers import Files, ReportContent, report_formats

_SIGN = re.compile(r"[\\`*_\[\]~]")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_BLOCK = re.compile(r"^(?:\d{1,9}(?=[.)](?:\s|$))|(?=>|#{1,6}(?:\s|$)|[+-](?:[\s-]|$)))")
"""Where a line begins as a list, a quotation or a heading does: what stands before the sign that says so."""


@report_formats.register("md", order=2)
def _files(report: ReportContent) -> Files:
    text = {"report.md": as_markdown(report.title, report.sections).encode()}
    return text | {f"{figure.name}.svg": figure.svg.encode() for figure in report.figures}


def as_markdown(title: str, sections: Sequence[ReportSection]) -> str:
    """A whole report.

    Figures are links to files of their names beside it; what is folded on the page is left out.

    Args:
        title: of the report.
        sections: in order.
    """
    parts = [f"# {_plain(title)}"]
    for section in sections:
        blocks = [text for block in section.blocks for text in _block(block)]
        if blocks and section.title:
            parts.append(f"## {_plain(section.title)}")
        parts += blocks
    return "\n\n".join(parts) + "\n"


def table_as_markdown(table: Table) -> str:
    r"""A table in Markdown.

    >>> print(table_as_markdown(Table(("Arm", "%"), (("a|b", "50"),))))
    | Arm | % |
    |:--|--:|
    | a\|b | 50 |
    """
    rule = [":--", *(":--" if column in table.words else "--:" for column in table.columns[1:])]
    rows = [_markdown_row(table.columns), f"|{'|'.join(rule)}|", *map(_markdown_row, table.rows)]
    return "\n".join(rows)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Table():
            yield table_as_markdown(block)
        case Verdicts(sentences):
            yield "\n".join(f"- {_plain(sentence)}" for _, sentence in sentences)
        case Note(text):
            yield _plain(text)
        case Figure(name=name, caption=caption):
            yield f"![{_plain(caption)}]({name}.svg)"
        case Facts(items):
            yield "\n".join(f"- {_plain(subject)}: {_plain(fact)}" for subject, fact in items.items())
        case Code(text):
            yield f"```yaml\n{text.rstrip()}\n```"
        case Folded() | Picture():
            return


def _plain(text: str) -> str:
    r"""Text without line breaks, whose signs mean nothing to Markdown; those that could not are left.

    >>> print(_plain("a <b> & *c* &lt; [d](e)"))
    a &lt;b> & \*c\* &amp;lt; \[d\](e)
    >>> print(_plain("1. one"), _plain("+1.5 (by 1. one)"))
    1\. one +1.5 (by 1. one)
    """
    line = _ENTITY.sub("&amp;", " ".join(text.split()))
    line = _SIGN.sub(r"\\\g<0>", line).replace("<", "&lt;")
    return _BLOCK.sub(r"\g<0>\\", line)


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in cells) + " |"
