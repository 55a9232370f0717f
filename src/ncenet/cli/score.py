"""``ncenet score``: what a trained model says of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console


def score(
    model: str,
    data: str,
    /,
    *,
    out: Path | None = None,
    per_class: Annotated[bool, Parameter(negative=())] = False,
    on_bad_image: Literal["stop", "skip"] = "stop",
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Print class, likelihood, rejection and confusion of each image; memory does not grow with their number.

    For example:

    `ncenet score runs/pets photos/ --out scores.csv`

    `ncenet score pets-model/ photos/ --out scores.parquet --per-class`

    Args:
        model: Run folder (its last model), exported folder, model.safetensors, or hub:OWNER/NAME.
        data: Folder, Parquet file, CSV manifest or built-in name; labels are not looked at.
        out: File to write, .csv, .json, .jsonl or .parquet, instead of printing CSV.
        per_class: Add the likelihood of each class.
        on_bad_image: An image that cannot be read: stop, or leave it out and name it.
        json_output: Print JSON instead of CSV.
    """
    from ncenet.bridges.model import Model
    from ncenet.bridges.score_file import write_scores
    from ncenet.bridges.scoring import score_data
    from ncenet.cli.progress import bars

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    loaded = Model.from_pretrained(model)
    with bars() as show:
        chunks = score_data(
            loaded,
            data,
            on_bad_image=on_bad_image,
            bad=lambda problem: console.print(f"left out {problem}"),
            progress=lambda done, total: show({"event": "scan", "done": done, "total": total}),
        )
        count = write_scores(
            chunks, loaded.class_names, out, per_class=per_class, as_json=json_output
        )  # fmt: skip
    if out is not None:
        console.print(f"{count} images in {out}")
