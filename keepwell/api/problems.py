"""RFC 9457: what went wrong, as data, the same for every endpoint."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from keepwell.api.access.guarding import ForbiddenError, NotSignedInError
from keepwell.api.rates import TooManyError
from keepwell.api.requests_seen import request_id, route_of
from keepwell.errors import InputError, KeepwellError, NotFoundError, RefusedError
from keepwell.ingest.single import RejectedError

log = logging.getLogger("keepwell.api")
KIND = "application/problem+json"

STATUS: dict[type[KeepwellError], int] = {
    NotSignedInError: 401,
    ForbiddenError: 403,
    TooManyError: 429,
    InputError: 422,
    NotFoundError: 404,
    RefusedError: 409,
}
"""What an error of ours answers; any other is a 503 where trying again may help, else a 500."""


class Wrong(BaseModel):
    """One thing that is wrong with a request: where it stands, and what would be right."""

    place: str
    message: str


class Problem(BaseModel):
    """What went wrong. `retryable` says whether the same request may succeed later.

    `request_id` is in the log's lines about this request.
    """

    model_config = ConfigDict(extra="allow")

    title: str
    status: int
    detail: str = ""
    retryable: bool = False
    errors: list[Wrong] = []
    request_id: str = ""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a router documents of its refusals: `APIRouter(responses=problems(404, 409))`.

    What can come from every guarded endpoint is always in it: 400 for a body that is no JSON, 401, 403, 408
    for a body that comes too slowly, 413, 415, 422, 429, and 503 while the database does not answer.
    """
    said = {400: "The request cannot be read", 401: "Nobody knows who asks", 403: "Whoever asks may not",
            404: "There is no such thing", 408: "The body did not come in time",
            409: "The state it meets does not allow it",
            412: "It has changed since it was read", 413: "The body is too large",
            415: "The body is of a kind that is not taken", 422: "A value is wrong",
            429: "Too many requests; Retry-After says when", 503: "Try again later"}  # fmt: skip
    wanted = sorted({*statuses, 400, 401, 403, 408, 413, 415, 422, 429, 503})
    content = {KIND: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"model": Problem, "description": said[status], "content": content} for status in wanted}


IsPage = Callable[[Request], bool]
ErrorPage = Callable[[Request, Exception, int, str, str], Response]


def add_handlers(app: FastAPI, page_of: tuple[IsPage, ErrorPage]) -> None:
    """Answer every error with a problem, or with a page where a browser asked for one."""
    is_page, error_page = page_of

    async def handle(request: Request, error: Exception) -> Response:
        found = _of(request, error)
        if is_page(request):
            answer = error_page(request, error, found.status, found.title, found.detail)
        else:
            answer = _answer(found)
        answer.headers.update(getattr(error, "headers", None) or {})
        return answer

    for kind in (KeepwellError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, handle)


def problem(error: KeepwellError) -> JSONResponse:
    """The answer to an error of ours, for what stands before the endpoints."""
    answer = _answer(_ours(error))
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _answer(found: Problem) -> JSONResponse:
    headers = {"WWW-Authenticate": "Bearer"} if found.status == 401 else {}
    shown = found.model_dump(exclude=None if found.errors else {"errors"}) | {"request_id": request_id()}
    return JSONResponse(shown, found.status, headers=headers, media_type=KIND)


def _of(request: Request, error: Exception) -> Problem:
    match error:
        case KeepwellError():
            return _ours(error)
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            later = error.status_code in (429, 503)
            title, detail = _plain(request, error)
            return Problem(title=title, status=error.status_code, detail=detail, retryable=later)
    # The route, as the path itself may hold somebody's token.
    log.error("%s %s failed", request.method, route_of(request.scope), exc_info=error)
    return Problem(
        title="Something failed here, and it is not your request.",
        status=500,
        detail="It is in the log, under the request's id (X-Request-Id). Tell whoever runs Keepwell.",
    )


def _plain(request: Request, error: HTTPException) -> tuple[str, str]:
    """What the framework refuses, in words that help; others say it themselves."""
    match error.status_code, error.detail:
        case 404, "Not Found":
            return "There is nothing at this path.", "GET /openapi.json lists what there is."
        case 405, _:
            takes = (error.headers or {}).get("Allow", "other methods")
            return f"{request.method[:20]} is not taken at this path.", f"It takes {takes}."
        case 400, "There was an error parsing the body":
            return "The body cannot be read.", "It has to be JSON in UTF-8, and not nested too deeply."
    return str(error.detail), ""


def status_of(error: KeepwellError) -> int:
    """What an error of ours answers."""
    known = (status for kind, status in STATUS.items() if isinstance(error, kind))
    return next(known, 503 if error.retryable else 500)


def _ours(error: KeepwellError) -> Problem:
    status = status_of(error)
    place = getattr(error, "place", None)
    wrong = [Wrong(place=place, message=error.message)] if place else []
    if isinstance(error, RejectedError):
        wrong = [Wrong(place=column or "body", message=reason) for column, reason in error.wrong]
    return Problem(
        title=error.message, status=status, detail=error.hint, retryable=error.retryable, errors=wrong
    )


def _invalid(error: RequestValidationError) -> Problem:
    """What FastAPI refuses. Its own answer repeats the value, and fails where that is NaN."""
    wrong = [
        Wrong(place=".".join(str(part) for part in one["loc"]), message=one["msg"]) for one in error.errors()
    ]
    first = f"{wrong[0].place}: {wrong[0].message}"
    return Problem(title="The request is not valid.", status=422, detail=first, errors=wrong)
