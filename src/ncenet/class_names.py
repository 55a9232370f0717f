"""Names of classes: the one gate for every way in, and lists of names as people write them."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence

from ncenet.errors import DataError, UsageError

LONGEST = 200
"""Characters of a name (ours): what a page can show, and a folder can be called."""
_UNSHOWN = {
    "Cc": "a control character",
    "Cs": "half a character",
    "Zl": "a line break",
    "Zp": "a line break",
}
"""Unicode categories that nobody can type, or some form of labels can't hold."""

_LATIN = str.maketrans(
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0455\u0458\u03bf\u03b1\u03c1\u03bd\u03c5\u03b9\u03ba\u043a\u043c\u0442\u0432\u043d",
    "aceopxyisjoapvuikkmtbh",
)
"""Small letters of Cyrillic and Greek, in full or in their capitals drawn like a Latin one."""
_NUMBER = re.compile(r"\d{1,15}(\.\d*)?", re.ASCII)
_JOINS_NOTHING = re.compile("(?<![^\\x00-\\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\\x00-\\x7f])")
"""Joiners of characters, elsewhere than between those of scripts and signs that have joined forms."""


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
        looks = _look(name)
        if looks in seen:
            how = "" if seen[looks] == name else f", as {seen[looks]!a} and {name!a}"
            raise DataError(
                f"{place}the class {shown(name)} is named twice{how}: leave one out, or rename it"
            )
        seen[looks] = name
    return tuple(seen.values())


ANOTHER = "let there be another, such as 'other' for all that is none"
"""What brings a second class, where nobody knows a nearer way."""


def check_two_classes(names: Sequence[str], how: str = ANOTHER) -> None:
    """Make sure that these are not one class alone, of which there is nothing to learn.

    Args:
        names: the classes.
        how: what brings another.

    Raises:
        UsageError: they are.

    >>> check_two_classes(["cat", "other"])
    """
    if len(names) == 1:
        raise UsageError(f"{shown(names[0])} is the only class, and a model tells two apart at least: {how}")


def twin_of(name: str, names: Iterable[str]) -> str | None:
    r"""Another of these names that looks the same; None without one.

    >>> twin_of("big cat", ["dog", f"big{chr(0xA0)}cat"]), twin_of("Cat", ["cat"])
    ('big\xa0cat', None)
    """
    looks = _look(name)
    return next((other for other in names if other != name and _look(other) == looks), None)


def _look(name: str) -> str:
    """What is seen of a name: not where an accent stands, which blank it is, and what has no width."""
    seen = (
        " " if unicodedata.category(c) == "Zs" else c
        for c in unicodedata.normalize("NFC", _JOINS_NOTHING.sub("", name))
        if c in "\u200c\u200d" or not (unicodedata.category(c) == "Cf" or "\ufe00" <= c <= "\ufe0f")
    )
    return "".join(seen)


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


def alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of names of which each is perhaps a slip for another: in case, script, width or as a number.

    >>> alike(["Cat", "cat", "dog", "1", "1.0", "a1", "a2"])
    [('Cat', 'cat'), ('1', '1.0')]
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        key = folded(name).translate(_LATIN)
        groups.setdefault(f"{float(key):g}" if _NUMBER.fullmatch(key) else key, []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def slips(names: Iterable[str]) -> list[str]:
    """What is said of classes that are perhaps one; a line for each group of :func:`alike`.

    >>> slips(["Cat", "cat", "dog"])
    ["classes that are perhaps one: 'Cat', 'cat'"]
    """
    return [f"classes that are perhaps one: {', '.join(map(repr, group))}" for group in alike(names)]


def folded(name: str) -> str:
    """A name without case, blanks, hyphens and underscores: what is equal then is perhaps a slip.

    >>> folded("T-Shirt") == folded("t shirt"), folded("a1") == folded("a2")
    (True, False)
    """
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c not in " -_")
