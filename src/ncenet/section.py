"""A section: a checked model that a YAML file, flags and Python fill alike."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from ncenet.class_names import shown
from ncenet.errors import DataError, RecipeError
from ncenet.text_files import parse_yaml, read_text


class Section(BaseModel):
    """Base of all sections: unknown fields are errors, numbers are finite, values never change.

    Options of a strategy are one, too.

    >>> from pydantic import Field
    >>> class Options(Section):
    ...     power: float = Field(2.0, gt=0, description="Of the shares.")
    >>> Options(power=3).power
    3.0
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _yes_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """``yes`` in a file would count as 1 where a number is asked for."""
        kinds = _kinds(cls.model_fields[info.field_name or ""].annotation)
        if isinstance(value, bool) and bool not in kinds and kinds & {int, float}:
            raise ValueError(f"{value} is no number")
        return value

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read and check a YAML file.

        Raises:
            RecipeError: the file is missing, not YAML, or does not fit; one line per mistake, each with its
                line number and field.
        """
        try:
            text = read_text(file)
        except DataError as error:
            raise RecipeError(str(error)) from error
        check_whole(file, text)
        try:
            data = parse_yaml(text)
        except ValueError as error:
            raise RecipeError(f"{file}: not YAML: {error}") from error
        if data is None:  # nothing but comments, say
            data = {}
        if not isinstance(data, dict):
            raise RecipeError(f"{file}:1 expected a mapping of {', '.join(cls.model_fields)}")
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            node = yaml.compose(text)
            found = sorted((_line(node, place_of(e)), explain(e, cls)) for e in mistakes(error))
            # A mistake of the file as a whole has no line of its own.
            said = (f"{file}{f':{line}' if line else ''} {what}" for line, what in found)
            raise RecipeError("\n".join(said)) from None

    def to_yaml(self) -> str:
        """Text that :meth:`load` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _kinds(annotation: Any) -> set[Any]:
    """What a field may hold: the members of a union, or the one kind."""
    of = get_args(annotation) if get_origin(annotation) in (Union, UnionType, Annotated) else ()
    return set().union(*map(_kinds, of)) if of else {annotation}


HEAD = "# Written by ncenet; the last line says that nothing is missing."
END = "# nothing is missing"


