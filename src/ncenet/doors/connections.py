"""Connections: how many there are, and how long one may take to say what it wants.

Whoever connects and says nothing, or a byte a minute, or doesn't read the answer, holds a place that somebody
else needs. Each of them is given some time. When places run out, the stranger that has had one for longest
loses it: a request that an application has let in, as one with the right token, never does.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from ncenet.errors import UsageError

BACKLOG = 100
"""Connections that are accepted in one go; with :attr:`Limits.most` they stay below 1,024 open files."""
GOODBYE_SECONDS = 1
"""How long a server that is told to stop waits for its answers to get through."""
TICK_SECONDS = 0.2
_LET_IN = "ncenet.let_in"


@dataclass(frozen=True)
class Limits:
    """What a server gives to whoever connects.

    Attributes:
        most: connections at a time (ours): a browser has six at most, and a process often 1,024 open files.
        request_seconds: from the first byte to the last of a request; from the connection on for its first.
        stall_seconds: how long a reader may take no byte of its answer.
    """

    most: int = 400
    request_seconds: float = 30.0
    stall_seconds: float = 60.0


def bind(host: str, port: int, command: str) -> socket.socket:
    """A socket that listens.

    Args:
        host: address to bind to.
        port: port to bind to; 0 takes a free one.
        command: what wants it, for the message.

    Raises:
        UsageError: the address can't be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        door = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise UsageError(
            f"port {port} of {host} can't be had: {error.strerror or error}. Perhaps another {command} is "
            "running; `port` takes another one"
        ) from error
    # Connections inherit it. Without, the body of an answer waits 40 ms for the receipt of its head.
    door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return door


def config(app: ASGIApp, limits: Limits | None = None) -> uvicorn.Config:
    """How a server of ours serves an application: patient within limits, and quiet."""
    given = limits or Limits()
    strangers: dict[Connection, None] = {}

    class Ours(Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(given, strangers, *arguments, **options)

    return uvicorn.Config(
        app,
        http=Ours,
        ws="none",
        lifespan="off",
        log_level="error",  # a warning a request that is none would fill any log
        access_log=False,
        server_header=False,
        proxy_headers=False,  # a proxy is named on the command line, and not by whoever sends
        backlog=BACKLOG,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )


def serve_app(app: ASGIApp, door: socket.socket) -> None:
    """Serve an application at a socket until the process is told to stop."""
    serve_at(uvicorn.Server(config(app)), door)


def serve_at(server: uvicorn.Server, door: socket.socket) -> None:
    """Have a server serve at a socket until it is told to stop, or the caller is interrupted.

    Where a loop runs in this thread already, as in a notebook, the server has a thread of its own.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        server.run(sockets=[door])
        return
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(TICK_SECONDS)  # without an end it could not be interrupted everywhere
    finally:
        server.should_exit = True
        thread.join()


def let_in(scope: Scope) -> None:
    """Say that whoever made a request is no stranger; lasts until it is answered."""
    welcome = scope.get("state", {}).get(_LET_IN)
    if welcome is not None:
        welcome()


class Connection(H11Protocol):
    """One connection.

    Args:
        limits: what it may take.
        strangers: those of the server that nobody has let in, the longest there first.
        arguments: what uvicorn gives.
    """

    def __init__(
        self, limits: Limits, strangers: dict[Connection, None], *arguments: Any, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._limits, self._strangers = limits, strangers
        self._patience: asyncio.TimerHandle | None = None
        self.app_state = {**self.app_state, _LET_IN: lambda: self._strangers.pop(self, None)}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a place, if need be that of the stranger who has been there for longest."""
        super().connection_made(transport)
        self._strangers[self] = None
        self._wait(self._limits.request_seconds)
        if len(self.connections) > self._limits.most:
            next(iter(self._strangers)).drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._strangers.pop(self, None)
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a request must be whole in time."""
        waits = self._patience is not None  # what belongs to a request gives it no more time
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._wait(None)
        elif not waits:
            self._wait(self._limits.request_seconds)

    def on_response_complete(self) -> None:
        """Wait for another request; for how long, uvicorn says."""
        self._strangers.setdefault(self, None)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The reader has stopped reading."""
        super().pause_writing()
        self._wait(self._limits.stall_seconds)

    def resume_writing(self) -> None:
        """The reader goes on."""
        super().resume_writing()
        self._wait(None)

    def drop(self) -> None:
        """End it without a word."""
        self._strangers.pop(self, None)
        self.transport.abort()

    def _wait(self, seconds: float | None) -> None:
        """Drop it after so long, unless something happens; None waits for ever."""
        if self._patience is not None:
            self._patience.cancel()
        self._patience = None if seconds is None else self.loop.call_later(seconds, self.drop)
