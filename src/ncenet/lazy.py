"""Names of a module that are imported when they are asked for: torch and scikit-learn take seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def attach(
    module: str, homes: Mapping[str, Sequence[str]], *, modules: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a module that shows what is at home elsewhere.

    Args:
        module: the module's ``__name__``.
        homes: names by the module of ncenet that they come from.
        modules: modules of ncenet that it shows whole, under the last part of their names.

    >>> find, names = attach("ncenet.lazy", {"errors": ["UsageError"]})
    >>> find("UsageError").__module__, "UsageError" in names()
    ('ncenet.errors', True)
    >>> find("opne")
    Traceback (most recent call last):
    ...
    AttributeError: module 'ncenet.lazy' has no attribute 'opne'
    """
    home_of = {name: home for home, names in homes.items() for name in names}
    whole = {name.rpartition(".")[2]: name for name in modules}

    def find(name: str) -> Any:
        if name in whole:
            return import_module(f"ncenet.{whole[name]}")
        if name in home_of:
            return getattr(import_module(f"ncenet.{home_of[name]}"), name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(sys.modules[module]), *home_of, *whole})

    return find, names
