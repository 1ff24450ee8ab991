"""The paths through event playbooks, played through the real sender."""

from __future__ import annotations

from datetime import UTC, datetime

from keepwell.contracts.commands import Acknowledge, Complete, Respond
from keepwell.db.repositories.alerts import close_alert
from keepwell.db.tables import Alert
from scoring import triggers
from scoring.triggers import Finding
from tests.workflows.scenarios_growth import Scenario
from tests.workflows.stage import DAY, HOUR, Stage

CRITICAL = triggers.fell_below(31.4, 17.2)
USAGE = triggers.usage_fell(25.0, 12.0, "daily active users", " %")
PAYMENT = triggers.payment_failed(
    {"amount": 1240, "currency": "EUR", "invoice": "2026-1107", "reason": "card_expired"}
)
UNUSED = triggers.unused("shared inbox", 8.0, 12)
SILENT = triggers.silence(48.0)
GONE = triggers.silence(72.0)
STALLED = triggers.stalled("Connect the mailbox", 73.0)

NEXT_DAY = 15 * HOUR
"""From an evening to the next morning at nine."""


def noticed(finding: Finding | None) -> Finding:
    """What a rule found; each of them must find something here."""
    assert finding is not None
    return finding


async def close(stage: Stage, alert: str, why: str) -> None:
    """The cause of an alert is gone, and what the monitor does follows."""
    now = datetime.now(UTC)
    with stage.store.write() as session:
        close_alert(session, session.get_one(Alert, alert), why, now)
    await stage.parts.hand_over.end_events(stage.world.organisation, now)


async def executive_notified(stage: Stage, key: str) -> None:
    """Below 20: the critical playbook runs, and an executive and the owner are told besides."""
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.alert(key, noticed(CRITICAL))
    await stage.handle(key, "event").result()
    await stage.forward(key, HOUR)
    await stage.command(key, Respond)
    await stage.until_end(key)


async def re_engagement_silent(stage: Stage, key: str) -> None:
    """Usage fell by half: two letters and a task to call, and nobody answers."""
    await stage.alert(key, noticed(USAGE))
    await stage.opened(key)
    await stage.until_end(key, "event")


async def re_engagement_answered(stage: Stage, key: str) -> None:
    """An answer on day 1."""
    await stage.alert(key, noticed(USAGE))
    await stage.opened(key)
    await stage.forward(key, 1 * DAY, "event")
    await stage.command(key, Respond, note="Holidays", family="event")
    await stage.handle(key, "event").result()


async def re_engagement_superseded(stage: Stage, key: str) -> None:
    """Critical on day 1: that playbook has the word now."""
    await stage.alert(key, noticed(USAGE))
    await stage.opened(key)
    await stage.forward(key, 1 * DAY, "event")
    await stage.score(key, 12)
    await stage.opened(key, 2)
    await stage.handle(key, "event").result()
    await stage.reach(key, 3 * HOUR)
    await stage.command(key, Respond)
    await stage.handle(key).result()


async def payment_silent(stage: Stage, key: str) -> None:
    """A failed payment that nobody looks at: an email after an hour, an escalation after two, a call."""
    await stage.alert(key, PAYMENT)
    await stage.opened(key)
    await stage.until_end(key, "event")


async def payment_settled(stage: Stage, key: str) -> None:
    """Taken in hand after half an hour, settled the next morning."""
    await stage.alert(key, PAYMENT)
    await stage.opened(key)
    await stage.reach(key, 0.5 * HOUR, "event")
    await stage.command(key, Acknowledge, by="sam@brightdesk.example", family="event")
    await stage.reach(key, 16.5 * HOUR, "event")
    await stage.command(key, Complete, step="fix_payment", by="sam@brightdesk.example", family="event")
    await stage.handle(key, "event").result()


async def feature_tutorial_silent(stage: Stage, key: str) -> None:
    """A core feature lies unused: the tutorial waits for the next business day."""
    await stage.alert(key, noticed(UNUSED), NEXT_DAY)
    await stage.opened(key)
    await stage.until_end(key, "event")


async def feature_used_again(stage: Stage, key: str) -> None:
    """Used again before the tutorial went out: nothing is sent."""
    alert = await stage.alert(key, noticed(UNUSED), NEXT_DAY)
    await stage.opened(key)
    await close(stage, alert, "feature_used at 2026-11-22 12:00 UTC")
    await stage.handle(key, "event").result()


async def nudge_silent(stage: Stage, key: str) -> None:
    """No event for 48 hours: a note in the app, and an email an hour later."""
    await stage.alert(key, noticed(SILENT), NEXT_DAY)
    await stage.opened(key)
    await stage.until_end(key, "event")


async def nudge_back(stage: Stage, key: str) -> None:
    """Back before the email: it is not sent."""
    alert = await stage.alert(key, noticed(STALLED), NEXT_DAY)
    await stage.opened(key)
    await stage.forward(key, NEXT_DAY + 0.5 * HOUR, "event")
    await close(stage, alert, "task_updated at 2026-11-24 12:00 UTC")
    await stage.handle(key, "event").result()


async def zero_activity_silent(stage: Stage, key: str) -> None:
    """Three days without an event: the owner knows, the customer is asked, then called."""
    await stage.alert(key, noticed(GONE))
    await stage.opened(key)
    await stage.until_end(key, "event")


EVENTS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        executive_notified,
        re_engagement_silent,
        re_engagement_answered,
        re_engagement_superseded,
        payment_silent,
        payment_settled,
        feature_tutorial_silent,
        feature_used_again,
        nudge_silent,
        nudge_back,
        zero_activity_silent,
    )
}
