"""``ncenet export``: labels for other tools, the model for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.console import plain_console
from ncenet.counts import count_of
from ncenet.errors import UsageError
from ncenet.models.places import model_format_of


def export(
    folder: Path,
    out: Path,
    /,
    *,
    format: str | None = None,
    link: Annotated[bool, Parameter(negative=())] = False,
    raw: Annotated[bool, Parameter(negative=())] = False,
    model: str | None = None,
    cycle: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    notes: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write the labels of a run for other tools, its model for other runtimes, or notes on its images.

    Labels: `ncenet import` reads every format back without loss.

    `ncenet export runs/pets labels.csv`

    `ncenet export runs/pets sorted/ --format class-folders --link`

    Model:

    `ncenet export runs/pets pets-model/ --model safetensors`

    `ncenet export runs/pets pets.onnx`

    Notes, as CSV with columns id, who, at and note:

    `ncenet export runs/pets notes.csv --notes`

    Args:
        folder: Run folder.
        out: File or folder to write. A file is replaced, a folder must not be there yet.
        format: Of labels: csv, jsonl, parquet, class-folders, coco, voc, yolo. Default: what the end of the
            name says.
        link: Make links to the image files instead of copies.
        raw: CSV: leave cells as they are that begin with = + - @ or a tab, which spreadsheets take for
            formulas. Without it an apostrophe stands before them, which reading takes off again.
        model: Write the model, not labels: safetensors (a folder, for `ncenet.load` and `ncenet score`),
            torch (torch.export, .pt2) or onnx. Default: what the end of the name says.
        cycle: Whose model. Default: the last that was trained.
        notes: Write what annotators noted about images, not labels; the last note of each image.
    """
    if notes:
        _write_notes(
            folder, out, alone=format is None and model is None and cycle is None and not link, raw=raw
        )
        return
    if model is None and format is None:
        model = model_format_of(out)
    console = plain_console(stderr=True)
    if model is None:
        if cycle is not None:
            raise UsageError("--cycle names a model; labels are exported as they stand now")
        from ncenet.labels.transfer import export_labels
        from ncenet.run.opening import open_run

        with open_run(folder, read_only=True) as run:
            count = export_labels(run, out, format=format, link=link, raw=raw)
        console.print(f"{count_of(count, 'answer')} in {out}")
        return
    if format is not None or link or raw:
        raise UsageError("--format, --link and --raw are for labels, --model is for the model: one at a time")
    from ncenet.models.formats import export_model

    source = export_model(folder, out, model, cycle=cycle)
    console.print(f"{source} as {model} in {out}")


def _write_notes(folder: Path, out: Path, *, alone: bool, raw: bool) -> None:
    from ncenet.labels.transfer import export_notes
    from ncenet.run.opening import open_run

    if not alone:
        raise UsageError("--notes writes notes as CSV: --format, --link, --model and --cycle are for others")
    with open_run(folder, read_only=True) as run:
        count = export_notes(run, out, raw=raw)
    plain_console(stderr=True).print(f"{count_of(count, 'note')} in {out}")
