"""``ncenet serve``: answers other programs ask for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.cli.console import plain_console
from ncenet.cli.label_studio import KEY
from ncenet.errors import MissingExtra, UsageError
from ncenet.recipe import Recipe


def serve(
    folder: Path,
    /,
    *,
    label_studio: Annotated[bool, Parameter(negative=())] = False,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))] = 9090,
) -> None:
    """Be the ML backend of a Label Studio project: its next task follows our scores, answers come at once.

    Give the address that it prints to the project, under Settings, Model. Its button Start Training trains on
    the answers there are. With an access token in the environment variable LABEL_STUDIO_API_KEY, the project
    that `ncenet label-studio push` made follows each new model by itself.

    For example: `ncenet serve runs/pets --label-studio`

    Args:
        folder: Run folder.
        label_studio: Speak Label Studio's protocol, the only one there is.
        host: Address to listen at. Others than this machine's own let everybody with the address in.
        port: Port to listen at.
    """
    if not label_studio:
        raise UsageError("say for whom: --label-studio")
    try:
        import uvicorn

        from ncenet.label_studio.app import make_app
    except ImportError:
        raise MissingExtra("serving", "web", "10 MB") from None
    from ncenet.label_studio.backend import Backend, token_of
    from ncenet.label_studio.client import Client
    from ncenet.label_studio.exchange import link_of
    from ncenet.run.opening import open_run

    def train() -> None:
        from ncenet.files import alone
        from ncenet.loop.open import open_loop

        with alone(folder, wait=True):
            loop, _ = open_loop(Recipe.load(folder / "recipe.yaml"), folder)
            with loop.ledger:
                loop.fit()

    with open_run(folder) as run:
        token, link = token_of(folder), link_of(folder)
        known = KEY in os.environ and "url" in link
        backend = Backend(run, train, Client(link["url"], os.environ[KEY]) if known else None)
        console = plain_console()
        console.print(f"ML backend of {folder}, {backend.version()}; Ctrl-C stops it")
        console.print(f"Address for Label Studio  http://{host}:{port}/{token}")
        uvicorn.run(make_app(backend, token), host=host, port=port, log_level="warning")
