"""A run folder before anything is asked: the recipe, and what a look at every image found."""

from __future__ import annotations

from pathlib import Path

from ncenet.data.dataset import Dataset
from ncenet.data.open import open_test, open_train
from ncenet.data.scan import Scan
from ncenet.errors import DataError
from ncenet.recipe import Recipe
from ncenet.run.events import Notify
from ncenet.run.findings import look_at, write_findings
from ncenet.run.folder import RunFolder
from ncenet.strategies.build import open_strategy


def begin(recipe: Recipe, folder: Path, *, notify: Notify | None = None) -> tuple[Dataset, Scan, Scan | None]:
    """Look at every image, and write the recipe and the findings into a run folder.

    Args:
        recipe: the whole run.
        folder: the run folder; made when missing.
        notify: told of the progress.

    Returns:
        The images, what was found, and what was found in the test images, if there are any.

    Raises:
        RecipeError: the folder holds a run with another recipe, or the strategy doesn't fit the rest of it.
        DataError: the images have no labels and the recipe names no classes.
        UnreadableImages: some images cannot be read or are annotated wrongly, and the recipe says to stop;
            the findings are written.
    """
    open_strategy(recipe)  # one that doesn't fit is told before anything is written
    train = open_train(recipe)
    if not (recipe.data.classes or train.class_names):
        raise DataError(f"{recipe.data.train}: images without labels; name the classes with --classes")
    run = RunFolder(folder)
    run.check_recipe(recipe)
    found = look_at(train, recipe, notify, kept=run.looks("pool"))
    test = None if recipe.loop.held_out else open_test(recipe.data, train)
    of_test = None if test is None else look_at(test, recipe, notify, kept=run.looks("test"))
    run.keep_recipe(recipe)
    write_findings(run, recipe, found, of_test)
    return train, found.scan, None if of_test is None else of_test.scan
