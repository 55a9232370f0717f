"""``ncenet score``: what a trained model says of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.console import plain_console
from ncenet.counts import count_of


def score(
    model: str,
    data: str,
    /,
    *,
    out: str | None = None,
    per_class: Annotated[bool, Parameter(negative=())] = False,
    boxes: Annotated[bool, Parameter(negative=())] = False,
    least: Annotated[float | None, Parameter(validator=Number(gte=0, lte=1))] = None,
    on_bad_image: Literal["stop", "skip"] = "stop",
    raw: Annotated[bool, Parameter(negative=())] = False,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
    engine: Literal["local", "ray"] | None = None,
    outputs: Annotated[
        tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)
    ] = (),
    keep: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)] = (),
    image_column: str | None = None,
    id_column: str | None = None,
    workers: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    dry_run: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Print what a model says of each image, a row each; memory does not grow with their number.

    Of a classifier: class, likelihood, rejection, confusion; share, how often such an image is right, where
    labels left out in turn have told it (NCE on stored features); of a committee vote_entropy and
    consensus_entropy. Of a detector: number of objects, rejection, confusion.

    For example:

    `ncenet score runs/pets photos/ --out scores.csv`

    `ncenet score pets-model/ photos/ --out scores.parquet --per-class`

    `ncenet score runs/cells photos/ --out objects.jsonl --boxes --least 0.3`

    A folder, glob or address of shards (Parquet, tars of a WebDataset, Arrow files of a saved data set),
    such as s3://bucket/photos/, is scored shard by shard into a folder of Parquet files: run again, it does
    what is missing. `ncenet select` chooses from these.

    `ncenet score runs/pets s3://bucket/photos/ --out s3://bucket/scores/ --engine ray`

    Args:
        model: Run folder (its last model), exported folder, model.safetensors, or hub:OWNER/NAME.
        data: Folder, Parquet file, CSV manifest or built-in name; labels are not looked at. Or shards.
        out: File to write, .csv, .json, .jsonl or .parquet, instead of printing CSV. Of shards a folder or an
            address.
        per_class: Add the likelihood of each class; of a detector, the number of objects of each class.
        boxes: Detector: add the objects themselves, with box, label and likelihood. In CSV they are JSON.
        least: Detector: likelihood from which on an object counts. Default: 0.5.
        on_bad_image: An image that cannot be read: stop, or leave it out and name it.
        raw: CSV: leave cells as they are that begin with = + - @ or a tab, which spreadsheets take for
            formulas. Without it an apostrophe stands before them.
        json_output: Print JSON instead of CSV.
        engine: Shards: local, in this process, or ray, on the cluster that RAY_ADDRESS names.
        outputs: Shards: columns of scores: likelihood, share, boxes, embedding, margin, entropy and others.
            Default: likelihood and, where the model has one, share, or boxes; rejection, confusion.
        keep: Shards: columns that come along, such as the camera.
        image_column: Shards: column of the images, encoded bytes or addresses. Default: image; of a
            WebDataset the part that is an image, of a saved data set the feature that is one.
        id_column: Shards: column of the ids. Default: file and number of the row, in a WebDataset file and
            key.
        workers: Shards: threads that decode; with ray, actors.
        dry_run: Shards: say how many there are and what they would take, and score none.
    """
    from ncenet.models.score import are_shards, check_options, score_images, table_of

    shards = are_shards(data, out, engine)
    check_options(
        shards,
        of_files=per_class or boxes or raw or json_output or least is not None or on_bad_image != "stop",
        of_shards=bool(outputs or keep or workers or dry_run or image_column),
    )
    if shards:
        from ncenet.cli.score_shards import score_shards

        score_shards(
            model, data, out, engine or "local", outputs, keep, image_column, id_column, workers, dry_run
        )
        return
    if out is not None:
        from ncenet.labels.query_file import refuse_loss

        refuse_loss(Path(out), None)
    from ncenet.models.model import load
    from ncenet.progress import bars

    console = plain_console(stderr=True)
    loaded = load(model)
    table = table_of(loaded, per_class=per_class, boxes=boxes, least=least)
    with bars() as show:
        count = score_images(
            loaded,
            data,
            table,
            None if out is None else Path(out),
            on_bad_image,
            id_column=id_column,
            raw=raw,
            as_json=json_output,
            bad=lambda problem: console.print(f"left out {problem}"),
            notify=show,
        )
    if out is not None:
        console.print(f"{count_of(count, 'image')} in {out}")
