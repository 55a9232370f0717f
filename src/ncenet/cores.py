"""How many cores and threads this process may use: in a container, or when told so, not all there are."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Cores that this process may use: those it is pinned to, or those its container may spend.

    >>> available_cores() >= 1
    True
    """
    from joblib import cpu_count

    return int(cpu_count())


def available_threads(processes: int = 1) -> int:
    """Threads for each of so many processes: its share of the cores, and no more than OMP_NUM_THREADS.

    Args:
        processes: that work at the same time, at least 1.

    >>> available_threads(available_cores())
    1
    """
    threads = max(1, available_cores() // processes)
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # of nested levels the first
    return min(threads, int(wanted)) if wanted.isdecimal() and int(wanted) else threads
