"""What comes into a run and goes out of it: labels, models, images in folders, links, Label Studio."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ncenet.api.label_studio import LabelStudio, serve_backend
from ncenet.console import plain_console
from ncenet.doors.public import begin_of_links, link_to
from ncenet.progress import Onlooker
from ncenet.run.opening import OpenRun
from ncenet.run.page import check_page

if TYPE_CHECKING:
    from ncenet.doors.annotators import Annotators
    from ncenet.labels.changes import Change
    from ncenet.sorting.expected import Expected
    from ncenet.sorting.place import How
    from ncenet.sorting.sort import Sorted


class Exchange:
    """The part of a :class:`ncenet.Run` that needs no model in memory.

    Args:
        opened: the run.
        onlooker: who is told of the progress.
    """

    def __init__(self, opened: OpenRun, onlooker: Onlooker) -> None:
        self._opened, self._onlooker = opened, onlooker

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

        return export_labels(self._opened, Path(out), format=format, link=link, raw=raw)

    def export_notes(self, out: str | PathLike[str], *, raw: bool = False) -> int:
        """Write what annotators noted about images as CSV, with columns id, who, at and note.

        Args:
            out: the file, which is replaced.
            raw: leave cells alone that a spreadsheet would take for formulas.

        Returns:
            How many notes: the last of each image.

        Raises:
            DataError: there are none.
        """
        from ncenet.labels.transfer import export_notes

        return export_notes(self._opened, Path(out), raw=raw)

    def export_model(
        self, out: str | PathLike[str], *, format: str | None = None, cycle: int | None = None
    ) -> Path:
        """Write a model for other runtimes.

        Args:
            out: a folder for safetensors, else a file; a file is replaced.
            format: safetensors, torch (a ``torch.export`` file), onnx, or that of a plug-in. Default: what
                the end of the name says, .pt2 or .onnx, else safetensors.
            cycle: whose model. Default: the last that was trained.

        Returns:
            The file in the run that was exported.

        Raises:
            UsageError: there is no such model, the folder is there already, or a graph can't hold the scores.
            MissingExtra: ONNX without its libraries.
        """
        from ncenet.models.formats import export_model
        from ncenet.models.places import model_format_of

        target = Path(out)
        chosen = format or model_format_of(target) or "safetensors"
        return export_model(self._opened.folder, target, chosen, cycle=cycle)

    def read_labels(
        self,
        source: str | PathLike[str],
        *,
        format: str | None = None,
        who: str | None = None,
        on_conflict: Literal["stop", "keep", "replace"] = "stop",
        on_mismatch: Literal["stop", "skip"] = "stop",
        empty: bool = False,
        dry_run: bool = False,
    ) -> list[Change]:
        """Record answers from files, as :meth:`export` and other tools write them.

        Args:
            source: file or folder.
            format: as in :meth:`export`. Default: what the source looks like.
            who: the annotator. Default: whom the file names, else the user's login.
            on_conflict: whether answers that contradict those that stand stop everything (``"stop"``), leave
                them (``"keep"``) or replace them (``"replace"``).
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

        run, me = self._opened, getpass.getuser()
        changes = read_labels(run, Path(source), format=format, who=who, otherwise=me, listed_is_empty=empty)
        if not dry_run:
            apply(run.ledger, changes, on_conflict=on_conflict, on_mismatch=on_mismatch)
        return changes

    def expected(self, steps: Sequence[float] | None = None) -> list[Expected]:
        """How many images :meth:`sort` would sort from which likelihood on, and how many of those are wrong.

        Args:
            steps: likelihoods, in [0, 1]. Default: from .5 to .99.

        Raises:
            UsageError: there is no model yet.
        """
        from ncenet.sorting.expected import STEPS
        from ncenet.sorting.sort import expected_of, opinions

        with self._onlooker.at_work() as show:
            return expected_of(self._opened, steps or STEPS, said=opinions(self._opened, show))

    def sort(self, out: str | PathLike[str], *, above: float = 0.9, how: How = "copy") -> Sorted:
        """Sort the images into folders by class, the doubtful into ``review``; nothing is overwritten.

        Args:
            out: the folder; new, empty, or one whose sorting was interrupted.
            above: the model's word counts from this likelihood on, in [0, 1]; 0 sorts every image.
            how: ``"copy"``, ``"link"`` (hard links) or ``"move"``; :meth:`unsort` takes each back.

        Returns:
            Images by class, and how many of those that the model sorted are wrong by the held-out images.

        Raises:
            UsageError: the folder holds something else, or there is no model yet; links and moves need image
                files.
        """
        from ncenet.sorting.sort import sort_images

        with self._onlooker.at_work() as show:
            return sort_images(self._opened, Path(out), above=above, how=how, notify=show)

    def unsort(self, out: str | PathLike[str]) -> dict[str, str]:
        """Take a sort back: copies and links go, files that were moved go back to where they were.

        Args:
            out: the sorted folder.

        Returns:
            Why images stay in the sorted folder, by id; none when all is as it was.

        Raises:
            UsageError: nothing was sorted there.
        """
        from ncenet.sorting.sort import undo_sort

        with self._onlooker.at_work() as show:
            return undo_sort(Path(out), self._opened.folder, notify=show)

    @property
    def annotators(self) -> Annotators:
        """Who opens the page in their own name by a link: ``links``, and ``revoke``."""
        from ncenet.doors.annotators import Annotators

        return Annotators(self._opened.folder)

    def invite(self, *names: str, public_url: str | None = None) -> dict[str, str]:
        """Make links by which annotators open the page in their own name.

        Args:
            names: of the annotators.
            public_url: what links begin with. Default: where the page was served last.

        Returns:
            The link of each, by name; nobody can read it again.

        Raises:
            UsageError: a name is none, or has a link that is not revoked; then none is made. Or there is no
                page, for these are vectors.
        """
        check_page(self._opened.recipe, self._opened.pool)
        begin = begin_of_links(self._opened.files.page_address, public_url)[0]
        return {name: link_to(begin, key) for name, key in self.annotators.add(names).items()}

    def label_studio(self, url: str = "http://localhost:8080", token: str | None = None) -> LabelStudio:
        """The way to a Label Studio and back: ``push`` and ``pull``.

        Args:
            url: its address.
            token: an access token of its page Account & Settings. Default: the environment variable
                ``LABEL_STUDIO_API_KEY``.

        Raises:
            UsageError: there is no token, or the address is none.
        """
        return LabelStudio(self._opened, url, token)

    def serve_label_studio(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 9090,
        names: Sequence[str] = (),
        url: str | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Be the ML backend of a Label Studio project, whose next task then follows our scores.

        It serves until it is interrupted.

        Args:
            host: address to listen at. Others than this machine's own let everybody with the address in.
            port: port to listen at.
            names: further names by which Label Studio reaches this machine.
            url: address of Label Studio, which is then sent the access token of the environment, so that the
                project follows each new model. Default: nobody is.
            say: takes what people should know, a line at a time. Default: it is printed.

        Raises:
            UsageError: the address can't be had, there is no token, or the run was pushed elsewhere.
            MissingExtra: the extra ``web`` is not installed.
        """
        say = plain_console(stderr=True).print if say is None else say
        serve_backend(self._opened, host=host, port=port, names=names, url=url, say=say)
