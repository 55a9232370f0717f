"""Run a comparison: one simulation for each arm and seed, several at a time, each in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ncenet.compare.comparison import Comparison
from ncenet.compare.records import COMPARISON_FILE, Results, read_comparison, read_run
from ncenet.engines.trial import Event
from ncenet.recipe import Recipe


@dataclass(frozen=True)
class Trial:
    """One simulation: its recipe and its run folder."""

    recipe: Recipe
    folder: Path

    @property
    def finished(self) -> bool:
        """Whether the folder holds all cycles of this very recipe."""
        if not (self.folder / "recipe.yaml").exists():
            return False
        run = read_run(self.folder)
        return run.recipe == self.recipe and len(run.tested) >= self.recipe.loop.cycles


def run(
    comparison: Comparison,
    folder: Path,
    *,
    processes: int | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Results:
    """Run what is not finished yet, and read the results.

    Can be stopped anywhere and run again: finished trials are left alone, others continue where they were.
    An arm or a seed that was added since runs alone.

    Args:
        comparison: what to run.
        folder: takes ``comparison.yaml`` and ``<arm>/seed-<n>/``.
        processes: trials at a time. Default: as many as there are cores; 1 where there is a GPU, because
            trials would compete for its memory.
        on_event: takes ``{"event": "compare", "trials", "finished"}`` at the start, then the events of the
            simulations with ``"trial"`` (arm and seed), and ``{"event": "trial", "trial"}`` when one is done.

    Raises:
        RecipeError: the folder holds trials of another recipe.
        TrialFailed: trials failed; the others have run, and their records are on disk.
    """
    from ncenet.engines.local import map_trials
    from ncenet.files import write_text
    from ncenet.loop.folder import RunFolder

    def tell(event: Event) -> None:
        if on_event is not None:
            on_event(event)

    # Seed by seed: a comparison that was stopped has pairs to compare.
    trials = {
        f"{arm.name}, seed {seed}": Trial(
            comparison.recipe(arm.name, seed), folder / comparison.folder(arm.name, seed)
        )
        for seed in comparison.seeds
        for arm in comparison.arms
    }
    for trial in trials.values():
        RunFolder(trial.folder).check_recipe(trial.recipe)
    write_text(folder / COMPARISON_FILE, comparison.to_yaml())
    jobs = {name: trial for name, trial in trials.items() if not trial.finished}
    tell({"event": "compare", "trials": len(trials), "finished": len(trials) - len(jobs)})
    if jobs:
        if processes is None and _has_gpu():
            processes = 1
        with closing(map_trials(simulate_trial, jobs, processes=processes, on_event=on_event)) as done:
            for name, _ in done:
                tell({"event": "trial", "trial": name})
    return read_comparison(folder)


def simulate_trial(trial: Trial, emit: Callable[[Event], None]) -> None:
    """Run one trial, or what is left of it; what a worker is given to do."""
    from ncenet.loop.simulate import simulate

    simulate(trial.recipe, trial.folder, notify=emit)


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
