"""``ncenet ask``: which images to label next."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from pydantic import BaseModel

from ncenet.cli.flags import apply_flags, changes_of
from ncenet.cli.people import AskFlags, say
from ncenet.cli.score_flags import ScoreFlags, tell_of
from ncenet.console import plain_console
from ncenet.counts import count_of
from ncenet.errors import UsageError
from ncenet.ledger.provenance import Kind, Provenance
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder, refuse_comparison
from ncenet.run.people import with_features

if TYPE_CHECKING:
    from ncenet.types import Query


def ask(
    folder: Path,
    /,
    *,
    data: str | None = None,
    number: Annotated[int | None, Parameter(name=["--number", "-n"], validator=Number(gte=1))] = None,
    scores: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    out: Path | None = None,
    raw: Annotated[bool, Parameter(negative=())] = False,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
    choice: Annotated[ScoreFlags | None, Parameter(name="*")] = None,
    flags: Annotated[AskFlags | None, Parameter(name="*")] = None,
) -> None:
    """Print the images to label next, most informative first.

    The first call makes the run folder and draws a random initial set. Later calls train on the answers that
    `ncenet tell` brought, and query; before any answer came they print the same images again. With
    --held-out, the images that will measure the model are printed first, all of them. Photographs are learned
    on pretrained features where the extra for them is installed, as `ncenet label` learns them.

    For example:

    `ncenet ask runs/pets --data photos/ --classes cat,dog,other -n 50 --out query.csv`

    `ncenet tell runs/pets answers.csv`

    `ncenet ask runs/pets -n 50`

    `ncenet ask runs/pets -n 500 --scores s3://bucket/scores/ --diversify herding`

    Args:
        folder: Run folder; holds the recipe after the first call.
        data: Where the images are; needed by the first call.
        number: How many images. Default: --initial at first, --query-size later.
        scores: Files of scores, of any model, to choose from in the place of a model of the run; see
            `ncenet select`. The query is recorded in the run, whose answered images are passed over.
        out: Write the ids there as CSV (id, score, label with nothing in it) instead of printing them. An
            earlier query is replaced once its labels were told, and nothing else is.
        raw: Leave ids as they are that begin with = + - @ or a tab, which spreadsheets take for formulas.
            Without it an apostrophe stands before them, which `ncenet tell` takes off again.
        json_output: Print JSON.
    """
    if raw and json_output and out is None:
        raise UsageError("--raw is for CSV, and --json is none")
    from ncenet.run.recipe_record import load_recipe

    files = RunFolder(folder)
    if not files.recipe.exists() and not files.ledger.exists():
        refuse_comparison(folder)
    if data is None and not files.recipe.exists() and not files.ledger.exists():
        raise UsageError(
            f"{folder}: no run here yet; say where the images are: ncenet ask {folder} --data PHOTOS"
        )
    if data is not None and not files.recipe.exists():
        recipe = _first(data, flags, None if scores or choice is None else choice.id_column)
    else:
        recipe = apply_flags(load_recipe(files), flags)
        if data is not None:
            recipe = recipe.with_changes({"data.train": data})

    if choice is not None and not scores:
        if data is None and choice.id_column is not None:
            raise UsageError("--id-column goes with --data, when the run begins, or with --scores")
        if replace(choice, id_column=None).given:
            raise UsageError("quotas, budgets and diversity of this kind are for --scores")
    from ncenet.files import alone
    from ncenet.loop.open import open_loop
    from ncenet.progress import bars

    if out is not None:
        _check(out, files)
    if scores:
        query = _from_scores(recipe, folder, scores, choice or ScoreFlags(), number, flags)
        _show(query, folder, out, raw, json_output)
        return
    with alone(folder), bars() as show:
        loop, _ = open_loop(recipe, folder, notify=show)
        with loop.ledger:
            first = not loop.labeled()
            query = loop.ask(number or (recipe.loop.initial if first else recipe.loop.query_size))
            asked = loop.ledger.latest_query()
    _show(query, folder, out, raw, json_output)
    if asked is not None and query.ids:
        plain_console(stderr=True).print(_who(asked.asked), soft_wrap=True)
        if number is not None and asked.asked.kind is Kind.HELD_OUT and len(query) != number:
            plain_console(stderr=True).print(
                f"not {number}: {count_of(len(query), 'held-out image is', 'held-out images are')} open, and "
                "all come before anything else is asked; answers may be told a few at a time"
            )


def _from_scores(
    recipe: Recipe,
    folder: Path,
    scores: tuple[str, ...],
    choice: ScoreFlags,
    number: int | None,
    flags: BaseModel | None,
) -> Query:
    """Choose from files, and record the query."""
    from ncenet.files import alone
    from ncenet.loop.from_scores import ask_files, begun
    from ncenet.progress import bars

    said = changes_of(flags)
    options = {
        name.removeprefix("loop.options."): value
        for name, value in said.items()
        if name.startswith("loop.options.")
    }
    wanted = choice.choice | {"strategy": said.get("loop.strategy"), "options": options}
    with alone(folder), bars() as show, begun(recipe, folder, show) as run:
        chosen = ask_files(run, scores, number, notify=show, **wanted)
    tell_of(chosen)
    return chosen.query


def _show(query: Query, folder: Path, out: Path | None, raw: bool, json_output: bool) -> None:
    """Print a query, or write it."""
    from ncenet.labels.query_file import COLUMNS, write_query_file
    from ncenet.ledger import Ledger
    from ncenet.run.folder import RunFolder
    from ncenet.tables import csv_lines

    rows = [(id, score, "") for id, score in zip(query.ids, query.scores, strict=True)]
    if out is not None:
        with Ledger(RunFolder(folder).ledger, read_only=True) as ledger:
            write_query_file(out, query, ledger, raw=raw)
        plain_console(stderr=True).print(
            f"{count_of(len(rows), 'image')} to label in {out}: fill in the last column, then ncenet "
            f"tell {folder} {out}",
            soft_wrap=True,
        )
    elif json_output:
        print(json.dumps([{"id": id, "score": score} for id, score, _ in rows], indent=1))
    else:
        sys.stdout.writelines(csv_lines(COLUMNS, rows, raw=raw))


def _who(asked: Provenance) -> str:
    """Where these images come from, in a line."""
    match asked.kind:
        case Kind.HELD_OUT:
            return "held-out images, at random: they measure every model and train none, so they come first"
        case Kind.STRATEGY:
            return f"chosen by {asked.strategy}"
        case Kind.TYPICAL:
            return "typical of the images: there is no model yet that could choose"
        case _:
            return "drawn at random: there is no model yet that could choose"


def _first(data: str, flags: BaseModel | None, id_column: str | None) -> Recipe:
    """The recipe of a run that begins: batches are what the flags say, and photographs become features."""
    changes = changes_of(flags) | ({} if id_column is None else {"data.id_column": id_column})
    return with_features(Recipe(), {"data.train": data} | changes, say=say)


def _check(out: Path, files: RunFolder) -> None:
    """Refuse what must not be replaced before anything is trained."""
    from ncenet.labels.query_file import check_replaceable
    from ncenet.ledger import Ledger

    if not files.ledger.exists():
        check_replaceable(out, None)
        return
    with Ledger(files.ledger) as ledger:
        check_replaceable(out, ledger)
