"""What a call may fail with: the API's problem answers (RFC 9457) as exceptions."""

from __future__ import annotations

from typing import Any

from keepwell.errors import KeepwellError


class ApiError(KeepwellError):
    """The API refused, or could not do it. `message` and `hint` are its words.

    `wrong` names each value that is wrong and what would be right; `request_id` finds it in the server's log.
    """

    def __init__(self, problem: dict[str, Any], status: int) -> None:
        title = str(problem.get("title") or f"The API answered {status}.")
        super().__init__(
            title, hint=str(problem.get("detail") or ""), retryable=bool(problem.get("retryable", False))
        )
        self.status = status
        self.wrong = tuple(
            (str(one.get("place", "")), str(one.get("message", ""))) for one in problem.get("errors") or ()
        )
        self.request_id = str(problem.get("request_id") or "")
        self.problem = problem


class UnauthorizedError(ApiError):
    """The key is missing, unknown or has ended (401)."""


class ForbiddenError(ApiError):
    """The key lacks a permission (403)."""


class UnknownError(ApiError):
    """There is no such thing (404)."""


class RefusedHereError(ApiError):
    """The state that the call met does not allow it (409)."""


class ChangedError(ApiError):
    """It has changed since it was read (412)."""


class InvalidError(ApiError):
    """A value is wrong, too large or of a kind that is not taken (400, 413, 415, 422)."""


class RateLimitedError(ApiError):
    """Too many calls, also after waiting as long as was asked (429)."""


class NotReachedError(ApiError):
    """The API did not answer, or cannot just now (503); trying again later may help."""


BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: UnknownError,
    409: RefusedHereError,
    412: ChangedError,
    413: InvalidError,
    415: InvalidError,
    422: InvalidError,
    429: RateLimitedError,
    503: NotReachedError,
}
