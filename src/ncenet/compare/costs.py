"""What a run or a comparison would cost, told before anything is trained."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from ncenet.compare.comparison import SHARED, Comparison
from ncenet.compare.remarks import remarks
from ncenet.compare.trials import (
    check_base_options,
    check_folder,
    check_images,
    check_strategies,
    check_tests,
    planned,
)
from ncenet.counts import count_of
from ncenet.loop.embedding_cost import EmbeddingCost, embedding_of
from ncenet.loop.estimate import Cost, Measure, cost_of, reads_predictions
from ncenet.loop.oracle import OracleLine, open_simulated
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.recipe_record import check_recipe
from ncenet.section import flat
from ncenet.strategies.adversarial import Adversarial


@dataclass(frozen=True)
class Costs:
    """What is left to do, one trial after the other; it prints itself.

    Attributes:
        trials: trials in all; None of a single run.
        finished: of those, such as are done.
        sets: of each data set its name, the recipe of its trials, and what one of them costs.
        train_seconds: spent in fits, of all that is left.
        score_seconds: spent on predictions, likewise.
        megabytes: of memory that a trial takes.
        left_out: strategies that train models of their own, whose time nobody has measured, with their steps.
        embeddings: of all that is left, the features that it reads, each once: trials share them.
        remarks: what may not be meant as it stands in the comparison.
    """

    trials: int | None
    finished: int
    sets: tuple[tuple[str, Recipe, Cost], ...]
    train_seconds: float
    score_seconds: float
    megabytes: float
    left_out: tuple[tuple[str, int], ...]
    embeddings: tuple[EmbeddingCost, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def embed_seconds(self) -> float:
        """Spent on features that are to be computed."""
        return sum(embedding.seconds for embedding in self.embeddings)

    @property
    def seconds(self) -> float:
        """Features, training and scoring together."""
        return self.embed_seconds + self.train_seconds + self.score_seconds

    def __str__(self) -> str:
        """A line for each thing that is known."""
        return "\n".join(self._lines())

    __repr__ = __str__

    def _lines(self) -> Iterable[str]:
        for remark in self.remarks:
            yield f"note       {remark}"
        if self.trials is not None:
            yield f"trials     {self.trials}" + (f", {self.finished} of them finished" * bool(self.finished))
        if not self.sets:
            return
        several = self.trials is not None
        for name, recipe, one in self.sets:
            on = (" in each trial" if several else "") + (f" on {name}" if name else "")
            initial = recipe.loop.initial
            yield f"labels     {one.labels:,} of a pool of {one.pool:,}{on} (initial {initial:,})"
            cycles, most = str(one.cycles), recipe.loop.cycles
            if one.cycles < most:
                cycles = f"{one.cycles} of {most}, then the pool is used up"
            if not several:
                yield f"cycles     {cycles}, {one.steps:,} training steps in all"
            elif one.cycles < most:
                yield f"cycles     {cycles}{on}"
        left = (self.trials or 0) - self.finished
        of_trials = f" for {count_of(left, 'trial')} one after the other" if self.trials else ""
        for embedding in self.embeddings:
            yield f"features   {embedding}"
        parts = {"training": self.train_seconds, "scoring": self.score_seconds}
        if self.embeddings:
            parts = {"features": self.embed_seconds} | parts
        each = ", ".join(f"{part} {seconds / 60:.1f}" for part, seconds in parts.items())
        yield f"minutes    about {self.seconds / 60:.1f}{of_trials} ({each})"
        network = "" if several else f" (network {self.sets[0][2].parameters:,} parameters)"
        yield f"memory     about {self.megabytes:,.0f} MB a trial{network}"
        yield "clock      a few steps were timed by the wall, on this machine as busy as it is now"
        for strategy, steps in self.left_out:
            yield (
                f"left out   what {strategy} trains in each query, a model of its own in {steps:,} steps "
                "(its option steps)"
            )


def cost(
    what: Recipe | Comparison,
    folder: Path | None = None,
    *,
    arms: Collection[str] | None = None,
    seeds: int | None = None,
    measure: Measure | None = None,
) -> Costs:
    """What a simulation or comparison would cost: a few steps of the real networks are timed and multiplied.

    Arms that differ in their strategy alone cost the same when both read predictions, or neither does, and
    the same is trained beside the network. Features that are not in the store yet are counted once for all
    trials, by the time that a few images take. What the strategy itself does is not in it; where that is
    much, it is said.

    Args:
        what: a run, or several.
        folder: where it would run; what of a comparison is finished there is left out.
        arms: of a comparison, names of those that are to run. Default: all.
        seeds: of a comparison, so many of the first. Default: all.
        measure: tells how fast a network is, such as on another machine. Default: a few steps are timed here.

    Raises:
        RecipeError: a strategy doesn't fit the rest of its recipe, no arm has an option of the base, or the
            folder holds a run with another recipe.
        DataError: the images are no data set, have no classes, or test images have others.
        UsageError: of a comparison, there is nothing to test on, or the folder is that of something else.

    >>> import ncenet
    >>> quick = {"train.epochs": 1, "train.min_steps": 1, "loop.cycles": 2, "loop.initial": 10}
    >>> print(str(ncenet.cost(ncenet.Recipe().with_changes(quick))).splitlines()[0])
    labels     110 of a pool of 1,297 (initial 10)
    """
    if isinstance(what, Recipe):
        if folder is not None:
            check_recipe(RunFolder(folder), what)
        alone = cost_of(what, measure)
        return Costs(
            None,
            0,
            (("", what, alone),),
            alone.train_seconds,
            alone.score_seconds,
            alone.megabytes,
            _left_out([what]),
            _embeddings([("", what)]),
        )
    trials = planned(what, folder or Path(), arms=arms, seeds=seeds)
    left_out = () if folder is None else check_folder(what, folder, trials, seeds)
    left = {name: trial for name, trial in trials.items() if folder is None or not trial.finished}
    check_strategies(left)
    if left:
        check_base_options(what)
        check_images(what)
        if folder is not None:
            check_tests(what, folder)
    alike: dict[tuple[object, ...], list[Recipe]] = {}
    for trial in left.values():
        plain = trial.recipe.with_changes({"loop.seed": 0, "loop.strategy": "random"})
        strategy = open_simulated(trial.recipe)
        beside = strategy.auxiliary
        key = plain.model_dump_json(), reads_predictions(strategy), beside, isinstance(strategy, OracleLine)
        alike.setdefault(key, []).append(trial.recipe)
    costs = [(recipes[0], cost_of(recipes[0], measure), len(recipes)) for recipes in alike.values()]
    sets = []
    for name, part in (what.sets or {"": what}).items():
        found = next((each for recipe, each, _ in costs if _shared(recipe) == _shared(part.base)), None)
        if found is not None:
            sets.append((name, part.base, found))
    return Costs(
        len(trials),
        len(trials) - len(left),
        tuple(sets),
        sum(each.train_seconds * count for _, each, count in costs),
        sum(each.score_seconds * count for _, each, count in costs),
        max((each.megabytes for _, each, _ in costs), default=0.0),
        _left_out([trial.recipe for trial in left.values()]),
        _embeddings((trial.of, trial.recipe) for trial in left.values()),
        (*left_out, *remarks(what)),
    )


def _shared(recipe: Recipe) -> list[object]:
    """What all trials on one data set have alike."""
    values = flat(recipe.model_dump())
    return [values.get(path) for path in SHARED if path != "loop.seed"]


def _embeddings(recipes: Iterable[tuple[str, Recipe]]) -> tuple[EmbeddingCost, ...]:
    """What is to be embedded, once for each set of images and extractor, from recipes after their sets."""
    different = {
        (recipe.data.model_dump_json(), model.features, model.weights, model.framing): (name, recipe)
        for name, recipe in recipes
        if (model := recipe.model).features is not None
    }
    found = ((name, embedding_of(recipe)) for name, recipe in different.values())
    return tuple(each._replace(data=name or each.data) for name, each in found if each is not None)


def _left_out(recipes: Iterable[Recipe]) -> tuple[tuple[str, int], ...]:
    """Which strategies train models of their own, in how many steps."""
    steps = {
        (recipe.loop.strategy, trained.options.steps)
        for recipe in recipes
        if recipe.loop.cycles > 1 and isinstance(trained := open_simulated(recipe), Adversarial)
    }
    return tuple(sorted(steps))
