"""Offers: what was offered to whom, until when, what became of it, and what customers said by phone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, Field
from starlette.concurrency import run_in_threadpool

from keepwell.api.access import Actor, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Cursor, CustomerFilter, Limit, Moment, Reason, Undo, storable
from keepwell.api.v1.command_bodies import AcceptBody, DeclineBody, SeenBody
from keepwell.api.v1.commanding import AsCommands, CommandAnswer
from keepwell.api.v1.intervention_commands import KEPT
from keepwell.api.v1.resolving import customer_of
from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.offers import OfferState
from keepwell.db.repositories.offer_rates import OfferRate, Per, offer_rates
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.views_offers import OfferFilter, OfferLine, offer_list, own_offer
from keepwell.db.repositories.withdrawing import restore_offer, withdraw_offer
from keepwell.db.tables import Organisation
from keepwell.errors import InputError

router = APIRouter(prefix="/api/v1/offers", tags=["offers"], responses=problems(404, 409))

OfferPath = Annotated[str, AfterValidator(storable), Path(max_length=40, description="The offer's id.")]
SINCE = "Offers made from this moment on."
UNTIL = "Offers made before this moment."


class OfferRates(Frozen):
    """All offers together first, then by group. Acceptance is of those that are over and not withdrawn."""

    rates: tuple[OfferRate, ...]


class WithdrawBody(Strict):
    """An offer is taken back."""

    reason: Reason = Field(description="Why, for the timeline.")


class OfferAnswer(Frozen):
    """The offer as it stands now. `text` says what was done."""

    offer: OfferLine
    text: str
    undo: Undo


@router.get("", summary="Offers: the open ones first, then the newest")
def list_offers(
    door: AtDoor,
    who: Reader,
    state: Annotated[OfferState | None, Query(description="Only those in this state.")] = None,
    customer: CustomerFilter = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[OfferLine]:
    """What was offered to whom, until when, and what became of it."""
    with door.store.read() as session:
        wanted = OfferFilter(customer=customer_of(session, who, customer), states=(state,) if state else ())
        return offer_list(session, who.organisation_id, wanted, cursor=cursor, limit=limit)


@router.get("/rates", summary="How many offers are accepted, and what that means in months and money")
def get_rates(
    door: AtDoor,
    who: Reader,
    per: Annotated[Per | None, Query(description="A line for each kind, playbook or month.")] = None,
    since: Annotated[Moment | None, Query(description=SINCE)] = None,
    until: Annotated[Moment | None, Query(description=UNTIL)] = None,
) -> OfferRates:
    """Seen, accepted, declined, expired; by kind, playbook or month."""
    if since is not None and until is not None and since >= until:
        raise InputError("The period ends before it begins.", place="until", hint="Name a later moment.")
    with door.store.read() as session:
        own = session.get_one(Organisation, who.organisation_id)
        return OfferRates(rates=offer_rates(session, own, per=per, since=since, until=until))


@router.get("/{offer}", summary="One offer")
def get_offer(offer: OfferPath, door: AtDoor, who: Reader) -> OfferLine:
    """With its options, and what was agreed."""
    with door.store.read() as session:
        return own_offer(session, who.organisation_id, offer)


@router.post("/{offer}/accept", summary="The customer accepts, as they told you", responses=KEPT)
async def accept(
    offer: OfferPath, body: AcceptBody, door: AtDoor, who: Actor, commands: AsCommands
) -> CommandAnswer:
    """What was promised follows, and the playbook ends."""
    return await commands.tell(await run_in_threadpool(_intervention, door, who, offer), body)


@router.post("/{offer}/decline", summary="The customer declines, as they told you", responses=KEPT)
async def decline(
    offer: OfferPath, body: DeclineBody, door: AtDoor, who: Actor, commands: AsCommands
) -> CommandAnswer:
    """An answer like any other."""
    return await commands.tell(await run_in_threadpool(_intervention, door, who, offer), body)


@router.post("/{offer}/seen", summary="The customer has seen it", responses=KEPT)
async def seen(
    offer: OfferPath, body: SeenBody, door: AtDoor, who: Actor, commands: AsCommands
) -> CommandAnswer:
    """Noted at the offer; the playbook goes on."""
    return await commands.tell(await run_in_threadpool(_intervention, door, who, offer), body)


@router.post("/{offer}/withdraw", summary="Take an open offer back")
def withdraw(offer: OfferPath, body: WithdrawBody, door: AtDoor, who: Actor) -> OfferAnswer:
    """Its page says so, and messages name it no more. The playbook goes on: it is no answer."""
    with door.store.write() as session:
        withdraw_offer(session, who.organisation_id, offer, body.reason, who.name[:200], datetime.now(UTC))
    undo = Undo(method="POST", path=f"/api/v1/offers/{offer}/restore", words="Let it stand again")
    return _standing(door, who, offer, "The offer is withdrawn. The playbook goes on.", undo)


@router.post("/{offer}/restore", summary="Let an offer stand again that a person has withdrawn")
def restore(offer: OfferPath, door: AtDoor, who: Actor) -> OfferAnswer:
    """It ends when it would have; where its playbook is over, it cannot."""
    with door.store.read() as session:
        reason = own_offer(session, who.organisation_id, offer).note or "Withdrawn again"
    with door.store.write() as session:
        restore_offer(session, who.organisation_id, offer, who.name[:200], datetime.now(UTC))
    path, body = f"/api/v1/offers/{offer}/withdraw", {"reason": reason}
    undo = Undo(method="POST", path=path, body=body, words="Withdraw it again")
    return _standing(door, who, offer, "The offer stands again.", undo)


def _standing(door: Door, who: Principal, offer: str, text: str, undo: Undo) -> OfferAnswer:
    with door.store.read() as session:
        return OfferAnswer(offer=own_offer(session, who.organisation_id, offer), text=text, undo=undo)


def _intervention(door: Door, who: Principal, offer: str) -> str:
    with door.store.read() as session:
        return own_offer(session, who.organisation_id, offer).intervention_id
