"""The recipe as flags: one flag a field, its description as help, shared by all commands that train."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from typing import Annotated, Any

from cyclopts import Group, Parameter
from pydantic import BaseModel, create_model
from pydantic.fields import FieldInfo

from ncenet.class_names import split_names
from ncenet.errors import DataError, RecipeError
from ncenet.nn.sources import trust
from ncenet.old_recipes import MOVED
from ncenet.recipe import DataRecipe, HeadRecipe, LoopRecipe, ModelRecipe, Recipe, TrainRecipe
from ncenet.section import Section
from ncenet.text_files import parse_yaml

Beside = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)]
Engine = Annotated[str, Parameter(name="--engine")]
DryRun = Annotated[bool, Parameter(negative=(), show_default=False)]

_SECTIONS: dict[str, type[Section]] = {
    "": Recipe,
    "loop": LoopRecipe,
    "data": DataRecipe,
    "model": ModelRecipe,
    "model.head": HeadRecipe,
    "train": TrainRecipe,
}
_RENAMED = {"model.head.name": "head", "model.head.init": "prototype_init"}
_APART = {"data.train", "loop.options"}
"""A positional argument, and what has a flag of its own kind."""


def _leaves() -> dict[str, tuple[str, FieldInfo, Group]]:
    """Flag name in Python's spelling -> dotted path, field and help group."""
    leaves: dict[str, tuple[str, FieldInfo, Group]] = {}
    for order, (section, model) in enumerate(_SECTIONS.items()):
        group = Group(f"Recipe: {section}" if section else "Recipe", sort_key=order + 10)
        for name, field in model.model_fields.items():
            path = f"{section}.{name}" if section else name
            if path in _SECTIONS or path in _APART:
                continue
            flag = _RENAMED.get(path, name)
            if flag in leaves:
                raise TypeError(f"{path} and {leaves[flag][0]} would share the flag --{flag}")
            leaves[flag] = (path, field, group)
    return leaves


_LEAVES = _leaves()


def _flag(field: FieldInfo, group: Group, default: object) -> Any:
    shown = "" if default in (None, ()) else f" [default: {_spell(default)}]"
    parameter = Parameter(
        group=group, help=f"{field.description}{shown}", show_default=False, negative_iterable=()
    )
    annotation: Any = field.annotation
    return Annotated[annotation | None, parameter], None


def _spell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(value)


def flag_fields(**defaults: object) -> dict[str, Any]:
    """Fields of the recipe that the command line may set, for ``create_model``; None leaves one as it is.

    Args:
        defaults: by flag, what the help shows in the place of the recipe's own default.
    """
    fields = {
        flag: _flag(field, group, defaults.get(flag, field.get_default()))
        for flag, (_, field, group) in _LEAVES.items()
    }
    return fields | {"option": _OPTION} | dict.fromkeys(MOVED, _OLD)


_LOOP = _LEAVES["strategy"][2]
_OPTION = (
    Annotated[
        tuple[str, ...] | None,
        Parameter(
            group=_LOOP,
            negative=(),
            show_default=False,
            help="NAME=VALUE, an option of the strategy; again for more. `ncenet strategies NAME` lists "
            "them; the value is read as in the file.",
        ),
    ],
    None,
)
_OLD = Annotated[str | None, Parameter(show=False, group=_LOOP, negative=())], None
"""Flags that are options now: taken, with a pointer."""

RecipeFlags: type[BaseModel] = create_model("RecipeFlags", **flag_fields())
SUITED = "where no network or training is named: lite0 of photographs, if installed; data of vectors"
"""The features of commands that choose them."""
SimulateFlags: type[BaseModel] = create_model("SimulateFlags", **flag_fields(features=SUITED))


def apply_flags(recipe: Recipe, flags: BaseModel | None) -> Recipe:
    """The recipe with the given flags put in.

    Raises:
        RecipeError: a value is out of range, or names of classes that nobody can part.
    """
    return recipe.with_changes(changes_of(flags))


def changes_of(flags: BaseModel | None) -> dict[str, Any]:
    """The changes to a recipe that the given flags are, by dotted path.

    Raises:
        RecipeError: names of classes that nobody can part, or an option that is none.
    """
    given = {} if flags is None else flags.model_dump(exclude_none=True)
    if "classes" in given:  # a flag is a line of names, or several; in a recipe a list is one already
        try:
            given["classes"] = tuple(name for line in given["classes"] for name in split_names(line))
        except DataError as error:
            raise RecipeError(f"--classes {error}") from error
    for network in (given.get("backbone"), given.get("features")):
        if network is not None and network.startswith("timm:"):
            trust(network)
    changes = {f"loop.options.{name}": value for name, value in split_options(given.pop("option", ()))}
    for flag in MOVED.keys() & given.keys():
        changes[f"loop.{flag}"] = _value(f"--{flag.replace('_', '-')}", given.pop(flag))
    return {_LEAVES[flag][0]: value for flag, value in given.items()} | changes


def split_options(words: Iterable[str]) -> Iterator[tuple[str, object]]:
    """Names and values of ``--option NAME=VALUE``.

    Raises:
        RecipeError: a word is none of these.
    """
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise RecipeError(f"--option {word}: expected NAME=VALUE, for instance diversify=kmeans")
        yield name, _value(f"--option {word}", value)


def _value(flag: str, text: str) -> object:
    """A value on the command line, read as in a file."""
    try:
        return parse_yaml(text)
    except ValueError:
        raise RecipeError(f"{flag}: the value can't be read: quote it as in YAML") from None


_PARAMETER = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)(?:=([\w-]+))?`")


def as_typed(message: str, has: Container[str] | None = None) -> str:
    """A message of the library as the command line says it: a field becomes its flag.

    A parameter stands in backticks; a mistake in a field that no file names begins with the field.

    Args:
        message: of the library.
        has: the flags of the command; a field without one among them is named as in a file. Default: all.

    >>> as_typed("loop.query_size: 0 is below 1")
    '--query-size: 0 is below 1'
    >>> as_typed("name them in `data.classes`, or leave them out with `on_mismatch=skip`")
    'name them in --classes, or leave them out with --on-mismatch skip'
    >>> as_typed("leave them out with `data.on_bad_image=skip`", has={"--data"})
    'leave them out with data.on_bad_image: skip in the recipe'
    """
    flags = {path: flag for flag, (path, _, _) in _LEAVES.items()}

    def typed(found: re.Match[str]) -> str:
        path, value = found.groups()
        if "." in path and path not in flags:
            return found[0]
        flag = flags.get(path, path).replace("_", "-")
        if path in flags and has is not None and f"--{flag}" not in has:
            return f"{path}: {value} in the recipe" if value is not None else f"{path} of the recipe"
        return f"--{flag}" if value is None else f"--{flag} {value}"

    lines = []
    for line in _PARAMETER.sub(typed, message).split("\n"):
        field, colon, what = line.partition(": ")
        options, _, option = field.rpartition(".")
        flag = f"option {option}" if options == "loop.options" else flags.get(field, "").replace("_", "-")
        known = flag and (has is None or f"--{flag.split()[0]}" in has)
        lines.append(f"--{flag}{colon}{what}" if known else line)
    return "\n".join(lines)
