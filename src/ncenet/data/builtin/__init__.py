"""Data sets that go by a name. Listing them imports and downloads nothing.

A package of yours adds one by an entry point of the group ``ncenet.datasets`` that names a function without
arguments which returns a :class:`BuiltinSet`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ncenet.data.dataset import Dataset, Split
from ncenet.errors import DataError
from ncenet.recipe import Task
from ncenet.registry import Registry


@dataclass(frozen=True)
class BuiltinSet:
    """A data set that goes by a name.

    Attributes:
        name: the name.
        description: what is on the images, in one line.
        licence: under which licence the images are.
        images: number of training and test images.
        classes: number of classes.
        download_mb: megabytes that are downloaded before the first use; 0 when it is on the machine.
        open: opens a split from a folder that holds downloads; the last argument allows to download.
        task: what its labels are: classes, or boxes.
    """

    name: str
    description: str
    licence: str
    images: tuple[int, int]
    classes: int
    download_mb: int
    open: Callable[[Split, Path, bool], Dataset]
    task: Task = "classification"


datasets: Registry[BuiltinSet] = Registry("data set", package="ncenet.data.builtin", group="ncenet.datasets")
"""All built-in data sets, and those of plug-ins: ``datasets.get(name)()`` describes one."""


def cache_folder() -> Path:
    """Where downloads are kept: ``ncenet`` in ``$XDG_CACHE_HOME``, or else in ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ncenet"


def not_here(name: str, megabytes: int, root: Path, otherwise: str = "") -> DataError:
    """The error of a data set that is not on this machine, when nobody allowed to download it."""
    return DataError(
        f"{name} is not in {root}, and nothing is downloaded unasked. "
        f"Download it ({megabytes} MB) by `ncenet datasets --download {name}`{otherwise}"
    )
