"""The send ledger against a provider that refuses, hangs up, accepts and then breaks, or cannot say."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keepwell.contracts.commands import Pause, Resume, Stop
from keepwell.contracts.delivery import Absent, Accepted, CannotSay, Found, Message
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.people import Consent
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.repositories.wishes import set_consent
from keepwell.db.tables import Contact, Event
from keepwell.errors import SendRefusedError
from tests.workflows.stage import HOUR, PATIENCE, Stage, first_hours, stage

SHORT = timedelta(seconds=2)
"""A lease for tests that wait until it is over."""
LEASE = timedelta(seconds=6)
"""One of which a busy machine does not use up the half before its request: that attempt would make none."""


@dataclass
class Provider:
    """A provider in memory whose n-th attempt at a key does what the test says."""

    act: Callable[[Message, int], None] = lambda _message, _attempt: None
    before: bool = True
    answers: bool = True
    attempts: Counter[str] = field(default_factory=Counter)
    accepted: list[str] = field(default_factory=list)

    def send(self, message: Message) -> Accepted:
        step = message.key.split("/")[3]
        self.attempts[step] += 1
        if self.before:
            self.act(message, self.attempts[step])
        self.accepted.append(message.key)
        if not self.before:
            self.act(message, self.attempts[step])
        return Accepted(provider="test", provider_id=f"m{len(self.accepted)}")

    def find(self, key: str, address: str) -> Found:
        if not self.answers:
            return CannotSay(why="The provider keeps no searchable log")
        return Accepted(provider="test", provider_id="found") if key in self.accepted else Absent()

    def adapters(self) -> dict[Channel, Provider]:
        return dict.fromkeys(Channel, self)


def first_time(error: Exception) -> Callable[[Message, int], None]:
    def act(message: Message, attempt: int) -> None:
        if attempt == 1 and "/executive_email/" in message.key:
            raise error

    return act


async def played(store: Store, address: str, provider: Provider) -> tuple[Stage, str]:
    """The first hours of the critical playbook with this provider."""
    return await first_hours(store, address, provider.adapters(), LEASE)


def states(opened: Stage, key: str) -> dict[str, str]:
    return {row.step: row.state for row in opened.deliveries(key)}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_attempt_that_breaks_off_sends_once(
    when: str, sqlite_store: Store, temporal_address: str
) -> None:
    """The connection broke before or after the provider took it; the provider is asked, not guessed."""
    provider = Provider(act=first_time(ConnectionError("reset by peer")), before=when == "before")
    opened, key = await played(sqlite_store, temporal_address, provider)
    assert set(Counter(provider.accepted).values()) == {1}
    assert states(opened, key)["executive_email"] == "accepted"
    assert provider.attempts["executive_email"] == (2 if when == "before" else 1)


async def test_where_the_provider_cannot_say_nothing_is_sent_again_and_a_person_is_told(
    sqlite_store: Store, temporal_address: str
) -> None:
    provider = Provider(act=first_time(TimeoutError("no answer")), before=False, answers=False)
    opened, key = await played(sqlite_store, temporal_address, provider)
    assert provider.attempts["executive_email"] == 1
    assert states(opened, key)["executive_email"] == "unknown"
    assert opened.steps(opened.interventions(key)[0].id)["executive_email"] == "held"
    told = [row for row in opened.rows(Event) if row.kind == "delivery.unknown"]
    assert [row.why for row in told] == ["The provider keeps no searchable log"]
    assert any(task.kind == "fallback" and task.step == "executive_email" for task in opened.tasks(key))


async def test_an_attempt_that_was_held_up_before_its_request_makes_none(
    sqlite_store: Store, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine sleeps between the taking of the row and the request; an opt-out is stored meanwhile."""
    honest, slept = LedgerRepository.begin, threading.Event()

    def begin(self: LedgerRepository, call: StepCall, key: str, lease: str, until: datetime) -> Any:
        taken = honest(self, call, key, lease, until)
        if "/executive_email/" in key and not slept.is_set():
            slept.set()
            with sqlite_store.write() as session:
                contact = session.get_one(Contact, key.split("/")[4])
                set_consent(session, contact, Consent.DENIED, source="page", by="customer", now=call.now)
            time.sleep(LEASE.total_seconds() / 2)
        return taken

    monkeypatch.setattr(LedgerRepository, "begin", begin)
    provider = Provider()
    opened, key = await played(sqlite_store, temporal_address, provider)
    assert slept.is_set()
    assert provider.attempts["executive_email"] == 0
    (row,) = [row for row in opened.deliveries(key) if row.step == "executive_email"]
    assert (row.state, row.reason) == ("skipped", "Acme-0 Person has withdrawn consent")
    (told,) = [row for row in opened.rows(Event) if row.kind == "delivery.planned"]
    assert told.why.startswith("The attempt was held up for too long")


