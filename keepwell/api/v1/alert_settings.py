"""What alerts are raised, and by which channels they go out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import Field, StrictBool
from sqlmodel import Session

from keepwell.adapters.channel_trial import Tried, try_channel
from keepwell.adapters.webhook_trial import tried_words, try_endpoint
from keepwell.api.access import Configurer, Principal, Reader
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.v1.asked import Text
from keepwell.contracts.base import Frozen, Strict
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.alert_channels import ChannelLine, ChannelName, alert_channels, set_channel
from keepwell.db.repositories.alert_rules import described, load_rules, meaning_of, put_rules
from keepwell.db.repositories.pages import Page
from keepwell.db.repositories.scorecards_chosen import card_in_force
from keepwell.db.repositories.webhook_desk import EndpointLine, endpoints
from keepwell.db.repositories.webhooks_out import ALL
from keepwell.db.tables import Organisation, Staff
from keepwell.errors import InputError
from scoring.signal import Severity

router = APIRouter(prefix="/api/v1", tags=["alert settings"], responses=problems())

WEBHOOK: Final = "webhook"
RAISED: Final = "alert.raised"
ChannelPath = Annotated[ChannelName, Path(description="By which way alerts go out.")]


class RuleLine(Frozen):
    """A rule: a trigger (on or off), a category's threshold (0 to 100, or off), or a choice."""

    name: str
    value: str
    means: str


class RulesAnswer(Page[RuleLine]):
    """The rules after a change; `changed` says in words what is other than before."""

    changed: tuple[str, ...]
    text: str


class ChannelsPage(Page[ChannelLine]):
    """The channels. `sending`: outbox keeps messages for looking at them, live sends them."""

    sending: str


class ChannelIn(Strict):
    """How a channel is set; what is null stays. `target`: an address for all alerts, "": each one's owner."""

    enabled: StrictBool
    severity: Severity | None = None
    target: Annotated[Text, Field(max_length=320)] | None = None


class ChannelAnswer(Frozen):
    """A channel after a change."""

    channel: ChannelLine
    text: str


class TestIn(Strict):
    """Where a test goes; unset: to the channel's own target, or else to whoever asks."""

    to: Annotated[Text, Field(min_length=1, max_length=320)] | None = None


class TestAnswer(Frozen):
    """What came of a test. `sent` is true where every message was taken by its provider or receiver."""

    channel: ChannelName
    sent: bool
    results: tuple[Tried, ...]
    text: str


@router.get("/alert-rules")
def list_alert_rules(who: Reader, door: AtDoor) -> Page[RuleLine]:
    """Which triggers are on, and the thresholds of categories."""
    with door.store.read() as session:
        return Page[RuleLine](items=_rules(session, who))


@router.patch("/alert-rules")
def change_alert_rules(
    rules: Annotated[
        dict[Annotated[Text, Field(max_length=60)], Annotated[Text, Field(max_length=2000)]],
        Field(min_length=1, max_length=100, examples=[{"engagement": "55", "inactivity": "off"}]),
    ],
    who: Configurer,
    door: AtDoor,
) -> RulesAnswer:
    """Switch triggers on and off, and set thresholds; all of them or none. `default` goes back to it."""
    now = datetime.now(UTC)
    with door.store.write() as session:
        card = card_in_force(session, session.get_one(Organisation, who.organisation_id))
        changed = put_rules(session, who.organisation_id, card, rules, by=who.name, now=now)
        shown = _rules(session, who)
    text = "; ".join(changed) or "Nothing has changed."
    return RulesAnswer(items=shown, changed=tuple(changed), text=text)


@router.get("/alert-channels")
def list_alert_channels(who: Reader, door: AtDoor) -> ChannelsPage:
    """By which channels alerts go out, from which severity on, and to whom."""
    with door.store.read() as session:
        lines = alert_channels(session, who.organisation_id)
    return ChannelsPage(items=lines, sending=door.settings.sending)


@router.put("/alert-channels/{channel}")
def put_alert_channel(
    channel: ChannelPath, wanted: ChannelIn, who: Configurer, door: AtDoor
) -> ChannelAnswer:
    """Switch a channel on or off. What was raised before it is switched on is not told."""
    with door.store.write() as session:
        line = set_channel(
            session,
            who.organisation_id,
            channel,
            enabled=wanted.enabled,
            severity=wanted.severity,
            target=wanted.target,
            by=who.name,
            now=datetime.now(UTC),
        )
    to = line.target or ("its endpoints" if channel == WEBHOOK else "each customer's owner")
    state = f"on, from {line.severity.value} on, to {to}" if line.enabled else "off"
    return ChannelAnswer(channel=line, text=f"Alerts by {channel} are {state}.")


@router.post("/alert-channels/{channel}/test")
async def try_alert_channel(
    channel: ChannelPath, who: Configurer, door: AtDoor, wanted: TestIn | None = None
) -> TestAnswer:
    """Send a test by a channel now, and tell what came of it. What a provider refuses is told, and no error.

    A webhook's test goes to every endpoint that wants alerts.
    """
    to = wanted.to if wanted is not None else None
    work = _test_webhooks if channel == WEBHOOK else _test_messages
    results = await asyncio.to_thread(work, door, who, channel, to)
    return TestAnswer(
        channel=channel,
        sent=all(one.state == "sent" for one in results),
        results=results,
        text=" ".join(one.text for one in results),
    )


def _test_messages(door: Door, who: Principal, channel: ChannelName, to: str | None) -> tuple[Tried, ...]:
    way = Channel(channel)
    with door.store.read() as session:
        line = next(one for one in alert_channels(session, who.organisation_id) if one.channel == channel)
        mine = session.get(Staff, who.staff_id) if who.staff_id else None
    own = ((mine.slack or mine.email) if way is Channel.SLACK else mine.email) if mine else ""
    address = (to or line.target or own).strip()
    if not address:
        raise InputError(
            f"Nobody is named to whom a test by {channel} could go.",
            place="to",
            hint="Name an address, or set the channel's target.",
        )
    tried = try_channel(door.settings, door.store, who.organisation_id, way, to=address, name=who.name)
    return (tried,)


def _test_webhooks(door: Door, who: Principal, channel: ChannelName, to: str | None) -> tuple[Tried, ...]:
    if to is not None:
        raise InputError(f"A test by {channel} goes to its endpoints.", place="to", hint="Leave it out.")
    with door.store.read() as session:
        lines = [one for one in endpoints(session, who.organisation_id) if one.active and _wants(one)]
    if not lines:
        raise InputError("No endpoint wants alerts.", hint="Add one: POST /api/v1/webhooks")
    return tuple(_tried(door, who, one) for one in lines)


def _tried(door: Door, who: Principal, endpoint: EndpointLine) -> Tried:
    private, now = door.settings.webhook_private, datetime.now(UTC)
    line = try_endpoint(door.store, who.organisation_id, endpoint.id, private, by=who.name, now=now)
    state = "sent" if line.state == "delivered" else "failed"
    return Tried(to=endpoint.url, state=state, text=tried_words(line))


def _wants(endpoint: EndpointLine) -> bool:
    return any(one == ALL or RAISED.startswith(one) for one in endpoint.kinds)


def _rules(session: Session, who: Principal) -> tuple[RuleLine, ...]:
    card = card_in_force(session, session.get_one(Organisation, who.organisation_id))
    own = set(card.category_names)
    found = described(load_rules(session, who.organisation_id), card)
    return tuple(
        RuleLine(name=name, value=value, means=meaning_of(name, in_card=name in own))
        for name, value in found.items()
    )
