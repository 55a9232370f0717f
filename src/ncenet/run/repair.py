"""What is broken in a run folder is set aside, so that the run can go on; no answer is ever deleted.

Nothing is thrown away: a broken file moves into the folder ``set-aside`` of the run, under its own path. What
the ledger knows is written anew from there: the recipe, how fits went, what was asked. A model that is gone
is trained again when it is needed; a test of one that is there is made again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ncenet.doors.annotators import Annotators
from ncenet.errors import DamagedRecord, NcenetError, RecipeError, UsageError
from ncenet.ledger import Ledger
from ncenet.ledger.provenance import Kind
from ncenet.recipe import Recipe
from ncenet.run import record_files
from ncenet.run.folder import CycleFolder, RunFolder, runs_within
from ncenet.run.opinions import read_opinions
from ncenet.run.recipe_file import keep
from ncenet.run.recipe_record import differing, is_begun, recorded
from ncenet.run.records import Fit

SET_ASIDE = "set-aside"
"""Folder within that of a run, for what was broken."""
ASKED_BY = frozenset({Kind.INITIAL, Kind.TYPICAL, Kind.STRATEGY})
"""Who makes the query of a cycle, which stands in its files."""


@dataclass(frozen=True)
class Repaired:
    """One thing that was found, and what was done about it.

    Attributes:
        file: which one.
        why: what is wrong with it.
        done: what was done.
    """

    file: Path
    why: str
    done: str

    def __str__(self) -> str:
        return f"{self.file}: {self.why}; {self.done}"


def repair_run(
    folder: Path, sound_model: Callable[[Path], object], *, dry_run: bool = False
) -> list[Repaired]:
    """Look through a run folder, and set aside or write anew what is broken.

    Args:
        folder: the run folder; nobody else may be at work on it.
        sound_model: raises a :class:`~ncenet.errors.NcenetError` for a file that is no whole model.
        dry_run: say what would be done, and do nothing.

    Returns:
        What was found, in the order in which it was dealt with.

    Raises:
        UsageError: there is no run in this folder.
        LedgerError: the ledger itself is broken, which only a copy can mend: the answers are in it.
    """
    return list(_Repair(RunFolder(folder), sound_model, dry_run).found())


def holds_a_run(files: RunFolder) -> bool:
    """Whether a folder has anything of a run in it, be it broken."""
    return files.ledger.exists() or files.recipe.exists() or bool(files.cycles())


class _Repair:
    def __init__(self, files: RunFolder, sound_model: Callable[[Path], object], dry_run: bool) -> None:
        self._files, self._sound, self._dry = files, sound_model, dry_run

    def found(self) -> Iterator[Repaired]:
        files = self._files
        if not holds_a_run(files):
            raise UsageError(f"{files.path}: no run here{runs_within(files.path)}")
        if not is_begun(files):
            if files.ledger.exists():
                yield self._aside(files.ledger, "is empty")
            for cycle in files.cycles():
                yield self._aside(cycle.path, "its ledger is missing")
            return
        with Ledger(files.ledger, read_only=True) as ledger:
            ledger.check()
            yield from self._recipe(ledger)
            known = len(ledger.cycles())
            for cycle in files.cycles():
                if cycle.number > known:
                    yield self._aside(cycle.path, "the ledger knows no such cycle")
                else:
                    yield from self._cycle(ledger, cycle)
        yield from self._tables()

    def _recipe(self, ledger: Ledger) -> Iterator[Repaired]:
        known, file = recorded(ledger), self._files.recipe
        why, there = "", None
        try:
            there = Recipe.load(file)
        except RecipeError as error:
            why = _of(file, error) if file.exists() else "is missing"
        if known and there is not None and (fields := differing(known[-1].recipe, there)):
            why = f"says something else than the ledger about {', '.join(fields)}"
        if not why:
            return
        if not known:
            yield Repaired(file, why, "the ledger is too old to know it: put it back from a copy")
            return
        if file.exists():
            yield self._aside(file, why)
        if not self._dry:
            keep(file, known[-1].recipe)
        yield Repaired(file, "the ledger knows it", "written anew")

    def _cycle(self, ledger: Ledger, cycle: CycleFolder) -> Iterator[Repaired]:
        report = ledger.fit_report(cycle.number) if cycle.number else None
        if report is None:
            for file in cycle.checkpoints():
                if (why := _why(self._sound, file)) is not None:
                    yield self._aside(file, why)
        elif cycle.model.exists() and (why := _why(self._sound, cycle.model)) is not None:
            yield self._aside(cycle.model, why)
        for file, read in (
            (cycle.fit, record_files.read_fit),
            (cycle.test, record_files.read_test),
            (cycle.predicted, record_files.read_predicted),
            (cycle.detections, record_files.read_found),
            (cycle.asked, record_files.read_asked),
            (cycle.query, record_files.read_query),
            (cycle.reasons, record_files.read_reasons),
            (cycle.left_out, record_files.read_left_out),
            (cycle.doubts, record_files.read_doubts),
            (cycle.opinions, read_opinions),
        ):
            try:
                read(cycle)
            except DamagedRecord as error:
                yield self._aside(file, error.why)
                if file in (cycle.predicted, cycle.detections) and cycle.test.exists():
                    yield self._aside(cycle.test, f"goes with {file.name}, which is made anew with it")
        if report is not None and not cycle.fit.exists():
            fit = _fit_of(report)
            if fit is not None:
                if not self._dry:
                    record_files.write_fit(cycle, fit)
                yield Repaired(cycle.fit, "the ledger knows it", "written anew")

        asked = ledger.latest_query(cycle.number, among=ASKED_BY)
        if asked is not None and not cycle.query.exists():
            if not self._dry:
                record_files.write_query(cycle, None, asked.query)
            yield Repaired(cycle.query, "the ledger knows it", "written anew")

    def _tables(self) -> Iterator[Repaired]:
        for file, needs in (
            (self._files.bad_images, record_files.BAD_IMAGES),
            (self._files.duplicates, record_files.DUPLICATES),
        ):
            read = partial(record_files.read_table, needs=needs)
            if file.exists() and (why := _why(read, file)) is not None:
                yield self._aside(file, why)
        annotators = Annotators(self._files.path)
        try:
            annotators.links()
        except DamagedRecord as error:
            yield self._aside(annotators.file, error.why)

    def _aside(self, file: Path, why: str) -> Repaired:
        return set_aside(self._files.path, file, why, dry_run=self._dry)


def set_aside(folder: Path, file: Path, why: str, *, dry_run: bool) -> Repaired:
    """Move a file to where what was broken is kept, under its own path.

    Args:
        folder: of the run, or of whatever else is being repaired.
        file: in it.
        why: what is wrong with the file.
        dry_run: only say so.
    """
    place = folder / SET_ASIDE / file.relative_to(folder)
    while os.path.lexists(place):
        place = place.with_name(f"{place.name}-again")
    if not dry_run:
        place.parent.mkdir(parents=True, exist_ok=True)
        file.rename(place)
    return Repaired(file, why, f"set aside as {place}")


def _fit_of(report: dict[str, Any]) -> Fit | None:
    """A fit as the ledger has it; None if that is of another version."""
    try:
        return TypeAdapter(Fit).validate_python(report)
    except ValidationError:
        return None


def _why(check: Callable[[Path], object], file: Path) -> str | None:
    """Why a file is broken; None when it is sound."""
    try:
        check(file)
    except DamagedRecord as error:
        return error.why
    except NcenetError as error:
        return _of(file, error)
    return None


def _of(file: Path, error: NcenetError) -> str:
    """What an error says of a file, without its name."""
    return str(error).removeprefix(f"{file}").lstrip(": ").splitlines()[0]
