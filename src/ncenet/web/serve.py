"""Serving a project: from the recipe to a running page."""

from __future__ import annotations

import html
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from ncenet.data.open import open_train
from ncenet.doors import secret
from ncenet.doors.connections import bind, config, serve_at
from ncenet.doors.names import Names, is_everywhere
from ncenet.doors.public import PublicUrl
from ncenet.files import alone, write_text
from ncenet.progress import Notify
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.opening import survey
from ncenet.run.page import check_page
from ncenet.web.arrivals import Arrivals, watched
from ncenet.web.embedding import EmbeddingWork
from ncenet.web.events import Hub
from ncenet.web.project import SECOND_LOOK, Project
from ncenet.web.site import build_site, rooms, token_of_all
from ncenet.web.trainer import Trainer

_LEADS_THERE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={url}">
<title>ncenet</title>
<p><a href="{url}">To the labelling page</a></p>
"""
SERVER_LOCK = ".label.lock"
"""File by which servers of one run know of each other."""
_SERVED = (
    "another ncenet label serves this run, and two would hand out the same images. Open its page, where any "
    "number of people can label, or stop it first"
)


@dataclass(frozen=True)
class Address:
    """Where a page is.

    Attributes:
        url: with the token in it: whoever has it may label.
        file: leads there, and only its owner can read it: the command line of a browser, which every user of
            the machine can read, is to hold no token. Gone when the server has ended.
        everywhere: whether other machines reach it.
        public: the same where a proxy shows the page; None when none does. Its token is in the part that no
            server is sent, so it stands in no log.
    """

    url: str
    file: Path
    everywhere: bool
    public: str | None = None


def open_project(
    recipe: Recipe,
    folder: Path,
    *,
    you: str,
    overlap: int = 1,
    second_look: float = SECOND_LOOK,
    control: float = 0.0,
    wanted: Sequence[str] = (),
    notify: Notify | None = None,
    trains: Callable[..., Trainer] = Trainer,
    embeds: Callable[..., EmbeddingWork] = EmbeddingWork,
) -> Project:
    """Open the images and the run folder, new or begun, for people to label.

    Args:
        recipe: the whole run.
        folder: the run folder.
        you: name of an annotator who has not said theirs.
        overlap: how many annotators answer each image.
        second_look: of the answers at most this share is asked for again because a label looks wrong.
        control: of the answers this share goes to random images, to tell whether choosing is worth it.
        wanted: classes that somebody named for a run that was begun; the page offers what differs.
        notify: told of the progress of the look at every image.
        trains: makes what takes the lessons, called as :class:`ncenet.web.trainer.Trainer` is.
        embeds: makes what embeds, called as :class:`ncenet.web.embedding.EmbeddingWork` is.

    Raises:
        UsageError: another server hands out the images of this run, or they are vectors.
    """
    train = open_train(recipe)
    check_page(recipe, train.pool)
    seen = survey(recipe, folder, notify=notify, nameless=True, train=train)
    with ExitStack() as held:
        held.enter_context(alone(folder, lock=SERVER_LOCK, otherwise=_SERVED))
        run, found, title = seen.begin(notify), seen.found.scan, seen.train.name
        project = Project(
            recipe,
            folder,
            run.ledger,
            run.pool,
            found,
            title=title,
            you=you,
            overlap=overlap,
            second_look=second_look,
            control=control,
            wanted=wanted,
            trains=trains,
            embeds=embeds,
        )
        pool = watched(recipe.data.train, run.pool)
        if pool is not None and (recipe.task == "classification" or seen.train.oracle is None):
            arrivals = Arrivals(pool, project.take_in)
            held.callback(arrivals.close)
            arrivals.start()
        project.let_go = held.pop_all().close
    return project


def check_port(host: str, port: int) -> None:
    """Make sure that an address can be had, and let go of it.

    Raises:
        UsageError: it can't.
    """
    bind(host, port, "ncenet label").close()


def serve(
    *projects: Project,
    host: str,
    port: int,
    public: PublicUrl | None = None,
    ready: Callable[[Address], None] | None = None,
) -> None:
    """Serve the page, or the pages of several projects and a start page, until the process is told to stop.

    Args:
        projects: what is labelled.
        host: address to bind to.
        port: port to bind to; 0 takes a free one.
        public: where a proxy shows it, if one does.
        ready: told where it is, once it can be opened.

    Raises:
        UsageError: the address cannot be had, or the token of a run is none.
        DamagedRecord: the links of annotators can't be read.
    """
    found, everywhere = rooms(projects), is_everywhere(host)
    door = bind(host, port, "ncenet label")
    bound = door.getsockname()[1]
    names = Names.of(host, () if public is None else (public.host,))
    app = build_site(found, names=names, public=public)
    server = _Server(config(app), [project.hub for project in projects])
    shown = "127.0.0.1" if everywhere else f"[{host}]" if ":" in host else host
    token, here = token_of_all(found), f"http://{shown}:{bound}/"
    address = Address(
        f"{here}?token={token}",
        projects[0].folder / "open-page.html",
        everywhere,
        None if public is None else f"{public.url}#token={token}",
    )
    for room in found:
        site = here if public is None else public.url
        write_text(RunFolder(room.project.folder).page_address, f"{site}{room.below}\n")
    secret.write_private(address.file, _LEADS_THERE.format(url=html.escape(address.url)))
    try:
        if ready is not None:
            ready(address)
        serve_at(server, door)
    finally:
        address.file.unlink(missing_ok=True)


class _Server(uvicorn.Server):
    """Lets the pages that listen go before it waits for its answers to get through: theirs never end else."""

    def __init__(self, config: uvicorn.Config, hubs: Sequence[Hub]) -> None:
        super().__init__(config)
        self._hubs = hubs

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for hub in self._hubs:
            hub.end()
        await super().shutdown(sockets)
