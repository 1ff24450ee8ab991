"""The critical playbook with the live adapters, against providers that answer late, never or badly."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keepwell.contracts.commands import Stop
from keepwell.db.engine import Store
from keepwell.db.tables import Event
from keepwell.errors import ConfigurationError
from keepwell.settings import Settings
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.slack import FakeSlack
from tests.workflows.providers import LEASE, Providers
from tests.workflows.stage import Stage, first_hours
from worker import compose, make_hand_over

MAIL = "executive_email"
ALERT = "alert_csm"


async def played(
    store: Store, address: str, providers: Providers, *, search: bool = False
) -> tuple[Stage, str]:
    """The first hours of the critical playbook with the providers, and the customer's key."""
    return await first_hours(store, address, providers.adapters(store, search=search), LEASE)


def state(opened: Stage, key: str, step: str) -> str:
    [row] = [row for row in opened.deliveries(key) if row.step == step]
    return str(row.state)


def became(opened: Stage, key: str, step: str) -> str:
    return opened.steps(opened.interventions(key)[0].id)[step]


def tasks(opened: Stage, key: str, step: str) -> list[str]:
    return [task.kind for task in opened.tasks(key) if task.step == step]


def taken(fake: FakeSendGrid | FakeSlack, step: str) -> int:
    """How often the provider accepted a step's message."""
    return sum(count for key, count in fake.counts().items() if f"/{step}/" in key)


