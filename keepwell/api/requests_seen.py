"""Around every request: an id that is in its log lines and answer, a line in the log, and safe headers."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keepwell.api.seen import Seen
from keepwell.keys import new_id

log = logging.getLogger("keepwell.access")
ID: Final = "X-Request-Id"
_FIT: Final = re.compile(r"[A-Za-z0-9._:-]{8,64}")
"""Ids of others that are taken over: nothing that could begin a header or a line of the log."""

_request_id: ContextVar[str] = ContextVar("keepwell_request_id", default="")
_API_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_QUIET: Final = ("/health", "/ready", "/metrics", "/console/static/", "/static/")
"""Asked all the time: their lines are for debugging."""


def request_id() -> str:
    """The id of the request that is being answered; nothing outside of one."""
    return _request_id.get()


def log_request_ids() -> None:
    """Give every line of the log that a request leads to that request's id."""
    make = logging.getLogRecordFactory()
    if getattr(make, "of_keepwell", False):
        return

    def record(*args: Any, **options: Any) -> logging.LogRecord:
        made = make(*args, **options)
        if found := _request_id.get():
            made.request = found
        return made

    record.of_keepwell = True  # type: ignore[attr-defined]  # so that it is put in once
    logging.setLogRecordFactory(record)


class RequestsSeen:
    """Outermost: it sees every answer, those of other middleware too."""

    def __init__(self, app: ASGIApp, seen: Seen, *, https: bool) -> None:
        self._app = app
        self._seen = seen
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or a WebSocket on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(ID, "")
        identity = given if _FIT.fullmatch(given) else new_id()
        token = _request_id.set(identity)
        try:
            if scope["type"] == "http":
                await self._http(scope, receive, send, identity)
            else:
                await self._socket(scope, receive, send)
        finally:
            _request_id.reset(token)

    async def _http(self, scope: Scope, receive: Receive, send: Send, identity: str) -> None:
        began, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[ID] = identity
                self._add(scope, headers)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            took, route = time.perf_counter() - began, route_of(scope)
            self._seen.answered(route, scope["method"], status, took)
            level = logging.DEBUG if scope["path"].startswith(_QUIET) else logging.INFO
            state: MutableMapping[str, Any] = scope.get("state", {})
            extra = {"who": state.get("who", "-"), "address": (scope.get("client") or ("-",))[0]}
            log.log(level, "%s %s %d %.0f ms", scope["method"], route, status, took * 1000, extra=extra)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        opened = False

        async def sending(message: Message) -> None:
            nonlocal opened
            if message["type"] == "websocket.accept" and not opened:
                opened = True
                self._seen.socket_opened(route_of(scope))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            if opened:
                self._seen.socket_closed(route_of(scope))

    def _add(self, scope: Scope, headers: MutableHeaders) -> None:
        if self._https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        headers.setdefault("X-Content-Type-Options", "nosniff")
        if headers.get("content-type", "").partition(";")[0].endswith("json"):
            for name, value in _API_HEADERS.items():
                headers.setdefault(name, value)
        for name, value in scope.get("state", {}).get("rate_headers", {}).items():
            headers[name] = value


def route_of(scope: Scope) -> str:
    """The route's template: the path itself may hold somebody's token, and there are endlessly many."""
    route = scope.get("route")
    path = getattr(route, "path_format", None) or getattr(route, "path", None)
    return path if isinstance(path, str) else "(none)"
