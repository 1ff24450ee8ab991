"""A customer's own success page as data: its score, its activity, its insights, and what it does with them.

For the customer's own people and programs alone: whoever asks for another's hears that there is none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field
from sqlmodel import Session

from keepwell.api.access import ForbiddenError, Owner, Principal
from keepwell.api.door import AtDoor, Door
from keepwell.api.etags import answer
from keepwell.api.following import AtFollowing, Following
from keepwell.api.idempotency import Once
from keepwell.api.problems import problems
from keepwell.api.shapes import Camel
from keepwell.api.v1.asked import OwnId, Text, storable
from keepwell.api.v1.asked_stats import UNCHANGED
from keepwell.api.v1.client_shapes import ClientScore, Insight, SuccessPage, score_of, success_page
from keepwell.contracts.base import Frozen, Strict
from keepwell.db.repositories.client_insights import InsightState, move_insight
from keepwell.db.repositories.views_client import client_success
from keepwell.db.tables import Customer
from keepwell.errors import NotFoundError
from keepwell.ingest.cells import Kind
from keepwell.ingest.single import store_one

router = APIRouter(prefix="/api/client/success", tags=["client"], responses=problems(404, 409))

Whose = Annotated[
    str | None,
    Query(alias="clientId", max_length=200, description="The customer; left out, whoever asks."),
    AfterValidator(lambda text: None if text is None else storable(text)),
]
EventType = Literal[
    "login",
    "page_view",
    "task_completed",
    "content_generated",
    "visual_created",
    "voice_interaction",
    "insight_reviewed",
    "export_downloaded",
    "settings_updated",
    "feedback_given",
]
"""What a customer's own page may report of it. Payments, say, are reported by your systems."""

Value = Annotated[str, Field(max_length=500)] | float | bool | None


class MarkRead(Strict):
    """An insight was read."""

    action: Literal["mark-read"]
    insightId: OwnId  # noqa: N815  (the name that programs know)


class Dismiss(Strict):
    """An insight is not to be shown any more."""

    action: Literal["dismiss"]
    insightId: OwnId  # noqa: N815


class ActOn(Strict):
    """What an insight proposes was done, or begun."""

    action: Literal["act"]
    insightId: OwnId  # noqa: N815


class TrackEvent(Strict):
    """The customer did something. Feedback takes a `score` from 0 to 100, a task its name in `task`."""

    action: Literal["track-event"]
    eventType: EventType  # noqa: N815
    eventData: dict[Annotated[str, Field(max_length=60)], Value] = Field(  # noqa: N815
        default_factory=dict, max_length=20
    )


class Marked(Camel):
    """The insight as it is now."""

    insight: Insight
    text: str


class Tracked(Frozen):
    """The event is stored."""

    text: str


class Calculate(Strict):
    """Whose score; left out, whoever asks."""

    clientId: Text | None = Field(default=None, max_length=200)  # noqa: N815


class Calculated(Camel):
    """A customer's score as of now."""

    client_id: str
    score: ClientScore


TO = {"mark-read": InsightState.READ, "dismiss": InsightState.DISMISSED, "act": InsightState.ACTED_ON}
SAID = {"mark-read": "Marked as read.", "dismiss": "Put away.", "act": "Noted. Well done!"}


@router.get("", response_model=SuccessPage, responses=UNCHANGED, summary="Score, activity and insights")
def success(request: Request, door: AtDoor, who: Owner, client: Whose = None) -> Response:
    """Everything of a customer's own page."""
    with door.store.read() as session:
        own = own_customer(session, who, client)
        found = client_success(session, who.organisation_id, own, datetime.now(UTC))
    return answer(request, success_page(found))


@router.post("", summary="Compute the score as of now")
def calculate(door: AtDoor, who: Owner, body: Calculate | None = None) -> Calculated:
    """The score of what is known at this moment. It is computed from the activity, and nothing is stored."""
    with door.store.read() as session:
        own = own_customer(session, who, body.clientId if body else None)
        found = client_success(session, who.organisation_id, own, datetime.now(UTC))
    return Calculated(client_id=own, score=score_of(found.score))


@router.patch(
    "", response_model=Marked | Tracked, summary="Read, dismiss or act on an insight, or report an event"
)
def change(
    door: AtDoor,
    who: Owner,
    following: AtFollowing,
    once: Once,
    body: Annotated[MarkRead | Dismiss | ActOn | TrackEvent, Field(discriminator="action")],
    client: Whose = None,
) -> Response:
    """One thing that the customer did."""
    with door.store.read() as session:
        own = own_customer(session, who, client)

    def work() -> Marked | Tracked:
        if isinstance(body, TrackEvent):
            return _track(door, who, own, body, following)
        with door.store.write() as session:
            now, to = datetime.now(UTC), TO[body.action]
            line = move_insight(session, who.organisation_id, own, body.insightId, to, now, who.name)
        return Marked(insight=Insight.of(line), text=SAID[body.action])

    return once(who, work)


def own_customer(session: Session, who: Principal, named: str | None) -> str:
    """Our id of whoever asks' customer.

    Raises:
        ForbiddenError: they are nobody's.
        NotFoundError: they name another one.
    """
    row = session.get(Customer, who.customer_id) if who.customer_id else None
    if row is None or row.organisation_id != who.organisation_id:
        raise ForbiddenError(
            "This is for customers, and you are none.", hint="Staff see customers in the console."
        )
    if named is not None and named not in (row.id, row.external_id):
        raise NotFoundError(f"There is no customer {named!r}.")
    return row.id


def _track(door: Door, who: Principal, own: str, body: TrackEvent, following: Following) -> Tracked:
    now = datetime.now(UTC)
    with door.store.read() as session:
        customer = session.get_one(Customer, own).external_id
    values = {"customer": customer, "kind": body.eventType, "at": now, "data": body.eventData}
    name = f"{customer}: {body.eventType}"[:200]
    store_one(door.store, who.organisation_id, Kind.EVENTS, values, name=name, by=who.name, now=now)
    following.look_at(who.organisation_id, own)
    return Tracked(text="Noted.")
