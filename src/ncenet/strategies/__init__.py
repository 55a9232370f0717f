"""Query strategies: the rules that pick the images to label next, one file each.

``ncenet.strategies.names()`` lists them, ``get`` returns one, ``describe`` says what it does and which
options it has, and ``register`` is the decorator that enters one of your own, in a script too::

    >>> import ncenet
    >>> ncenet.strategies.get("margin").__name__
    'Margin'
    >>> ncenet.strategies.describe("vaal").options["steps"]
    ('300', 'Optimizer steps of the models that it trains in each query.')

A strategy sees predictions and never an oracle. Built-ins enter by being a module of this package, plug-ins
by an entry point of the group ``ncenet.strategies``; nothing of either is imported before it is asked for.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import NamedTuple

from ncenet.registry import Registry
from ncenet.types import QueryStrategy

strategies: Registry[QueryStrategy] = Registry(
    "query strategy", package="ncenet.strategies", group="ncenet.strategies"
)
register, get, names = strategies.register, strategies.get, strategies.names


class Described(NamedTuple):
    """A strategy in words.

    Attributes:
        name: what it is called.
        what: what it does, from what source, and when it helps.
        needs: what of a prediction it reads.
        options: default and meaning of each option, by name.
    """

    name: str
    what: str
    needs: tuple[str, ...]
    options: Mapping[str, tuple[str, str]]


def describe(name: str) -> Described:
    """What a strategy does, and the options that ``loop.options`` of a recipe may name.

    Raises:
        UnknownName: there is none of that name.
    """
    from ncenet.strategies.options import options_of

    factory = strategies.get(name)
    fields = strategies.use(name, options_of).model_fields
    return Described(
        name,
        (inspect.getdoc(factory) or "").partition("\n\nArgs:")[0],
        tuple(sorted(strategies.use(name, lambda make: make().needs))),
        {option: (str(field.default), field.description or "") for option, field in fields.items()},
    )
