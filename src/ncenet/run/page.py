"""The labelling page, as far as others speak of it: of some images there is none."""

from __future__ import annotations

from collections.abc import Sequence

from ncenet.class_names import check_two_classes
from ncenet.data.kind import may_be_vectors
from ncenet.data.open import open_train
from ncenet.data.pools import channels_of
from ncenet.errors import UsageError
from ncenet.features.pool import images_of
from ncenet.given import is_given
from ncenet.ledger import Ledger
from ncenet.recipe import Recipe
from ncenet.run.recipe_record import recorded
from ncenet.types import Pool


def shows_vectors(pool: Pool) -> bool:
    """Whether a page has vectors alone to show of a pool; photographs behind vectors are shown."""
    images = images_of(pool)
    return bool(images.ids()) and channels_of(images) == 0


def check_page(recipe: Recipe, pool: Pool | None = None) -> None:
    """Make sure that a page has something to show.

    Args:
        recipe: the run.
        pool: its images. Default: those that the recipe names, opened only where they may be vectors.

    Raises:
        UsageError: it has not.
        DataError: what is there is not a data set.
    """
    if pool is None and may_be_vectors(recipe.data.train):
        pool = open_train(recipe).pool
    if pool is not None and shows_vectors(pool):
        raise UsageError(
            f"{recipe.data.train}: holds vectors, of which a page has nothing to show: `ncenet ask` chooses "
            "among them, and `ncenet tell` takes the answers"
        )


def check_enough_classes(names: Sequence[str], ledger: Ledger, pool: Pool) -> None:
    """Make sure that a run has more than one class; who has not is told how another comes in.

    Args:
        names: its classes, as they are now.
        ledger: that of the run; what finds boxes tells one class from the background.
        pool: where the images are.

    Raises:
        UsageError: there is one alone.
    """
    if len(names) != 1 or ledger.recall("task") == "detection":
        return
    recipes = recorded(ledger)
    in_python = bool(recipes) and is_given(recipes[-1].recipe.data.train)
    if in_python or shows_vectors(pool):
        check_two_classes(
            names,
            "begin anew in another folder with another beside it, such as 'other' for all that is none; "
            "ncenet export and ncenet import take the answers along",
        )
    check_two_classes(names, "add another on the page of ncenet label, such as 'other' for all that is none")
