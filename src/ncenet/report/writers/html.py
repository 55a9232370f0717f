"""One HTML file that needs nothing else: no script, no network, light and dark."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from ncenet import __version__
from ncenet.compare.records import Table
from ncenet.report.blocks import Block, Code, Facts, Figure, Folded, Note, Picture, ReportSection, Verdicts
from ncenet.report.writers import Files, ReportContent, report_formats

PAPER = "https://ojs.aaai.org/index.php/AAAI/article/view/17205"


@report_formats.register("html", order=1)
def _files(report: ReportContent) -> Files:
    return {"report.html": as_html(report.title, report.sections).encode()}


def as_html(title: str, sections: Sequence[ReportSection]) -> str:
    """A whole page.

    Args:
        title: of the page.
        sections: in order.
    """
    style = (files("ncenet.report") / "page.css").read_text(encoding="utf-8")
    body = "\n".join(_section(section) for section in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
<footer>ncenet {escape(__version__)} · method:
<a href="{PAPER}">Nearest Neighbor Classifier Embedded Network for Active Learning</a> (AAAI 2021)</footer>
</body>
</html>
"""


def _section(section: ReportSection) -> str:
    title = f"<h2>{escape(section.title)}</h2>\n" if section.title else ""
    return f"<section>\n{title}{_blocks(section.blocks)}\n</section>"


def _blocks(blocks: Sequence[Block]) -> str:
    return "\n".join(map(_block, blocks))


def _block(block: Block) -> str:
    match block:
        case Table():
            return _table(block)
        case Verdicts(sentences):
            items = "".join(f'<li class="{verdict}">{escape(said)}</li>' for verdict, said in sentences)
            return f'<ul class="verdicts">{items}</ul>'
        case Note(text):
            return f'<p class="note">{escape(text)}</p>'
        case Figure(_, svg, caption, wide):
            kind = ' class="wide"' if wide else ""
            return f"<figure{kind}>{svg}<figcaption>{escape(caption)}</figcaption></figure>"
        case Picture(jpeg, caption):
            source = f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
            words = escape(caption)
            return f'<figure><img src="{source}" alt="{words}"><figcaption>{words}</figcaption></figure>'
        case Facts(items):
            facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>" for name, fact in items.items())
            return f"<dl>{facts}</dl>"
        case Code(text):
            return f"<pre>{escape(text)}</pre>"
        case Folded(summary, inner):
            return f"<details><summary>{escape(summary)}</summary>{_blocks(inner)}</details>"


def _table(table: Table) -> str:
    kinds = [' class="words"' if column in table.words else "" for column in table.columns]
    head = "".join(
        f'<th scope="col"{kind}>{escape(column)}</th>'
        for kind, column in zip(kinds, table.columns, strict=True)
    )
    rows = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds[1:], row[1:], strict=True))
        + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'
    )
