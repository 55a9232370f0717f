"""Serving a project: from the recipe to a running page."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from ncenet.errors import UsageError
from ncenet.recipe import Recipe
from ncenet.run.events import Notify
from ncenet.run.opening import survey
from ncenet.web.api import build_app
from ncenet.web.events import Hub
from ncenet.web.guard import Guard, our_names, token_of
from ncenet.web.project import Project

GOODBYE_SECONDS = 1
"""How long a server that is told to stop waits for its answers to get through."""


@dataclass(frozen=True)
class Address:
    """Where a page is.

    Attributes:
        url: with the token in it: whoever has it may label.
        everywhere: whether other machines reach it.
    """

    url: str
    everywhere: bool


def open_project(
    recipe: Recipe, folder: Path, *, you: str, overlap: int = 1, notify: Notify | None = None
) -> Project:
    """Open the images and the run folder, new or begun, for people to label.

    Args:
        recipe: the whole run.
        folder: the run folder.
        you: name of an annotator who has not said theirs.
        overlap: how many annotators answer each image.
        notify: told of the progress of the look at every image.
    """
    seen = survey(recipe, folder, notify=notify)
    run, found, title = seen.begin(), seen.found.scan, seen.train.name
    return Project(recipe, folder, run.ledger, run.pool, found, title=title, you=you, overlap=overlap)


def serve(project: Project, *, host: str, port: int, ready: Callable[[Address], None] | None = None) -> None:
    """Serve the page until the process is told to stop.

    Args:
        project: what is labelled.
        host: address to bind to.
        port: port to bind to; 0 takes a free one.
        ready: told where the page is, once it can be opened.

    Raises:
        UsageError: the address cannot be had.
    """
    door = _bind(host, port)
    bound = door.getsockname()[1]
    names, everywhere = our_names(host)
    token = token_of(project.folder)
    app = Guard(
        build_app(project), token=token, hosts=names, any_address=everywhere, cookie=f"ncenet-{bound}"
    )
    server = _Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GOODBYE_SECONDS,
        ),
        project.hub,
    )
    if ready is not None:
        shown = "127.0.0.1" if everywhere else f"[{host}]" if ":" in host else host
        ready(Address(f"http://{shown}:{bound}/?token={token}", everywhere))
    server.run(sockets=[door])


class _Server(uvicorn.Server):
    """Lets the pages that listen go before it waits for its answers to get through: theirs never end else."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.end()
        await super().shutdown(sockets)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        door = socket.create_server((host, port), family=family, backlog=128)
        # Connections inherit it. Without, the body of an answer waits 40 ms for the receipt of its head.
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return door
    except OSError as error:
        raise UsageError(
            f"port {port} of {host} can't be had: {error.strerror or error}. Perhaps another ncenet label is "
            "running; --port 0 takes a free one"
        ) from error
