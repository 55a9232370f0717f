"""``ncenet export``: labels for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console


def export(
    folder: Path,
    out: Path,
    /,
    *,
    format: str | None = None,
    link: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write the labels of a run for other tools; `ncenet import` reads every format back without loss.

    For example:

    `ncenet export runs/pets labels.csv`

    `ncenet export runs/pets sorted/ --format class-folders --link`

    Args:
        folder: Run folder.
        out: File or folder to write. A file is replaced, a folder must not be there yet.
        format: csv, jsonl, parquet, class-folders. Default: what the end of the name says.
        link: Make links to the image files instead of copies.
    """
    from ncenet.bridges.run import opened
    from ncenet.bridges.transfer import export_labels

    with opened(folder, read_only=True) as run:
        count = export_labels(run, out, format=format, link=link)
    Console(stderr=True, soft_wrap=True).print(f"{count} answers in {out}", highlight=False)
