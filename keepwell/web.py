"""The HTTP application behind `keepwell serve`: API, console, customers' pages, widget and webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

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
from keepwell.api.guard import BodyLimit, FeedFromElsewhere
from keepwell.api.problems import add_handlers
from keepwell.api.telling import RingAfter, beside
from keepwell.api.v1 import ROUTERS as API
from keepwell.console import ROUTERS as CONSOLE
from keepwell.console.outside import error_page, is_page, mount_static

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
    *API,
    *CONSOLE,
)


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
    mount_static(app)
    add_handlers(app, page_of=(is_page, error_page))
    app.add_middleware(FeedFromElsewhere, origins=door.settings.widget_origins)
    app.add_middleware(BodyLimit)
    app.add_middleware(RingAfter)
    return app
