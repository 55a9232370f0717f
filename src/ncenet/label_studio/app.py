"""The ML backend as a web application."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from ncenet.errors import NcenetError
from ncenet.label_studio.backend import Backend


def make_app(backend: Backend, token: str) -> FastAPI:
    """An application whose every address is below ``/TOKEN/``.

    Args:
        backend: what answers.
        token: the secret part of the address.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    router = APIRouter(prefix=f"/{token}")

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
        return {"recorded": backend.webhook(request)}

    @app.exception_handler(NcenetError)
    def refused(request: Request, error: NcenetError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_code=400)

    app.include_router(router)
    return app
