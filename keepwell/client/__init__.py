"""The typed client of the API: `keepwell.Client`, and `keepwell.AsyncClient` for asyncio.

with Client("https://keepwell.example", key="kw_…") as client:
    for line in client.customers.list(at_risk=True):
        print(line.name, line.score)
    client.ingest.customers([{"external_id": "A-17", "name": "Acme"}])
"""

from keepwell.client.clients import AsyncClient, Client
from keepwell.client.errors import (
    ApiError,
    ChangedError,
    ForbiddenError,
    InvalidError,
    NotReachedError,
    RateLimitedError,
    RefusedHereError,
    UnauthorizedError,
    UnknownError,
)

__all__ = [
    "ApiError",
    "AsyncClient",
    "ChangedError",
    "Client",
    "ForbiddenError",
    "InvalidError",
    "NotReachedError",
    "RateLimitedError",
    "RefusedHereError",
    "UnauthorizedError",
    "UnknownError",
]
