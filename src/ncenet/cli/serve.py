"""``ncenet serve``: answers other programs ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.cli.flags import as_typed
from ncenet.console import plain_console
from ncenet.errors import UsageError


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
    from ncenet.api.label_studio import serve_backend as serve_backend
    from ncenet.run.opening import open_run

    console = plain_console()
    with open_run(folder) as run:
        serve_backend(
            run, host=host, port=port, names=name, url=url, say=lambda text: console.print(as_typed(text))
        )
