"""Several projects under one address: each below a path of its own, and a start page that leads to them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from fastapi import FastAPI
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ncenet.doors.annotators import Annotators
from ncenet.doors.names import Names
from ncenet.doors.public import PublicUrl
from ncenet.web.api import build_app, serve_pages
from ncenet.web.guard import Guard, token_of
from ncenet.web.project import Project

_TAKEN = ("assets", "api")
"""Paths of the start page itself."""


class ServedProject(NamedTuple):
    """A project and where it is.

    Attributes:
        path: below the address of the site, without slashes; "" of the only one.
        token: opens it.
        project: what is labelled there.
    """

    path: str
    token: str
    project: Project

    @property
    def below(self) -> str:
        """What comes after the address of the site."""
        return f"{self.path}/" if self.path else ""


def rooms(projects: Sequence[Project]) -> list[ServedProject]:
    """Where projects are: the only one at the address itself, several below their names.

    Raises:
        UsageError: a file holds no token.
    """
    if len(projects) == 1:
        return [ServedProject("", token_of(projects[0].folder), projects[0])]
    names = steps_of(project.folder.resolve().name for project in projects)
    return [
        ServedProject(path, token_of(project.folder), project)
        for path, project in zip(names, projects, strict=True)
    ]


def steps_of(names: Iterable[str]) -> list[str]:
    """Distinct steps of an address for names of folders.

    >>> steps_of(["pets", "my cars", "pets", "api"])
    ['pets', 'my-cars', 'pets-2', 'api-2']
    """
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-") or "run"
        path, n = plain, 2
        while path in found or path in _TAKEN:
            path, n = f"{plain}-{n}", n + 1
        found.append(path)
    return found


def token_of_all(rooms: Sequence[ServedProject]) -> str:
    """What opens the start page, from which all projects are reached; the same after a restart."""
    if len(rooms) == 1:
        return rooms[0].token
    return hashlib.sha256("\n".join(sorted(room.token for room in rooms)).encode()).hexdigest()


def build_site(rooms: Sequence[ServedProject], *, names: Names, public: PublicUrl | None) -> ASGIApp:
    """The application with all its guards.

    Args:
        rooms: the projects.
        names: under which the site is reached.
        public: where a proxy shows it, if one does.

    Raises:
        DamagedRecord: the links of annotators can't be read.
    """
    guarded: dict[str, ASGIApp] = {}
    for room in rooms:
        links = Annotators(room.project.folder)
        links.links()  # whoever starts the page hears of a damaged file
        app = build_app(room.project)
        guarded[room.path] = Guard(app, token=room.token, names=names, public=public, annotators=links)
    if len(rooms) == 1:
        return guarded[rooms[0].path]
    start = Guard(_start(rooms), token=token_of_all(rooms), names=names, public=public)
    return _Site(start, guarded, public)


class _Site:
    """Leads each request to its project; the others are about the start page."""

    def __init__(self, start: ASGIApp, guarded: Mapping[str, ASGIApp], public: PublicUrl | None) -> None:
        self._start, self._guarded, self._public = start, guarded, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        inside = scope if self._public is None or scope["type"] != "http" else self._public.within(scope)
        step, slash, rest = ("" if inside is None else inside.get("path", "")[1:]).partition("/")
        app = self._guarded.get(step)
        if inside is None or app is None:
            await self._start(scope, receive, send)
        elif not slash:
            query = scope["query_string"].decode("latin-1")
            to = quote(step) + "/" + (f"?{query}" if query else "")
            await RedirectResponse(to, 308)(scope, receive, send)
        else:
            path = f"/{rest}"
            await app({**inside, "path": path, "raw_path": path.encode()}, receive, send)


def _start(rooms: Sequence[ServedProject]) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/api/projects")
    def projects() -> Any:
        return {"projects": [_told(room) for room in rooms]}

    serve_pages(app, "start.html")
    return app


def _told(room: ServedProject) -> dict[str, Any]:
    ledger = room.project.ledger
    return {
        "link": f"{room.below}#token={room.token}",
        "title": room.project.title,
        "folder": str(room.project.folder),
        "classes": ledger.class_names(),
        "images": ledger.review.readable(),
        "answered": len(ledger.closed_ids()),
    }