async def test_every_message_of_the_first_hours_is_taken_once(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    opened, key = await played(sqlite_store, temporal_address, providers)
    mails = (MAIL, "csm_outreach", "roadmap_email")
    assert {step: taken(providers.mail, step) for step in mails} == dict.fromkeys(mails, 1)
    assert providers.mail.counts().total() == 3
    told = (ALERT, "tell_cover", "escalate")
    assert {step: taken(providers.slack, step) for step in told} == dict.fromkeys(told, 1)
    assert providers.slack.counts().total() == 3
    by_step = {row.step: row for row in opened.deliveries(key)}
    assert {row.state for row in by_step.values()} == {"accepted"}
    assert by_step[MAIL].provider_id == providers.mail.accepted[0].identifier
    assert by_step[ALERT].provider_id == f"D0DANA:{providers.slack.accepted[0].identifier}"
    roadmap = next(one for one in providers.mail.accepted if "/roadmap_email/" in one.key)
    assert len(roadmap.content["attachments"]) == 1


@pytest.mark.parametrize(
    ("provider", "path", "step"), [("mail", "mail/send", MAIL), ("slack", "chat.postMessage", ALERT)]
)
async def test_a_provider_that_names_a_moment_is_not_asked_before(
    provider: str, path: str, step: str, live_stage: Stage, providers: Providers
) -> None:
    fake: FakeSendGrid | FakeSlack = getattr(providers, provider)
    fake.script(path=path, key=step, times=1, status=429, headers={"Retry-After": "600"})
    key = live_stage.customer("acme")
    await live_stage.score(key, 12)
    await live_stage.opened(key)
    await live_stage.eventually(lambda: _why(live_stage, key, step), lambda why: "did not take" in why)
    # Moved by a part of it, the virtual clock of server 1.32 lets the next attempt begin at once.
    assert await _rests(live_stage, key) == [600]
    assert fake.asked(path, step) == 1
    await live_stage.forward(key, timedelta(minutes=12))
    await live_stage.eventually(lambda: state(live_stage, key, step), lambda found: found == "accepted")
    assert fake.asked(path, step) == 2
    assert taken(fake, step) == 1
    await live_stage.command(key, Stop)
    await live_stage.handle(key).result()


async def _rests(opened: Stage, key: str) -> list[int]:
    """How many seconds the server waits before the next attempt at each thing that the run has begun."""
    run = opened.handle(key)
    await opened.clock.settled(run)
    pending = (await run.describe()).raw_description.pending_activities
    return [one.current_retry_interval.seconds for one in pending]


def _why(opened: Stage, key: str, step: str) -> str:
    return " ".join(row.reason for row in opened.deliveries(key) if row.step == step)


LOST = pytest.mark.parametrize(
    "act", [{"close": "after"}, {"wait_after": 30.0}, {"status": 502, "accepts": True}], ids=str
)


@LOST
async def test_an_answer_that_is_lost_is_looked_up(
    act: dict[str, Any], sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    providers.mail.script(path="mail/send", key=MAIL, times=1, **act)
    opened, key = await played(sqlite_store, temporal_address, providers, search=True)
    assert taken(providers.mail, MAIL) == providers.mail.asked("mail/send", MAIL) == 1
    assert state(opened, key, MAIL) == "accepted"
    assert became(opened, key, MAIL) == "done"
    found = [row.text for row in opened.rows(Event) if row.kind == "delivery.accepted" and MAIL in row.text]
    assert found == [
        f"{MAIL}: email sent to Acme-0 Person (found at the provider after an attempt broke off)"
    ]


@LOST
async def test_where_nobody_can_look_it_up_a_person_does(
    act: dict[str, Any], sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    providers.mail.script(path="mail/send", key=MAIL, times=1, **act)
    opened, key = await played(sqlite_store, temporal_address, providers)
    assert taken(providers.mail, MAIL) == providers.mail.asked("mail/send", MAIL) == 1
    assert (state(opened, key, MAIL), became(opened, key, MAIL)) == ("unknown", "held")
    assert tasks(opened, key, MAIL) == ["fallback"]
    why = [row.why for row in opened.rows(Event) if row.kind == "delivery.unknown"]
    assert why == [
        "SendGrid can be asked only where the account has the Email Activity search "
        "(KEEPWELL_SENDGRID_ACTIVITY)"
    ]


async def test_a_message_that_was_not_taken_is_never_sent_again_on_a_guess(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    """The search does not show it, which proves nothing: a person decides."""
    providers.mail.script(path="mail/send", key=MAIL, times=1, close="before")
    opened, key = await played(sqlite_store, temporal_address, providers, search=True)
    assert taken(providers.mail, MAIL) == 0
    assert (state(opened, key, MAIL), became(opened, key, MAIL)) == ("unknown", "held")
    assert tasks(opened, key, MAIL) == ["fallback"]


async def test_a_key_that_is_not_valid_becomes_a_task(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    providers.mail.script(key=MAIL, status=401)
    opened, key = await played(sqlite_store, temporal_address, providers)
    assert providers.mail.asked("mail/send", MAIL) == 1
    assert (state(opened, key, MAIL), became(opened, key, MAIL)) == ("failed", "missed")
    [task] = [task for task in opened.tasks(key) if task.step == MAIL]
    assert "KEEPWELL_SENDGRID_API_KEY" in task.detail
    assert taken(providers.mail, "csm_outreach") == 1, "the playbook goes on"


@pytest.mark.parametrize("act", [{"close": "after"}, {"wait_after": 30.0}], ids=str)
async def test_a_slack_answer_that_is_lost_is_found_in_the_history(
    act: dict[str, Any], sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    providers.slack.script(path="chat.postMessage", times=1, **act)
    opened, key = await played(sqlite_store, temporal_address, providers)
    assert taken(providers.slack, ALERT) == providers.slack.asked("chat.postMessage", ALERT) == 1
    assert (state(opened, key, ALERT), became(opened, key, ALERT)) == ("accepted", "done")


async def test_a_slack_that_cannot_be_reached_is_tried_until_it_can(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    """Nothing can have been handed over, so that trying again is safe."""
    providers.slack.script(path="chat.postMessage", times=2, status=503)
    opened, key = await played(sqlite_store, temporal_address, providers)
    assert providers.slack.asked("chat.postMessage", ALERT) == 3
    assert taken(providers.slack, ALERT) == 1
    assert state(opened, key, ALERT) == "accepted"


async def test_a_change_of_score_is_handed_over_without_the_providers_keys(sqlite_stage: Stage) -> None:
    """A scheduler's machine need not hold what only the worker sends with."""
    key = sqlite_stage.customer("acme")
    scored = await score_only(sqlite_stage, key)
    settings = Settings(sending="live", task_queue=sqlite_stage.parts.hand_over.task_queue)
    client = sqlite_stage.skipper.client
    with pytest.raises(ConfigurationError):
        compose(settings, sqlite_stage.store, client)
    sender = make_hand_over(settings, sqlite_stage.store, client)
    await sender.hand_over(scored, datetime.now(UTC))
    assert (await sqlite_stage.opened(key)).playbook == "critical"
    await sqlite_stage.command(key, Stop)


async def score_only(opened: Stage, key: str) -> str:
    """A change of level that nobody has handed over yet."""
    now = opened.clocks[key]
    opened.world.at_points(key, 12, now)
    scored = opened.parts.scores.score_customer(opened.world.organisation, key, now)
    assert scored.transition is not None
    return scored.transition


NO_FOR_GOOD = ("token_revoked", "channel_not_found", "user_not_found", "is_archived", "missing_scope")


@pytest.mark.parametrize("name", NO_FOR_GOOD)
async def test_whom_slack_does_not_reach_gets_an_email_and_a_task(
    name: str, sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    body = json.dumps({"ok": False, "error": name})
    providers.slack.script(path="chat.postMessage", key=ALERT, status=200, accepts=False, body=body)
    opened, key = await played(sqlite_store, temporal_address, providers)
    assert (taken(providers.slack, ALERT), taken(providers.mail, ALERT)) == (0, 1)
    rows = {row.channel: row for row in opened.deliveries(key) if row.step == ALERT}
    assert {channel: row.state for channel, row in rows.items()} == {"slack": "failed", "email": "accepted"}
    assert {row.recipient_id for row in rows.values()} == {"dana"}
    assert became(opened, key, ALERT) == "done"
    [mail] = [one.content for one in providers.mail.accepted if f"/{ALERT}/" in one.key]
    assert mail["personalizations"][0]["to"] == [{"email": "dana@brightdesk.example", "name": "Dana Reyes"}]
    [plain] = [part["value"] for part in mail["content"] if part["type"] == "text/plain"]
    assert name in plain
    assert "*" not in plain + mail["subject"]
    [task] = [task for task in opened.tasks(key) if task.step == ALERT]
    assert (task.kind, task.state) == ("fallback", "withdrawn")
    assert name in task.detail
    why = {row.kind: row.why for row in opened.rows(Event) if row.data.get("step") == ALERT}
    assert name in why["delivery.failed"]
    assert name in why["task.fallback"]
    assert providers.slack.asked("chat.postMessage", ALERT) == 1


async def test_where_the_email_fails_too_a_person_does_it(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    providers.slack.revoked = True
    providers.mail.script(key=ALERT, status=401)
    opened, key = await played(sqlite_store, temporal_address, providers)
    assert {row.channel: row.state for row in opened.deliveries(key) if row.step == ALERT} == {
        "slack": "failed",
        "email": "failed",
    }
    assert became(opened, key, ALERT) == "missed"
    assert tasks(opened, key, ALERT) == ["fallback"]


async def test_an_email_instead_is_sent_once_whatever_its_answer(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    """Its answer is lost: it is held like any other, and a person looks."""
    providers.slack.revoked = True
    providers.mail.script(path="mail/send", key=ALERT, times=1, close="after")
    opened, key = await played(sqlite_store, temporal_address, providers)
    assert taken(providers.mail, ALERT) == providers.mail.asked("mail/send", ALERT) == 1
    assert became(opened, key, ALERT) == "held"
    assert tasks(opened, key, ALERT) == ["fallback"]


async def test_an_email_instead_waits_for_a_provider_that_is_busy(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    providers.slack.revoked = True
    providers.mail.script(path="mail/send", key=ALERT, times=2, status=503)
    opened, key = await played(sqlite_store, temporal_address, providers)
    assert taken(providers.mail, ALERT) == 1
    assert became(opened, key, ALERT) == "done"
    assert tasks(opened, key, ALERT) == ["fallback"]


async def test_a_lost_answer_of_slack_is_no_reason_for_an_email(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    providers.slack.script(path="chat.postMessage", times=1, close="after")
    providers.slack.script(path="conversations.history", status=500)
    opened, key = await played(sqlite_store, temporal_address, providers)
    assert (taken(providers.slack, ALERT), taken(providers.mail, ALERT)) == (1, 0)
    assert (state(opened, key, ALERT), became(opened, key, ALERT)) == ("unknown", "held")


async def test_an_escalation_that_slack_refuses_comes_by_email(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    """Its task is there already: there is no second one."""
    providers.slack.revoked = True
    opened, key = await played(sqlite_store, temporal_address, providers)
    assert taken(providers.mail, "tell_cover") == 1
    assert len(tasks(opened, key, "tell_cover")) == 1
