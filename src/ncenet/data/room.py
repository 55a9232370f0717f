"""Room for work that takes memory: what all threads of a process have in hand at once is bounded."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """Lets work in as long as there is room for it; what is larger than the room goes in alone.

    Args:
        size: in whatever unit the work is measured.

    >>> room = Room(10)
    >>> with room.of(8), room.of(2):
    ...     room.taken
    10
    """

    def __init__(self, size: int) -> None:
        self.size, self.taken = size, 0
        self._changed = threading.Condition()
        if hasattr(os, "register_at_fork"):  # a child has none of the threads that would leave
            os.register_at_fork(after_in_child=self._empty)

    @contextmanager
    def of(self, size: int) -> Iterator[None]:
        """Wait until there is room, and have it while the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self.taken or self.taken + size <= self.size)
            self.taken += size
        try:
            yield
        finally:
            with self._changed:
                self.taken -= size
                self._changed.notify_all()

    def _empty(self) -> None:
        self.taken, self._changed = 0, threading.Condition()
