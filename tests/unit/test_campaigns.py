"""Handing opportunities over: which one begins, which wait and why, and what running campaigns are told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.scoring import ScoringActivities
from keepwell.contracts.campaigns import (
    REST,
    CampaignCall,
    CampaignsHanded,
    LastCampaign,
    OpenOpportunity,
    UpgradeSeen,
    WaitingCustomer,
    held_words,
)
from keepwell.contracts.intervention import ENGINE_NOW, InterventionInput
from keepwell.contracts.playbook import Channel, Playbook, Send
from keepwell.ports import HandOver, Opportunities, Playbooks, Scores, Transitions
from keepwell.temporal.campaigns import Campaigns
from scoring.levels import Level
from scoring.signal import Signal, Urgency

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def playbook(signal: Signal) -> Playbook:
    """A playbook of one message, with a cooldown of 60 days."""
    return Playbook(
        name=signal.value.lower(),
        version=1,
        title="Grow",
        purpose="Offer more",
        signal=signal,
        workflow="ExpansionPlaybook",
        steps=(Send(name="email", channel=Channel.EMAIL, template="email/x/y", why="Tell them"),),
        closes_at=7 * DAY,
        cooldown=60 * DAY,
    )


@dataclass
class FakeHandle:
    """A run: it hears signals unless it is gone."""

    client: FakeClient
    id: str

    async def signal(self, name: str, *, args: Any) -> None:
        """Note the signal."""
        if self.id in self.client.gone:
            raise RPCError("workflow not found", RPCStatusCode.NOT_FOUND, b"")
        self.client.signals.append((self.id, name, *args))


@dataclass
class FakeClient:
    """Notes what is started and signalled."""

    started: list[dict[str, Any]] = field(default_factory=list)
    signals: list[tuple[Any, ...]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    async def start_workflow(self, workflow: str, entry: InterventionInput, **options: Any) -> None:
        """Note the start."""
        self.started.append({"workflow": workflow, "entry": entry, **options})

    def get_workflow_handle(self, identity: str) -> FakeHandle:
        """The run of that id."""
        return FakeHandle(self, identity)


@dataclass
class FakeStore:
    """Opportunities and playbooks as the store would give them."""

    customers: list[WaitingCustomer] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    upgrades: tuple[UpgradeSeen, ...] = ()
    holding: tuple[str, ...] = ()
    signals: frozenset[Signal] = frozenset(Signal)

    def for_signal(self, signal: Signal) -> Playbook | None:
        """The playbook for a signal, if the store has one."""
        return playbook(signal) if signal in self.signals else None

    def waiting(self, organisation: str, after: str = "") -> tuple[WaitingCustomer, ...]:
        """One customer a page."""
        return tuple(one for one in self.customers if one.customer > after)[:1]

    def give_reasons(self, reasons: dict[str, str]) -> None:
        """Note reasons."""
        self.reasons.update(reasons)

    def upgraded(self, organisation: str) -> tuple[UpgradeSeen, ...]:
        """The upgrades."""
        return self.upgrades

    def held(self, organisation: str, customer: str | None = None) -> tuple[str, ...]:
        """The held."""
        return tuple(one for one in self.holding if customer in (None, one))


def opportunity(signal: Signal, **values: Any) -> OpenOpportunity:
    fields = {"urgency": Urgency.HIGH, "value": 600.0, "currency": "EUR", "words": "usage is at 87 %"}
    return OpenOpportunity(
        **{"id": signal.value, "signal": signal, "at": NOW - DAY, "reason": "", **fields, **values}
    )


USAGE = opportunity(Signal.USAGE_LIMIT_APPROACHING)
API = opportunity(Signal.API_SCALING_OPPORTUNITY, urgency=Urgency.LOW)


def waiting(*opportunities: OpenOpportunity, **values: Any) -> WaitingCustomer:
    return WaitingCustomer(
        **{
            "organisation": "org",
            "customer": "acme",
            "customer_name": "Acme",
            "active": True,
            "level": Level.HEALTHY,
            "score": 72.0,
            "opportunities": opportunities,
            **values,
        }
    )


def campaigns(client: FakeClient, store: FakeStore) -> Campaigns:
    return Campaigns(cast(Client, client), "queue", cast(Opportunities, store), cast(Playbooks, store))


def start(store: FakeStore, customer: WaitingCustomer) -> list[dict[str, Any]]:
    client = FakeClient()
    begun = asyncio.run(campaigns(client, store).start(customer, NOW))
    assert begun == bool(client.started)
    return client.started


def test_the_best_begins_and_the_others_say_why_they_wait() -> None:
    store = FakeStore()
    (one,) = start(store, waiting(USAGE, API))
    entry = one["entry"]
    assert (one["workflow"], one["id"], one["task_queue"]) == (
        "ExpansionPlaybook",
        "expansion/org/acme",
        "queue",
    )
    assert one["id_conflict_policy"] is WorkflowIDConflictPolicy.USE_EXISTING
    assert entry.engine == ENGINE_NOW
    assert entry.change is None
    assert entry.opportunity.model_dump(include={"id", "value", "level", "score", "at"}) == {
        "id": USAGE.id,
        "value": 600.0,
        "level": Level.HEALTHY,
        "score": 72.0,
        "at": NOW - DAY,
    }
    assert store.reasons == {
        API.id: "usage_limit_approaching@1 begins first, for USAGE_LIMIT_APPROACHING",
    }


@pytest.mark.parametrize("level", Level)
def test_only_who_is_well_gets_a_campaign(level: Level) -> None:
    store = FakeStore()
    begun = start(store, waiting(USAGE, level=level))
    assert bool(begun) == (level in (Level.HEALTHY, Level.THRIVING))
    assert bool(store.reasons) != bool(begun)


@pytest.mark.parametrize(
    "values",
    [
        {"active": False},
        {"level": None},
        {"score": None},
        {"risk": "critical@1"},
        {"expansion": "team@1"},
        {"last": LastCampaign(playbook="team", ended=NOW - REST + timedelta(minutes=1))},
    ],
)
def test_what_keeps_all_of_them_waiting(values: dict[str, Any]) -> None:
    store, customer = FakeStore(), waiting(USAGE, API, **values)
    assert start(store, customer) == []
    assert store.reasons == dict.fromkeys((USAGE.id, API.id), customer.blocked(NOW))


@pytest.mark.parametrize(
    ("risk", "level", "words"),
    [
        ("critical@2", Level.CRITICAL, "critical@2 runs: the level is CRITICAL"),
        ("", Level.HIGH_RISK, "No playbook runs, but the level is HIGH_RISK"),
        ("critical@2", Level.HEALTHY, "critical@2 runs: the customer was at risk"),
        ("critical@2", None, "critical@2 runs: the customer was at risk"),
    ],
)
def test_the_words_for_what_holds_a_campaign(risk: str, level: Level | None, words: str) -> None:
    assert held_words(risk, level) == words


def test_without_a_playbook_or_within_its_cooldown_the_next_best_begins() -> None:
    without = FakeStore(signals=frozenset({API.signal}))
    assert start(without, waiting(USAGE, API))[0]["entry"].opportunity.id == API.id
    assert without.reasons == {USAGE.id: "There is no playbook for USAGE_LIMIT_APPROACHING"}

    cooling = FakeStore()
    ended = {"usage_limit_approaching": NOW - 59 * DAY}
    assert start(cooling, waiting(USAGE, API, ended=ended))[0]["entry"].opportunity.id == API.id
    assert cooling.reasons == {
        USAGE.id: "usage_limit_approaching ended on 23 Sep 2026 and may begin again on 22 Nov 2026"
    }
    over = {"usage_limit_approaching": NOW - 60 * DAY}
    assert start(FakeStore(), waiting(USAGE, ended=over))


def test_after_a_rest_of_two_weeks_the_next_campaign_begins() -> None:
    over = LastCampaign(playbook="team", ended=NOW - REST)
    assert start(FakeStore(), waiting(USAGE, last=over))
    store = FakeStore()
    assert start(store, waiting(USAGE, last=LastCampaign(playbook="team", ended=NOW))) == []
    assert store.reasons == {USAGE.id: "team ended on 21 Nov 2026: the next campaign may begin on 5 Dec 2026"}


def test_who_has_upgraded_already_gets_no_campaign_for_it() -> None:
    store = FakeStore()
    assert start(store, waiting(USAGE.model_copy(update={"upgraded": "the plan is Pro, it was Team"}))) == []
    assert "the plan is Pro, it was Team" in store.reasons[USAGE.id]


def test_a_reason_that_is_known_is_not_written_again() -> None:
    store = FakeStore()
    known = USAGE.model_copy(update={"reason": "The customer is not active"})
    assert start(store, waiting(known, active=False)) == []
    assert store.reasons == {}


UPGRADE = UpgradeSeen(
    organisation="org",
    customer="acme",
    opportunity="o1",
    intervention="i1",
    plan="Pro",
    note="the plan is Pro",
)


def test_an_upgrade_is_told_by_name_so_that_it_counts_once() -> None:
    client = FakeClient(gone={"expansion/org/gone"})
    sender = campaigns(client, FakeStore())
    assert asyncio.run(sender.tell_upgraded(UPGRADE))
    body = {
        "id": "upgraded/o1",
        "intervention": "i1",
        "by": "engine",
        "plan": "Pro",
        "note": "the plan is Pro",
    }
    assert client.signals == [("expansion/org/acme", "upgraded", body)]
    assert not asyncio.run(sender.tell_upgraded(UPGRADE.model_copy(update={"customer": "gone"})))
    assert not asyncio.run(sender.release("org", "gone"))


def test_only_the_held_are_released() -> None:
    client = FakeClient()
    sender = campaigns(client, FakeStore(holding=("acme",)))
    asyncio.run(sender.release_held("org", "other"))
    assert client.signals == []
    asyncio.run(sender.release_held("org", "acme"))
    assert client.signals == [("expansion/org/acme", "release")]


class LikeTheReal:
    """The sender, of which one customer's start fails."""

    def __init__(self, sender: Campaigns) -> None:
        self.sender = sender
        self.tell_upgraded, self.release = sender.tell_upgraded, sender.release

    async def start_campaign(self, customer: WaitingCustomer, now: datetime) -> bool:
        """Start, or fail."""
        if customer.customer == "broken":
            raise RuntimeError("cannot")
        return await self.sender.start(customer, now)


async def test_the_activity_counts_and_goes_on_past_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("acme", "broken", "calm")
    store = FakeStore(
        customers=[waiting(USAGE, customer=name) for name in names], upgrades=(UPGRADE,), holding=("h1", "h2")
    )
    client = FakeClient(gone={"expansion/org/h2"})
    hand_over = LikeTheReal(campaigns(client, store))
    activities = ScoringActivities(
        cast(Scores, None), cast(Transitions, None), cast(HandOver, hand_over), cast(Opportunities, store)
    )
    monkeypatch.setattr("activities.scoring.activity.info", lambda: type("Info", (), {"attempt": 5}))
    handed = await activities.hand_over_opportunities(CampaignCall(organisation="org", now=NOW))
    assert handed == CampaignsHanded(started=2, upgraded=1, released=1, failed=1)
    assert [one["entry"].customer for one in client.started] == ["acme", "calm"]
