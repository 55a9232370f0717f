"""Parts that a caller gave as objects: what stands in a recipe in the place of their names.

``model.backbone: given:Net`` says that the network was a module of the caller's own, of class ``Net``. Such a
run goes on when the part is given again, and says so when it is not.
"""

from __future__ import annotations

from typing import NoReturn

from ncenet.errors import UsageError

PREFIX = "given:"


def name_of(part: object) -> str:
    """What a recipe calls a part that is an object.

    >>> name_of(1.5)
    'given:float'
    """
    return PREFIX + type(part).__name__


def is_given(name: str) -> bool:
    """Whether a name stands for an object.

    >>> is_given("given:Net"), is_given("resnet18")
    (True, False)
    """
    return name.startswith(PREFIX)


def missing(name: str, parameter: str) -> NoReturn:
    """Say that a part is not there now.

    Args:
        name: what the recipe calls it.
        parameter: of :func:`ncenet.open`, by which it was given.

    Raises:
        UsageError: always.
    """
    raise UsageError(
        f"this run was begun with an object, {name.removeprefix(PREFIX)}, that is in no file: give it again, "
        f"as {parameter}= of ncenet.open"
    )
