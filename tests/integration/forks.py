"""Processes that do some work and may be killed: forks, so that modules are imported once."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path


def forked(work: Callable[[], object]) -> int:
    """Process number of a fork that does the work, silently."""
    child = os.fork()
    if child == 0:
        try:
            with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
                work()
        except BaseException as error:  # noqa: BLE001 - a fork must not return into its parent's loop
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return child


def ended(child: int) -> int:
    """Its exit code; that of a signal is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
