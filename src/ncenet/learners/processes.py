"""The processes of one run: one as a rule, one a GPU under ``accelerate launch`` or ``torchrun``."""

from __future__ import annotations

import os

from accelerate import PartialState


def processes() -> PartialState:
    """Which process this is, its device, and how to wait for the others.

    With ``ACCELERATE_USE_CPU=1`` several processes can also share the CPU, pointless beside a GPU and of use
    in tests; left to itself, accelerate would take such processes for as many runs.
    """
    return PartialState(cpu=os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"))
