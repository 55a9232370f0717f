"""How many images a likelihood sorts, and how many of them are wrong: from held-out images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ncenet.run.advice import wilson

STEPS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Likelihoods that are told of when nobody names one (ours)."""


@dataclass(frozen=True)
class Expected:
    """What sorting from a likelihood on would do.

    Attributes:
        above: the likelihood, in [0, 1].
        sorted: images that get a class folder, those with a person's label included.
        by_people: those of them that have a person's label.
        of: all images that can be read and were not skipped.
        wrong: held-out images of that likelihood or more that the model is wrong about.
        held_out: held-out images of that likelihood or more.
    """

    above: float
    sorted: int
    by_people: int
    of: int
    wrong: int
    held_out: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the share that is wrong of what the model sorts; None when nothing says it."""
        return wilson(self.wrong, self.held_out) if self.held_out else None

    def __str__(self) -> str:
        """One line.

        >>> print(Expected(0.9, 1240, 300, 1700, 2, 60))
        at 0.9: 1,240 of 1,700 sorted, 300 of them by people; about 1 to 11 % of the others wrong
        """
        who = f", {self.by_people:,} of them by people" if self.by_people else ""
        words = f"at {self.above:g}: {self.sorted:,} of {self.of:,} sorted{who}"
        if self.sorted == self.by_people:
            return words
        if self.interval is None:
            return f"{words}; nobody can say how many of the others are wrong: no held-out image is as likely"
        low, high = self.interval
        return f"{words}; about {100 * low:.0f} to {100 * high:.0f} % of the others wrong"


def expect(
    above: float,
    likelihoods: Sequence[float],
    measured: Sequence[tuple[float, bool]],
    *,
    by_people: int,
) -> Expected:
    """What sorting from a likelihood on would do.

    Args:
        above: the likelihood.
        likelihoods: of the likeliest class of each image that the model would sort.
        measured: of each held-out image that likelihood, and whether that class is right.
        by_people: images with a person's label.

    >>> expect(0.8, [0.9, 0.7, 0.85], [(0.9, True), (0.8, False), (0.2, False)], by_people=2)
    Expected(above=0.8, sorted=4, by_people=2, of=5, wrong=1, held_out=2)
    """
    tested = [right for likelihood, right in measured if likelihood >= above]
    return Expected(
        above=above,
        sorted=by_people + sum(each >= above for each in likelihoods),
        by_people=by_people,
        of=by_people + len(likelihoods),
        wrong=len(tested) - sum(tested),
        held_out=len(tested),
    )
