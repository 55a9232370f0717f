"""Open a run with parts of one's own: images, network, strategy, learner."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence, Set
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncenet.api.run import Run
from ncenet.data.dataset import Dataset
from ncenet.errors import UsageError
from ncenet.given import is_given, name_of
from ncenet.progress import Onlooker, Watch
from ncenet.recipe import Recipe, dotted
from ncenet.run.folder import RunFolder
from ncenet.run.people import with_features
from ncenet.types import Learner, Pool, QueryStrategy

if TYPE_CHECKING:
    from torch import nn


def open(
    folder: str | PathLike[str],
    *,
    images: str | PathLike[str] | None = None,
    classes: Sequence[str] | None = None,
    recipe: Recipe | Mapping[str, Any] | str | PathLike[str] | None = None,
    strategy: str | QueryStrategy | None = None,
    backbone: str | nn.Module | None = None,
    learner: Learner | None = None,
    pool: Pool | Dataset | None = None,
    notify: Watch = None,
) -> Run:
    """Begin a run in a folder, or go on with the one that is there.

    Every image is looked at, unless it was before and has not changed since. Parts may be objects of your
    own; they are not written into the folder, so give them again to go on.

    Args:
        folder: the run folder.
        images: where they are: a folder, a file, or the name of a built-in set.
        classes: what they may show, when they have no labels.
        recipe: everything else: a :class:`ncenet.Recipe`, a file, or changes by dotted path, such as
            ``{"train.epochs": 5}``. Default: that of the folder, or else :class:`ncenet.Recipe` as it is.
            On photographs, where nothing is said of network and training, a new run learns on pretrained
            features, if they are installed (``pip install 'ncenet[features]'``), and on data that are vectors
            of 64 numbers or more on these; herding chooses then.
        strategy: name of a query strategy, or one of your own.
        backbone: name of a network, or a module from inputs (B, channels, H, W) or (B, D0) to features
            (B, D). Each cycle begins with a copy of it as it is given.
        learner: what learns and predicts, in the place of network and training.
        pool: images of your own, in the place of ``images``; a :class:`ncenet.Dataset` has labels besides.
        notify: told of the progress of long work, as events. Default: it is shown, as bars on a terminal, a
            line in a notebook, and a line now and then in a log. False: it is not.

    Returns:
        The run, open until it is closed.

    Raises:
        UsageError: there is no run here and no images are named, parts exclude one another, or a part of the
            run was an object and is not given.
        RecipeError: the folder holds a run with another recipe, or the strategy doesn't fit the recipe.
        DataError: the images have no labels and no classes are named.
        UnreadableImages: some images cannot be read, and the recipe says to stop.

    >>> import ncenet, numpy as np, tempfile
    >>> pool = ncenet.ArrayPool(np.random.default_rng(0).random((30, 4), np.float32))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with ncenet.open(folder, pool=pool, classes=["a", "b"], backbone="mlp") as run:
    ...         len(run.ask(5))
    5
    """
    from ncenet.loop.open import open_loop

    target = Path(folder)
    if learner is not None and backbone is not None:
        raise UsageError("a learner has a network of its own: give learner or backbone, not both")
    if images is not None and pool is not None:
        raise UsageError("images and pool are the same: give one of them")
    changes: dict[str, Any] = {}
    if images is not None:
        if not isinstance(images, str | PathLike):
            raise UsageError(f"images are named by a path: give this {type(images).__name__} as `pool`")
        changes["data.train"] = str(images)
    if classes is not None:
        if isinstance(classes, Set | Mapping):
            raise UsageError(f"classes are in an order, which a {type(classes).__name__} hasn't: give a list")
        changes["data.classes"] = classes if isinstance(classes, str) else list(classes)
    if pool is not None:
        changes["data.train"] = name_of(pool.pool if isinstance(pool, Dataset) else pool)
    if strategy is not None:
        changes["loop.strategy"] = strategy if isinstance(strategy, str) else name_of(strategy)
    if backbone is not None:
        changes["model.backbone"] = backbone if isinstance(backbone, str) else name_of(backbone)
    if learner is not None:
        changes["model.backbone"] = name_of(learner)
        _check(learner, "learner", ("fit", "predict", "inputs", "save", "load"))
    if pool is not None and not isinstance(pool, Dataset):
        _check(pool, "pool", ("ids", "load", "content_hash"))
    if isinstance(recipe, Mapping):  # with the others at once: options are of the strategy that is named now
        changes = dotted({**recipe, **changes})
    whole = _recipe(target, recipe, begun="data.train" in changes)
    begins = not RunFolder(target).recipe.exists()
    if begins and learner is None and (recipe is None or isinstance(recipe, Mapping)):
        own_pool = pool.pool if isinstance(pool, Dataset) else pool
        whole = with_features(whole, changes, own_pool, say=lambda text: None)
    else:
        whole = whole.with_changes(changes)
    dataset = _dataset(pool, whole)
    if backbone is not None and whole.task == "detection" and not isinstance(backbone, str):
        raise UsageError(
            "a detector reads several levels, which one module has not: give learner, not backbone"
        )
    own = None if backbone is None or isinstance(backbone, str) else backbone
    onlooker = Onlooker(notify)
    with onlooker.at_work():
        loop, train = open_loop(
            whole,
            target,
            notify=onlooker,
            train=dataset,
            strategy=None if isinstance(strategy, str) else strategy,
            learner=learner,
            backbone=None if own is None else lambda: copy.deepcopy(own),
        )
    return Run(whole, loop, train.pool, onlooker, own=learner is not None or own is not None)


def _check(part: object, what: str, methods: Sequence[str]) -> None:
    """Make sure that an object of somebody's own is what it is given for.

    Raises:
        UsageError: it lacks a method, or is a class.
    """
    if isinstance(part, type):
        raise UsageError(f"{part.__name__} is a class: give an object of it, {part.__name__}()")
    of_protocol = {"fit": Learner.fit, "predict": Learner.predict}
    for name in methods:
        method = getattr(type(part), name, None) or getattr(part, name, None)
        if not callable(method) or method is of_protocol.get(name):
            hint = (
                "; ncenet.ArrayPool makes one of an array"
                if what == "pool" and hasattr(part, "shape")
                else ""
            )
            raise UsageError(f"{type(part).__name__} is no {what}: it has no {name} of its own{hint}")


def _recipe(folder: Path, given: Any, *, begun: bool) -> Recipe:
    """The whole recipe that was given, or that of the folder, or else that of a new run."""
    if isinstance(given, Recipe):
        return given
    if given is not None and not isinstance(given, Mapping):
        return Recipe.load(Path(given))
    file = RunFolder(folder).recipe
    if file.exists():
        return Recipe.load(file)
    if not begun:
        raise UsageError(f"{folder}: no run here yet; say where the images are: images= or pool=")
    return Recipe()


def _dataset(pool: Pool | Dataset | None, recipe: Recipe) -> Dataset | None:
    if pool is None or isinstance(pool, Dataset):
        return pool
    name = recipe.data.train
    return Dataset(name if not is_given(name) else type(pool).__name__, pool, task=recipe.task)
