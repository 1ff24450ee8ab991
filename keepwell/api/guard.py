"""What stands before all endpoints: how much who may send to which, and which pages may call the feed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keepwell.api.access.guarding import who_asks
from keepwell.api.door import Door
from keepwell.api.inbound import check_token
from keepwell.api.problems import KIND, Problem, problem
from keepwell.api.rates import brought, limited
from keepwell.api.requests_seen import request_id
from keepwell.errors import KeepwellError

FEED = "/api/v1/feed"
INBOUND = "/webhooks/sendgrid/inbound"
LARGEST_IMPORT = 32_000_000
STRANGERS = 65_536
"""Bytes of a body that are read before anybody has looked who sends it."""

PATIENCE = 30.0
"""Seconds in which a body has to be here whole, as long as nobody has looked who sends it."""

LIMITS: Mapping[str, int] = {
    FEED: 16_384,
    "/offers": 16_384,
    "/preferences": 16_384,
    # SendGrid sends its events in batches of up to 768 KB, and mail that comes in with up to 30 MB.
    "/webhooks/sendgrid/events": 1_048_576,
    INBOUND: 32_000_000,
    # A message of Slack's with 50 blocks comes along with a click.
    "/webhooks/slack": 1_000_000,
    "/api/v1/import": LARGEST_IMPORT,
    "/api/v1/scorecards": 1_048_576,
    "/sign-in": 16_384,
    # A thousand customers with their facts.
    "/api/": 8_388_608,
    "": STRANGERS,
}
"""Bytes of a body, by the beginning of the path."""

ASKED = ("/api/", INBOUND)
"""Where the address or the head says who sends, so that it is known before the body. Others sign it."""


TOO_LARGE = Problem(title="That is more than this takes.", status=413, detail="Send less at once.")
TOO_SLOW = Problem(
    title="The body did not come in time.", status=408, detail="Send it at once, and again.", retryable=True
)


class BodyLimit:
    """Answers 413 where more is sent than an endpoint takes, before anything of it is read or kept.

    Nor is much read of what nobody knows the sender of: the answer is then the endpoint's own, 401 or 403.
    Nor is it waited for: 408.
    """

    def __init__(self, app: ASGIApp, limits: Mapping[str, int] = LIMITS) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting its body."""
        limit = self._limit(scope)
        if limit is None:
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > limit:
            await _refuse(TOO_LARGE, scope, receive, send)
            return
        pieces: list[bytes] = []
        length, known = 0, not scope["path"].startswith(ASKED)
        until: float | None = asyncio.get_running_loop().time() + PATIENCE
        message: Message = {"type": "http.request", "more_body": True}
        # Bounded as it is it may be read whole here: what comes in pieces announces no length.
        while message.get("more_body", False):
            if not known and max(length, int(announced)) > STRANGERS:
                try:
                    await _check_sender(HTTPConnection(scope))
                except KeepwellError as error:
                    await problem(error)(scope, receive, send)
                    return
                known, until = True, None
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                await _refuse(TOO_SLOW, scope, receive, send)
                return
            if message["type"] == "http.disconnect":
                # Half a body may say something else than the whole. Nobody reads this, but the log has it.
                await _refuse(TOO_SLOW, scope, receive, send)
                return
            pieces.append(message.get("body", b""))
            length += len(pieces[-1])
            if length > limit:
                await _refuse(TOO_LARGE, scope, receive, send)
                return
        whole: list[Message] = [{"type": "http.request", "body": b"".join(pieces), "more_body": False}]
        await self._app(scope, _first(whole, receive), send)

    def _limit(self, scope: Scope) -> int | None:
        if scope["type"] != "http":
            return None
        path = scope["path"]
        return next((most for start, most in self._limits.items() if path.startswith(start)), None)


async def _check_sender(connection: HTTPConnection) -> None:
    """Look who sends a large body, before it is read.

    Raises:
        KeepwellError: nobody knows them, or they ask too often.
    """
    door: Door = connection.app.state.door
    path = connection.url.path
    if path.startswith(INBOUND):
        check_token(door, path.removeprefix(f"{INBOUND}/"))
        return
    await limited(connection)
    await run_in_threadpool(who_asks, door, *brought(connection))


def _first(waiting: list[Message], then: Receive) -> Receive:
    """Gives what was read already, and then what comes."""

    async def receive() -> Message:
        return waiting.pop(0) if waiting else await then()

    return receive


async def _refuse(why: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    body = why.model_dump(exclude={"errors"}) | {"request_id": request_id()}
    # Of a body that is not wanted any more nothing else is read: the connection ends with the answer.
    headers = {"Connection": "close"} if why is TOO_SLOW else {}
    await JSONResponse(body, why.status, headers, media_type=KIND)(scope, receive, send)


class FeedFromElsewhere:
    """Lets the pages of named origins call the feed from their browsers (CORS); no other path, no cookie."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "If-None-Match"),
            expose_headers=("ETag",),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers where the feed is asked."""
        feeds = scope["type"] == "http" and scope["path"].startswith(FEED)
        await (self._cors if feeds else self._app)(scope, receive, send)
