"""The HTTP application behind `keepwell serve`: API, console, customers' pages, widget and webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.types import ASGIApp

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
from keepwell.api.following import followed
from keepwell.api.guard import BodyLimit, FeedFromElsewhere
from keepwell.api.heads import HeadAsGet
from keepwell.api.kept import ForgetAfter
from keepwell.api.metrics import Standing
from keepwell.api.metrics import router as metrics_router
from keepwell.api.problems import add_handlers
from keepwell.api.rates import Rates, limited
from keepwell.api.rehearsing import rehearsing
from keepwell.api.requests_seen import RequestsSeen, log_request_ids
from keepwell.api.seen import Seen
from keepwell.api.sockets import live as live_sockets
from keepwell.api.strict import storable_address, strict
from keepwell.api.telling import RingAfter, beside
from keepwell.api.v1 import ROUTERS as API
from keepwell.console import ROUTERS as CONSOLE
from keepwell.console.outside import error_page, is_page, mount_static

ROUTERS: tuple[APIRouter, ...] = (
    alive.router,
    feed.router,
    feed_live.router,
    inbound.router,
    live_sockets.router,
    metrics_router,
    offers.router,
    preferences.router,
    sendgrid_events.router,
    slack.router,
    static_files.router,
    *API,
    *CONSOLE,
)


LOOKED_UP = (live_sockets.router, *API, *CONSOLE)
"""Routers whose addresses name rows of the store. Links with a token in them say themselves what is none."""


def _checks(router: APIRouter) -> list[Any]:
    """What is looked at before a router's endpoints."""
    address = [Depends(storable_address)] if router in LOOKED_UP else []
    return [*address, Depends(strict)] if router in API else address


class _Application(FastAPI):
    """What is seen of requests stands before everything, also before the answer to what nobody expected."""

    def build_middleware_stack(self) -> ASGIApp:
        door: Door = self.state.door
        https = door.settings.public_url.startswith("https://")
        return RequestsSeen(super().build_middleware_stack(), self.state.seen, https=https)


def _build_routes(app: FastAPI) -> None:
    """Build what each route takes and answers before anybody asks.

    FastAPI does so at the first request that gets as far as a route's router: the first visitor would wait a
    second or more, and everybody else meanwhile.
    """
    nowhere = {"type": "http", "method": "GET", "path": "/-/nowhere", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(dict(nowhere))


def create_app(door: Door, *, background: bool = False) -> FastAPI:
    """The application behind `keepwell serve`; with what goes on beside the answers, if asked for."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with rehearsing(door) as app.state.rehearsals:
            if not background:
                yield
                return
            await asyncio.to_thread(_build_routes, app)
            async with beside(door) as app.state.bell, followed(app, app.state.bell):
                yield

    log_request_ids()
    app = _Application(
        title="Keepwell",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        dependencies=[Depends(limited)],
    )
    app.state.door = door
    app.state.seen = Seen()
    app.state.standing = Standing(door)
    app.state.rates = Rates(door.settings)
    for router in ROUTERS:
        app.include_router(router, dependencies=_checks(router))
    mount_static(app)
    add_handlers(app, page_of=(is_page, error_page))
    app.add_middleware(FeedFromElsewhere, origins=door.settings.widget_origins)
    app.add_middleware(BodyLimit)
    app.add_middleware(RingAfter)
    app.add_middleware(ForgetAfter, kept=door.kept)
    app.add_middleware(HeadAsGet)
    return app
