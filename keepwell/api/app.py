"""The HTTP application: routers, and answers to what goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from keepwell import __version__
from keepwell.api import (
    alive,
    feed,
    feed_live,
    inbound,
    offers,
    preferences,
    sendgrid_events,
    slack,
    static_files,
)
from keepwell.api.door import Door
from keepwell.api.feed_access import NoAccessError
from keepwell.api.guard import BodyLimit, FeedFromElsewhere
from keepwell.api.telling import RingAfter, beside
from keepwell.errors import InputError, KeepwellError, NotFoundError, RefusedError

ROUTERS: tuple[APIRouter, ...] = (
    alive.router,
    feed.router,
    feed_live.router,
    inbound.router,
    offers.router,
    preferences.router,
    sendgrid_events.router,
    slack.router,
    static_files.router,
)

STATUS: dict[type[KeepwellError], int] = {
    NoAccessError: 401,
    InputError: 422,
    NotFoundError: 404,
    RefusedError: 403,
}
"""What an error of ours answers; any other is a 503 where trying again may help, else a 500."""


def create_app(door: Door, *, background: bool = False) -> FastAPI:
    """The application behind `keepwell serve`; with what goes on beside the answers, if asked for."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if not background:
            yield
            return
        async with beside(door) as app.state.bell:
            yield

    app = FastAPI(title="Keepwell", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.door = door
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(KeepwellError, _problem)
    app.add_middleware(FeedFromElsewhere, origins=door.settings.widget_origins)
    app.add_middleware(BodyLimit)
    app.add_middleware(RingAfter)
    return app


async def _problem(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
    """RFC 9457: what went wrong, as data."""
    assert isinstance(error, KeepwellError)  # noqa: S101  (registered for nothing else)
    known = (status for kind, status in STATUS.items() if isinstance(error, kind))
    status = next(known, 503 if error.retryable else 500)
    body = {"title": error.message, "status": status, "detail": error.hint, "retryable": error.retryable}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
