"""The recipe as the ledger knows it, so that a ``recipe.yaml`` that was changed doesn't pass for another.

The ledger holds the recipe that a run was begun with. It may change where that changes no past result, and
the ledger then holds from which cycle on the new one counts. A run whose training diverges so goes on with
another learning rate.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import ValidationError

from ncenet.counts import count_of
from ncenet.errors import EmptyLedger, LedgerError, RecipeError, UsageError
from ncenet.ledger import Ledger
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder, refuse_comparison, refuse_kept, runs_within
from ncenet.section import flat

FREE = frozenset({"loop.cycles", "train.checkpoint_seconds", "data.workers", "data.cache_gb"})
"""Fields that change no outcome, or continue a run."""
OF_A_FIT = ("train.",)
"""What a fit that has not finished reads."""
OF_LATER_QUERIES = (
    "model.",
    "loop.strategy",
    "loop.options",
    "loop.query_size",
    "loop.pool_subset",
    "loop.foreign",
)
"""What nothing has read before the first fit, unless typical images were looked for with the model."""


@dataclass(frozen=True)
class Recorded:
    """A recipe of a run.

    Attributes:
        recipe: what it says.
        cycle: the first cycle for which it counts; 0 of that with which the run was begun.
    """

    recipe: Recipe
    cycle: int


def recorded(ledger: Ledger) -> list[Recorded]:
    """The recipes of a run, the last one counts; none of a run that was begun before they were recorded.

    Raises:
        LedgerError: one is none that this version can read.
    """
    found: list[Recorded] = []
    while (text := ledger.recall(_key(len(found)))) is not None:
        try:
            fact = json.loads(text)
            found.append(Recorded(Recipe.model_validate(fact["recipe"]), int(fact["cycle"])))
        except (ValueError, ValidationError, LookupError, TypeError) as error:
            raise LedgerError(f"{ledger.file}: its recipe can't be read by this version: {error}") from error
    return found


def record_recipe(ledger: Ledger, recipe: Recipe) -> None:
    """Record the recipe of a run, unless it is that which counts already."""
    with ledger.transaction():
        before = recorded(ledger)
        if not before or differing(before[-1].recipe, recipe):
            fact = {"cycle": _next_cycle(ledger) if before else 0, "recipe": recipe.model_dump(mode="json")}
            ledger.remember(_key(len(before)), json.dumps(fact))


def differing(one: Recipe, other: Recipe) -> list[str]:
    """Paths of the fields by which two recipes make different runs."""
    first, second = (flat(recipe.model_dump(mode="json")) for recipe in (one, other))
    return sorted(
        path
        for path in first.keys() | second.keys()
        if path not in FREE and first.get(path) != second.get(path)
    )


def check_recipe(files: RunFolder, recipe: Recipe) -> None:
    """Make sure that a folder is new, or that its run can go on with a recipe.

    ``loop.cycles`` may grow, which continues the run; what cannot change an outcome may differ, and so may
    what no past result has depended on: the training while its fit has not finished, and before the first fit
    also the model and who chooses.

    Raises:
        RecipeError: another run lives here; names the fields that differ.
        UsageError: a comparison does, or the folder belongs to one or to another run, or the ledger is
            missing or is not that of the cycles.
        LedgerError: the ledger can't be read.
    """
    check_ledger(files)
    if not is_begun(files):
        refuse_comparison(files.path)
        refuse_kept(files.path)
        if files.recipe.exists():
            _refuse_others(files, Recipe.load(files.recipe), recipe, allowed=())
        return
    with Ledger(files.ledger, read_only=True) as ledger:
        known = recorded(ledger)
        allowed = _allowed(ledger, recipe)
    if known:
        _refuse_others(files, known[-1].recipe, recipe, allowed)
    elif files.recipe.exists():  # begun before recipes were recorded
        _refuse_others(files, Recipe.load(files.recipe), recipe, allowed)


def load_recipe(files: RunFolder) -> Recipe:
    """The recipe of a run that is there.

    Raises:
        UsageError: there is no run in this folder, or its recipe is missing.
        RecipeError: it can't be read.
    """
    if not files.recipe.exists() and files.ledger.exists():
        raise UsageError(f"{files.recipe}: is missing; ncenet repair {files.path} writes it anew")
    if not files.recipe.exists():
        refuse_comparison(files.path)
        raise UsageError(f"{files.path}: no run here{runs_within(files.path) or '; ncenet ask makes one'}")
    return Recipe.load(files.recipe)


def is_begun(files: RunFolder) -> bool:
    """Whether there is a ledger of a run in it: one that is killed while it begins leaves an empty one.

    It has images in it, or says that it holds none but those that are asked for.
    """
    if not files.ledger.exists() or files.ledger.stat().st_size == 0:
        return False
    try:
        with Ledger(files.ledger, read_only=True) as ledger:
            return ledger.has_items or ledger.places.by_reference
    except EmptyLedger:
        return False


def check_ledger(files: RunFolder) -> None:
    """Make sure that there is a ledger where there are cycles, and that it knows them.

    Raises:
        UsageError: it doesn't; beginning anew would write over what was learned.
        LedgerError: it can't be read.
    """
    last = max((cycle.number for cycle in files.cycles()), default=None)
    if last is None:
        return
    if not is_begun(files):
        what = "is missing" if not files.ledger.exists() else "is empty"
        raise UsageError(
            f"{files.ledger}: {what}, and {files.all_cycles} holds cycles of a run: put the ledger back from "
            f"a copy, or have ncenet repair {files.path} set the cycles aside, to begin anew"
        )
    with Ledger(files.ledger, read_only=True) as ledger:
        known = len(ledger.cycles())
    if last > known:
        raise UsageError(
            f"{files.ledger}: knows {count_of(known, 'cycle')}, and {files.cycle(last).path} is there: "
            f"it is older than the cycles, or of another run; put the right one back "
            f"from a copy, or have ncenet repair {files.path} set the later cycles aside"
        )


def _refuse_others(files: RunFolder, old: Recipe, new: Recipe, allowed: tuple[str, ...]) -> None:
    fields = [path for path in differing(old, new) if not path.startswith(allowed)]
    if not fields:
        return
    before, now = (flat(each.model_dump(mode="json")) for each in (old, new))
    shown = "\n".join(f"  {path}: {before.get(path)!r} there, {now.get(path)!r} now" for path in fields)
    raise RecipeError(
        f"{files.path} holds a run with another recipe:\n{shown}\n"
        f"choose another folder, or the same recipe; if {files.recipe.name} was changed or cut off by "
        f"mistake, ncenet repair {files.path} writes it anew"
    )


def _allowed(ledger: Ledger, recipe: Recipe) -> tuple[str, ...]:
    """Beginnings of the paths that no past result has depended on."""
    cycles = ledger.cycles()
    if not cycles:
        typical = recipe.loop.first != "random"
        return OF_A_FIT + tuple(path for path in OF_LATER_QUERIES if not (typical and path == "model."))
    return OF_A_FIT if ledger.fit_report(cycles[-1].number) is None else ()


def _next_cycle(ledger: Ledger) -> int:
    """The first cycle whose fit has not finished."""
    cycles = ledger.cycles()
    if not cycles:
        return 1
    last = cycles[-1].number
    return last if ledger.fit_report(last) is None else last + 1


def _key(number: int) -> str:
    return "recipe" if number == 0 else f"recipe {number + 1}"
