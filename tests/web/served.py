"""An application behind a real server, on a port of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from ncenet.doors.connections import bind, config


@contextmanager
def serving(app, limits=None) -> Iterator[int]:
    """The port."""
    server = uvicorn.Server(config(app, limits))
    door = bind("127.0.0.1", 0, "test")
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield door.getsockname()[1]
    server.should_exit = True
    thread.join()
    door.close()
