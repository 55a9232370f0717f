"""The processes of one run: one as a rule, one a GPU under ``accelerate launch`` or ``torchrun``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelerate import Accelerator, PartialState

LAUNCHED = ("LOCAL_RANK", "WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
"""Variables of the environment by which launchers tell a process that it is one of several."""


class Alone:
    """What :func:`group` says of a process that nobody launched beside others; it needs no torch."""

    is_main_process = True

    def wait_for_everyone(self) -> None:
        """Nobody is waited for."""

    @contextmanager
    def main_process_first(self) -> Iterator[None]:
        """It is first and last."""
        yield


def group() -> Alone | PartialState:
    """Whether this process is the main one of its run, and how to wait for the others."""
    launched = any(name in os.environ for name in LAUNCHED)
    return processes() if launched else Alone()


def processes() -> PartialState:
    """Which process this is, its device, and how to wait for the others.

    With ``ACCELERATE_USE_CPU=1`` several processes can also share the CPU, pointless beside a GPU and of use
    in tests; left to itself, accelerate would take such processes for as many runs.
    """
    from accelerate import PartialState

    return PartialState(cpu=os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"))


def accelerator(precision: str) -> Accelerator:
    """An accelerator of this process.

    Args:
        precision: ``"fp32"``, ``"bf16"`` or ``"fp16"``.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, is_initialized

    processes()  # decides between one process and many, before the accelerator does
    mixed = "no" if precision == "fp32" else precision
    # Accelerate holds a process to its first precision; fits of one process may differ in theirs.
    if is_initialized() and AcceleratorState().mixed_precision != mixed:
        AcceleratorState._reset_state()
    return Accelerator(mixed_precision=mixed)
