"""``ncenet report``: what a run or a comparison found."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ncenet.errors import UsageError


def report(
    folder: Path,
    /,
    *,
    full: Annotated[bool, Parameter(negative=())] = False,
    format: Annotated[
        tuple[str, ...],
        Parameter(consume_multiple=True, negative=(), show_default=False),
    ] = (),
    out: Path | None = None,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Print what a run or comparison found, and write its report: page, Markdown, LaTeX, CSV and figures.

    Reads records only; works while the run is still going on.

    For example: `ncenet report runs/digits-confusion`

    Args:
        folder: Run folder, or folder of a comparison.
        full: Print every table of the report.
        format: Write these formats only: html, md, tex, csv, svg, png, or one of a plug-in. Default: all.
        out: Folder that takes the files. Default: FOLDER, which then must be writable.
        json_output: Print the curves as JSON and write nothing.
    """
    if json_output and out is not None:
        raise UsageError("--out takes files, and --json writes none: one at a time")
    if json_output:
        import json

        from ncenet.report.summary import results_record

        print(json.dumps(results_record(folder), indent=1))
    else:
        from ncenet.cli.trials import show_results

        try:
            show_results(folder, everything=full, formats=format, out=out)
        except OSError as error:
            if out is None and error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
                raise UsageError(
                    f"{folder}: the files of the report can't be written there ({error.strerror}): "
                    "name another folder with --out"
                ) from error
            raise
