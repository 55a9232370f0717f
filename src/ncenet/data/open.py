"""What ``data.train`` names, turned into a data set."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from ncenet.counts import count_of
from ncenet.data.builtin import cache_folder, datasets
from ncenet.data.dataset import Dataset, Split
from ncenet.data.folders import files_below, of_runs
from ncenet.data.long_tail import long_tailed
from ncenet.data.pools import Channels, channels_of
from ncenet.data.readers import reader_of, readers
from ncenet.data.shard_reader import open_shards, shard_reader_of
from ncenet.errors import DataError, UsageError
from ncenet.given import is_given, missing
from ncenet.recipe import DataRecipe, Recipe, Task
from ncenet.stores import is_remote

_NO_COLUMNS = (
    "{}: has no columns, so none of ids; `data.id_column` is for Parquet, WebDataset and Arrow files"
)
_PERHAPS_BOXES = frozenset(
    {".xml", ".json", ".jsonl", ".yaml", ".yml", ".txt", ".csv", ".tsv", ".parquet", ".tfrecord", ".mat"}
)
"""What annotations are written in, so that somebody may have expected boxes in such a file."""


def is_there(source: str) -> bool:
    """Whether a source names a built-in set, a place of another machine, or a path that exists."""
    path = _path(source)
    return source in datasets.names() or is_remote(source) or path.exists() or any(m in source for m in "*?[")


def open_dataset(
    source: str,
    *,
    split: Split = "train",
    channels: Channels = "auto",
    download: bool = False,
    task: Task | None = "classification",
    classes: Sequence[str] = (),
    id_column: str | None = None,
) -> Dataset:
    """Open a data set.

    Args:
        source: the name of a built-in set, or a path that one of :data:`ncenet.data.readers.readers` knows. A
            name goes before a path: write ``./digits`` for a folder of that name.
        split: which split of a built-in set, or of a form that has several. Any other path is one split and
            is opened as it is.
        channels: decode to 1 (gray) or 3 (RGB) channels; built-in sets have their own, and images with boxes
            are RGB.
        download: allow the network for a built-in set that is not on this machine.
        task: what the labels are; None takes a built-in set for whatever it is.
        classes: with boxes, the classes that there are; others are mistakes. Default: those of the data.
        id_column: of shards, the column that holds the ids.

    Raises:
        UsageError: there is no such name or path, a built-in set is for another task, or the form has no
            columns of ids.
        MissingExtra: a Parquet file without pyarrow.
        DataError: what is there is not a data set; the message says where and what to do.
    """
    if is_given(source):
        missing(source, "pool or images")
    if source in datasets.names():
        if id_column is not None:
            raise UsageError(_NO_COLUMNS.format(source))
        builtin = datasets.use(source, lambda make: make())
        if task not in (None, builtin.task):
            raise UsageError(f"{source} is for {builtin.task}: add `task={builtin.task}`")
        try:
            return builtin.open(split, cache_folder(), download)
        except (OSError, RuntimeError) as error:
            raise DataError(f"{source}: cannot be opened or downloaded: {error}") from error
    path = _path(source)
    if is_remote(source) or (not path.exists() and any(mark in source for mark in "*?[")):
        if task == "detection":
            raise UsageError(f"{source}: boxes are read from files of this machine alone")
        return open_shards(source, split=split, channels=channels, id=id_column)
    if not path.exists():
        raise UsageError(_not_found(source))
    if id_column is not None and task != "detection" and shard_reader_of(str(path)) is not None:
        return open_shards(str(path), split=split, channels=channels, id=id_column)
    if id_column is not None:
        raise UsageError(_NO_COLUMNS.format(source))
    dataset = _open_files(source, path, split=split, channels=channels, task=task, classes=classes)
    return dataset.noting(of_runs(path) if path.is_dir() else ())


def _open_files(
    source: str, path: Path, *, split: Split, channels: Channels, task: Task | None, classes: Sequence[str]
) -> Dataset:
    """What a reader makes of a file or folder of this machine."""
    if task == "detection":
        return _open_boxes(source, path, split, classes)
    reader = reader_of(path, "classification")
    if reader is None:
        suffix = path.suffix.lower() or "(none)"
        raise UsageError(f"{source}: files with the suffix {suffix!r} are no data set. {_forms()}")
    return reader.open(path, split=split, channels=channels, classes=tuple(classes) or None)


def open_train(recipe: Recipe) -> Dataset:
    """Open the training images of a recipe: those that may be queried, thinned when it asks for a long tail.

    Raises:
        UsageError: there is no such name or path.
        MissingExtra: a Parquet file without pyarrow.
        DataError: as in :func:`open_dataset`, or a long tail of images without labels.
    """
    data = recipe.data
    dataset = open_dataset(
        data.train, split="train", task=recipe.task, classes=data.classes, id_column=data.id_column
    )
    return dataset if data.long_tail is None else long_tailed(dataset, data.long_tail)


def open_test(recipe: DataRecipe, train: Dataset, *, download: bool = False) -> Dataset | None:
    """Open the held-out images of a recipe, decoded as those of the training data.

    Args:
        recipe: where the data is. Without ``test``, a built-in set and a folder with splits bring their own.
        train: what ``recipe.train`` was opened as.
        download: as in :func:`open_dataset`.

    Returns:
        The test images; None when there are none. Give it to :func:`~ncenet.data.dataset.as_test_set`.

    Raises:
        UsageError: there is no such name or path, or it is that of the training data.
        DataError: as in :func:`open_dataset`, or the test images have no labels.
    """
    builtin = datasets.names()
    source = recipe.test
    own = recipe.train not in builtin and _has_test(_path(recipe.train), train.task)
    if source is None or (source == recipe.train and own):
        if recipe.train not in builtin and not own:
            return None
        source = recipe.train
    elif source not in builtin and recipe.train not in builtin:
        paths = [_path(p).resolve() for p in (source, recipe.train)]
        if paths[0] == paths[1]:
            raise UsageError(f"{source}: the test images are the training images; name held-out ones")
    channels = channels_of(train.pool)
    test = open_dataset(
        source,
        split="test",
        channels=channels or "auto",
        download=download,
        task=train.task,
        classes=recipe.classes or train.class_names,
    )
    test.required_oracle()
    if channels_of(test.pool) != channels:
        raise DataError(
            f"{test.name} has {count_of(channels_of(test.pool), 'channel')} and {train.name} has {channels}: "
            "both must be gray, both RGB, or both feature vectors"
        )
    return test


def names_test(recipe: Recipe) -> bool:
    """Whether a recipe says what is tested on; where it doesn't, a folder may bring a split for that.

    >>> names_test(Recipe().with_changes({"data.train": "photos"})), names_test(Recipe())
    (False, True)
    """
    data = recipe.data
    return data.test is not None or recipe.loop.held_out > 0 or data.train in datasets.names()


def _has_test(path: Path, task: Task) -> bool:
    reader = reader_of(path, task) if path.exists() else None
    return reader is not None and reader.has_test(path)


def _open_boxes(source: str, path: Path, split: Split, classes: Sequence[str]) -> Dataset:
    """Images with boxes, or images alone, whose boxes people are to draw."""
    reader = reader_of(path, "detection")
    if reader is not None:
        return reader.open(path, split=split, channels=3, classes=tuple(classes) or None)
    alone = open_dataset(source, channels=3)
    if alone.oracle is not None and path.is_file():
        raise DataError(f"{source}: has classes of images, no boxes: leave out `task=detection`")
    notes = ["read as images without boxes"]
    if path.is_dir() and (others := files_below(path, _PERHAPS_BOXES)):
        notes.append(
            f"{count_of(len(others), 'file')} in no known form of boxes passed over, such as {others[0]}"
        )
    return Dataset(alone.name, alone.pool, task="detection", notes=tuple(notes))


def _path(source: str) -> Path:
    return Path(source).expanduser()


def _not_found(source: str) -> str:
    nearest = difflib.get_close_matches(source, datasets.names(), n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    where = "" if _path(source).is_absolute() else f". Relative paths start at {Path.cwd()}"
    return f"{source}: no built-in data set of this name, and no such file or folder.{hint} {_forms()}{where}"


def _forms() -> str:
    of_task: dict[str, list[str]] = {"classification": [], "detection": []}
    for _, (task, form) in readers.each(lambda make: ((reader := make()).task, reader.form)):
        of_task[task].append(form)
    images, boxes = ("; ".join(of_task[task]) for task in ("classification", "detection"))
    names = ", ".join(datasets.names())
    return f"Data is one of: a built-in set ({names}); {images}; with `task=detection` also {boxes}"
