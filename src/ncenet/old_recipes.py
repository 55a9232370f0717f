"""Recipes of earlier versions: fields that are options of the query strategy now, under ``loop.options``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ncenet.errors import Renamed

MOVED: dict[str, tuple[str, object]] = {
    "aggregate": ("aggregate", "mean"),
    "aggregate_k": ("aggregate_k", 100),
    "diversify": ("diversify", "none"),
    "diversify_factor": ("diversify_factor", 10),
    "adversarial_steps": ("steps", 300),
}
"""Fields that section ``loop`` once had: what each is called as an option, and its default."""


def renamed(path: str) -> str | None:
    """The option that a dotted path of an earlier version means; None for one that still exists.

    >>> renamed("loop.adversarial_steps"), renamed("loop.seed")
    ('steps', None)
    """
    section, _, field = path.partition(".")
    return MOVED[field][0] if section == "loop" and field in MOVED else None


def with_new_names(loop: Mapping[str, Any]) -> dict[str, Any]:
    """Section ``loop`` with old fields among the options; values that are no default are pointed out.

    Raises:
        ValueError: an option stands there under both names.
    """
    options = dict(loop.get("options") or {})
    for old, (new, default) in MOVED.items():
        if old not in loop or loop[old] == default:  # older recipes name every field
            continue
        if new in options:
            raise ValueError(f"{old}: is called options.{new} now, and both are there")
        warnings.warn(
            f"loop.{old} is an option of the strategy now: say loop.options.{new}",
            Renamed,
            stacklevel=2,
        )
        options[new] = loop[old]
    kept = {name: value for name, value in loop.items() if name not in MOVED}
    return {**kept, "options": options} if options or "options" in kept else kept


def is_old(recipe: Mapping[str, Any]) -> bool:
    """Whether a whole recipe was written by a version that knew the old fields, which wrote all of them."""
    loop = recipe.get("loop")
    return isinstance(loop, Mapping) and loop.keys() >= MOVED.keys()


def without_unread_options(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a recipe of such a version, without the old fields that nobody read."""
    copy = deepcopy(dict(recipe))
    loop = copy["loop"]
    if copy.get("task", "classification") == "classification":
        loop["aggregate"] = "mean"
    if loop["aggregate"] != "top-k":
        loop["aggregate_k"] = 100
    if loop["diversify"] == "none":
        loop["diversify_factor"] = 10
    if loop.get("strategy") not in ("vaal", "sraal"):
        loop["adversarial_steps"] = 300
    return copy
