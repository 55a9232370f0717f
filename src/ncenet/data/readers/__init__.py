"""Readers: the forms of data that ``--data`` and ``--test`` may name, one file each.

A form enters by being a module of this package, one of a plug-in by an entry point of the group
``ncenet.readers``; those of plug-ins are asked first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ncenet.registry import Registry

if TYPE_CHECKING:
    from ncenet.data.dataset import Dataset, Split
    from ncenet.data.pools import Channels
    from ncenet.recipe import Task


class Reader(ABC):
    """A form of data: knows it when it sees it, and opens it.

    Attributes:
        form: what it is called in messages, such as ``"a .csv file with a column 'path'"``.
        task: what its labels are.

    >>> import ncenet
    >>> class Lists(ncenet.parts.Reader):
    ...     form = "a .list file with a path in each line"
    ...     def reads(self, path): return path.suffix == ".list"
    ...     def open(self, path, *, split, channels, classes):
    ...         pool = ncenet.parts.FolderPool(path.parent, path.read_text().split(), channels=channels)
    ...         return ncenet.Dataset(path.stem, pool)
    >>> Lists().reads(Path("mine.list"))
    True
    """

    form: str
    task: Task = "classification"

    @abstractmethod
    def reads(self, path: Path) -> bool:
        """Whether a file or folder, which exists, is of this form; looks at names and headers alone."""

    @abstractmethod
    def open(self, path: Path, *, split: Split, channels: Channels, classes: Sequence[str] | None) -> Dataset:
        """Open it.

        Args:
            path: the file or folder.
            split: which images, where the form has splits; others are one split, opened as it is.
            channels: decode to 1 (gray) or 3 (RGB) channels, or as most images are.
            classes: the classes that there are. Default: those that the form names.

        Raises:
            DataError: the form is broken as a whole; says where, and what to do.
            MissingExtra: it takes a library that is not installed.
        """

    def has_test(self, path: Path) -> bool:
        """Whether it brings test images of its own beside those for training."""
        return False


readers: Registry[Reader] = Registry("data reader", package="ncenet.data.readers", group="ncenet.readers")
"""All forms, in the order in which they are asked."""


def reader_of(path: Path, task: Task) -> Reader | None:
    """The first reader that knows a path that exists; None when none does."""
    name = form_of(path, task)
    return None if name is None else readers.use(name, lambda make: make())


def form_of(path: Path, task: Task) -> str | None:
    """The name of the first reader that knows a path that exists; None when none does."""

    def knows(make: Callable[[], Reader]) -> bool:
        reader = make()
        return reader.task == task and reader.reads(path)

    return next((name for name, known in readers.each(knows) if known), None)
