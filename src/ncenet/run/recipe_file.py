"""``recipe.yaml`` with a comment for each field: its own description, so that it can't be out of date."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

import yaml

from ncenet.errors import RecipeError
from ncenet.files import write_text
from ncenet.recipe import Recipe
from ncenet.section import END, HEAD, Section

WIDTH = 100


def commented(section: Section) -> str:
    """A section as YAML that :meth:`~ncenet.section.Section.load` reads back, with comments.

    >>> from ncenet.recipe import TrainRecipe
    >>> print(commented(TrainRecipe())[:73])
    # Passes over the labelled set.
    epochs: 40
    # At least this many optimizer
    """
    return "".join(f"{line}\n" for line in _lines(section))


def keep(file: Path, recipe: Recipe) -> None:
    """Write a recipe with comments, whole or not at all; a file that says the same is left as it is.

    So whoever comments or rearranges the file keeps what they wrote.
    """
    if file.exists():
        try:
            if Recipe.load(file) == recipe:
                return
        except RecipeError:
            pass  # written anew below, as it always was
    write_text(file, f"{HEAD}\n{commented(recipe)}\n{END}\n")


def _lines(section: Section, indent: str = "") -> Iterator[str]:
    plain = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield ""
            yield from _comment((type(value).__doc__ or "").strip().split("\n\n")[0], indent)
            yield f"{indent}{name}:"
            yield from _lines(value, indent + "  ")
        else:
            choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
            listed = f" One of: {', '.join(choices)}." if choices else ""
            yield from _comment((field.description or "") + listed, indent)
            for line in _field(name, plain[name]).splitlines():
                yield indent + line


def _field(name: str, value: object) -> str:
    if isinstance(value, list | dict):  # on one line, after the name
        return f"{name}: " + yaml.safe_dump(
            value, default_flow_style=True, allow_unicode=True, width=float("inf")
        )
    return yaml.safe_dump({name: value}, allow_unicode=True, width=float("inf"))


def _comment(text: str, indent: str) -> Iterator[str]:
    words = " ".join(text.replace("``", "").split())
    yield from textwrap.wrap(words, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
