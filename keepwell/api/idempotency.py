"""Idempotency-Key: a request that is sent again because its answer was lost does nothing again.

    @router.post("", responses=problems(409))
    def add(said: Said, who: Actor, once: Once) -> Response: return once(who, lambda: do(said))

The same key with the same request gets the first answer, with the header `Idempotent-Replayed: true`; with
another request it is refused (422), and while the first one is at work, too (409). Only what was done is
kept, for a day: what was refused or failed may be sent again under its key. Not for answers with a secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Final

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from keepwell.api.access import Principal
from keepwell.api.door import AtDoor, Door
from keepwell.db.repositories import idempotency

REPLAYED: Final = "Idempotent-Replayed"


@dataclass(frozen=True, slots=True)
class Keeper:
    """One request's key, empty where it has none."""

    door: Door
    key: str
    route: str
    body: str

    def __call__(self, who: Principal, work: Callable[[], BaseModel], status: int = 200) -> Response:
        """Do the work and answer its result, once for a key.

        Raises:
            KeyReusedError: the key stands for another request (422).
            StillAtWorkError: the first request with it is not answered yet (409).
        """
        if not self.key:
            return _answer(work(), status)
        begun, organisation, store = datetime.now(UTC), who.organisation_id, self.door.store
        # Customers know nothing of each other's keys: one's must not stand for another's request.
        key = self.key if who.customer_id is None else f"{who.customer_id} {self.key}"
        with store.write() as session:
            found = idempotency.begin(session, organisation, key, route=self.route, body=self.body, now=begun)
        if found != "go":
            return JSONResponse(found.answer, found.status, headers={REPLAYED: "true"})
        try:
            made = work()
        except BaseException:
            with store.write() as session:
                idempotency.give_back(session, organisation, key, begun)
            raise
        text = made.model_dump_json(by_alias=True)
        with store.write() as session:
            idempotency.keep(session, organisation, key, begun, status=status, answer=json.loads(text))
        return Response(text, status, media_type="application/json")


def _answer(made: BaseModel, status: int) -> Response:
    return Response(made.model_dump_json(by_alias=True), status, media_type="application/json")


async def _keeper(
    request: Request,
    door: AtDoor,
    idempotency_key: Annotated[
        str,
        Header(
            pattern=r"^[!-~]{0,200}$",
            description="Yours: the same request with the same key does nothing more, and is answered alike.",
        ),
    ] = "",
) -> Keeper:
    if not idempotency_key:
        return Keeper(door, "", "", "")
    route = f"{request.method} {request.url.path}"
    kind = request.headers.get("content-type", "")
    sent = b"\0".join((route.encode(), request.url.query.encode(), kind.encode(), await request.body()))
    return Keeper(door, idempotency_key, route[:200], sha256(sent).hexdigest())


Once = Annotated[Keeper, Depends(_keeper)]
"""The parameter of an endpoint that does things once for a key."""
