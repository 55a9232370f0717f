"""The processes of one run: one as a rule, one a GPU under ``accelerate launch`` or ``torchrun``."""

from __future__ import annotations

import os

from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState, is_initialized


def processes() -> PartialState:
    """Which process this is, its device, and how to wait for the others.

    With ``ACCELERATE_USE_CPU=1`` several processes can also share the CPU, pointless beside a GPU and of use
    in tests; left to itself, accelerate would take such processes for as many runs.
    """
    return PartialState(cpu=os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"))


def accelerator(precision: str) -> Accelerator:
    """An accelerator of this process.

    Args:
        precision: ``"fp32"``, ``"bf16"`` or ``"fp16"``.
    """
    processes()  # decides between one process and many, before the accelerator does
    mixed = "no" if precision == "fp32" else precision
    # Accelerate holds a process to its first precision; fits of one process may differ in theirs.
    if is_initialized() and AcceleratorState().mixed_precision != mixed:
        AcceleratorState._reset_state()
    return Accelerator(mixed_precision=mixed)
