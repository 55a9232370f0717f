"""One HTML file that needs nothing else: no script, no network, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files

from ncenet import __version__
from ncenet.compare.records import Results, Run, Table
from ncenet.report import tables, words

PAPER = "https://ojs.aaai.org/index.php/AAAI/article/view/17205"
MOST_ROWS = 200
"""Rows of a table of bad images or duplicates; the whole of it stands in the run folder."""


def page_of_comparison(results: Results, figure: str | None) -> str:
    """The page of a comparison.

    Args:
        results: its records.
        figure: the learning curves as an ``<svg>`` element, if there are any.
    """
    comparison = results.comparison
    said = "".join(
        f'<li class="{"unclear" if difference is None else difference.verdict}">{escape(sentence)}</li>'
        for difference, sentence in words.verdicts(results).values()
    )
    missing = [f"{arm}, seed {seed}" for arm, seed in results.unfinished]
    total = len(comparison.arms) * len(comparison.seeds)
    changes = Table(
        ("Arm", "Changes in the recipe"),
        tuple(
            (arm.name, ", ".join(f"{path}: {value}" for path, value in arm.changes.items()) or "none")
            for arm in comparison.arms
        ),
    )
    first = next(iter(results.runs.values()), None)
    return _page(
        f"{len(comparison.arms)} arms compared on {comparison.base.data.train}",
        [
            f'<ul class="verdicts">{said}</ul>' if said else "",
            _note(f"{len(missing)} of {total} trials are not finished and left out: {'; '.join(missing)}")
            if missing
            else "",
            _section("Summary", _table(tables.summary(results))),
            _section("Learning curves", _figure(figure, "Lines are means over seeds, bands one deviation.")),
            _section("Test accuracy at each number of labels, %", _table(tables.by_cycle(results))),
            _section("What these numbers are", _facts(words.protocol_of_comparison(comparison))),
            _section("What was compared", _table(changes), _folded("The recipe", _pre(comparison.to_yaml()))),
            _section("What was queried", _per_class(tables.queried_per_class(results))),
            _section("What it cost", _table(tables.seconds(results))),
            _images(first),
        ],
    )


def page_of_run(run: Run, figure: str | None) -> str:
    """The page of a single run.

    Args:
        run: its records.
        figure: its learning curve as an ``<svg>`` element, if there is one.
    """
    recipe = run.recipe
    missing = recipe.loop.cycles - len(run.cycles)
    return _page(
        f"One run of {recipe.loop.strategy} on {recipe.data.train}",
        [
            f'<ul class="verdicts"><li class="unclear">{escape(words.headline(run))}</li></ul>',
            _note(f"{missing} of {recipe.loop.cycles} cycles were not run.") if missing > 0 else "",
            _section("Learning curve", _figure(figure, "One run, one seed.")) if figure else "",
            _section("Cycles", _table(tables.of_run(run))),
            _section("What these numbers are", _facts(words.protocol_of_run(recipe))),
            _section("Classes", _per_class(tables.classes_of_run(run))),
            _section("What was run", _folded("The recipe", _pre(recipe.to_yaml()))),
            _images(run),
        ],
    )


def _page(title: str, parts: Iterable[str]) -> str:
    style = (files("ncenet.report") / "page.css").read_text(encoding="utf-8")
    body = "\n".join(part for part in parts if part)
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


def _section(title: str, *parts: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{''.join(parts)}\n</section>"


def _table(table: Table) -> str:
    kinds = [' class="words"' if column in tables.WORDS else "" for column in table.columns]
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


def _per_class(table: Table) -> str:
    """In the open for as many classes as fit on a screen."""
    return _table(table) if len(table.rows) <= 20 else _folded(f"{len(table.rows)} classes", _table(table))


def _facts(facts: Mapping[str, str]) -> str:
    items = "".join(f"<dt>{escape(subject)}</dt><dd>{escape(fact)}</dd>" for subject, fact in facts.items())
    return f"<dl>{items}</dl>"


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def _pre(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _figure(svg: str | None, caption: str) -> str:
    if svg is None:
        return _note("No trial has come far enough to draw.")
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _images(run: Run | None) -> str:
    """What was wrong with the images; empty when nothing was."""
    if run is None or not (run.bad_images.rows or run.duplicates.rows):
        return ""
    bad, twins = run.bad_images, run.duplicates
    groups = len({row[0] for row in twins.rows})
    parts = []
    if bad.rows:
        parts.append(_folded(f"{len(bad.rows):,} cannot be read and were left out", _table(_shortened(bad))))
    if twins.rows:
        count = f"{len(twins.rows):,} are duplicates: {groups:,} groups of the same bytes"
        parts.append(_folded(count, _table(_shortened(twins))))
    return _section("Images to look at", *parts)


def _shortened(table: Table) -> Table:
    more = len(table.rows) - MOST_ROWS
    if more <= 0:
        return table
    ellipsis = (f"and {more:,} more", *[""] * (len(table.columns) - 1))
    return Table(table.columns, (*table.rows[:MOST_ROWS], ellipsis))
