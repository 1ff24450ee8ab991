"""Making a call: the request, trying again where that is safe, and the answer as a value or an error."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import cache
from typing import Any, Final, Literal, TypeVar

import httpx2
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from keepwell.client.core import OMITTED, Call
from keepwell.client.errors import BY_STATUS, ApiError, NotReachedError

T = TypeVar("T")

TOO_OFTEN: Final = 429
AGAIN: Final = (TOO_OFTEN, 503)
BUSY: Final = 409
"""The first attempt may be at work still: its connection was lost, and the work was not."""

NOTHING_DONE: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
FIRST_WAIT: Final = 0.5
"""Seconds before the second attempt, where the API does not say; twice as long each time."""

LONGEST_WAIT: Final = 60.0
"""Seconds that a Retry-After is obeyed; one that asks for more ends the call."""

KEY: Final = "Idempotency-Key"


class _Attempts:
    """The attempts of one call: whether there may be another, and after how many seconds."""

    def __init__(self, request: httpx2.Request, retries: int) -> None:
        self.request = request
        self._repeatable = request.method == "GET" or KEY in request.headers
        self._left = retries
        self._wait = FIRST_WAIT

    def wait_after(self, failed: httpx2.Response | httpx2.TransportError) -> float | None:
        """Seconds to wait before the next attempt; None where this one counts."""
        if self._left <= 0 or not self._may_repeat(failed):
            return None
        self._left -= 1
        asked = _retry_after(failed) if isinstance(failed, httpx2.Response) else None
        if asked is not None:
            return asked if asked <= LONGEST_WAIT else None
        # Not all at the same moment, where many were refused at once.
        wait, self._wait = self._wait * random.uniform(0.5, 1.5), self._wait * 2
        return wait

    def _may_repeat(self, failed: httpx2.Response | httpx2.TransportError) -> bool:
        if isinstance(failed, httpx2.TransportError):
            return self._repeatable or isinstance(failed, NOTHING_DONE)
        if failed.status_code == BUSY:
            return self._repeatable and _problem(failed).get("retryable") is True
        # Who asks too often is refused before anything is done.
        return failed.status_code in AGAIN and (self._repeatable or failed.status_code == TOO_OFTEN)


class SyncSender:
    """Implements `Sends`."""

    asynchronous: Literal[False] = False

    def __init__(self, http: httpx2.Client, retries: int) -> None:
        self.http, self._retries = http, retries

    def send(self, call: Call[T]) -> T:
        """Make the call. Raises ApiError."""
        attempts = _Attempts(self.http.build_request(**_request(call)), self._retries)
        while True:
            outcome: httpx2.Response | httpx2.TransportError
            try:
                outcome = self.http.send(attempts.request)
            except httpx2.TransportError as error:
                outcome = error
            wait = attempts.wait_after(outcome)
            if wait is None:
                return _answered(call, outcome)
            time.sleep(wait)


class AsyncSender:
    """Implements `SendsAsync`."""

    asynchronous: Literal[True] = True

    def __init__(self, http: httpx2.AsyncClient, retries: int) -> None:
        self.http, self._retries = http, retries

    async def send(self, call: Call[T]) -> T:
        """Make the call. Raises ApiError."""
        attempts = _Attempts(self.http.build_request(**_request(call)), self._retries)
        while True:
            outcome: httpx2.Response | httpx2.TransportError
            try:
                outcome = await self.http.send(attempts.request)
            except httpx2.TransportError as error:
                outcome = error
            wait = attempts.wait_after(outcome)
            if wait is None:
                return _answered(call, outcome)
            await asyncio.sleep(wait)


def _request(call: Call[Any]) -> dict[str, Any]:
    headers = {name: value for name, value in call.headers.items() if value is not None}
    if call.keyed:
        headers.setdefault(KEY, _own_id(call.body) or uuid.uuid4().hex)
    made: dict[str, Any] = {"method": call.method, "url": call.path, "headers": headers}
    made["params"] = {name: _plain(value) for name, value in call.query.items() if value is not None}
    if call.body is not OMITTED:
        made["json"] = _given(call.body)
    return made


def _own_id(body: Any) -> str | None:
    """The id of a command that is told to many: the key has to be the same."""
    command = body.get("command") if isinstance(body, dict) else None
    given = command.get("id") if isinstance(command, dict) else getattr(command, "id", None)
    return given if isinstance(given, str) else None


def _given(body: Any) -> Any:
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if value is not OMITTED}
    if isinstance(body, BaseModel):
        return body.model_dump(mode="json", exclude_unset=True)
    return to_jsonable_python(body)


def _plain(value: Any) -> Any:
    """A parameter as the API reads it."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date | datetime) else value


def _answered(call: Call[T], outcome: httpx2.Response | httpx2.TransportError) -> T:
    if isinstance(outcome, httpx2.TransportError):
        problem = {"title": f"The API was not reached: {outcome}", "retryable": True}
        raise NotReachedError(problem, 0) from outcome
    if not outcome.is_success:
        raise _error(outcome)
    if call.answer is None:
        return None  # type: ignore[return-value]  # such a call is a Call[None]
    if call.answer is str:
        return outcome.text  # type: ignore[return-value]
    try:
        made: T = _adapter(call.answer).validate_json(outcome.content)
    except ValidationError as error:
        raise ApiError(_unlike(error), outcome.status_code) from error
    return made


def _unlike(error: ValidationError) -> dict[str, Any]:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return {
        "title": "The API's answer is not what this client expects.",
        "detail": f"At {place or 'its beginning'}: {first['msg']}. The client and the Keepwell that answers "
        "are of different versions, or something else answers at this address: use that Keepwell's client.",
    }


def _error(answer: httpx2.Response) -> ApiError:
    return BY_STATUS.get(answer.status_code, ApiError)(_problem(answer), answer.status_code)


def _problem(answer: httpx2.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _retry_after(answer: httpx2.Response) -> float | None:
    text = answer.headers.get("retry-after", "")
    if text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return max(0.0, at.timestamp() - time.time())