def check_whole(file: Path, text: str) -> None:
    """Make sure that nothing is missing at the end of a file that promises to say so, see :data:`HEAD`.

    A file that was cut off would read as one with defaults in the place of what is gone.

    Raises:
        RecipeError: it is cut off, or empty.
    """
    promised = HEAD in text or (text.startswith(HEAD[:1]) and HEAD.startswith(text.rstrip("\n")))
    if not text.strip() or (promised and text.rstrip().rpartition("\n")[2] != END):
        raise RecipeError(
            f"{file}: is cut off, its end is missing: put it back from a copy; in a run folder ncenet repair "
            "writes it anew"
        )


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested record by dotted path.

    >>> flat({"loop": {"seed": 3}, "task": "classification"})
    {'loop.seed': 3, 'task': 'classification'}
    """
    values: dict[str, Any] = {}
    for key, value in record.items():
        values |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return values


def mistakes(error: ValidationError) -> list[Any]:
    """What pydantic found, but for the length of a list that holds mistakes, which are not counted in it."""
    found = error.errors()
    places = [each["loc"] for each in found]
    return [
        each
        for each, place in zip(found, places, strict=True)
        if each["type"] != "too_short" or not any(other[: len(place)] == place != other for other in places)
    ]


def explain(error: Any, section: type[Section] | None = None) -> str:
    """One mistake that pydantic found, in one line: field, what is wrong, what was given.

    Args:
        error: one of :func:`mistakes`.
        section: what it was found in, to suggest the nearest of its fields.
    """
    where = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":  # what stands under it may be half a file
        nearest = "" if section is None else _nearest(section, error["loc"])
        return f"{where}: there is no such field" + (f"; did you mean {nearest}?" if nearest else "")
    return f"{where + ': ' if where else ''}{_said(error)}"


def _nearest(section: type[Section], place: Sequence[int | str]) -> str:
    """Path of the field whose name is most like the last of ``place``; of several the nearest to it."""
    named: dict[str, list[str]] = {}
    for path in _paths(section, place):
        named.setdefault(path.rpartition(".")[2], []).append(path)
    alike = difflib.get_close_matches(str(place[-1]), named, n=1)
    where = ".".join(map(str, place))
    return difflib.get_close_matches(where, named[alike[0]], n=1, cutoff=0)[0] if alike else ""


def _paths(section: type[Section], place: Sequence[int | str], above: str = "") -> Iterator[str]:
    """Dotted paths of all fields; of the sections in a list, those of the one in which ``place`` lies."""
    for name, field in section.model_fields.items():
        yield above + name
        listed = get_origin(field.annotation) is tuple
        (inner, *_) = get_args(field.annotation) if listed else (field.annotation,)
        if not (isinstance(inner, type) and issubclass(inner, Section)):
            continue
        if not listed:
            yield from _paths(inner, place[1:], f"{above}{name}.")
        elif len(place) > 1 and place[0] == name:
            yield from _paths(inner, place[2:], f"{above}{name}.{place[1]}.")


NO = {
    "int": "no whole number",
    "float": "no number",
    "bool": "neither yes nor no",
    "string": "no text; in a file, quotes make it one",
    "tuple": "no list",
    "list": "no list",
    "dict": "no mapping",
    "model": "no mapping",
    "path": "no path",
}
"""What a value is that should be of this kind, as pydantic calls it."""
_BOUNDS = {
    "greater_than": ("gt", "not above"),
    "greater_than_equal": ("ge", "below"),
    "less_than": ("lt", "not below"),
    "less_than_equal": ("le", "above"),
}


def _said(error: Any) -> str:
    """What is wrong with a value, and what is allowed."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(error["msg"].removeprefix("Value error, "))
    if kind == "missing":
        return "is missing"
    given = shown(error["input"])
    if kind in ("string_too_short", "string_too_long"):
        bound = context.get("min_length", context.get("max_length"))
        than = "fewer" if kind == "string_too_short" else "more"
        return f"{given} has {len(error['input']):,} characters, {than} than {bound}"
    if kind == "literal_error":
        allowed = [word.strip("'") for word in re.split(", | or ", context["expected"])]
        return f"{given} is none of {', '.join(allowed)}"
    if kind in _BOUNDS:
        bound, word = _BOUNDS[kind]
        return f"{given} is {word} {context[bound]:g}"
    if kind == "too_short":
        return f"holds {context['actual_length']}, and at least {context['min_length']} are needed"
    if kind == "too_long":
        return f"holds {context['actual_length']}, and at most {context['max_length']} are allowed"
    if kind == "finite_number":
        return f"{given} is no finite number"
    what = kind.partition("_")[0]
    if what in NO and kind.endswith(("_type", "_parsing", "_from_float", "_parsing_size")):
        return f"{given} is {NO[what]}"
    return f"{given} is not right: {error['msg'][:1].lower()}{error['msg'][1:]}"


def place_of(error: Any) -> tuple[int | str, ...]:
    """Path of the field that a mistake is in; one of a whole section begins with the field that it means."""
    loc: tuple[int | str, ...] = error["loc"]
    if error["type"] != "value_error":
        return loc
    said, colon, _ = error["msg"].removeprefix("Value error, ").partition(": ")
    return (*loc, *said.split(".")) if colon and " " not in said else loc


def _line(node: yaml.Node | None, path: tuple[int | str, ...]) -> int:
    """Line of the deepest part of ``path`` that stands in the file; 0 for the file as a whole."""
    line = min(1, len(path))
    for part in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
            continue
        if not isinstance(node, yaml.MappingNode):
            break
        for key, value in node.value:
            if key.value == part:
                line, node = key.start_mark.line + 1, value
                break
        else:
            break
    return line
