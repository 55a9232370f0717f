"""Query strategies: the rules that pick the images to label next, one file each.

A strategy sees predictions and never an oracle. Built-ins enter by being a module of this package, plug-ins
by an entry point of the group ``ncenet.strategies``; nothing of either is imported before it is asked for.
"""

from ncenet.registry import Registry
from ncenet.types import QueryStrategy

strategies: Registry[QueryStrategy] = Registry(
    "query strategy", package="ncenet.strategies", group="ncenet.strategies"
)