async def test_a_provider_that_says_later_is_asked_again(sqlite_store: Store, temporal_address: str) -> None:
    busy = SendRefusedError("429 Too Many Requests", retryable=True, retry_after=timedelta(minutes=2))
    provider = Provider(act=first_time(busy))
    opened, key = await played(sqlite_store, temporal_address, provider)
    assert provider.attempts["executive_email"] == 2
    assert states(opened, key)["executive_email"] == "accepted"
    lines = [row.text for row in opened.rows(Event) if row.kind == "delivery.planned"]
    assert lines == ["executive_email: email to Acme-0 Person will be tried again"]


async def test_a_provider_that_says_no_for_good_becomes_a_task(
    sqlite_store: Store, temporal_address: str
) -> None:
    provider = Provider(act=first_time(SendRefusedError("550 no such mailbox", retryable=False)))
    opened, key = await played(sqlite_store, temporal_address, provider)
    assert provider.attempts["executive_email"] == 1
    assert states(opened, key)["executive_email"] == "failed"
    assert opened.steps(opened.interventions(key)[0].id)["executive_email"] == "missed"
    assert [row.why for row in opened.rows(Event) if row.kind == "alert.missed"] == ["550 no such mailbox"]


async def test_a_provider_that_is_down_for_the_whole_window_is_an_alert(
    sqlite_store: Store, temporal_address: str
) -> None:
    def down(message: Message, _attempt: int) -> None:
        if "/executive_email/" in message.key:
            raise SendRefusedError(
                "503 Service Unavailable", retryable=True, retry_after=20 * timedelta(minutes=1)
            )

    provider = Provider(act=down)
    async with stage(sqlite_store, temporal_address, adapters=provider.adapters(), lease=LEASE) as opened:
        key = opened.customer("acme")
        await opened.score(key, 12)
        await opened.opened(key)
        await opened.forward(key, 5 * HOUR)
        steps = opened.steps(opened.interventions(key)[0].id)
        assert steps["executive_email"] == "missed"
        assert steps["roadmap_email"] == "done", "the playbook goes on without it"
        assert any(row.kind == "alert.missed" for row in opened.rows(Event))
        await opened.command(key, Stop)
        await opened.handle(key).result()


async def test_consent_withdrawn_between_steps_stops_the_next_one_and_a_person_gets_it(stage: Stage) -> None:
    key = stage.customer("acme", contacts=1)
    await stage.score(key, 50)
    await stage.opened(key)
    await stage.forward(key, 30 * HOUR)
    assert len(stage.outbox(key)) == 1
    stage.world.change(Contact, "acme-0", consent="denied")
    await stage.forward(key, 60 * HOUR)
    steps = stage.steps(stage.interventions(key)[0].id)
    assert (steps["value_email"], steps["unused_features"]) == ("done", "skipped")
    why = [row.why for row in stage.rows(Event) if row.kind == "step.skipped"]
    assert len(why) == 1
    assert "consent" in why[0]
    assert [task.owner_id for task in stage.tasks(key)] == ["dana"]
    await stage.command(key, Stop)


async def test_nothing_goes_out_in_a_pause_even_while_a_provider_is_retried(
    sqlite_store: Store, temporal_address: str
) -> None:
    busy = SendRefusedError("429", retryable=True, retry_after=timedelta(minutes=30))
    provider = Provider(act=first_time(busy))
    async with stage(sqlite_store, temporal_address, adapters=provider.adapters(), lease=LEASE) as opened:
        key = opened.customer("acme")
        await opened.score(key, 12)
        await opened.opened(key)
        await opened.eventually(lambda: provider.attempts["executive_email"], lambda count: count == 1)
        await opened.command(key, Pause, reason="wait")
        await opened.forward(key, 48 * HOUR)
        assert provider.accepted == []
        await opened.command(key, Resume)
        await opened.forward(key, 3 * HOUR)
        assert {key.split("/")[3] for key in provider.accepted} == {
            *("executive_email", "alert_csm", "csm_outreach", "roadmap_email"),
            *("tell_cover", "escalate"),
        }
        assert set(Counter(provider.accepted).values()) == {1}
        await opened.command(key, Stop)
        await opened.handle(key).result()


