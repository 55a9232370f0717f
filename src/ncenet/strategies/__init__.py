"""Query strategies: the rules that pick the images to label next, one file each.

``ncenet.strategies.names()`` lists them, ``get`` returns one, and ``register`` is the decorator that enters
one of your own, in a script too::

    >>> import ncenet
    >>> ncenet.strategies.get("margin").__name__
    'Margin'

A strategy sees predictions and never an oracle. Built-ins enter by being a module of this package, plug-ins
by an entry point of the group ``ncenet.strategies``; nothing of either is imported before it is asked for.
"""

from ncenet.registry import Registry
from ncenet.types import QueryStrategy

strategies: Registry[QueryStrategy] = Registry(
    "query strategy", package="ncenet.strategies", group="ncenet.strategies"
)
register, get, names = strategies.register, strategies.get, strategies.names
