"""Names of classes: the one gate for every way in, and lists of names as people write them."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable

from ncenet.errors import DataError

LONGEST = 200
"""Characters of a name (ours): what a page can show, and a folder can be called."""
_UNSHOWN = {
    "Cc": "a control character",
    "Cs": "half a character",
    "Zl": "a line break",
    "Zp": "a line break",
}
"""Unicode categories that nobody can type, or some form of labels can't hold."""


def class_name_problem(name: object) -> str | None:
    """Why this can't be the name of a class; None when it can.

    >>> class_name_problem("cat, small"), class_name_problem(" cat")
    (None, 'begins or ends with a blank')
    """
    if not isinstance(name, str):
        return f"is no text: it is of type {type(name).__name__}"
    if not name:
        return "is empty"
    if name != name.strip():
        return "begins or ends with a blank"
    if len(name) > LONGEST:
        return f"has {len(name):,} characters, more than {LONGEST}"
    for character in name:
        what = _UNSHOWN.get(unicodedata.category(character))
        if character in "\ufffe\uffff":  # which XML can't hold
            what = "no character"
        if what is not None:
            return f"holds {what}, U+{ord(character):04X}"
    return None


def check_class_names(names: Iterable[object], where: str = "") -> tuple[str, ...]:
    """The same names, when each can be one and no two are equal.

    Args:
        names: of all classes, in their order.
        where: the file or place that names them, for messages.

    Raises:
        DataError: a name can't be one, or stands there twice.

    >>> check_class_names(["cat", "dog"], "data.yaml")
    ('cat', 'dog')
    """
    seen: dict[str, str] = {}
    place = f"{where}: " if where else ""
    for name in names:
        problem = class_name_problem(name)
        if problem is not None or not isinstance(name, str):
            raise DataError(f"{place}the class {shown(name)} {problem}: rename it")
        looks = unicodedata.normalize("NFC", name)  # where an accent stands doesn't show
        if looks in seen:
            how = "" if seen[looks] == name else f", as {seen[looks]!a} and {name!a}"
            raise DataError(
                f"{place}the class {shown(name)} is named twice{how}: leave one out, or rename it"
            )
        seen[looks] = name
    return tuple(seen.values())


def split_names(text: str) -> tuple[str, ...]:
    """Names out of a line, parted by commas; a name that has a comma itself stands in double quotes.

    Raises:
        DataError: a quote isn't closed, or something stands behind it.

    >>> split_names('cat, dog'), split_names('"cat, small", dog')
    (('cat', 'dog'), ('cat, small', 'dog'))
    """
    try:
        (words,) = csv.reader([text], skipinitialspace=True, strict=True) if text.strip() else [[]]
    except (csv.Error, ValueError):
        raise DataError(
            f"{shown(text)}: names are parted by commas; one with a comma stands in double quotes"
        ) from None
    return tuple(word.strip() for word in words if word.strip())


def shown(name: object) -> str:
    """A name as a message shows it, in one line that isn't long.

    >>> shown("cat"), len(shown("x" * 1000))
    ("'cat'", 62)
    """
    text = repr(name)
    return text if len(text) <= 62 else f"{text[:59]}..."


def folded(name: str) -> str:
    """A name without case, blanks, hyphens and underscores: what is equal then is perhaps a slip.

    >>> folded("T-Shirt") == folded("t shirt"), folded("a1") == folded("a2")
    (True, False)
    """
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c not in " -_")
