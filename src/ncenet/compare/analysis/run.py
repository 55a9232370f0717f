"""Work out what the figures need of models: what is missing or out of date, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ncenet.compare.analysis.choice import arms_of_figures
from ncenet.compare.analysis.records import (
    EMBEDDING,
    REGIONS,
    Analysis,
    information_name,
    read_analysis,
    read_record,
    record_file,
    record_text,
)
from ncenet.compare.comparison import Comparison
from ncenet.engines.trial import Event
from ncenet.errors import NcenetError
from ncenet.files import COMPARISON_FILE, write_text
from ncenet.section import Section

if TYPE_CHECKING:
    from ncenet.compare.analysis.models import TrialModels

VERSION = 1
"""Raised whenever the same trials would give another analysis."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Piece:
    """One file of the analysis.

    Attributes:
        name: of the file.
        fingerprint: of all that it follows from.
        compute: does the work; takes what is told of its progress.
    """

    name: str
    fingerprint: str
    compute: Callable[[Progress], Section]


def analyze(folder: Path, *, on_event: Callable[[Event], None] | None = None) -> Analysis:
    """Work out from saved models what the figures of a comparison need.

    Can be stopped anywhere and run again: what is there and up to date is left alone. What cannot be worked
    out, because data or models are gone, is written down with its reason and tried again the next time.

    Args:
        folder: of the comparison, finished or not; takes ``analysis/``.
        on_event: takes ``{"event": "analysis", "figure", "done", "total"}``.

    Raises:
        RecipeError: the folder has no ``comparison.yaml`` that can be read.
    """
    comparison = Comparison.load(folder / COMPARISON_FILE)
    for piece in _pieces(comparison, folder):
        record = read_record(folder, piece.name)
        if record and record["problem"] is None and record["fingerprint"] == piece.fingerprint:
            continue

        def progress(done: int, total: int, figure: str = piece.name) -> None:
            if on_event is not None:
                on_event({"event": "analysis", "figure": figure, "done": done, "total": total})

        progress(0, 1)
        finding: Section | None = None
        problem: str | None = None
        try:
            finding = piece.compute(progress)
        except (NcenetError, OSError) as error:
            problem = str(error).partition("\n")[0]  # a model that does not fit lists all its layers
        file = record_file(folder, piece.name)
        file.parent.mkdir(exist_ok=True)
        write_text(file, record_text(piece.fingerprint, finding, problem))
        progress(1, 1)
    return read_analysis(folder, comparison.seeds)


def _pieces(comparison: Comparison, folder: Path) -> list[Piece]:
    """The files that can be made from the trials that have come far enough."""
    from ncenet.compare.analysis.embedding import cycles_shown, embed
    from ncenet.compare.analysis.information import measure_information
    from ncenet.compare.analysis.models import TrialModels
    from ncenet.compare.analysis.regions import draw_regions

    def fresh(trials: Sequence[TrialModels]) -> list[TrialModels]:
        """Others of the same folders: what they decode and load goes when their work is done."""
        return [TrialModels(trial.arm, trial.folder, trial.most) for trial in trials]

    def information_of(trials: Sequence[TrialModels]) -> Callable[[Progress], Section]:
        return lambda progress: measure_information(fresh(trials), figures.images)

    figures = comparison.figures
    pieces: list[Piece] = []
    arms = arms_of_figures(comparison)
    # The figures are of images with one class each, by the heads that ncenet brings.
    if comparison.base.task != "classification" or not arms:
        return pieces
    begun: list[list[TrialModels]] = []
    for seed in comparison.seeds:
        # Cycles beyond those of the file, from when it asked for more, are in no table either.
        most = comparison.base.loop.cycles
        trials = [TrialModels(arm, folder / comparison.folder(arm, seed), most) for arm in arms]
        if not all(trial.cycles for trial in trials):
            continue
        begun.append(trials)
        pieces.append(
            Piece(
                information_name(seed),
                _fingerprint([t.state(t.cycles[:1]) for t in trials], figures.images),
                information_of(trials),
            )
        )
    if begun:
        first = begun[0]
        cycles = cycles_shown(first)
        pieces += [
            Piece(
                EMBEDDING,
                _fingerprint([t.state(cycles) for t in first], figures.points),
                lambda progress: embed(fresh(first), figures.points, progress=progress),
            ),
            Piece(
                REGIONS,
                _fingerprint([first[0].state(first[0].cycles[-1:])]),
                lambda _: draw_regions(*fresh(first[:1])),
            ),
        ]
    return pieces


def _fingerprint(states: list[list[str]], *settings: int) -> str:
    text = json.dumps([VERSION, settings, states])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
