"""Every exception that ncenet raises on purpose.

::

    NcenetError
    ├── UsageError            the caller asked for something that cannot be (exit code 2)
    │   ├── RecipeError       a recipe that does not hold together; names file, line and field
    │   ├── UnknownName       a name that no registry knows; suggests the nearest
    │   └── MissingExtra      an optional dependency; prints the one line that installs it
    ├── DataError             the images or labels are not what they should be
    │   ├── Unreachable       a store that refuses, does not answer, or is gone
    │   ├── UnreadableImage   one image that cannot be decoded
    │   ├── DamagedRecord     a file of a run that is not what was written there
    │   ├── BadAnnotation     the boxes of one image that cannot be what they say
    │   └── UnreadableImages  all of both, listed, when the run was told to stop on them
    ├── LedgerError           the ledger refuses: changed file, other recipe, newer schema
    ├── NotFitted             a prediction was asked of a learner that has learned nothing
    ├── Diverged              the loss of a fit is nan or inf: nothing more would be learned
    ├── NonFiniteScore        a score function returned nan or inf
    └── TrialFailed           one or more trials of a comparison failed (`ncenet.engines.trial`)

Messages say what was wrong, where, and what to do.

>>> import ncenet
>>> issubclass(ncenet.errors.RecipeError, ncenet.errors.NcenetError)
True
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from ncenet.counts import count_of


class NcenetError(Exception):
    """Root of all errors raised on purpose."""


def in_a_line(error: BaseException) -> str:
    """What an exception says: one that nobody foresaw with its type and the line that raised it.

    The line may be one of a part of the user's own, or of a package's.

    >>> in_a_line(UsageError("no such file")), in_a_line(KeyError("radius"))
    ('no such file', "KeyError: 'radius'")
    """
    if isinstance(error, NcenetError):
        return str(error)
    import traceback

    said = "".join(traceback.format_exception_only(error)).strip()
    place = traceback.extract_tb(error.__traceback__)[-1:]
    return said + "".join(f" ({at.filename}, line {at.lineno}, in {at.name})" for at in place)


class UsageError(NcenetError):
    """The caller asked for something that cannot be."""


class RecipeError(UsageError):
    """A recipe that does not hold together."""


class UnknownName(UsageError):
    """A name that a registry does not know.

    Args:
        kind: what was looked up, for instance ``"query strategy"``.
        name: the name that was asked for.
        known: the names that exist.
        where: the place that names it, when it is one of many.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        self.kind, self.name, self.known, self.where = kind, name, sorted(known), where
        nearest = difflib.get_close_matches(name, self.known, n=1) or [
            each for each in self.known if each.lower() == name.lower()
        ]
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        place = f"{where}: " if where else ""
        said = name if len(name) <= 80 else f"{name[:80]}..."
        super().__init__(f"{place}unknown {kind} {said!r}: {hint}known: {', '.join(self.known)}")


class MissingExtra(UsageError):
    """An optional dependency is not installed.

    Args:
        purpose: what needs it, for instance ``"reading Parquet files"``.
        extra: the extra of ncenet that brings it.
        size: roughly how much it downloads, for instance ``"50 MB"``.
    """

    def __init__(self, purpose: str, extra: str, size: str) -> None:
        super().__init__(f"{purpose} needs an extra: pip install 'ncenet[{extra}]'  (about {size})")


class Renamed(FutureWarning):
    """Something goes by another name now; the old one still works, and the message says the new one."""


class MissingGlyphs(UserWarning):
    """No font of this machine has characters of a figure, which shows boxes in their place."""


class BrokenPlugIn(UserWarning):
    """A plug-in can't be loaded or used and is left out; the message names it, and says why."""


class DataError(NcenetError):
    """The images or labels are not what they should be."""


class Unreachable(DataError):
    """A store of objects that refuses, is gone, or does not answer.

    Args:
        message: address, and what is wrong there.
        silent: it does not answer; a refusal may be about one file alone.
    """

    def __init__(self, message: str, *, silent: bool = False) -> None:
        self.silent = silent
        super().__init__(message)


