"""One of several data sets of a comparison: where its images are, and what it changes for all arms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from ncenet.errors import NcenetError, RecipeError
from ncenet.files import ANALYSIS
from ncenet.recipe import DataRecipe, Recipe, dotted
from ncenet.section import Section

LONGEST = 200
"""Bytes of a folder's name (ours); file systems take 255."""
SAID_ELSEWHERE = {
    "data": "train and test of the set",
    "data.train": "train and test of the set",
    "data.test": "train and test of the set",
    "loop.seed": "the seeds of the comparison",
}
"""What a set can't change, by what says it."""
WRITTEN = (".yaml", ".html", ".md", ".tex", ".csv", ".json", ".svg", ".png")
"""How files end that are written beside them."""


def slug(name: str) -> str:
    """A name as a folder: lower case, with dashes for what a file system may not take.

    >>> slug("NCE rejection, R = 0.5"), slug("Rejection-")
    ('nce-rejection-r-0.5', 'rejection-')
    """
    return re.sub(r"[^\w.+-]+", "-", name.lower()).lstrip(".")


def folder_named(what: str, name: str) -> str:
    """The folder of an arm or a data set.

    Args:
        what: ``"arm"`` or ``"data set"``, for the message.
        name: its name.

    Raises:
        ValueError: a folder can't be called so, or something else is.
    """
    folder = slug(name)
    if not folder:
        raise ValueError(f"{what} {name!r}: a name needs a letter or a digit")
    if len(folder.encode()) > LONGEST:
        raise ValueError(
            f"{what} {name[:20] + '...'!r}: a name becomes a folder's, and has at most {LONGEST} bytes"
        )
    if folder == ANALYSIS or folder.endswith(WRITTEN):
        raise ValueError(f"{what} {name!r}: what is written beside its folder may be called so: rename it")
    return folder


class DataSet(Section):
    """A data set that arms are compared on; a name or a path alone is one, too.

    >>> DataSet.model_validate("photos/clothes.parquet").called
    'clothes'
    """

    name: str = Field("", description="What it is called. Default: as the file or folder is.")
    train: str = Field(description="Images to choose from, as data.train of a recipe.")
    test: str | None = Field(None, description="Held-out images. Built-in sets bring their own.")
    features: str | None = Field(None, description="As model.features of a recipe. Default: that of base.")
    changes: dict[str, Any] = Field({}, description="What else it changes in base, by dotted path.")

    @model_validator(mode="before")
    @classmethod
    def _as_mapping(cls, values: Any) -> Any:
        return {"train": values} if isinstance(values, str) else values

    @field_validator("changes")
    @classmethod
    def _by_path(cls, changes: dict[str, Any]) -> dict[str, Any]:
        return dotted(changes)

    @property
    def called(self) -> str:
        """Its name."""
        place = Path(self.train)  # of which .5 is no suffix, as in photos-v1.5
        return self.name or (place.stem if place.suffix[1:2].isalpha() else place.name)

    def base(self, shared: Recipe) -> Recipe:
        """What all arms share on this set.

        Args:
            shared: what they share on all.

        Raises:
            RecipeError: a path or value is wrong; names the set.
        """
        for path in SAID_ELSEWHERE.keys() & self.changes.keys():
            raise RecipeError(f"{of_set(self.called)}changes {path}: {SAID_ELSEWHERE[path]} say that")
        changes: dict[str, Any] = {"data.train": self.train, "data.test": self.test}
        if self.features is not None:
            changes["model.features"] = self.features
        try:
            return shared.with_changes(changes | self.changes)
        except RecipeError as error:
            raise RecipeError(f"{of_set(self.called)}{error}") from None


def of_set(name: str) -> str:
    """What stands before a mistake in the comparison on one data set; nothing where there is no list of them.

    >>> of_set("clothes"), of_set("")
    ("data set 'clothes': ", '')
    """
    return f"data set {name!r}: " if name else ""


@contextmanager
def on_set(name: str) -> Iterator[None]:
    """Name the data set in whatever the block raises on purpose; nothing where there is no list of them.

    >>> with on_set("clothes"):
    ...     raise NcenetError("no images")
    Traceback (most recent call last):
    ...
    ncenet.errors.NcenetError: data set 'clothes': no images
    """
    try:
        yield
    except NcenetError as error:
        error.args = (f"{of_set(name)}{error}", *error.args[1:])
        raise


def check_sets(sets: tuple[DataSet, ...], shared: DataRecipe) -> None:
    """Make sure that sets can be told apart, and that nothing else names images.

    Raises:
        ValueError: they can't, or base names images too.
    """
    if not sets:
        return
    for field in ("train", "test"):
        if getattr(shared, field) != DataRecipe.model_fields[field].default:
            raise ValueError(f"base.data.{field}: data lists the sets: leave it out")
    taken: dict[str, str] = {}
    for each in sets:
        if not each.called:
            raise ValueError(f"data set {each.train!r}: give it a name: {{name: ..., train: {each.train}}}")
        folder = folder_named("data set", each.called)
        if folder in taken:
            both = f"{taken[folder]!r} and {each.called!r}"
            raise ValueError(
                f"data sets {both} would share the folder {folder!r}: give one another name in the file, as "
                f"in {{name: ..., train: {each.train}}}"
            )
        taken[folder] = each.called


def of_sources(train: Sequence[str], test: Sequence[str]) -> tuple[DataSet, ...]:
    """Sets that the command line names; those of one name are called after the folders above, too.

    Args:
        train: images to choose from, one for each set.
        test: held-out images in the same order; none, or as many.

    >>> [each.called for each in of_sources(["pets/train", "cars/train", "digits"], [])]
    ['pets/train', 'cars/train', 'digits']
    """
    sets = [DataSet(train=source) for source in train]
    named = Counter(slug(each.called) for each in sets)
    depth = max(len(Path(source).parts) for source in train)
    for n in range(2, depth + 1):
        for at, each in enumerate(sets):
            if named[slug(each.called)] > 1:
                above = Path(each.train).parent.parts[1 - n :]
                sets[at] = each.model_copy(update={"name": "/".join((*above, Path(each.train).stem))})
        named = Counter(slug(each.called) for each in sets)
    return with_tests(sets, test)


def with_tests(sets: Sequence[DataSet], test: Sequence[str]) -> tuple[DataSet, ...]:
    """The same sets with other held-out images, in their order; none leaves them."""
    pairs = zip(sets, test, strict=True) if test else ()
    return tuple(each.model_copy(update={"test": held}) for each, held in pairs) or tuple(sets)