async def test_an_escalation_reaches_the_manager_even_when_slack_refuses(
    sqlite_store: Store, temporal_address: str
) -> None:
    def no_slack(message: Message, _attempt: int) -> None:
        if "/escalate/" in message.key:
            raise SendRefusedError("channel_not_found", retryable=False)

    provider = Provider(act=no_slack)
    async with stage(sqlite_store, temporal_address, adapters=provider.adapters(), lease=LEASE) as opened:
        key = opened.customer("acme")
        await opened.score(key, 12)
        await opened.opened(key)
        await opened.forward(key, 9 * HOUR)
        tasks = [(task.kind, task.owner_id) for task in opened.tasks(key) if task.step == "escalate"]
        assert tasks == [("escalation", "lena")]
        assert states(opened, key)["escalate"] == "failed"
        assert any(row.kind == "task.escalation" for row in opened.rows(Event))
        await opened.command(key, Stop)
        await opened.handle(key).result()


async def test_an_attempt_that_fails_after_a_stop_is_no_miss(
    sqlite_store: Store, temporal_address: str
) -> None:
    """The attempt was called off: there is no alert, and nobody is asked to send it by hand."""
    busy, release = SendRefusedError("503", retryable=True), threading.Event()

    def slow(message: Message, _attempt: int) -> None:
        if "/executive_email/" in message.key:
            release.wait(PATIENCE)
            raise busy

    provider = Provider(act=slow)
    async with stage(sqlite_store, temporal_address, adapters=provider.adapters(), lease=LEASE) as opened:
        key = opened.customer("acme")
        await opened.score(key, 12)
        await opened.opened(key)
        await opened.eventually(lambda: provider.attempts["executive_email"], lambda count: count == 1)
        await opened.command(key, Stop)
        release.set()
        await opened.handle(key).result()
        assert not [row for row in opened.rows(Event) if row.kind == "alert.missed"]
        assert opened.tasks(key) == []
        assert states(opened, key)["executive_email"] == "cancelled"


@pytest.mark.parametrize(("answers", "ends_as"), [(True, "accepted"), (False, "unknown")])
async def test_the_sweep_settles_what_a_stop_left_in_sending(
    answers: bool, ends_as: str, sqlite_store: Store, temporal_address: str
) -> None:
    """The provider took it, somebody stopped the run, and the answer was lost: nobody tries it again."""
    reset, stopped = ConnectionError("reset by peer"), threading.Event()

    def lost(message: Message, attempt: int) -> None:
        # Not before: a machine that is busy might come to the next attempt, which asks the provider.
        stopped.wait(PATIENCE)
        first_time(reset)(message, attempt)

    provider = Provider(act=lost, before=False, answers=answers)
    async with stage(sqlite_store, temporal_address, adapters=provider.adapters(), lease=SHORT) as opened:
        key = opened.customer("acme")
        await opened.score(key, 12)
        await opened.opened(key)
        await opened.eventually(lambda: provider.accepted, bool)
        await opened.command(key, Stop)
        stopped.set()
        await opened.handle(key).result()
        assert states(opened, key) == {"executive_email": "sending"}
        ledger, organisation = LedgerRepository(sqlite_store), opened.world.organisation
        await opened.eventually(lambda: ledger.left_over(organisation, datetime.now(UTC)), bool)
        await opened.skipper.client.execute_workflow(
            "SweepTransitions",
            opened.world.organisation,
            id=f"sweep-{key}-{opened.world.organisation}",
            task_queue=opened.parts.hand_over.task_queue,
        )
        assert states(opened, key) == {"executive_email": ends_as}
        assert [row.kind for row in opened.rows(Event) if row.kind.startswith("delivery.")] == [
            f"delivery.{ends_as}"
        ]
        assert len(provider.accepted) == 1
