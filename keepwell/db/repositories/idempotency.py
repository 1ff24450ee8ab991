"""What requests with an Idempotency-Key were answered, kept for a day under the organisation and the key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlmodel import Session, col, delete, update

from keepwell.contracts.base import Frozen
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.tables import IdempotentAnswer
from keepwell.errors import InputError, RefusedError

KEPT: Final = timedelta(hours=24)
ABANDONED: Final = timedelta(minutes=5)
"""A request that has not been answered for so long was cut off: the next one with its key takes its place."""

AT_WORK: Final = 0


class Kept(Frozen):
    """An answer that is kept."""

    status: int
    answer: dict[str, Any]


class KeyReusedError(InputError):
    """The key was sent before, with another request."""


class StillAtWorkError(RefusedError):
    """The first request with this key is not answered yet."""

    retryable = True


def begin(
    session: Session, organisation: str, key: str, *, route: str, body: str, now: datetime
) -> Kept | Literal["go"]:
    """Take the key for this request, or get the answer that the same request had before.

    `body` is a digest of what was sent. Answers older than a day are forgotten here.

    Raises:
        KeyReusedError: the key stands for another request.
        StillAtWorkError: the first one is at work, for less than five minutes.
    """
    session.exec(delete(IdempotentAnswer).where(col(IdempotentAnswer.created_at) <= now - KEPT))
    row: dict[str, Any] = {"organisation_id": organisation, "key": key, "route": route, "body": body}
    row |= {"status": AT_WORK, "answer": {}, "created_at": now}
    given = key.rpartition(" ")[2]
    if insert_if_absent(session, "idempotent_answer", row):
        return "go"
    found = session.get(IdempotentAnswer, (organisation, key), with_for_update=True)
    if found is None:
        # The first one gave it back in this moment.
        return begin(session, organisation, key, route=route, body=body, now=now)
    if (found.route, found.body) != (route, body):
        raise KeyReusedError(
            f"The Idempotency-Key {given!r} was sent before, with another request.",
            place="Idempotency-Key",
            hint="Take a new key for each request; send the same one only to repeat the same request.",
        )
    if found.status != AT_WORK:
        return Kept(status=found.status, answer=found.answer)
    if found.created_at > now - ABANDONED:
        raise StillAtWorkError(
            f"The first request with the Idempotency-Key {given!r} is still at work.",
            hint="Send it again in a few seconds.",
        )
    found.created_at = now
    session.add(found)
    return "go"


def keep(
    session: Session, organisation: str, key: str, begun: datetime, *, status: int, answer: dict[str, Any]
) -> None:
    """Keep the answer of the request that took the key at `begun`."""
    mine = update(IdempotentAnswer).where(*_mine(organisation, key, begun))
    session.exec(mine.values(status=status, answer=answer))


def give_back(session: Session, organisation: str, key: str, begun: datetime) -> None:
    """The request failed or was refused, and nothing was done: its key is free again."""
    session.exec(delete(IdempotentAnswer).where(*_mine(organisation, key, begun)))


def _mine(organisation: str, key: str, begun: datetime) -> tuple[Any, ...]:
    """A request that was overtaken, because it took too long, has no say any more."""
    row = IdempotentAnswer
    return (
        col(row.organisation_id) == organisation,
        col(row.key) == key,
        col(row.status) == AT_WORK,
        col(row.created_at) == begun,
    )
