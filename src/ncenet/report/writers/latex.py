"""Tables of a report in LaTeX, for a paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ncenet.compare.records import Table
from ncenet.report.blocks import ReportSection
from ncenet.report.writers import Files, ReportContent, report_formats

_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "|": r"\textbar{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "±": r"$\pm$",
        "\N{MULTIPLICATION SIGN}": r"$\times$",
        "\N{MINUS SIGN}": r"$-$",
        "\N{EN DASH}": "--",
        "\0": "{}",
    }
)
_LIGATURE = re.compile(r"([-'`,])(?=\1)|[?!](?=`)")
"""What LaTeX sets as one sign with the next."""


@report_formats.register("tex", order=3)
def _files(report: ReportContent) -> Files:
    return {"report.tex": as_latex(report.title, report.sections).encode()}


def as_latex(title: str, sections: Sequence[ReportSection]) -> str:
    r"""All tables of a report, each in a ``table`` environment, to ``\input`` or to pick from.

    They need the package booktabs. What is folded on the page is left out.

    Args:
        title: of the report.
        sections: in order; the title of a section is the caption of its tables.
    """
    tables = [
        as_table(block, section.title)
        for section in sections
        for block in section.blocks
        if isinstance(block, Table)
    ]
    return "\n".join([f"% {' '.join(title.split())}", r"% \usepackage{booktabs}", "", *tables])


def as_table(table: Table, caption: str) -> str:
    r"""One table.

    >>> print(as_table(Table(("Arm", "%"), (("a_b", "50 ± 1"),)), "Accuracy"))
    \begin{table}
    \caption{Accuracy}
    \begin{tabular}{lr}
    \toprule
    Arm & \% \\
    \midrule
    a\_b & 50 $\pm$ 1 \\
    \bottomrule
    \end{tabular}
    \end{table}
    <BLANKLINE>
    """
    kinds = "".join("l" if n == 0 or column in table.words else "r" for n, column in enumerate(table.columns))
    lines = [
        r"\begin{table}",
        rf"\caption{{{escape(caption)}}}",
        rf"\begin{{tabular}}{{{kinds}}}",
        r"\toprule",
        _row(table.columns),
        r"\midrule",
        *map(_row, table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def escape(text: str) -> str:
    r"""Text that LaTeX sets as it stands.

    >>> print(escape("50 % of a_b--c"))
    50 \% of a\_b-{}-c
    """
    return " ".join(_LIGATURE.sub("\\g<0>\0", text).translate(_ESCAPES).split())


def _row(cells: Iterable[str]) -> str:
    row = " & ".join(map(escape, cells)) + r" \\"
    # The end of a line and the rules take a * or an argument in brackets, across the line break too.
    return "{}" + row if row.startswith(("[", "*")) else row
