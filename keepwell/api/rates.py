"""How often somebody may ask: a moving minute per account or key, and per address before anybody is known.

Counted in this process's memory: with several processes each counts for itself.
"""

from __future__ import annotations

import time
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.exceptions import WebSocketException
from starlette.requests import HTTPConnection

from keepwell.api.cookies import session_token
from keepwell.db.repositories.keys_and_sessions import Caller, hashed
from keepwell.errors import KeepwellError
from keepwell.settings import Settings

EXEMPT: Final = ("/health", "/ready", "/metrics", "/webhooks/", "/static/", "/widget.js")
"""Asked by machines that do not slow down: load balancers, scrapers, providers (who sign what they send)."""

SIGNING_IN: Final = frozenset(
    {("POST", "/sign-in"), ("GET", "/sign-in/oidc/callback"), ("POST", "/api/v1/me/password")}
)
KNOWN_FOR: Final = 600.0
"""Seconds for which a key or cookie that let somebody in costs its address nothing."""

MOST_KNOWN: Final = 50_000
TRY_AGAIN: Final = 1013


class TooManyError(KeepwellError):
    """Somebody asks too often (429). `headers` say when to come again."""

    retryable = True

    def __init__(self, message: str, *, hint: str, headers: dict[str, str]) -> None:
        super().__init__(message, hint=hint)
        self.headers = headers


class Rates:
    """The counts of one application."""

    def __init__(self, settings: Settings) -> None:
        self._counts = MovingWindowRateLimiter(MemoryStorage())
        self._limits = {
            name: RateLimitItemPerMinute(number) if number else None
            for name, number in (
                ("caller", settings.rate_caller),
                ("address", settings.rate_address),
                ("sign-in", settings.rate_sign_in),
            )
        }
        self._known: dict[str, tuple[float, str]] = {}

    def count(self, connection: HTTPConnection, name: str, whose: str) -> None:
        """Count a request, and note what its answer says of it.

        Raises:
            TooManyError: the minute is full.
        """
        limit = self._limits[name]
        if limit is None:
            return
        fits = self._counts.hit(limit, name, whose)
        left = self._counts.get_window_stats(limit, name, whose)
        wait = max(1, ceil(left.reset_time - time.time()))
        headers = {
            "RateLimit-Policy": f'"{name}";q={limit.amount};w=60',
            "RateLimit": f'"{name}";r={max(left.remaining, 0)};t={wait}',
        }
        connection.scope.setdefault("state", {})["rate_headers"] = headers
        if not fits:
            raise TooManyError(
                f"Too many requests: {limit.amount} a minute are taken.",
                hint=f"Come again in {wait} s.",
                headers={"Retry-After": str(wait)},
            )

    def known(self, token: str) -> str:
        """Whom this key or cookie let in lately; "" for nobody."""
        until, whose = self._known.get(hashed(token), (0.0, ""))
        return whose if until > time.monotonic() else ""

    def let_in(self, connection: HTTPConnection, caller: Caller, token: str) -> None:
        """Somebody is known now: count for them, unless that was done as they came in.

        Raises:
            TooManyError: their minute is full.
        """
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        whose = caller.account_id or caller.key_id or ""
        self._known[hashed(token)] = time.monotonic() + KNOWN_FOR, whose
        state = connection.scope.setdefault("state", {})
        state["who"] = whose
        if state.get("counted") != whose:
            self.count(connection, "caller", whose)

    def forget(self, token: str) -> None:
        """It lets nobody in any more."""
        self._known.pop(hashed(token), None)


def brought(connection: HTTPConnection) -> tuple[str, str]:
    """The API key and the session's token that a request brings, "" for none; nobody has looked at them."""
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else "", session_token(connection)


def rates_of(connection: HTTPConnection) -> Rates:
    """The counts of the application that is asked."""
    rates: Rates = connection.app.state.rates
    return rates


async def limited(connection: HTTPConnection) -> None:
    """The dependency of all routes: what comes without a known key or cookie counts for its address.

    With one it counts for whom it let in, also where nobody asks who it is.

    Raises:
        TooManyError: the minute is full.
    """
    path, state = connection.url.path, connection.scope.setdefault("state", {})
    # A large body was held up for it before.
    if path.startswith(EXEMPT) or state.get("limited"):
        return
    state["limited"] = True
    rates, whose = rates_of(connection), network_of(connection)
    method = connection.scope.get("method", "")
    try:
        if (method, path) in SIGNING_IN:
            rates.count(connection, "sign-in", whose)
        elif caller := _known(connection, rates):
            state["counted"] = caller
            rates.count(connection, "caller", caller)
        else:
            rates.count(connection, "address", whose)
    except TooManyError as error:
        if connection.scope["type"] == "websocket":
            raise WebSocketException(TRY_AGAIN, error.message) from error
        raise


def network_of(connection: HTTPConnection) -> str:
    """The address that asks; of IPv6 the /64, since one customer of a provider has all of it."""
    host = connection.client.host if connection.client is not None else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else f"{int(address) >> 64:x}::/64"
    return host


def _known(connection: HTTPConnection, rates: Rates) -> str:
    """All that is brought along is looked at: a key that holds must not cover guesses at another."""
    found = [rates.known(one) for one in brought(connection) if one]
    return found[0] if all(found) and found else ""
