"""A run as an object: ask, tell, and what has been reached."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ncenet.api.asked import ShownQuery
from ncenet.api.report import Point, Report
from ncenet.boxes import Boxes
from ncenet.compare.records import read_run
from ncenet.recipe import Recipe
from ncenet.run.opening import OpenRun
from ncenet.types import Label, Learner, Pool

if TYPE_CHECKING:
    from ncenet.labels.changes import Change
    from ncenet.ledger import Answer
    from ncenet.loop.loop import Loop
    from ncenet.models.model import DetectionModel, Model
    from ncenet.run.advice import Outlook
    from ncenet.sorting.place import How
    from ncenet.sorting.sort import Sorted
    from ncenet.types import Query


class Run:
    """Active learning on one pool, in a folder that remembers everything; :func:`ncenet.open` makes one.

    A context manager, which closes the folder's ledger. Killed anywhere, it goes on when it is opened again.

    Args:
        recipe: what was asked for.
        loop: what fits, predicts, queries and records.
        pool: the images.
        own: whether the model is an object of the caller's own, which no file can rebuild.

    Attributes:
        folder: where it lives.
        recipe: what was asked for.
        pool: the images, as they are also where the learner sees vectors of them.

    >>> import ncenet, tempfile
    >>> quick = {"train.epochs": 1, "train.min_steps": 1}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with ncenet.open(folder, images="digits", recipe=quick) as run:
    ...         query = run.ask(20)
    ...         run.tell({id: "3" for id in query.ids})
    ...         run.model.predict(run.pool.load(query.ids[0])).predicted
    ('3',)
    """

    def __init__(self, recipe: Recipe, loop: Loop, pool: Pool, *, own: bool = False) -> None:
        self.recipe, self.folder, self.pool = recipe, loop.folder.path, pool
        self._loop, self._own = loop, own

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger; nothing more can be asked or told."""
        self._loop.ledger.close()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The C classes: those that the run began with, then those that annotators added."""
        return self._loop.class_names

    @property
    def labels(self) -> dict[str, Label]:
        """The standing label of each image that has one, by id."""
        return dict(self._loop.ledger.labeled())

    def ask(self, query_size: int | None = None) -> Query:
        """The images to label next, most informative first.

        Trains if labels came since the last model. Asked again before anything was answered, it returns the
        same. Without labels it is the initial set; held-out images, if the recipe wants some, come first.

        Args:
            query_size: how many; in detection with ``budget_unit`` box, boxes. Default: what the recipe says.

        Returns:
            Ids and scores; in a notebook, thumbnails with them.

        Raises:
            UnreadableImage: an image has become unreadable.
        """
        loop = self.recipe.loop
        size = query_size or (loop.query_size if self._loop.labeled() else loop.initial)
        return ShownQuery(self._loop.ask(size), self.pool)

    def tell(self, answers: Mapping[str, Label | Boxes | Answer | None], *, who: str | None = None) -> None:
        """Record answers; they are on disk when this returns, or none of them is.

        Args:
            answers: by id, of any image of the pool, early or late: the name of a class, or boxes;
                ``ncenet.Answer.SKIP`` and ``UNSURE`` close an image without a label, None takes its answer
                back.
            who: the annotator. Default: the user's login.

        Raises:
            LedgerError: an id is unknown, or its image cannot be read.
            UnknownName: a label is not one of the classes.
            DataError: boxes are none of their image.
        """
        plain = {
            id: answer.to_label() if isinstance(answer, Boxes) else answer for id, answer in answers.items()
        }
        self._loop.tell(plain, who=who or getpass.getuser())

    def fit(self) -> int:
        """Train on the standing labels, unless that was done already; the number of the cycle.

        Raises:
            UsageError: there are no labels.
        """
        return self._loop.fit()

    @property
    def model(self) -> Model | DetectionModel | Learner:
        """The model of the standing labels, trained first if there is none yet.

        With ``learner=`` or ``backbone=`` of one's own it is the learner, for no file can rebuild it.

        Raises:
            UsageError: there are no labels.
        """
        cycle = self.fit()
        if self._own:
            return self._loop.model(cycle)
        from ncenet.models.model import load

        return load(self._loop.folder.cycle(cycle).model)

    def curve(self) -> list[Point]:
        """The learning curve on the held-out images; empty without them."""
        return self.report().curve()

    def outlook(self, labels: int = 100) -> Outlook | None:
        """What so many further labels should bring, by the learning curve so far; for classes alone.

        Returns:
            None while there are fewer than four models that were tested, or no held-out images.
        """
        import numpy as np

        from ncenet.run.advice import outlook
        from ncenet.run.record_files import read_predicted

        sizes: list[int] = []
        tested: list[dict[str, str]] = []
        truth: dict[str, str] = {}
        for cycle in read_run(self.folder).cycles:
            rows = read_predicted(self._loop.folder.cycle(cycle.number))
            if rows is not None:
                sizes.append(cycle.labeled)
                tested.append({row.id: row.predicted for row in rows})
                truth = {row.id: row.label for row in rows if row.label is not None}
        # All points share their images, and the labels are those that the last model was held against.
        common = [id for id in truth if all(id in each for each in tested)]
        if len(set(sizes)) < len(sizes) or not common:
            return None
        right = np.array([[each[id] == truth[id] for id in common] for each in tested])
        return outlook(sizes, right, labels=labels)

    def report(self) -> Report:
        """What the run has found so far; in a notebook, the curve and a table."""
        return Report(self.folder)

    def export(
        self, out: str | PathLike[str], *, format: str | None = None, link: bool = False, raw: bool = False
    ) -> int:
        """Write the standing answers for other tools, whole or not at all.

        Args:
            out: file or folder to write; a file is replaced.
            format: csv, jsonl, parquet, class-folders, coco, voc, yolo, or that of a plug-in. Default: what
                the end of the name says.
            link: links to image files instead of copies.
            raw: leave cells of CSV alone that a spreadsheet would take for formulas.

        Returns:
            How many answers were written.

        Raises:
            UsageError: the format can't hold such labels, or the folder is there already.
            DataError: there are no answers.
        """
        from ncenet.labels.transfer import export_labels

        return export_labels(self._open(), Path(out), format=format, link=link, raw=raw)

    def sort(self, out: str | PathLike[str], *, above: float = 0.9, how: How = "copy") -> Sorted:
        """Sort the images into folders by class, the doubtful into ``review``; nothing is overwritten.

        Args:
            out: the folder; new, empty, or one whose sorting was interrupted.
            above: the model's word counts from this likelihood on, in [0, 1]; 0 sorts every image.
            how: ``"copy"``, ``"link"`` (hard links) or ``"move"``; ``ncenet sort`` with ``--undo``
                takes it back.

        Returns:
            Images by class, and how many of those that the model sorted are wrong by the held-out images.

        Raises:
            UsageError: the folder holds something else, or there is no model yet; links and moves need image
                files.
        """
        from ncenet.sorting.sort import sort_images

        return sort_images(self._open(), Path(out), above=above, how=how)

    def read_labels(
        self,
        source: str | PathLike[str],
        *,
        format: str | None = None,
        who: str | None = None,
        on_conflict: Literal["stop", "keep", "replace"] = "keep",
        on_mismatch: Literal["stop", "skip"] = "stop",
        empty: bool = False,
        dry_run: bool = False,
    ) -> list[Change]:
        """Record answers from files, as :meth:`export` and other tools write them.

        Args:
            source: file or folder.
            format: as in :meth:`export`. Default: what the source looks like.
            who: the annotator. Default: whom the file names, else the user's login.
            on_conflict: whether answers that contradict those that stand leave them (``"keep"``), replace
                them (``"replace"``) or stop everything (``"stop"``).
            on_mismatch: whether answers that fit no image or class stop everything (``"stop"``) or are left
                out (``"skip"``).
            empty: of COCO, an image that is listed without a box has no object; otherwise it is unsaid.
            dry_run: record nothing.

        Returns:
            What each of them does.

        Raises:
            DataError: not of this format, or something stops it; nothing is recorded then.
        """
        from ncenet.labels.changes import apply
        from ncenet.labels.transfer import read_labels

        run = self._open()
        changes = read_labels(
            run, Path(source), format=format, who=who, otherwise=getpass.getuser(), listed_is_empty=empty
        )
        if not dry_run:
            apply(run.ledger, changes, on_conflict=on_conflict, on_mismatch=on_mismatch)
        return changes

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, {len(self.labels)} labels of {len(self.pool.ids())} images)"

    def _open(self) -> OpenRun:
        return OpenRun(self.folder, self.recipe, self._loop.ledger)
