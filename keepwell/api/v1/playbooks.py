"""Playbooks: what they do, how they go, and stops for their messages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field, StringConstraints, model_validator
from sqlmodel import Session

from keepwell.api import etags
from keepwell.api.access import Operator, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Note, Undo, storable
from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.drafts import Mode
from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories import switches
from keepwell.db.repositories.modes import set_mode
from keepwell.db.repositories.named import customer_named
from keepwell.db.repositories.views import customer_names
from keepwell.db.repositories.views_drafts import DraftFilter, draft_count
from keepwell.db.repositories.views_playbooks import (
    PlaybookStanding,
    Retired,
    playbook_standings,
    retired_playbooks,
)
from keepwell.db.tables import KillSwitch
from keepwell.errors import NotFoundError
from keepwell.known_playbooks import all_playbooks

router = APIRouter(prefix="/api/v1", tags=["playbooks"], responses=problems(404))

NamePath = Annotated[str, AfterValidator(storable), Path(max_length=60, description="A playbook's name.")]
SUBJECT = "A playbook's name, or a customer (our id, or its external id); nothing where all is meant."


class Playbooks(Frozen):
    """The playbooks in force: those for levels first, the gravest before the others."""

    items: tuple[PlaybookStanding, ...]
    retired: tuple[Retired, ...] = Field(
        default=(), description="Those that no module has any more, and that still run for somebody."
    )


class PlaybookInFull(Frozen):
    """A playbook as data, and how it goes with it."""

    standing: PlaybookStanding
    playbook: Playbook


class ModeBody(Strict):
    """How a playbook goes from now on. Drafts that wait go on waiting for a decision."""

    mode: Mode = Field(
        description="automatic: by itself; draft: each message to a contact waits for approval; "
        "off: it does not begin any more, and what runs goes on."
    )


class ModeAnswer(Frozen):
    """How it goes now."""

    playbook: str
    before: Mode
    mode: Mode
    drafts_waiting: int = Field(description="Drafts of it that wait for a decision still.")
    undo: Undo | None = None


class SwitchBody(Strict):
    """What is stopped, or goes on."""

    scope: switches.Scope = "all"
    subject: Annotated[str, StringConstraints(max_length=200), AfterValidator(storable)] = Field(
        default="", description=SUBJECT
    )
    reason: Note = Field(default="", description="Why, for the timeline.")

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.scope == "all") is bool(self.subject):
            raise ValueError("name a subject with the scopes playbook and customer, and none with all")
        return self


class SwitchLine(Frozen):
    """A stop in force. `subject` is a playbook's name or a customer's id, `name` what people call it."""

    id: str
    scope: switches.Scope
    subject: str
    name: str
    reason: str
    thrown_by: str
    thrown_at: datetime


class Switches(Frozen):
    """The stops in force, the oldest first."""

    items: tuple[SwitchLine, ...]


class Stopped(Frozen):
    """The stops in force now."""

    text: str
    changed: bool = Field(description="False: it was stopped already.")
    switches: Switches
    undo: Undo | None = None


class GoesOn(Frozen):
    """The stops in force now."""

    text: str
    asked: int = Field(description="Interventions that waited for it and try again at once.")
    switches: Switches
    undo: Undo


@router.get(
    "/playbooks",
    summary="The playbooks in force, who is in them, and what came of them",
    response_model=Playbooks,
    responses=etags.NOT_MODIFIED,
)
def list_playbooks(request: Request, door: AtDoor, who: Reader) -> Response:
    """With their modes and stops, and results of the last 30 and 90 days."""
    known = all_playbooks(door.settings)
    with door.store.read() as session:
        found = playbook_standings(session, who.organisation_id, known, datetime.now(UTC))
        retired = retired_playbooks(session, who.organisation_id, known)
    return etags.answer(request, Playbooks(items=found, retired=retired))


@router.get("/playbooks/{name}", summary="One playbook as data")
def get_playbook(name: NamePath, door: AtDoor, who: Reader) -> PlaybookInFull:
    """Its steps with their times and reasons, and how it goes with it."""
    playbook = _known(door, name)
    with door.store.read() as session:
        now, one = datetime.now(UTC), {playbook.name: playbook}
        found = playbook_standings(session, who.organisation_id, one, now)[0]
    return PlaybookInFull(standing=found, playbook=playbook)


@router.post("/playbooks/{name}/mode", summary="Switch a playbook: automatic, draft or off")
def switch_mode(name: NamePath, body: ModeBody, door: AtDoor, who: Operator) -> ModeAnswer:
    """The same mode again changes nothing."""
    playbook, own = _known(door, name).name, who.organisation_id
    with door.store.write() as session:
        before = set_mode(session, own, playbook, body.mode, who.name[:200], datetime.now(UTC))
    with door.store.read() as session:
        waiting = draft_count(session, own, DraftFilter(playbook=playbook))
    back = Undo(
        method="POST",
        path=f"/api/v1/playbooks/{playbook}/mode",
        body={"mode": before.value},
        words="Switch back",
    )
    return ModeAnswer(
        playbook=playbook,
        before=before,
        mode=body.mode,
        drafts_waiting=waiting,
        undo=None if before is body.mode else back,
    )


@router.get("/switches", summary="Stops for sending that are in force")
def list_switches(door: AtDoor, who: Reader) -> Switches:
    """For everything, for a playbook, or to a customer."""
    with door.store.read() as session:
        return _switches(session, who)


@router.post("/switches", summary="Stop sending: everything, a playbook, or to a customer")
def stop_sending(body: SwitchBody, door: AtDoor, who: Operator) -> Stopped:
    """From the next attempt on. Messages wait until it is lifted."""
    with door.store.write() as session:
        stop = _stop(session, door, who, body)
        new = switches.throw(session, stop, reason=body.reason, by=who.name[:200], now=datetime.now(UTC))
        found = _switches(session, who)
    given = {"scope": stop.scope, "subject": stop.subject}
    undo = Undo(method="DELETE", path="/api/v1/switches", body=given, words="Let it go on") if new else None
    text = "Stopped: messages wait." if new else "It is stopped already."
    return Stopped(text=text, changed=new, switches=found, undo=undo)


@router.delete("/switches", summary="Let go on what was stopped")
def lift_stop(body: SwitchBody, door: AtDoor, who: Operator) -> GoesOn:
    """What waits for it is tried at once."""
    with door.store.write() as session:
        stop = _stop(session, door, who, body)
        asked = switches.lift(session, stop, reason=body.reason, by=who.name[:200], now=datetime.now(UTC))
        found = _switches(session, who)
    given = {"scope": stop.scope, "subject": stop.subject, "reason": body.reason or "Lifted by mistake"}
    undo = Undo(method="POST", path="/api/v1/switches", body=given, words="Stop it again")
    return GoesOn(text="It goes on.", asked=asked, switches=found, undo=undo)


def _known(door: Door, name: str) -> Playbook:
    known = all_playbooks(door.settings)
    if name not in known:
        raise NotFoundError(f"There is no playbook {name!r}.", hint=f"There are: {', '.join(known)}.")
    return known[name]


def _stop(session: Session, door: Door, who: Principal, body: SwitchBody) -> switches.Stop:
    match body.scope:
        case "all":
            return switches.Stop(who.organisation_id)
        case "customer":
            customer = customer_named(session, who.organisation_id, body.subject)
            return switches.Stop(who.organisation_id, "customer", customer.id)
        case "playbook":
            # One that is stopped may have left the code since: it can still be let go on.
            stopped = {one.subject for one in switches.thrown(session, who.organisation_id)}
            if body.subject not in stopped:
                _known(door, body.subject)
            return switches.Stop(who.organisation_id, "playbook", body.subject)


def _switches(session: Session, who: Principal) -> Switches:
    rows = switches.thrown(session, who.organisation_id)
    names = customer_names(session, [row.subject for row in rows if row.scope == "customer"])
    return Switches(
        items=tuple(_line(row, names[row.subject].name if row.subject in names else "") for row in rows)
    )


def _line(row: KillSwitch, customer: str) -> SwitchLine:
    fields = set(SwitchLine.model_fields) - {"name"}
    return SwitchLine.model_validate(
        {**row.model_dump(include=fields), "name": customer or row.subject or "everything"}
    )
