"""Arms against each other over the same seeds: run them, read them, say what can be said.

The package can be called: ``ncenet.compare(comparison, folder)`` is
:func:`ncenet.api.simulations.compare`, which a package of the same name would hide otherwise.

>>> import ncenet
>>> ncenet.compare(ncenet.Comparison(arms=[{"name": "NCE"}], seeds=[0]), "runs/x", arms=["NEC"])
Traceback (most recent call last):
...
ncenet.errors.UnknownName: unknown arm 'NEC': did you mean 'NCE'? known: NCE
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from ncenet.compare.comparison import Arm, Comparison
from ncenet.compare.read import read_comparison, read_run
from ncenet.compare.records import Curve, Results, RunResults
from ncenet.compare.trials import run

__all__ = ["Arm", "Comparison", "Curve", "Results", "RunResults", "read_comparison", "read_run", "run"]


class _Callable(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        from importlib import import_module

        return import_module("ncenet.api.simulations").compare(*args, **options)


sys.modules[__name__].__class__ = _Callable
