"""Run a comparison: one simulation for each arm and seed, several at a time, each in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from ncenet.class_names import check_two_classes
from ncenet.compare.comparison import Comparison
from ncenet.compare.data_sets import of_set, on_set
from ncenet.compare.earlier import check_earlier
from ncenet.compare.read import read_run
from ncenet.compare.records import Results
from ncenet.compare.remarks import remarks
from ncenet.compare.suite import SuiteResults, read_compared
from ncenet.engines import engines
from ncenet.engines.trial import Event
from ncenet.errors import RecipeError, UnknownName, UnreadableImages, UsageError
from ncenet.files import COMPARISON_FILE, alone, write_text
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder, refuse_run
from ncenet.run.recipe_record import check_recipe, differing
from ncenet.run.record_files import BAD_IMAGES, read_table
from ncenet.run.same_test import check_same_test
from ncenet.section import flat
from ncenet.unread import UNREAD


@dataclass(frozen=True)
class Trial:
    """One simulation: its recipe, its run folder, and of several data sets the name of its own."""

    recipe: Recipe
    folder: Path
    of: str = ""

    @property
    def finished(self) -> bool:
        """Whether the folder holds a finished run of this recipe, or of one with the same outcome."""
        if not RunFolder(self.folder).recipe.exists():
            return False
        run = read_run(self.folder, self.recipe.loop.cycles)
        return run.finished and not differing(run.recipe, self.recipe)


def run(
    comparison: Comparison,
    folder: Path,
    *,
    arms: Collection[str] | None = None,
    seeds: int | None = None,
    engine: str = "local",
    processes: int | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Results | SuiteResults:
    """Run what is not finished yet, and read the results.

    Can be stopped anywhere and run again: finished trials are left alone, others continue where they were.
    An arm, a seed or a data set that was added since runs alone.

    Args:
        comparison: what to run.
        folder: takes ``comparison.yaml`` and ``<arm>/seed-<n>/``; with several data sets both for each in a
            folder of its own, which is that of a comparison like any other.
        arms: names of those that run now; ``comparison.yaml`` holds all. Default: all.
        seeds: so many of the first run now; ``comparison.yaml`` holds them, and those that were begun before.
            Default: all.
        engine: where they run, ``"local"``, ``"ray"`` or that of a plug-in: see :mod:`ncenet.engines`.
        processes: trials at a time. Default: as many as there are cores; here 1 where there is a GPU, because
            trials would compete for its memory, and on Ray as many as there are GPUs.
        on_event: takes ``{"event": "compare", "trials", "finished"}`` at the start, then the events of the
            simulations with ``"trial"`` (arm and seed), and ``{"event": "trial", "trial"}`` when one is done.

    Raises:
        RecipeError: the folder holds trials of another recipe, a strategy doesn't fit the rest of its own, or
            no arm has an option of the base.
        UnknownName: ``arms`` names one that the comparison has not.
        TrialFailed: trials failed; the others have run, and their records are on disk.
        MissingExtra: ``engine`` is ``"ray"``, and Ray is not installed.
        UsageError: the folder is that of a run or of another comparison; or trials are to be run, and their
            images or networks are not to be had, or another process runs them.
        DataError: likewise, and the images have no labels, or weights or vectors are not what they should be.
        UnreadableImages: one of several data sets has images that can't be used; no trial has run.
    """

    def tell(event: Event) -> None:
        if on_event is not None:
            on_event(event)

    def tell_of_trial(event: Event) -> None:
        if event["event"] == "note" and event.get("trial") in trials:  # other sets may have the same words
            event = {**event, "text": of_set(trials[event["trial"]].of) + event["text"]}
        tell(event)

    trials = planned(comparison, folder, arms=arms, seeds=seeds)
    left_out = check_folder(comparison, folder, trials, seeds)
    map_trials = engines.get(engine)
    jobs = {name: trial for name, trial in trials.items() if not trial.finished}
    check_strategies(jobs)
    for remark in left_out:
        tell({"event": "note", "text": remark})
    if jobs:  # trials of a set share their images: a mistake in them is told once, before anything is written
        check_base_options(comparison)
        for remark in remarks(comparison):
            tell({"event": "note", "text": remark})
        check_images(comparison)
        check_tests(comparison, folder)
        check_networks(jobs)
        check_readable(comparison, folder, tell)
    with alone(folder) if jobs else nullcontext():
        kept = _with_seeds_begun(comparison, folder, seeds)
        for path, part in kept.items():
            path.mkdir(parents=True, exist_ok=True)
            write_text(path / COMPARISON_FILE, part.to_yaml())
        if comparison.data:
            most = max((part.seeds for part in kept.values()), key=len)
            write_text(folder / COMPARISON_FILE, comparison.model_copy(update={"seeds": most}).to_yaml())
        tell({"event": "compare", "trials": len(trials), "finished": len(trials) - len(jobs)})
        if jobs:
            if processes is None and engine == "local" and has_gpu():
                processes = 1
            done = map_trials(simulate_trial, jobs, processes=processes, on_event=tell_of_trial)
            with closing(done):
                for name, _ in done:
                    tell({"event": "trial", "trial": name})
    return read_compared(folder)


def planned(
    comparison: Comparison,
    folder: Path,
    *,
    arms: Collection[str] | None = None,
    seeds: int | None = None,
) -> dict[str, Trial]:
    """The trials of a comparison by name, in the order in which they run: seed by seed, set by set.

    What runs once more comes last.

    Args:
        comparison: what to run.
        folder: of the comparison.
        arms: names of those to run. Default: all.
        seeds: so many of the first. Default: all.

    Raises:
        UnknownName: ``arms`` names one that the comparison has not.
        UsageError: there are not so many ``seeds``.
    """
    names = [arm.name for arm in comparison.arms]
    for arm in arms or ():
        if arm not in names:
            raise UnknownName("arm", arm, names)
    if seeds is not None and seeds > len(comparison.seeds):
        raise UsageError(f"{seeds} seeds asked for, but the comparison names {len(comparison.seeds)}")
    first = comparison.seeds[:seeds]
    found = {
        (f"{name}: " if name else "") + f"{arm}, seed {seed}" + " again" * again: (again, seed, trial)
        for name, (part, path) in comparison.parts(folder).items()
        for (arm, seed, again), trial in _trials(part, path, name).items()
        if seed in first and (arms is None or arm in arms)
    }
    order = sorted(found, key=lambda name: (found[name][0], comparison.seeds.index(found[name][1])))
    return {name: found[name][2] for name in order}


def check_folder(
    comparison: Comparison, folder: Path, trials: Mapping[str, Trial], seeds: int | None = None
) -> tuple[str, ...]:
    """Make sure that trials can run in a folder, beside those that have begun there.

    Args:
        comparison: what they are of.
        folder: of the whole.
        trials: that are to run, by name.
        seeds: as in :func:`run`.

    Returns:
        Remarks, see :func:`~ncenet.compare.earlier.check_earlier`.

    Raises:
        RecipeError: it holds trials of another recipe.
        UsageError: it is that of a run or of another comparison.
    """
    for place in (folder, *(path for _, path in comparison.parts(folder).values())):
        refuse_run(place)
    left_out = check_earlier(comparison, folder)
    kept = _with_seeds_begun(comparison, folder, seeds)
    begun = [trial for path, part in kept.items() for trial in _trials(part, path).values()]
    for trial in [*begun, *trials.values()]:
        check_recipe(RunFolder(trial.folder), trial.recipe)
    return left_out


def check_strategies(trials: Mapping[str, Trial]) -> None:
    """Make sure that the strategies of trials, by name, fit the rest of their recipes.

    Raises:
        RecipeError: one doesn't, or there is no such strategy; names the trial.
    """
    from ncenet.loop.oracle import open_simulated

    for name, trial in trials.items():
        try:
            open_simulated(trial.recipe)
        except UsageError as error:
            raise RecipeError(f"{name}: {error}") from None


def check_networks(trials: Mapping[str, Trial]) -> None:
    """Make sure that the networks of trials, by name, can be had for their images; of equal ones once.

    Raises:
        UsageError: one can't, or it doesn't take such images.
        MissingExtra: a package that it needs is not installed.
        DataError: weights or vectors are not what they should be, or an image has no vector.
    """
    from ncenet.loop.networks import check_network

    different: dict[tuple[str, str], Trial] = {}
    for trial in trials.values():
        network = trial.recipe.model.model_dump_json(exclude={"head"})
        different.setdefault((trial.recipe.data.model_dump_json(), network), trial)
    for trial in different.values():
        with on_set(trial.of):
            check_network(trial.recipe)


def check_base_options(comparison: Comparison) -> None:
    """Make sure that what the base or a data set sets goes to an arm: options, and what not all recipes read.

    Raises:
        RecipeError: the strategy of no arm has such an option, or no arm reads such a setting.

    >>> from ncenet.compare import Arm
    >>> base = Recipe().with_changes({"loop.options.bins": 5})
    >>> arms = [Arm(name="random"), Arm(name="margin", changes={"loop.strategy": "margin"})]
    >>> check_base_options(Comparison(base=base, arms=arms, seeds=[0]))
    Traceback (most recent call last):
    ...
    ncenet.errors.RecipeError: base.loop.options.bins: the strategy of no arm has such an option
    """
    whole = flat(comparison.base.model_dump())
    for name, part in (comparison.sets or {"": comparison}).items():
        own = flat(part.base.model_dump())
        for path, why in _unread(part):
            where = "base." if own.get(path) == whole.get(path) else of_set(name)
            raise RecipeError(f"{where}{path}: {why}")


def _unread(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """What the base of a comparison on one data set sets and no arm reads, and what to say of it."""
    recipes = {arm.name: comparison.recipe(arm.name, 0) for arm in comparison.arms}
    read = {option for recipe in recipes.values() for option in recipe.loop.options}
    for option in comparison.base.loop.options:
        if option not in read:
            yield f"loop.options.{option}", "the strategy of no arm has such an option"
    arms = [(arm.changes, flat(recipes[arm.name].model_dump())) for arm in comparison.arms]
    base, plain = flat(comparison.base.model_dump()), flat(Recipe().model_dump())
    for path in sorted(path for path in LEFT_BEHIND & base.keys() if base[path] != plain[path]):
        sections = {path.rsplit(".", n)[0] for n in range(path.count(".") + 1)}
        if all(sections.isdisjoint(changes) and recipe[path] != base[path] for changes, recipe in arms):
            yield path, "no arm reads it: leave it out"


LEFT_BEHIND = frozenset({"model.passes", *(path for paths, _, _ in UNREAD for path in paths)})
"""Settings of a base that an arm without a use for them has at their defaults."""


def check_images(comparison: Comparison) -> None:
    """Make sure that the images of each data set have labels, and some of the same classes to test on.

    Raises:
        UsageError: there are no such images, none to test on, or one class alone.
        DataError: they have no labels, or test images have a class that the others have not.
    """
    from ncenet.data.dataset import as_test_set
    from ncenet.data.open import open_test, open_train

    for name, part in (comparison.sets or {"": comparison}).items():
        with on_set(name):
            base = part.base
            train = open_train(base)
            train.required_oracle()
            names = base.data.classes or train.class_names
            if base.task == "classification":
                check_two_classes(names)
            test = open_test(base.data, train)
            if test is None and not base.loop.held_out:
                raise UsageError(
                    f"{base.data.train}: nothing to test on; name held-out images as "
                    f"{'its test' if name else 'data.test'}, or have some drawn from the pool (loop.held_out)"
                )
            if test is not None and base.task == "classification":
                as_test_set(test, names)


def check_tests(comparison: Comparison, folder: Path) -> None:
    """Make sure that trials which are to run are tested on the images of those that have begun.

    With boxes each trial tells by itself, whether it goes on with its own.

    Raises:
        DataError: held-out images are gone, new, or have another label.
    """
    from ncenet.data.open import open_test, open_train
    from ncenet.data.shards import ShardedPool

    for name, (part, path) in comparison.parts(folder).items():
        begun = [RunFolder(trial.folder) for trial in _trials(part, path).values()]
        begun = [files for files in begun if files.recipe.exists()]
        named = bool(begun) and part.base.task == "classification" and not part.base.loop.held_out
        test = open_test(part.base.data, open_train(part.base)) if named else None
        if test is None or isinstance(test.pool, ShardedPool):
            continue
        labels = test.required_oracle().answer(test.pool.ids())
        for files in begun:
            columns, rows = read_table(files.bad_images, BAD_IMAGES)
            places = (dict(zip(columns, row, strict=True)) for row in rows)
            bad = {place["id"] for place in places if place.get("in") == "test"}
            with on_set(name):
                check_same_test(files, {id: label for id, label in labels.items() if id not in bad})


def check_readable(comparison: Comparison, folder: Path, notify: Callable[[Event], None]) -> None:
    """Look at all images of several sets: a bad one is told before a trial of any set has run.

    Not at those of sets of which a trial has begun, which had to read them, and not at shards, of which a
    trial takes some by hand.

    Raises:
        UnreadableImages: some can't be used, and the recipe says to stop; the set is named.
    """
    from ncenet.data.open import open_test, open_train
    from ncenet.data.shards import ShardedPool
    from ncenet.run.findings import look_at_images

    for name, part in comparison.sets.items():
        _, path = comparison.parts(folder)[name]
        begun = any(RunFolder(trial.folder).recipe.exists() for trial in _trials(part, path).values())
        if begun or part.base.data.on_bad_image != "stop":
            continue
        train = open_train(part.base)
        both = [train, open_test(part.base.data, train)]
        looked_at = [each for each in both if each is not None and not isinstance(each.pool, ShardedPool)]
        problems = [found for each in looked_at for found in look_at_images(each, part.base, notify).problems]
        if problems:
            with on_set(name):
                raise UnreadableImages(problems)


def simulate_trial(trial: Trial, emit: Callable[[Event], None]) -> None:
    """Run one trial, or what is left of it; what a worker is given to do."""
    from ncenet.loop.simulate import simulate

    simulate(trial.recipe, trial.folder, notify=emit)


def _trials(comparison: Comparison, folder: Path, name: str = "") -> dict[tuple[str, int, bool], Trial]:
    """The trials on one data set, by arm, seed, and whether it runs once more."""
    return {
        (arm, seed, again): Trial(
            comparison.recipe(arm, seed), folder / comparison.folder(arm, seed, again=again), name
        )
        for again, trials in ((False, comparison.trials), (True, comparison.replayed))
        for arm, seed in trials
    }


def _with_seeds_begun(comparison: Comparison, folder: Path, seeds: int | None) -> dict[Path, Comparison]:
    """By folder the comparison on each data set with its first seeds, and more up to the last one begun."""
    kept = {}
    for part, path in comparison.parts(folder).values():
        begun = [
            part.seeds.index(seed) + 1
            for arm, seed in part.trials
            if RunFolder(path / part.folder(arm, seed)).recipe.exists()
        ]
        first = None if seeds is None else max([seeds, *begun])
        kept[path] = part.model_copy(update={"seeds": part.seeds[:first]})
    return kept


def has_gpu() -> bool:
    """Whether torch can train on one here."""
    import torch

    return torch.cuda.is_available()
