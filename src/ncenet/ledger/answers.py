"""The answers that are not a label."""

from __future__ import annotations

from enum import Enum


class Answer(Enum):
    """What an annotator may say instead of a class name; either way the image is not asked for again.

    >>> import ncenet
    >>> ncenet.Answer.SKIP.value, ncenet.Answer.UNSURE.value
    ('skip', 'unsure')
    """

    SKIP = "skip"
    """Not to be labelled: out of scope, broken, private."""

    UNSURE = "unsure"
    """The annotator can't tell."""
