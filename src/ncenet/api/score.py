"""What a model says of a data set, in a file; of shards, in a folder of such."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Literal

from ncenet.errors import UnreadableImage
from ncenet.labels.query_file import refuse_loss
from ncenet.models.model import DetectionModel, Model, load
from ncenet.models.score import (
    Scored,
    are_shards,
    check_options,
    score_images,
    score_missing,
    table_of,
    to_score,
)
from ncenet.models.score_shards import check_done, check_out, shards_of
from ncenet.models.scorer import Scorer
from ncenet.progress import Onlooker, Watch
from ncenet.recipe import OnBadImage


def score(
    model: str | PathLike[str] | Model | DetectionModel,
    data: str | PathLike[str],
    out: str | PathLike[str],
    *,
    per_class: bool = False,
    boxes: bool = False,
    least: float | None = None,
    on_bad_image: OnBadImage = "stop",
    raw: bool = False,
    engine: Literal["local", "ray"] | None = None,
    outputs: Sequence[str] = (),
    keep: Sequence[str] = (),
    image_column: str | None = None,
    id_column: str | None = None,
    workers: int | None = None,
    dry_run: bool = False,
    bad: Callable[[UnreadableImage], None] = lambda problem: None,
    notify: Watch = None,
) -> Scored:
    """Write what a model says of each image, a row each; memory does not grow with their number.

    A folder, glob or address of shards is scored into a folder of Parquet files, shard by shard: run again,
    it does what is missing. :func:`ncenet.select` chooses from either.

    Args:
        model: a model, or where one is: see :func:`ncenet.load`.
        data: images as :meth:`ncenet.Dataset.open` takes them; labels are not looked at. Or shards.
        out: file that ends in .csv, .json, .jsonl or .parquet; of shards a folder or an address.
        per_class: add the likelihood of each class; of a detector, the number of objects of each class.
        boxes: of a detector: add the objects themselves. In CSV they are JSON.
        least: of a detector: likelihood from which on an object counts. Default: 0.5.
        on_bad_image: an image that cannot be read stops everything, or is left out.
        raw: leave cells of CSV alone that a spreadsheet would take for formulas.
        engine: of shards: local, in this process, or ray.
        outputs: of shards: columns, see :class:`ncenet.Scorer`.
        keep: of shards: columns that come along, such as the camera.
        image_column: of shards: column of the images. Default: what the form has for one.
        id_column: of shards: column of the ids. Default: file and number of the row.
        workers: of shards: threads that decode; with ray, actors.
        dry_run: of shards: say what is to be done, and do nothing.
        bad: told of each image that is left out.
        notify: told of the progress. Default: it is shown; False: it is not.

    Raises:
        UsageError: there is no such model, or what is asked for is not of such images or such a model.
        UnreadableImage: an image cannot be read, and that is to stop everything.
        DataError: the images are other than those that the model learned from, or shards have no scores.

    >>> import ncenet
    >>> ncenet.score("nowhere", "digits", "scores.csv")
    Traceback (most recent call last):
    ...
    ncenet.errors.UsageError: nowhere: no such file or folder; a model of the Hub is written hub:OWNER/NAME
    """
    source, target = str(data), str(out)
    check_options(
        are_shards(source, target, engine),
        of_files=per_class or boxes or raw or least is not None or on_bad_image != "stop",
        of_shards=bool(outputs or keep or workers or dry_run or image_column),
    )
    with Onlooker(notify).at_work() as show:
        if not are_shards(source, target, engine):
            found = model if isinstance(model, Model | DetectionModel) else load(str(model))
            table = table_of(found, per_class=per_class, boxes=boxes, least=least)
            refuse_loss(Path(out), None)
            start = time.monotonic()
            count = score_images(
                found,
                source,
                table,
                Path(out),
                on_bad_image,
                id_column=id_column,
                raw=raw,
                bad=bad,
                notify=show,
            )
            return Scored(count, seconds=time.monotonic() - start)
        scorer = Scorer(
            model if isinstance(model, Model | DetectionModel) else str(model),
            outputs or None,
            keep=keep,
            workers=None if engine == "ray" else workers,
        )
        shards = shards_of(scorer, source, check_out(target), image=image_column, id=id_column)
        if dry_run:
            return Scored(0, left=to_score(scorer, shards))
        done = score_missing(scorer, shards, engine or "local", workers=workers, notify=show)
    check_done(done.shards)
    return done
