"""What ``--data`` takes, turned into a data set."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from ncenet.data.builtin import Split, cache_folder, datasets
from ncenet.data.dataset import Dataset, Oracle
from ncenet.data.detection.open import has_test_split, open_boxes
from ncenet.data.folders import classes_of
from ncenet.data.long_tail import long_tailed
from ncenet.data.manifest import read_manifest
from ncenet.data.parquet import ParquetPool, read_labels
from ncenet.data.pools import Channels, FolderPool, channels_of
from ncenet.errors import DataError, UsageError
from ncenet.recipe import DataRecipe, Recipe, Task


def open_dataset(
    source: str,
    *,
    split: Split = "train",
    channels: Channels = "auto",
    download: bool = False,
    task: Task | None = "classification",
    classes: Sequence[str] = (),
) -> Dataset:
    """Open a data set.

    Args:
        source: the name of a built-in set, or the path of a folder, a ``.parquet`` or a ``.csv`` file. A name
            goes before a path: write ``./digits`` for a folder of that name. With boxes a path may also be a
            COCO file or YOLO's ``data.yaml``.
        split: which split of a built-in set, or of a VOC, YOLO or COCO folder that has several. Any other
            path is one split and is opened as it is.
        channels: decode to 1 (gray) or 3 (RGB) channels; built-in sets have their own, and images with boxes
            are RGB.
        download: allow the network for a built-in set that is not on this machine.
        task: what the labels are; None takes a built-in set for whatever it is.
        classes: with boxes, the classes that there are; others are mistakes. Default: those of the data.

    Raises:
        UsageError: there is no such name or path, or a built-in set is for another task.
        MissingExtra: a Parquet file without pyarrow.
        DataError: what is there is not a data set; the message says where and what to do.
    """
    if source in datasets.names():
        builtin = datasets.get(source)()
        if task not in (None, builtin.task):
            raise UsageError(f"{source} is for {builtin.task}: add --task {builtin.task}")
        try:
            return builtin.open(split, cache_folder(), download)
        except (OSError, RuntimeError) as error:
            raise DataError(f"{source}: cannot be opened or downloaded: {error}") from error
    path = _path(source)
    suffix = path.suffix.lower()
    if task == "detection":
        return _open_boxes(source, path, split, classes)
    if path.is_dir():
        pool = FolderPool(path, channels=channels)
        name = path.resolve().name or str(path)
        return _dataset(name, pool, classes_of(path, pool.ids()))
    if not path.is_file():
        raise UsageError(_not_found(source))
    if suffix == ".csv":
        manifest = read_manifest(path)
        return _dataset(path.stem, FolderPool(path.parent, manifest.ids, channels=channels), manifest.labels)
    if suffix == ".parquet":
        return _open_parquet(path, channels)
    raise UsageError(f"{source}: files with the suffix {suffix or '(none)'!r} are no data set. {_forms()}")


def open_train(recipe: Recipe) -> Dataset:
    """Open the training images of a recipe: those that may be queried, thinned when it asks for a long tail.

    Raises:
        UsageError: there is no such name or path.
        MissingExtra: a Parquet file without pyarrow.
        DataError: as in :func:`open_dataset`, or a long tail of images without labels.
    """
    data = recipe.data
    dataset = open_dataset(data.train, split="train", task=recipe.task, classes=data.classes)
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
    own = train.task == "detection" and recipe.train not in builtin and has_test_split(_path(recipe.train))
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
            f"{test.name} has {channels_of(test.pool)} channel(s) and {train.name} has {channels}: "
            "both must be gray, both RGB, or both feature vectors"
        )
    return test


def _open_boxes(source: str, path: Path, split: Split, classes: Sequence[str]) -> Dataset:
    """Images with boxes, or images alone, whose boxes people are to draw."""
    if not path.exists():
        raise UsageError(_not_found(source))
    with_boxes = open_boxes(path, split=split, classes=tuple(classes) or None)
    if with_boxes is not None:
        return with_boxes
    alone = open_dataset(source, channels=3)
    if alone.oracle is not None and path.is_file():
        raise DataError(f"{source}: has classes of images, no boxes: leave out --task detection")
    return Dataset(alone.name, alone.pool, task="detection")


def _open_parquet(path: Path, channels: Channels) -> Dataset:
    pool = ParquetPool(path, channels=channels)
    labelled = read_labels(path)
    if labelled is None:
        return Dataset(path.stem, pool)
    labels, class_names = labelled
    return Dataset(path.stem, pool, Oracle(dict(zip(pool.ids(), labels, strict=True))), class_names)


def _dataset(name: str, pool: FolderPool, labels: dict[str, str] | None) -> Dataset:
    if labels is None:
        return Dataset(name, pool)
    return Dataset(name, pool, Oracle(labels), tuple(sorted(set(labels.values()))))


def _path(source: str) -> Path:
    return Path(source).expanduser()


def _not_found(source: str) -> str:
    nearest = difflib.get_close_matches(source, datasets.names(), n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    where = "" if _path(source).is_absolute() else f". Relative paths start at {Path.cwd()}"
    return f"{source}: no built-in data set of this name, and no such file or folder.{hint} {_forms()}{where}"


def _forms() -> str:
    return (
        f"Data is one of: a built-in set ({', '.join(datasets.names())}); a folder of images, or of one "
        "folder per class; a .parquet file with a column 'image'; a .csv file with a column 'path'; with "
        "--task detection also a VOC folder, a YOLO folder, or a COCO file"
    )
