"""What every engine agrees on: a trial is a function of a job, it says things, and it may fail."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from ncenet.errors import NcenetError, in_a_line

J = TypeVar("J")
R = TypeVar("R")

Event: TypeAlias = Mapping[str, Any]
"""What a trial says while it runs."""

Trial: TypeAlias = Callable[[J, Callable[[Event], None]], R]
"""A function of a job and of ``emit``, which takes events, from the thread that runs the function."""


@dataclass(frozen=True)
class Success(Generic[R]):
    """A trial that came to its end, with its result."""

    value: R


@dataclass(frozen=True)
class Failure:
    """A trial that did not.

    Attributes:
        summary: the error in a line or a few.
        traceback: text of the traceback in the process where it happened.
    """

    summary: str
    traceback: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The failure that an exception stands for.

        >>> Failure.of(KeyError("radius")).summary
        "KeyError: 'radius'"
        """
        return cls(in_a_line(error), "".join(traceback.format_exception(error)))


class OriginalTraceback(Exception):
    """Cause of a :class:`TrialFailed`: the text of the traceback in the process where it happened."""


class TrialFailed(NcenetError):
    """Some trials failed; the others' results were handed out before this is raised.

    Args:
        failures: by the name of the trial, in the order in which they failed; at least one.
    """

    def __init__(self, failures: Mapping[str, Failure]) -> None:
        self.failures = dict(failures)
        super().__init__(
            "\n".join(f"trial {name!r} failed: {failure.summary}" for name, failure in self.failures.items())
        )
        self.__cause__ = OriginalTraceback("\n" + next(iter(self.failures.values())).traceback)


def results_of(
    outcomes: Iterable[tuple[str, Success[R] | Failure]], forward: Callable[[str, Event], None]
) -> Iterator[tuple[str, R]]:
    """Hand out the results of trials as they come, and tell of failures when all others are done.

    Args:
        outcomes: name and outcome of each trial.
        forward: takes the name of a trial and an event of it.

    Raises:
        TrialFailed: some failed.
    """
    failures: dict[str, Failure] = {}
    for name, outcome in outcomes:
        if isinstance(outcome, Failure):
            failures[name] = outcome
            forward(name, {"event": "failed", "why": outcome.summary})
        else:
            yield name, outcome.value
    if failures:
        raise TrialFailed(failures)
