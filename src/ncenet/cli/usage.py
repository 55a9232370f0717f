"""What is wrong with a command line, in one sentence: the flag, its value, and what is allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from ncenet.class_names import shown
from ncenet.section import NO, explain, mistakes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cyclopts import CycloptsError

_BOUNDS = {">=": "below", "<=": "above", ">": "not above", "<": "not below"}


def flags_of(words: Sequence[str]) -> frozenset[str] | None:
    """The flags of the command that a command line names; None when it names none.

    >>> sorted({"--arms", "--on-bad-image"} & flags_of(["compare", "demo.yaml"]))
    ['--arms']
    """
    if not words:
        return None
    from ncenet.cli.commands import app

    names, apps, _ = app().parse_commands(words)
    if not names:
        return None
    arguments = apps[-1].assemble_argument_collection()
    return frozenset(name for argument in arguments for name in argument.names)


def said_of(error: CycloptsError) -> str:
    """A sentence for each mistake of a command line that nobody can carry out."""
    from cyclopts import MissingArgumentError, RepeatArgumentError, UnusedCliTokensError

    if isinstance(error.__cause__, ValidationError):  # of flags that are fields of a recipe
        return "\n".join(explain(_of_flag(mistake)) for mistake in mistakes(error.__cause__))
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return f"{_command(error)}: {shown(error.unused_tokens[0])} is a word too many"
    if isinstance(error, RepeatArgumentError):
        return f"{error.token.keyword}: is there twice"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        return f"{name}: a value is missing" if name[0] == "-" else f"{_command(error)}: {name} is missing"
    token = next(iter(error.argument.tokens), None) if error.argument is not None else None
    if token is not None:
        name = token.keyword or str(error.argument and error.argument.name).lstrip("-").upper()
        target = getattr(error, "target_type", None)
        if choices := get_args(target):
            return f"{name}: {shown(token.value)} is none of {', '.join(map(str, choices))}"
        if kind := NO.get(getattr(target, "__name__", "")):
            return f"{name}: {shown(token.value)} is {kind}"
        if bound := re.fullmatch(r"Must be (>=|<=|>|<) (\S+)\.", getattr(error, "exception_message", "")):
            return f"{name}: {token.value} is {_BOUNDS[bound[1]]} {bound[2]}"
    return " ".join(str(error).split())


def _command(error: CycloptsError) -> str:
    return " ".join(error.command_chain or ("ncenet",))


def _of_flag(mistake: Any) -> dict[str, Any]:
    """A mistake that pydantic found, with the flag in the place of the field."""
    flag = str(mistake["loc"][0]).replace("_", "-")
    return {**mistake, "loc": (f"--{flag}",)}
