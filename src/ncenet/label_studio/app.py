"""The ML backend as a web application, and the guard at its door."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ncenet.doors import secret
from ncenet.doors.bodies import answer, refuse_long, too_long, whole
from ncenet.doors.connections import let_in
from ncenet.doors.names import Names
from ncenet.errors import NcenetError
from ncenet.label_studio.backend import MlBackend

MAX_BODY = 16_000_000
"""Bytes of a request (ours): a task takes about a thousand, and all tasks of a project may come in one."""


def make_app(backend: MlBackend, token: str, names: Names | None = None) -> ASGIApp:
    """An application whose every address is below ``/TOKEN/``.

    Args:
        backend: what answers.
        token: the secret part of the address.
        names: under which it is reached; None takes any, for tests.

    Raises:
        UsageError: the token is none.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    router = APIRouter(prefix=f"/{secret.checked_secret(token, 'the backend')}")

    @router.get("/")
    @router.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "UP", "model_class": "ncenet", "failure": backend.failure}

    @router.post("/setup")
    def setup(request: dict[str, Any]) -> dict[str, Any]:
        return backend.setup(request)

    @router.post("/predict")
    def predict(request: dict[str, Any]) -> dict[str, Any]:
        return {"results": backend.predict(request)}

    @router.get("/versions")
    def versions() -> dict[str, Any]:
        return {"versions": [backend.version()]}

    @router.post("/webhook")
    def webhook(request: dict[str, Any]) -> dict[str, Any]:
        return backend.webhook(request)._asdict()

    @app.exception_handler(NcenetError)
    def refused(_: Request, error: NcenetError) -> Response:
        return _sentence(str(error), 400)

    @app.exception_handler(UnicodeEncodeError)
    def half(_: Request, error: UnicodeEncodeError) -> Response:
        return _sentence(f"half a character is no text: {error}", 400)

    @app.exception_handler(RequestValidationError)
    def malformed(_: Request, error: RequestValidationError) -> Response:
        return _sentence(f"the request is no JSON object: {error.errors()[0]['msg']}", 422)

    app.include_router(router)
    return _Guard(app, token, names)


def _sentence(why: str, status: int) -> Response:
    """Escaped throughout: what is quoted may be half a character, which no other JSON can hold."""
    return Response(json.dumps({"error": why}), status, media_type="application/json")


class _Guard:
    """Knows the address, the names of the server, and how much is too much, before anything is read."""

    def __init__(self, app: ASGIApp, token: str, names: Names | None) -> None:
        self._app, self._token, self._names = app, token, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers, host = Headers(scope=scope), Headers(scope=scope).get("host", "")
        if not secret.same(scope["path"].split("/")[1] if "/" in scope["path"] else None, self._token):
            await answer(send, 404, "not found", {})
        elif self._names is not None and not self._names.hold(host):
            why = f"this backend is not served under the name {host[:80]!r}: start it with that name too"
            await answer(send, 421, why, {})
        elif too_long(headers, MAX_BODY):
            await refuse_long(send, MAX_BODY, {})
        else:
            let_in(scope)
            request = await whole(receive, MAX_BODY)
            if request is None:
                await refuse_long(send, MAX_BODY, {})
            else:
                await self._app(scope, request, send)
