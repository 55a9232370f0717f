"""``ncenet select``: a query from files of scores, of any model and any number of images."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.cli.flags import split_options
from ncenet.cli.score_flags import ScoreFlags, tell_of
from ncenet.console import plain_console
from ncenet.counts import count_of
from ncenet.errors import UsageError


def select(
    scores: Annotated[tuple[str, ...], Parameter(negative=())],
    /,
    *,
    number: Annotated[int | None, Parameter(name=["--number", "-n"], validator=Number(gte=1))] = None,
    strategy: str | None = None,
    option: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    seed: int = 0,
    out: Path | None = None,
    raw: Annotated[bool, Parameter(negative=())] = False,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
    flags: Annotated[ScoreFlags | None, Parameter(name="*")] = None,
) -> None:
    """Choose images from files of scores, of any model: exact, and without holding the pool in memory.

    SCORES are Parquet or CSV files with an id, and class likelihoods, boxes with confidences, embeddings or
    any numbers; folders and globs of such, on this machine or as s3://, gs:// and hf:// addresses. Of other
    programs: COCO results, a folder of YOLO's predictions with confidences, Label Studio's predictions.

    For example:

    `ncenet select scores/ -n 10000 --strategy margin --diversify herding --out query.csv`

    `ncenet select s3://bucket/scores/ -n 500 --by uncertainty --exclude labelled.csv --quota camera=50`

    `ncenet select detections.json --minutes 240 --seconds-per-image 10 --seconds-per-box 4`

    Args:
        scores: Files, folders, globs or addresses.
        number: How many images.
        strategy: A strategy that ranks images; what can be had depends on what the files hold. Default:
            margin of likelihoods, difficulty of boxes.
        option: NAME=VALUE, an option of the strategy; again for more.
        seed: Of whatever is drawn.
        out: Write the query there as CSV (id, score, label with nothing in it) instead of printing it.
        raw: Leave ids as they are that begin with = + - @ or a tab, which spreadsheets take for formulas.
        json_output: Print JSON, with the file and row of each.
    """
    from ncenet.labels.query_file import COLUMNS, check_replaceable, write_query_file
    from ncenet.progress import bars
    from ncenet.selection.choose import choose_from
    from ncenet.selection.wish import wish_of
    from ncenet.tables import csv_lines

    if raw and json_output and out is None:
        raise UsageError("--raw is for CSV, and --json is none")
    if not scores:
        raise UsageError("no file of scores was named")
    flags = flags or ScoreFlags()
    if out is not None:
        check_replaceable(out, None)
    choice = flags.choice | {"strategy": strategy, "options": dict(split_options(option))}
    with bars() as show:
        chosen = choose_from(scores, wish_of(number, seed=seed, **choice), show)
    tell_of(chosen)
    pairs = list(zip(chosen.query.ids, chosen.query.scores, strict=True))
    if out is not None:
        write_query_file(out, chosen.query, None, raw=raw)
        plain_console(stderr=True).print(f"{count_of(len(pairs), 'image')} to label in {out}")
    elif json_output:
        rows = [
            {"id": id, "score": score, "file": file, "row": row}
            for (id, score), (file, row) in zip(pairs, chosen.places, strict=True)
        ]
        print(json.dumps(rows, indent=1))
    else:
        sys.stdout.writelines(csv_lines(COLUMNS, [(id, score, "") for id, score in pairs], raw=raw))
