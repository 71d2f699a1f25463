"""The service's addresses."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from detect.serving.answers import Answer, Refusal, State
from detect.serving.monitor import CONTENT_TYPE
from detect.serving.page import page_of
from detect.serving.service import Service
from detect.serving.uploads import FIELD, IMAGE_TYPES

_REFUSALS = {
    400: "a damaged form, or an image that did not come whole",
    408: "the image did not come in time",
    413: "the image file is too large",
    415: "not an image",
    422: "the image cannot be read, or a parameter is wrong",
    429: "too many requests at once; Retry-After says when to try again",
    500: "the model failed on this image, or the log of decisions cannot be written",
    503: "shutting down",
    504: "no answer in time",
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "required": [FIELD],
        "properties": {FIELD: {"type": "string", "format": "binary", "description": "the image file"}},
    }
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": _FORM, **{f"image/{kind}": _BINARY for kind in IMAGE_TYPES}},
    }
}
_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"model": State, "description": "send nothing now"}}


def app_of(service: Service) -> FastAPI:
    """The application; the model's thread lives as long as it does."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    # the usual pages of documentation load scripts from other hosts
    app = FastAPI(title="detect.serve", version=_version(), docs_url=None, redoc_url=None, lifespan=lifespan)
    _add_prediction(app, service)
    _add_state(app, service)
    html, policy = page_of(service)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(html, headers={"Content-Security-Policy": policy})

    @app.exception_handler(RequestValidationError)
    async def wrong_parameter(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        refusal = service.refuse(HTTPException(422, f"{first['loc'][-1]}: {first['msg']}"), request.state.begun)
        return JSONResponse({"detail": refusal.detail}, refusal.status_code)

    @app.middleware("http")
    async def with_headers(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        request.state.begun = time.perf_counter()
        response = await answer(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


def _add_prediction(app: FastAPI, service: Service) -> None:
    responses: dict[int | str, dict[str, Any]] = {
        status: {"model": Refusal, "description": why} for status, why in _REFUSALS.items()
    }

    @app.post("/predict", responses=responses, openapi_extra=_BODY)
    async def predict(
        request: Request,
        overlay: Literal["png"] | None = Query(None, description="also draw the image with boxes and peak"),
    ) -> Answer:
        """Score, decision, boxes and peak of an image."""
        return await service.predict(request, overlay is not None)


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/health")
    async def health() -> State:
        """Whether the process lives."""
        return State(status="alive")

    @app.get("/ready", responses=_NOT_READY)
    async def ready(response: Response) -> State:
        """Whether requests should be sent here."""
        reason = service.why_not_ready()
        response.status_code = 200 if reason is None else 503
        return State(status=reason or "ready")

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Counts and times for Prometheus."""
        return Response(service.monitor.text(), media_type=CONTENT_TYPE)


def _version() -> str:
    try:
        return version("defect-localization")
    except PackageNotFoundError:
        return "unknown"