class UnreadableImage(DataError):
    """One image that cannot be decoded.

    Args:
        id: the id of the image in its pool.
        why: what the decoder found, in one line.
    """

    def __init__(self, id: str, why: str) -> None:
        self.id, self.why = id, why
        super().__init__(f"{id}: {why}")

    def __reduce__(self) -> tuple[type[UnreadableImage], tuple[str, str]]:
        return type(self), (self.id, self.why)


class DamagedRecord(DataError):
    """A file of a run that is not what was written there.

    Args:
        file: which one.
        why: what is wrong with it, in one line.
    """

    def __init__(self, file: Path, why: str) -> None:
        self.file, self.why = file, why
        run = next((folder.parent for folder in file.parents if folder.name == "cycles"), file.parent)
        super().__init__(f"{file}: damaged, {why}; ncenet repair {run} sets it aside")

    def __reduce__(self) -> tuple[type[DamagedRecord], tuple[Path, str]]:
        return type(self), (self.file, self.why)


class BadAnnotation(DataError):
    """Something wrong with the boxes of one image.

    Args:
        id: the id of the image in its pool.
        why: file and object, and what is wrong there, in one line.
    """

    def __init__(self, id: str, why: str) -> None:
        self.id, self.why = id, why
        super().__init__(why)

    def __reduce__(self) -> tuple[type[BadAnnotation], tuple[str, str]]:
        return type(self), (self.id, self.why)


class UnreadableImages(DataError):
    """All unreadable images and bad annotations of a pool, when the run was told to stop on them.

    Args:
        problems: what they are.
    """

    def __init__(self, problems: Sequence[UnreadableImage | BadAnnotation]) -> None:
        self.problems = list(problems)
        annotations = sum(isinstance(problem, BadAnnotation) for problem in self.problems)
        images = len(self.problems) - annotations
        found = [count_of(images, "unreadable image")] * (images > 0)
        found += [f"{count_of(annotations, 'mistake')} in annotations"] * (annotations > 0)
        shown = "\n".join(f"  {problem}" for problem in self.problems[:20])
        more = f"\n  and {len(self.problems) - 20} more" if len(self.problems) > 20 else ""
        super().__init__(
            f"{' and '.join(found)}:\n{shown}{more}\n"
            f"repair or remove them, or leave {'those images' if annotations else 'them'} out with "
            "`data.on_bad_image=skip`"
        )


class LedgerError(NcenetError):
    """The ledger refuses what it was asked to do."""


class EmptyLedger(LedgerError):
    """A ledger without anything in it, as a process leaves that is ended while it makes one."""


class Diverged(NcenetError):
    """The loss of a fit is nan or inf, and what is trained on from there learns nothing.

    Args:
        loss: what it is.
        epoch: number of the epoch, from 1.
        epochs: how many there are.
        lr: the highest learning rate of the fit; None for one that has none.
    """

    def __init__(self, loss: float, epoch: int, epochs: int, lr: float | None) -> None:
        what = "Look for inputs that are no numbers"
        if lr is not None:
            what = (
                f"Take a smaller learning rate than train.lr = {lr:g}: the run goes on with it from this fit "
                f"on, what was finished stays. If that doesn't help, l{what[1:]}"
            )
        super().__init__(f"the loss is {loss} after epoch {epoch} of {epochs}: training has diverged. {what}")


class NotFitted(NcenetError):
    """A prediction was asked of a learner that has learned nothing yet."""


class NonFiniteScore(NcenetError):
    """A score function returned nan or inf; nothing is replaced in silence.

    Args:
        count: how many scores are not finite.
        first_id: the first image concerned.
    """

    def __init__(self, count: int, first_id: str) -> None:
        self.count, self.first_id = count, first_id
        super().__init__(f"{count_of(count, 'score is', 'scores are')} not finite, the first at {first_id!r}")
