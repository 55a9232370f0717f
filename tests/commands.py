"""The command line as a function: words in; exit code, standard output and standard error out."""

from __future__ import annotations

from typing import NamedTuple

from ncenet.cli import main

TINY = ("--epochs", "1", "--min-steps", "4", "--batch-size", "16")
"""Flags of a fit that is over at once."""
SMALL_RUN = ("--initial", "20", "--query-size", "10", "--cycles", "2", *TINY)


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Standard error without the box and line breaks that a terminal gets."""
        return " ".join(self.err.replace("│", " ").split())


def run_command(capsys, words) -> Done:
    """Run one, and what it came to."""
    capsys.readouterr()
    code = 0
    try:
        main([str(word) for word in words])
    except SystemExit as stop:
        code = stop.code or 0
    return Done(code, *capsys.readouterr())
