"""A pool together with the one who knows its labels.

In a simulation the labels are hidden behind an :class:`Oracle`, and there is no other way to them. The labels
of a :class:`TestSet` are open: they are for scoring a trained model, never for training it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Literal, TypeAlias

from ncenet.boxes import Boxes
from ncenet.class_names import check_class_names, slips
from ncenet.counts import count_of
from ncenet.data.pools import Subset, channels_of
from ncenet.errors import BadAnnotation, DataError, NcenetError
from ncenet.recipe import Task

if TYPE_CHECKING:
    from ncenet.data.builtin import BuiltinSet
    from ncenet.data.scan import Scan
    from ncenet.types import Label, Pool

Split: TypeAlias = Literal["train", "test"]


class Oracle:
    """Answers from known labels: the annotator of a simulation.

    Args:
        labels: the class of each image by id. Kept to itself.

    >>> oracle = Oracle({"a.jpg": "cat", "b.jpg": "dog"})
    >>> oracle.answer(["b.jpg"]), oracle.asked
    ({'b.jpg': 'dog'}, 1)
    """

    def __init__(self, labels: Mapping[str, Label]) -> None:
        self.__labels = dict(labels)
        self.__asked: set[str] = set()

    @property
    def asked(self) -> int:
        """How many labels were handed out. A label asked for twice counts once."""
        return len(self.__asked)

    def answer(self, ids: Sequence[str]) -> dict[str, Label]:
        """The labels of these images, and of no others.

        Raises:
            DataError: an id has no label; nothing is handed out then.
        """
        unknown = [id for id in ids if id not in self.__labels]
        if unknown:
            raise DataError(
                f"the oracle has no label for {count_of(len(unknown), 'id')}, the first {unknown[0]!r}"
            )
        self.__asked.update(ids)
        return {id: self.__labels[id] for id in ids}

    def differ(self, ids: Sequence[str], other: Oracle | None = None, of_other: Sequence[str] = ()) -> bool:
        """Whether images that are the same are not labelled the same; no label is handed out.

        Args:
            ids: copies of one image. Those without a label say nothing, as those with mistakes.
            other: who knows the labels of further copies.
            of_other: those.

        >>> Oracle({"a.jpg": "cat", "b.jpg": "dog"}).differ(["a.jpg", "b.jpg"])
        True
        """
        said = [self.__labels[id] for id in ids if id in self.__labels]
        if other is not None:
            said += [other.__labels[id] for id in of_other if id in other.__labels]
        return len({_whatever_order(label) for label in said}) > 1

    def __repr__(self) -> str:
        return f"Oracle({self.asked} of {count_of(len(self.__labels), 'label')} asked)"


def _whatever_order(label: Label) -> Label:
    """A label of which boxes stand in one order, whoever listed them."""
    if not label.startswith("["):
        return label
    try:
        boxes = Boxes.from_label(label)
    except NcenetError:  # the name of a class
        return label
    objects = sorted(zip(boxes.boxes, boxes.labels, boxes.difficult, strict=True))
    return Boxes(*zip(*objects, strict=True)).to_label() if objects else label


@dataclass(frozen=True)
class Dataset:
    """A pool, and perhaps an oracle.

    Attributes:
        name: for messages and tables.
        pool: the images.
        oracle: answers for every image of the pool but those with problems; None when the images have no
            labels.
        class_names: the C classes; empty when the images have no labels.
        flip_safe: whether mirroring leaves the meaning of an image alone (not so for digits).
        task: what the oracle's answers are: the name of a class, or the text of the boxes of an image.
        problems: mistakes in the annotations of images that can only be left out.
        notes: what the path was taken for, and what in it was passed over; a line each.
        unsaid: images that a form lists without a word of their objects, so that it doesn't say whether
            somebody has looked at them. The oracle answers that they have none.
        cut: how many boxes reached beyond their image by what rounding explains, and were cut at its edge.

    Raises:
        DataError: a class has no name that :mod:`ncenet.class_names` lets through, or two have the same.

    >>> import ncenet, numpy as np
    >>> pool = ncenet.ArrayPool(np.zeros((2, 3), np.float32), ids=["a", "b"])
    >>> Dataset.labelled("mine", pool, {"a": "cat", "b": "dog"}).class_names
    ('cat', 'dog')
    """

    name: str
    pool: Pool
    oracle: Oracle | None = None
    class_names: tuple[str, ...] = ()
    flip_safe: bool = True
    task: Task = "classification"
    problems: tuple[BadAnnotation, ...] = ()
    notes: tuple[str, ...] = ()
    unsaid: frozenset[str] = frozenset()
    cut: int = 0

    def __post_init__(self) -> None:
        check_class_names(self.class_names, self.name)
        told = dict.fromkeys((*self.notes, *slips(self.class_names)))
        object.__setattr__(self, "notes", tuple(told))

    @classmethod
    def open(
        cls,
        source: str | PathLike[str],
        *,
        split: Split = "train",
        task: Task | None = "classification",
        classes: Sequence[str] = (),
        id_column: str | None = None,
        download: bool = False,
    ) -> Dataset:
        """Open what ``--data`` takes.

        Args:
            source: a folder, a file, an address of shards, or the name of a built-in set.
            split: of a built-in set, or of a form that has several.
            task: what the labels are; None takes a built-in set for whatever it is.
            classes: with boxes, the classes that there are; others are mistakes. Default: those of the data.
            id_column: of shards, the column that holds the ids.
            download: allow the network for a built-in set that is not on this machine.

        Raises:
            UsageError: there is no such name or path.
            DataError: what is there is not a data set.

        >>> import ncenet
        >>> len(ncenet.Dataset.open("digits").pool.ids())
        1297
        """
        from ncenet.data.open import open_dataset

        return open_dataset(
            str(source), split=split, task=task, classes=classes, id_column=id_column, download=download
        )

    @staticmethod
    def builtin() -> dict[str, BuiltinSet]:
        """The sets that go by a name: what they are, and how much is downloaded; those of plug-ins too.

        >>> import ncenet
        >>> ncenet.Dataset.builtin()["digits"].classes
        10
        """
        from ncenet.data.builtin import datasets

        return dict(datasets.each(lambda make: make()))

    def look(self, *, workers: int = 2) -> Scan:
        """Look at every image: what is broken, what is there twice, what size; as ``ncenet init`` does.

        Args:
            workers: threads that decode.

        >>> import ncenet
        >>> ncenet.Dataset.open("digits").look()
        Scan(1,297 L; sides from 8 to 8; 0 unreadable, 0 copies)
        """
        from ncenet.data.scan import scan

        return scan(self.pool, workers=workers)

    @classmethod
    def labelled(cls, name: str, pool: Pool, labels: Mapping[str, Label] | None) -> Dataset:
        """Images with these classes, which are all there are, sorted; None for images without.

        Raises:
            DataError: a label is of an image that the pool hasn't.
        """
        if labels is None:
            return cls(name, pool)
        if strange := labels.keys() - set(pool.ids()):
            raise DataError(
                f"{name}: {count_of(len(strange), 'label is', 'labels are')} of images that the pool "
                f"hasn't, such as {min(strange)!r}"
            )
        return cls(name, pool, Oracle(labels), tuple(sorted(set(labels.values()))))

    def required_oracle(self) -> Oracle:
        """The oracle.

        Raises:
            DataError: the images have no labels.
        """
        if self.oracle is None and self.task == "detection":
            raise DataError(
                f"{self.name}: the images have no boxes. Boxes come with a VOC folder, a COCO file, a YOLO "
                "folder, a CSV file with columns x1, y1, x2, y2 and label, or a Parquet file with columns "
                "boxes and labels"
            )
        if self.oracle is None and self.pool.ids() and channels_of(self.pool) == 0:
            raise DataError(
                f"{self.name}: the vectors have no labels. Labels are: an array y beside X in the .npz file, "
                "a column 'label' in the Parquet file, in Python those of a Dataset"
            )
        if self.oracle is None:
            raise DataError(
                f"{self.name}: the images have no labels. Labels are: one folder per class (at least two, "
                "and no image beside them), a column 'label' in the CSV manifest or Parquet file, or a "
                "built-in set. For boxes around objects, add `task=detection`"
            )
        return self.oracle

    def subset(self, ids: Sequence[str]) -> Dataset:
        """The same with these images alone, for instance those that a scan found readable.

        Raises:
            DataError: an id is not in the pool.
        """
        return replace(self, pool=Subset(self.pool, ids))

    def noting(self, told: Iterable[str]) -> Dataset:
        """The same with more notes, each once."""
        return replace(self, notes=(*self.notes, *told))


@dataclass(frozen=True)
class TestSet:
    """Images with open labels, to score a model that was trained on others.

    Attributes:
        pool: the images.
        ids: N ids.
        targets: N class indices in [0, C), parallel to ``ids``.
        class_names: the C classes of the training data.
    """

    __test__ = False  # no test case, whatever pytest makes of the name

    pool: Pool
    ids: Sequence[str]
    targets: tuple[int, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class BoxTestSet:
    """Images with open boxes, to score a detector that was trained on others.

    Attributes:
        pool: the images.
        ids: N ids.
        boxes: the objects of each image, parallel to ``ids``.
        class_names: the C classes of the training data.
    """

    pool: Pool
    ids: Sequence[str]
    boxes: tuple[Boxes, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def objects(self) -> int:
        """How many objects there are to find: those that are not difficult."""
        return sum(not difficult for each in self.boxes for difficult in each.difficult)


def as_test_set(dataset: Dataset, class_names: tuple[str, ...] | None = None) -> TestSet:
    """Open the labels of a data set that is used for nothing but scoring.

    Args:
        dataset: images with labels; its oracle is asked for all of them.
        class_names: the classes of the training data, by whose names the targets are set. Default: its own.

    Raises:
        DataError: the images have no labels, or have a class that the training data does not.
    """
    names = dataset.class_names if class_names is None else class_names
    ids = dataset.pool.ids()
    labels = dataset.required_oracle().answer(ids)
    index = {name: c for c, name in enumerate(names)}
    unknown = sorted(set(labels.values()) - index.keys())
    if unknown:
        raise DataError(
            f"{dataset.name}: the test images have {count_of(len(unknown), 'class', 'classes')} "
            f"({', '.join(unknown)}), which the training images do not; those are {', '.join(names)}. Remove "
            "those test images, rename the classes, or name all classes with `data.classes`"
        )
    return TestSet(dataset.pool, ids, tuple(index[labels[id]] for id in ids), tuple(names))


def as_box_test_set(dataset: Dataset, class_names: tuple[str, ...]) -> BoxTestSet:
    """Open the boxes of a data set that is used for nothing but scoring.

    Args:
        dataset: images with boxes; its oracle is asked for all of them.
        class_names: the classes of the training data.

    Raises:
        DataError: the images have no boxes, or none but difficult ones.
        UnknownName: an object has a class that the training data does not.
    """
    ids = dataset.pool.ids()
    answers = dataset.required_oracle().answer(ids)
    boxes = tuple(Boxes.from_label(answers[id], classes=class_names) for id in ids)
    test = BoxTestSet(dataset.pool, ids, boxes, class_names)
    if test.objects == 0:
        raise DataError(f"{dataset.name}: the test images have no object to find, or none but difficult ones")
    return test
