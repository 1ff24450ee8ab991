"""`Client` and `AsyncClient`: where the API is, the key, and its endpoints in groups."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx2

from keepwell.client.calls import Groups
from keepwell.client.core import Sends, SendsAsync
from keepwell.client.sending import AsyncSender, SyncSender

TIMEOUT = 30.0
RETRIES = 3


class Client(Groups[Sends]):
    """The API, called and waited for.

    Calls that read, and those that take an Idempotency-Key (the client makes one for each call), are tried
    again up to `retries` times after 429, 503, lost connections, and while the first attempt is still at
    work, as late as Retry-After says. Other calls are tried again only where nothing was done: after 429, or
    where no connection was made. Every other error is an `ApiError`. A client may be used by many threads;
    `close` it, or use it in a `with`.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        http: httpx2.Client | None = None,
    ) -> None:
        """`url` is where `keepwell serve` is; `timeout` is in seconds, for each attempt.

        `http` makes the calls, where it is given; it then knows the URL and the timeout.
        """
        self._http = http or httpx2.Client(base_url=url, timeout=timeout)
        self._http.headers.update(_headers(key))
        super().__init__(SyncSender(self._http, retries))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(Groups[SendsAsync]):
    """The same for asyncio: every method is awaited, and lists are gone through with `async for`."""

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        """As for `Client`."""
        self._http = http or httpx2.AsyncClient(base_url=url, timeout=timeout)
        self._http.headers.update(_headers(key))
        super().__init__(AsyncSender(self._http, retries))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _headers(key: str) -> dict[str, str]:
    return {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
