"""Options of a query strategy: what a recipe may say of it under ``loop.options``.

A strategy that has some declares them in a class ``Options``, a :class:`~ncenet.section.Section` or a
dataclass, and takes them as keyword arguments. What its base classes declare it has too.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any, get_type_hints

from pydantic import Field, ValidationError, create_model, model_validator

from ncenet.errors import RecipeError
from ncenet.recipe import Aggregate, Diversify, LoopRecipe
from ncenet.section import Section, explain, mistakes


def needs_boxes(how: Aggregate) -> bool:
    """Whether an aggregation looks at boxes.

    >>> needs_boxes("mean"), needs_boxes("nms-sum")
    (False, True)
    """
    return how.startswith("nms-")


class ScoreOptions(Section):
    """Options of every strategy that ranks images by a score."""

    diversify: Diversify = Field(
        "none",
        description="Spread a query over the images with the highest scores: by clusters, by distance, or by "
        "what they cover.",
    )
    diversify_factor: int = Field(
        10, ge=2, description="With diversify: spread it over so many times the query size."
    )
    aggregate: Aggregate = Field(
        "mean",
        description="Detection: how the scores of an image's anchors become one. 'nms' is over those that "
        "survive non-maximum suppression.",
    )
    aggregate_k: int = Field(100, ge=1, description="With aggregate top-k: how many anchors it averages.")

    @model_validator(mode="after")
    def _read(self) -> ScoreOptions:
        default = type(self).model_fields
        if self.diversify == "none" and self.diversify_factor != default["diversify_factor"].default:
            raise ValueError("diversify_factor: diversify alone reads it, and that is none: leave it out")
        if self.aggregate != "top-k" and self.aggregate_k != default["aggregate_k"].default:
            raise ValueError(
                f"aggregate_k: aggregate top-k alone reads it, and that is {self.aggregate}: leave it out"
            )
        return self


def score_options(recipe: LoopRecipe) -> ScoreOptions:
    """What a recipe says of the way from scores to a query, whether its strategy reads it or not."""
    given = {name: value for name, value in recipe.options.items() if name in ScoreOptions.model_fields}
    return ScoreOptions.model_validate(given)


class WithOptions:
    """Whoever has options: takes them as keyword arguments, and keeps them, checked, as ``options``.

    Raises:
        RecipeError: there is no such option, or its value is out of range.

    >>> class Power(WithOptions):
    ...     class Options(Section):
    ...         power: float = Field(2.0, gt=0)
    >>> Power(power=3).options.power, Power().options.power
    (3.0, 2.0)
    >>> Power(powr=3)
    Traceback (most recent call last):
    ...
    ncenet.errors.RecipeError: Power has no option 'powr': did you mean 'power'? It has: power
    """

    def __init__(self, **options: Any) -> None:
        self.options = checked(type(self), options)

    @cached_property
    def options(self) -> Any:
        """The options; their defaults when the constructor of a subclass passed none on."""
        owner: Any = type(self)
        return options_of(owner)()


@cache
def options_of(factory: Any) -> type[Section]:
    """All options that a strategy has: its own ``Options``, and those of the classes it derives from.

    Args:
        factory: its class, or a function that makes it.
    """
    declared: list[type[Section]] = []
    for owner in factory.__mro__ if isinstance(factory, type) else (factory,):
        found = vars(owner).get("Options")
        if found is not None and not any(issubclass(each, _section(found)) for each in declared):
            declared.append(_section(found))
    if len(declared) == 1:
        return declared[0]
    name = f"{getattr(factory, '__name__', 'Strategy')}Options"
    return create_model(name, __base__=tuple(declared) or Section)


def checked(factory: Any, given: Mapping[str, Any], *, where: str = "", name: str = "") -> Any:
    """The options of a strategy with the given values.

    Args:
        factory: its class, or a function that makes it.
        given: values by name.
        where: what stands before a name in messages, such as ``"loop.options."``.
        name: what the strategy is called. Default: as its class is.

    Raises:
        RecipeError: there is no such option, or its value is out of range; names it.
    """
    model = options_of(factory)
    name = name or getattr(factory, "__name__", type(factory).__name__)
    for option in given:
        if option not in model.model_fields:
            place = f"{where}{option}: " if where else ""
            raise RecipeError(place + _no_such(name, option, list(model.model_fields)))
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise RecipeError("\n".join(f"{where}{explain(each)}" for each in mistakes(error))) from None


def _no_such(name: str, option: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(option, known, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    has = f"{hint}It has: {', '.join(known)}" if known else "it has none"
    return f"{name} has no option {option!r}: {has}"


def _section(declared: type[Any]) -> type[Section]:
    """Options as a section; a dataclass becomes one."""
    if issubclass(declared, Section):
        return declared
    if not dataclasses.is_dataclass(declared):
        raise TypeError(f"{declared.__qualname__} is neither a Section nor a dataclass")
    hints = get_type_hints(declared, include_extras=True)
    fields: dict[str, Any] = {
        field.name: (hints[field.name], _default(field)) for field in dataclasses.fields(declared)
    }
    return create_model(declared.__name__, __base__=Section, __doc__=declared.__doc__, **fields)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return Field(default_factory=field.default_factory)
    return ... if field.default is dataclasses.MISSING else field.default
