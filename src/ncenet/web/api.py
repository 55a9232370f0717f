"""The API of the page, and the page itself.

Images are named by the hash of their bytes, never by a path: an address can lead nowhere but to an image of
the pool, and what it shows never changes, so browsers may keep it.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib import resources
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response, StreamingResponse
from starlette.exceptions import HTTPException

from ncenet.data.thumbnails import preview
from ncenet.errors import DamagedRecord, NcenetError, UnreadableImage
from ncenet.ledger.review import Said
from ncenet.section import explain
from ncenet.web.about import about
from ncenet.web.guard import who_of
from ncenet.web.messages import (
    AskForGroup,
    AskForMine,
    AskForPool,
    AskForSheet,
    AskForTurns,
    AskToSort,
    AskWhy,
    ChangeClasses,
    Message,
    NewClass,
    NewNote,
    Parcel,
    as_shown,
    deliveries,
)
from ncenet.web.project import Project

M = TypeVar("M", bound=Message)

SIDES = {"view": 1600, "sheet": 256, "original": 65_500}
"""Longest side in pixels of an image to label, of one among many, and of any that JPEG can hold."""
KEPT_PREVIEWS = 256
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}


def build_app(project: Project) -> FastAPI:
    """The application, without the guard that belongs around it.

    Args:
        project: what is labelled.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    show = lru_cache(KEPT_PREVIEWS)(lambda image, side, _hash: preview(project.pool, image, side))
    serve_pages(app, "index.html")

    def sized(fields: dict[str, Any]) -> dict[str, Any]:
        """Whatever names an image, with its note, and its size where boxes are drawn."""
        note = project.ledger.notes.of([fields["id"]]).get(fields["id"])
        known = fields | ({"note": note.text} if note is not None else {})
        return known | {"size": project.size(fields["id"])} if project.detection else known

    def answer(said: Said) -> dict[str, Any]:
        return sized(as_shown(said, detection=project.detection))

    @app.get("/images/{size}/{hash}")
    def image(size: str, hash: str) -> Response:
        item = project.ledger.review.by_hash(hash)
        if item is None or size not in SIDES:
            raise HTTPException(404, "no such image")
        if project.pool.content_hash(item.id) != item.hash:
            raise HTTPException(409, f"{item.id} changed since it was scanned: start ncenet label again")
        made = (
            preview(project.pool, item.id, SIDES[size]) if size == "original" else None
        )  # too large to keep
        data, media_type = made or show(item.id, SIDES[size], item.hash)
        return Response(
            data, media_type=media_type, headers={"cache-control": "private, max-age=31536000, immutable"}
        )

    @app.get("/api/state")
    def state(request: Request) -> Any:
        return {**project.snapshot(), "signedIn": who_of(request.scope)}

    @app.get("/api/events")
    async def events() -> StreamingResponse:
        # A proxy that gathers answers before it passes them on would hold back the news.
        unheld = {"x-accel-buffering": "no"}
        return StreamingResponse(project.hub.listen(), media_type="text/event-stream", headers=unheld)

    @app.post("/api/turns")
    def turns(request: Request, message: AskForTurns) -> Any:
        message = in_the_name_of(request, message)
        given = project.turns(message.window, message.who, message.holding, message.want)
        return {"turns": [sized({**turn.message(), "copies": project.copies(turn.id)}) for turn in given]}

    @app.post("/api/answers")
    def answers(request: Request, message: Parcel) -> Any:
        message = in_the_name_of(request, message)
        try:
            answers = deliveries(message, detection=project.detection, gate=project.size.gate())
        except NcenetError as error:
            raise HTTPException(422, str(error)) from error
        return {"outcome": project.deliver(answers)}

    @app.post("/api/classes")
    def classes(request: Request, message: NewClass) -> Any:
        message = in_the_name_of(request, message)
        return {"classes": project.add_class(message.name, message.who)}

    @app.post("/api/classes/change")
    def change_classes(request: Request, message: ChangeClasses) -> Any:
        message = in_the_name_of(request, message)
        project.change_classes(message)
        return {"classes": project.ledger.class_names()}

    @app.post("/api/sort")
    def sort(message: AskToSort) -> Any:
        if not project.finish.start(message.above, message.how):
            raise HTTPException(409, "a sort is going on already")
        return {}

    @app.get("/files/{name}")
    def file(name: str) -> Response:
        data, media_type = project.file(name)
        return Response(
            data,
            media_type=media_type,
            headers={"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
        )

    @app.post("/api/group")
    def group(request: Request, message: AskForGroup) -> Any:
        return {"group": project.group(in_the_name_of(request, message))}

    @app.post("/api/pool")
    def pool(message: AskForPool) -> Any:
        return project.browse.read(message)

    @app.post("/api/near")
    def near(message: AskWhy) -> Any:
        return {"images": project.near(message.id)}

    @app.post("/api/why")
    def why(message: AskWhy) -> Any:
        try:
            return project.reason(message.id)
        except DamagedRecord as error:
            raise HTTPException(409, f"the reasons of the model can't be read: {error}") from error

    @app.post("/api/said")
    def said(message: AskWhy) -> Any:
        found = project.ledger.review.standing(message.id)
        return {"answer": None if found is None else answer(found)}

    @app.post("/api/details")
    def details(message: AskWhy) -> Any:
        return about(project.ledger, project.pool, message.id)

    @app.post("/api/note")
    def note(request: Request, message: NewNote) -> Any:
        message = in_the_name_of(request, message)
        project.ledger.notes.write(message.id, message.text, who=message.who)
        return {}

    @app.post("/api/sheet")
    def sheet(message: AskForSheet) -> Any:
        review = project.ledger.review
        found = review.latest(
            message.limit,
            label=message.label,
            kind=message.kind,
            who=message.who,
            disputed=message.disputed,
            **({} if message.before is None else {"before": message.before}),
        )
        others = {
            said.id: [answer(other) for other in review.answers(said.id)]
            for said in found
            if message.disputed
        }
        return {"answers": [{**answer(said), "said": others.get(said.id, [])} for said in found]}

    @app.post("/api/mine")
    def mine(request: Request, message: AskForMine) -> Any:
        message = in_the_name_of(request, message)
        return {
            "answers": [answer(said) for said in project.ledger.review.recent(message.who, message.limit)]
        }

    return app


def serve_pages(app: FastAPI, first: str) -> None:
    """Have an application show a page and all that belongs to pages, and say what goes wrong in a sentence.

    Args:
        app: the application.
        first: the page at its address.
    """
    pages = {
        file.name: file.read_bytes()
        for file in (resources.files("ncenet.web") / "static").iterdir()
        if file.name.rpartition(".")[2] in MEDIA_TYPES
    }
    _explain_errors(app)

    @app.get("/")
    def page() -> Response:
        return _asset(pages, first)

    @app.get("/assets/{name}")
    def asset(name: str) -> Response:
        return _asset(pages, name)


def in_the_name_of(request: Request, message: M) -> M:
    """A message as one of the annotator whose link it came by, whoever it names."""
    who = who_of(request.scope)
    return message if who is None else message.model_copy(update={"who": who})


def _asset(pages: dict[str, bytes], name: str) -> Response:
    if name not in pages:
        raise HTTPException(404, "no such page")
    etag = hashlib.blake2b(pages[name], digest_size=8).hexdigest()
    return Response(
        pages[name],
        media_type=MEDIA_TYPES[name.rpartition(".")[2]],
        headers={"cache-control": "no-cache", "etag": f'"{etag}"'},
    )


def _explain_errors(app: FastAPI) -> None:
    """Whatever goes wrong is answered with a sentence, under ``error``."""

    @app.exception_handler(RequestValidationError)
    def malformed(_: Request, error: RequestValidationError) -> Response:
        return _sentence(explain(error.errors()[0]), 422)

    @app.exception_handler(HTTPException)
    def refused(_: Request, error: HTTPException) -> Response:
        return _sentence(str(error.detail), error.status_code)

    @app.exception_handler(UnreadableImage)
    def unreadable(_: Request, error: UnreadableImage) -> Response:
        return _sentence(str(error), 415)

    @app.exception_handler(NcenetError)
    def impossible(_: Request, error: NcenetError) -> Response:
        return _sentence(str(error), 409)

    @app.exception_handler(Exception)
    def broken(_: Request, error: Exception) -> Response:
        return _sentence(f"this is a defect: {type(error).__name__}: {error}", 500)


def _sentence(why: str, status: int) -> Response:
    """Escaped throughout: what is quoted may be half a character, which no other JSON can hold."""
    return Response(json.dumps({"error": why}), status, media_type="application/json")
