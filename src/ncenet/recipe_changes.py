"""Changes to a recipe, while it is a nested record that nobody has checked yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ncenet.errors import RecipeError
from ncenet.old_recipes import renamed
from ncenet.section import flat
from ncenet.unread import unread


def put(data: dict[str, Any], path: str, value: object) -> None:
    """Put a value at a dotted path.

    Raises:
        RecipeError: there is no such section.

    >>> record = {"loop": {"seed": 0, "options": {}}}
    >>> put(record, "loop.options.steps", 5)
    >>> record
    {'loop': {'seed': 0, 'options': {'steps': 5}}}
    """
    if (option := renamed(path)) is not None:
        data["loop"]["options"].pop(option, None)  # as the change is given now, also back to the default
    *parents, last = path.split(".")
    section: Any = data
    for parent in parents:
        section = section.get(parent)
        if not isinstance(section, dict):
            raise RecipeError(f"{path}: there is no section {parent!r}")
    section[last] = value


def drop_unread(data: dict[str, Any], defaults: Mapping[str, Any], keep: Collection[str]) -> None:
    """Set back to its default what nobody reads, unless it is named in ``keep``.

    Args:
        data: a whole recipe.
        defaults: of all fields, by dotted path.
        keep: dotted paths.
    """
    for path in unread(flat(data), defaults):
        if path not in keep:
            put(data, path, defaults[path])
