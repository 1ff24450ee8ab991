"""API keys: for programs. A key may no more than who makes it, and no longer than the key that makes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, Field

from keepwell.api.access import Configurer
from keepwell.api.access.giving import check_gives
from keepwell.api.door import AtDoor
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Text, storable
from keepwell.contracts.access import Permission
from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.ingestion import At
from keepwell.db.repositories import keys
from keepwell.db.repositories.keys import KeyLine, NewKey

router = APIRouter(prefix="/api/v1/keys", tags=["access"])

KeyPath = Annotated[str, AfterValidator(storable), Path(max_length=40, description="The key's id.")]


class Keys(Frozen):
    """Keys, the newest first."""

    items: tuple[KeyLine, ...]


class KeyAsked(Strict):
    """A key that is wanted."""

    name: Annotated[Text, Field(min_length=1, max_length=100, description="What it is for.")]
    scopes: Annotated[
        tuple[Permission, ...], Field(min_length=1, max_length=6, description="What it may, of what you may.")
    ]
    expires_at: At | None = Field(default=None, description="When it ends by itself.")
    customer_id: Annotated[Text, Field(max_length=40)] | None = Field(
        default=None, description="The customer whose own data it sees; its scope is then `own` alone."
    )


@router.get("", responses=problems())
def list_keys(
    who: Configurer,
    door: AtDoor,
    revoked: Annotated[bool, Query(description="Also those taken back.")] = False,
) -> Keys:
    """The organisation's keys, without their texts."""
    with door.store.read() as session:
        return Keys(items=tuple(keys.keys(session, who.organisation_id, revoked=revoked)))


@router.post("", status_code=201, responses=problems(404, 415))
def make_key(asked: KeyAsked, who: Configurer, door: AtDoor) -> NewKey:
    """Make a key. Its text is in this answer, and nowhere else afterwards."""
    now = datetime.now(UTC)
    with door.store.write() as session:
        until = check_gives(session, who, asked.scopes, asked.expires_at)
        return keys.new_key(
            session,
            who.organisation_id,
            name=asked.name,
            scopes=asked.scopes,
            by=who.name,
            now=now,
            expires_at=until,
            customer=asked.customer_id,
        )


@router.delete("/{key}", responses=problems(404, 409))
def revoke_key(key: KeyPath, who: Configurer, door: AtDoor) -> KeyLine:
    """Take a key back: from now on it lets nobody in."""
    with door.store.write() as session:
        return keys.revoke_key(session, who.organisation_id, key, by=who.name, now=datetime.now(UTC))
