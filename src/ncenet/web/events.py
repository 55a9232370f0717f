"""Server-sent events: the latest state of the run to every page that listens."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

SILENCE_SECONDS = 15.0
"""After so long without news a comment is sent, so that dead connections are noticed."""
LEAST_PAUSE = 0.25
"""Seconds between two states at least."""
SHARE = 0.2
"""Of the time at most this much goes into taking stock, however long that takes."""


MOST_LISTENERS = 200
"""Pages that listen at a time (ours), fewer than there are connections; with one more the first one goes."""


class Hub:
    """Takes stock after changes, not too often, and sends the outcome to all pages.

    Args:
        snapshot: makes the state; called in a thread of the hub's own.
        most: pages that listen at a time.
    """

    def __init__(self, snapshot: Callable[[], Mapping[str, Any]], *, most: int = MOST_LISTENERS) -> None:
        self._snapshot, self._most = snapshot, most
        self._changed = threading.Event()
        self._listeners: dict[asyncio.Queue[str | None], asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()
        self._over = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="hub", daemon=True)
        self._thread.start()

    def change(self) -> None:
        """Say that the state is another one now; returns at once."""
        self._changed.set()

    def end(self) -> None:
        """Let all pages go, those that come later too; returns at once."""
        self._over = True
        self._send(": the server stops\n\n")

    def close(self) -> None:
        """Take stock no more; returns when the last stock is taken."""
        self._closing.set()
        self._changed.set()
        self._thread.join()

    async def listen(self) -> AsyncIterator[str]:
        """The states from now on until the :meth:`end`, as the text of events."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=8)
        with self._lock:
            self._listeners[queue] = asyncio.get_running_loop()
            if len(self._listeners) > self._most:
                first = next(iter(self._listeners))
                self._listeners.pop(first).call_soon_threadsafe(_put, first, None)
        try:
            yield "retry: 1000\n\n"
            while not self._over:
                try:
                    news = await asyncio.wait_for(queue.get(), SILENCE_SECONDS)
                except TimeoutError:
                    news = ": still here\n\n"
                if news is None:
                    return
                yield news
        finally:
            with self._lock:
                self._listeners.pop(queue, None)

    def _watch(self) -> None:
        while self._changed.wait() and not self._closing.is_set():
            self._changed.clear()
            start = time.perf_counter()
            self._send(self.news())
            self._closing.wait(max(LEAST_PAUSE, (time.perf_counter() - start) * (1 / SHARE - 1)))

    def news(self) -> str:
        """The state as an event; what went wrong with it is told to the pages, and holds up no later one."""
        try:
            return f"data: {json.dumps(self._snapshot())}\n\n"
        except Exception as error:  # noqa: BLE001 - without this thread no page would hear of anything again
            why = f"the state of the run can't be told: {type(error).__name__}: {error}"
            return f"event: trouble\ndata: {json.dumps({'error': why})}\n\n"

    def _send(self, event: str) -> None:
        with self._lock:
            for queue, loop in self._listeners.items():
                if not loop.is_closed():
                    loop.call_soon_threadsafe(_put, queue, event)


def _put(queue: asyncio.Queue[str | None], event: str | None) -> None:
    """The newest states matter: a page that does not keep up misses older ones."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(event)
