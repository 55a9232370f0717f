"""``ncenet serve``: answers other programs ask for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.cli.console import plain_console
from ncenet.cli.label_studio import KEY
from ncenet.errors import MissingExtra, UsageError
from ncenet.recipe import Recipe

if TYPE_CHECKING:
    from ncenet.label_studio.client import Client


def serve(
    folder: Path,
    /,
    *,
    label_studio: Annotated[bool, Parameter(negative=())] = False,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))] = 9090,
    name: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = (),
    url: str | None = None,
) -> None:
    """Be the ML backend of a Label Studio project: its next task follows our scores, answers come at once.

    Give the address that it prints to the project, under Settings, Model. Its button Start Training trains on
    the answers there are. With --url and an access token in the environment variable LABEL_STUDIO_API_KEY,
    the project that `ncenet label-studio push` made follows each new model by itself.

    For example: `ncenet serve runs/pets --label-studio`

    Args:
        folder: Run folder.
        label_studio: Speak Label Studio's protocol, the only one there is.
        host: Address to listen at. Others than this machine's own let everybody with the address in.
        port: Port to listen at.
        name: Further names by which Label Studio reaches this machine, such as host.docker.internal.
        url: Address of Label Studio, which is then sent the access token. Default: nobody is.
    """
    if not label_studio:
        raise UsageError("say for whom: --label-studio")
    try:
        from ncenet.doors import connections
        from ncenet.label_studio.app import make_app
    except ImportError:
        raise MissingExtra("serving", "web", "10 MB") from None
    from ncenet.doors.names import Names
    from ncenet.label_studio.backend import Backend, token_of
    from ncenet.run.opening import open_run

    def train() -> None:
        from ncenet.files import alone
        from ncenet.loop.open import open_loop

        with alone(folder, wait=True):
            loop, _ = open_loop(Recipe.load(run.files.recipe), folder)
            with loop.ledger:
                loop.fit()

    with open_run(folder) as run:
        token = token_of(folder)
        console = plain_console()
        backend = Backend(run, train, _client(folder, url), tell=console.print)
        app = make_app(backend, token, Names.of(host, name))
        door = connections.bind(host, port, "ncenet serve")
        console.print(f"ML backend of {folder}, {backend.version()}; Ctrl-C stops it")
        console.print(f"Address for Label Studio  http://{host}:{port}/{token}")
        if url is None and KEY in os.environ:
            console.print(f"{KEY} goes to nobody: --url ADDRESS has the project there follow each new model")
        connections.run(app, door)


def _client(folder: Path, url: str | None) -> Client | None:
    """Who is sent the access token: the server that the user names, and that the run was pushed to."""
    from ncenet.label_studio.client import Client
    from ncenet.label_studio.exchange import link_of

    if url is None:
        return None
    if KEY not in os.environ:
        raise UsageError(f"--url needs an access token of {url} in the environment variable {KEY}")
    client, pushed = Client(url, os.environ[KEY]), link_of(folder).get("url")
    if pushed is not None and pushed != client.url:
        raise UsageError(f"{folder} was pushed to {pushed}, not to {client.url}: push it there first")
    return client
