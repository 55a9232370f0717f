"""A run as an object: ask, tell, and what has been reached."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from ncenet.api.asked import ShownQuery
from ncenet.api.exchange import Exchange
from ncenet.api.report import Point, Report
from ncenet.api.select import Files, files_of
from ncenet.boxes import Boxes
from ncenet.compare.read import read_run
from ncenet.counts import count_of
from ncenet.errors import DataError, UsageError
from ncenet.files import alone
from ncenet.learners.processes import group
from ncenet.ledger import Answer
from ncenet.progress import Onlooker
from ncenet.recipe import Recipe
from ncenet.run.opening import OpenRun
from ncenet.strategies.promise import checked_size
from ncenet.types import Label, Learner, Pool

if TYPE_CHECKING:
    from ncenet.loop.loop import Loop
    from ncenet.models.model import DetectionModel, Model
    from ncenet.progress import Notify
    from ncenet.run.advice import Outlook
    from ncenet.run.repair import Repaired
    from ncenet.selection.wish import Choice


class Run(Exchange):
    """Active learning on one pool, in a folder that remembers everything; :func:`ncenet.open` makes one.

    A context manager, which closes the folder's ledger. Killed anywhere, it goes on when it is opened again.

    Args:
        recipe: what was asked for.
        loop: what fits, predicts, queries and records.
        pool: the images.
        onlooker: who is told of the progress.
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

    def __init__(
        self, recipe: Recipe, loop: Loop, pool: Pool, onlooker: Onlooker, *, own: bool = False
    ) -> None:
        super().__init__(OpenRun(loop.folder.path, recipe, loop.ledger), onlooker)
        self.recipe, self.folder, self.pool = recipe, loop.folder.path, pool
        self._loop, self._own, self._closed = loop, own, False

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the ledger; nothing more can be asked or told."""
        self._closed = True
        self._loop.ledger.close()

    @property
    def class_names(self) -> tuple[str, ...]:
        """The C classes: those that the run began with, then those that annotators added."""
        return self._loop.class_names

    @property
    def labels(self) -> dict[str, Label]:
        """The standing label of each image that has one, by id."""
        return dict(self._loop.ledger.labeled())

    def ask(
        self, query_size: int | None = None, *, scores: Files | None = None, **choice: Unpack[Choice]
    ) -> ShownQuery:
        """The images to label next, most informative first.

        Trains if labels came since the last model. Asked again before anything was answered, it returns the
        same. Without labels it is the initial set; held-out images, if the recipe wants some, come first.

        Args:
            query_size: how many; in detection with ``budget_unit`` box, boxes. Default: what the recipe says.
            scores: files of scores, of any model, to choose from in the place of a model of the run, as
                :func:`ncenet.select` reads them. Images that were answered are passed over.
            choice: with ``scores``: ``strategy``, ``options`` and what else may be said of files there; the
                budget in ``boxes`` or ``minutes``, and the column of likelihoods as ``probs``.

        Returns:
            Ids and scores; in a notebook, thumbnails with them. ``write`` makes a table of them to be filled
            in.

        Raises:
            UnreadableImage: an image has become unreadable.
            UsageError: another process is at work on this run, or the choice is of no files.
            DataError: an image of the files is none of the run.
        """
        from ncenet.loop.from_scores import ask_files
        from ncenet.selection.wish import check_names

        check_names(choice)
        query_size = None if query_size is None else checked_size(query_size)
        loop = self.recipe.loop
        with self._at_work() as show:
            if scores is not None:
                chosen = ask_files(self._opened, files_of(scores), query_size, notify=show, **choice)
                return ShownQuery(chosen.query, self.pool, self.folder)
            if choice:
                raise UsageError(f"{', '.join(choice)}: of files of scores; name them as `scores`")
            size = query_size or (loop.query_size if self._loop.labeled() else loop.initial)
            return ShownQuery(self._loop.ask(size), self.pool, self.folder)

    def tell(
        self,
        answers: Mapping[str, Label | Boxes | Answer | None] | str | PathLike[str],
        *,
        who: str | None = None,
    ) -> None:
        """Record answers; they are on disk when this returns, or none of them is.

        Args:
            answers: by id, of any image of the pool, early or late: the name of a class, or boxes;
                ``ncenet.Answer.SKIP`` and ``UNSURE`` close an image without a label, None takes its answer
                back. Or a file: the table that ``query.write`` wrote, filled in, or JSON.
            who: the annotator. Default: whom the file names, else the user's login.

        Raises:
            LedgerError: an id is unknown, or its image cannot be read.
            UnknownName: a label is not one of the classes.
            DataError: boxes are none of their image, or the file holds no answers.
        """
        me = getpass.getuser()
        if isinstance(answers, Mapping):
            plain = {id: _plain(id, each) for id, each in answers.items()}
            self._loop.tell(plain, who=who or me)
        elif not isinstance(answers, str | PathLike):
            what = type(answers).__name__
            raise UsageError(f"answers are by id, as {{'a.jpg': 'cat'}}, or in a file: a {what} is neither")
        else:
            from ncenet.labels.answered_file import record_answers
            from ncenet.text_files import read_text

            text = read_text(Path(answers))
            record_answers(self._opened, text, str(answers), who=who, otherwise=me)

    def fit(self) -> int:
        """Train on the standing labels, unless that was done already; the number of the cycle.

        Raises:
            UsageError: there are no labels.
        """
        with self._at_work():
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

    @staticmethod
    def repair(folder: str | PathLike[str], *, dry_run: bool = False) -> list[Repaired]:
        """Set aside what is broken in a run folder, so that the run can be opened again; never an answer.

        Args:
            folder: that of a run, or of a comparison.
            dry_run: say what is broken, and change nothing.

        Returns:
            What was broken, and what became of it; nothing when all is sound.

        Raises:
            UsageError: there is no run in this folder, or another process is at work on it.
            LedgerError: the ledger itself is broken, which only a copy can mend: the answers are in it.

        >>> import ncenet, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ncenet.open(folder, images="digits").close()
        ...     ncenet.Run.repair(folder)
        []
        """
        from ncenet.compare.repair import is_comparison, repair_comparison
        from ncenet.learners.model_file import check_model
        from ncenet.learners.training import read_checkpoint
        from ncenet.run.repair import repair_run

        def check(file: Path) -> None:
            if file.suffix == ".pt":
                read_checkpoint(file)
            else:
                check_model(file)

        if not Path(folder).is_dir():
            raise UsageError(f"{folder}: there is no such folder")
        with ExitStack() as held:
            try:
                held.enter_context(alone(Path(folder)))
            except OSError:  # as on a medium that is only read, where nobody else writes either
                if not dry_run:
                    raise
            look = repair_comparison if is_comparison(Path(folder)) else repair_run
            return look(Path(folder), check, dry_run=dry_run)

    def __repr__(self) -> str:
        if self._closed:
            return f"Run({str(self.folder)!r}, closed)"
        labels, images = count_of(len(self.labels), "label"), count_of(len(self.pool.ids()), "image")
        return f"Run({str(self.folder)!r}, {labels} of {images})"

    @contextmanager
    def _at_work(self) -> Iterator[Notify]:
        """The only one of all processes that trains and asks here; what it is at is shown."""
        with (
            alone(self.folder) if group().is_main_process else nullcontext(),
            self._onlooker.at_work() as show,
        ):
            yield show


def _plain(id: str, answer: Label | Boxes | Answer | None) -> Label | Answer | None:
    """An answer as the ledger takes it.

    Raises:
        DataError: it is none.
    """
    if isinstance(answer, Boxes):
        return answer.to_label()
    if answer is None or isinstance(answer, str | Answer):
        return answer
    raise DataError(
        f"{id!r}: {answer!r} is no answer: the name of a class, boxes, ncenet.Answer.SKIP or UNSURE, or None"
    )
