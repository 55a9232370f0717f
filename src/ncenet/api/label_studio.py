"""The queries of a run at Label Studio, and the answers back."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ncenet.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from ncenet.label_studio.client import Client
    from ncenet.label_studio.exchange import Pushed
    from ncenet.labels.changes import Change
    from ncenet.run.opening import OpenRun

KEY = "LABEL_STUDIO_API_KEY"
"""Environment variable that holds the access token."""


class LabelStudio:
    """A run and a Label Studio; :meth:`ncenet.Run.label_studio` makes one.

    Args:
        run: the run.
        url: address of Label Studio.
        token: an access token. Default: that of the environment.

    Raises:
        UsageError: there is no token, or the address is none.
    """

    def __init__(self, run: OpenRun, url: str, token: str | None = None) -> None:
        from ncenet.label_studio.client import Client

        if token is None and KEY not in os.environ:
            raise UsageError(f"put an access token of {url} into the environment variable {KEY}")
        self._run, self._client = run, Client(url, os.environ[KEY] if token is None else token)

    def push(self, *, project: int | None = None, everything: bool = False) -> Pushed:
        """Make tasks of the images that are asked for; those that are tasks already stay as they are.

        Args:
            project: number of the project. Default: that of the last push, or a new one.
            everything: all images without an answer, after those of the query.

        Raises:
            UsageError: nothing was asked yet.
            DataError: the server refuses, or the project offers other classes.
        """
        from ncenet.label_studio.exchange import push

        return push(self._run, self._client, project=project, everything=everything)

    def pull(
        self,
        *,
        project: int | None = None,
        who: str | None = None,
        on_conflict: Literal["stop", "keep", "replace"] = "stop",
        dry_run: bool = False,
        left_out: Callable[[str], None] = lambda why: None,
    ) -> list[Change]:
        """Record the answers of the project.

        Args:
            project: its number. Default: that of the last push.
            who: the annotator. Default: Label Studio's name for them.
            on_conflict: images that have another answer already: stop, keep it, or replace it.
            dry_run: record nothing.
            left_out: told of each annotation that is none of the run's, and why.

        Returns:
            What each of them does.

        Raises:
            UsageError: nothing was pushed from this run, and no project is named.
            DataError: something stops it; nothing is recorded then.
        """
        return self.read(
            project=project, who=who, on_conflict=on_conflict, dry_run=dry_run, left_out=left_out
        )[0]

    def read(
        self,
        *,
        project: int | None,
        who: str | None,
        on_conflict: Literal["stop", "keep", "replace"],
        dry_run: bool,
        left_out: Callable[[str], None],
    ) -> tuple[list[Change], int]:
        """What :meth:`pull` returns, and how many answers were recorded."""
        from ncenet.label_studio.exchange import pull
        from ncenet.labels.changes import apply

        changes = pull(
            self._run, self._client, project=project, who=who, otherwise=getpass.getuser(), tell=left_out
        )
        recorded = 0 if dry_run else apply(self._run.ledger, changes, on_conflict=on_conflict)
        return changes, recorded


def serve_backend(
    run: OpenRun,
    *,
    host: str = "127.0.0.1",
    port: int = 9090,
    names: Sequence[str] = (),
    url: str | None = None,
    say: Callable[[str], None],
) -> None:
    """Be the ML backend of a Label Studio project, until it is interrupted.

    Args:
        run: the run.
        host: address to listen at. Others than this machine's own let everybody with the address in.
        port: port to listen at.
        names: further names by which Label Studio reaches this machine.
        url: address of Label Studio, which is then sent the access token of the environment. Default: nobody
            is.
        say: takes what people should know, a line at a time.

    Raises:
        UsageError: the address can't be had, there is no token, or the run was pushed elsewhere.
        MissingExtra: the extra ``web`` is not installed.
    """
    try:
        from ncenet.doors import connections
        from ncenet.label_studio.app import make_app
    except ImportError:
        raise MissingExtra("serving", "web", "10 MB") from None
    from ncenet.doors.names import Names
    from ncenet.files import alone
    from ncenet.label_studio.backend import MlBackend, backend_token
    from ncenet.loop.open import open_loop
    from ncenet.recipe import Recipe

    def train() -> None:
        with alone(run.folder, wait=True):
            loop, _ = open_loop(Recipe.load(run.files.recipe), run.folder)
            with loop.ledger:
                loop.fit()

    token = backend_token(run.folder)
    backend = MlBackend(run, train, followed_by(run.folder, url), tell=say)
    app = make_app(backend, token, Names.of(host, names))
    door = connections.bind(host, port, "ncenet serve")
    say(f"ML backend of {run.folder}, {backend.version()}; Ctrl-C stops it")
    say(f"Address for Label Studio  http://{host}:{port}/{token}")
    if url is None and KEY in os.environ:
        say(f"{KEY} goes to nobody: with `url` the project at that address follows each new model")
    connections.serve_app(app, door)


def followed_by(folder: Path, url: str | None) -> Client | None:
    """Who is sent the access token: the server that the user names, and that the run was pushed to."""
    from ncenet.label_studio.client import Client
    from ncenet.label_studio.exchange import link_of

    if url is None:
        return None
    if KEY not in os.environ:
        raise UsageError(f"`url` needs an access token of {url} in the environment variable {KEY}")
    client, pushed = Client(url, os.environ[KEY]), link_of(folder).get("url")
    if pushed is not None and pushed != client.url:
        raise UsageError(f"{folder} was pushed to {pushed}, not to {client.url}: push it there first")
    return client
