"""The recipe as flags: one flag a field, its description as help, shared by all commands that train."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Group, Parameter
from pydantic import BaseModel, create_model
from pydantic.fields import FieldInfo

from ncenet.class_names import split_names
from ncenet.engines.trial import EngineName
from ncenet.errors import DataError, RecipeError
from ncenet.recipe import DataRecipe, HeadRecipe, LoopRecipe, ModelRecipe, Recipe, Section, TrainRecipe

Beside = Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=(), show_default=False)]
Engine = Annotated[EngineName, Parameter(name="--engine")]
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
_POSITIONAL = {"data.train"}


def _leaves() -> dict[str, tuple[str, FieldInfo, Group]]:
    """Flag name in Python's spelling -> dotted path, field and help group."""
    leaves: dict[str, tuple[str, FieldInfo, Group]] = {}
    for order, (section, model) in enumerate(_SECTIONS.items()):
        group = Group(f"Recipe: {section}" if section else "Recipe", sort_key=order + 10)
        for name, field in model.model_fields.items():
            path = f"{section}.{name}" if section else name
            if path in _SECTIONS or path in _POSITIONAL:
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
    return {
        flag: _flag(field, group, defaults.get(flag, field.get_default()))
        for flag, (_, field, group) in _LEAVES.items()
    }


RecipeFlags: type[BaseModel] = create_model("RecipeFlags", **flag_fields())


def apply_flags(recipe: Recipe, flags: BaseModel | None) -> Recipe:
    """The recipe with the given flags put in.

    Raises:
        RecipeError: a value is out of range, or names of classes that nobody can part.
    """
    given = {} if flags is None else flags.model_dump(exclude_none=True)
    if "classes" in given:  # a flag is a line of names, or several; in a recipe a list is one already
        try:
            given["classes"] = tuple(name for line in given["classes"] for name in split_names(line))
        except DataError as error:
            raise RecipeError(f"--classes {error}") from error
    return recipe.with_changes({_LEAVES[flag][0]: value for flag, value in given.items()})
