"""Who hears of silence, and when: owner, cover, manager; and absences that begin and end on the way."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from keepwell.contracts.alerts import MonitorCall
from keepwell.contracts.commands import Acknowledge, Reassign, Respond, Stop
from keepwell.contracts.tasks import TaskOutcome
from keepwell.db.repositories.absences import add_absence
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.tasks import close_task
from keepwell.db.tables import Alert, Delivery, OutboxMessage, PendingCommand, Staff, Task
from tests.workflows.scenarios import FIRST
from tests.workflows.stage import DAY, HOUR, Stage


def away(stage: Stage, key: str, who: str, days: int, cover: str | None = None) -> None:
    """Somebody is away from today for so many days more."""
    today = stage.clocks[key].date()
    with stage.store.write() as session:
        other = session.get_one(Staff, cover) if cover else None
        person = session.get_one(Staff, who)
        until = today + days * DAY
        add_absence(session, person, today, until, cover=other, reason="", by="lena", now=stage.clocks[key])


def told(stage: Stage, key: str) -> list[tuple[str, float, str]]:
    """Slack messages to staff: step, hours after the start, whom."""
    (opened,) = stage.interventions(key)
    rows = stage.rows(Delivery, intervention_id=opened.id, channel="slack")
    hours = [
        (row.step, round((row.accepted_at - opened.started_at) / HOUR, 1), row.recipient_name)
        for row in rows
        if row.accepted_at is not None
    ]
    return sorted(hours, key=lambda one: one[1])


def texts(stage: Stage, step: str) -> list[str]:
    """What the outbox holds of a step."""
    return [one.text for one in stage.rows(OutboxMessage) if f"/{step}/" in one.key]


async def look(stage: Stage, key: str, later: timedelta = timedelta()) -> None:
    """A pass of the monitor on the customer's clock."""
    call = MonitorCall(organisation=stage.world.organisation, as_of=stage.clocks[key] + later)
    found = await asyncio.to_thread(MonitorRepository(stage.store).look, call)
    assert found.failed == 0


async def begun(stage: Stage, key: str = "acme") -> str:
    stage.customer(key)
    return key


async def test_silence_goes_from_the_owner_to_the_cover_to_the_manager(stage: Stage) -> None:
    key = await begun(stage)
    await stage.score(key, 12)
    opened = await stage.opened(key)
    await stage.forward(key, 3 * HOUR)
    assert told(stage, key) == [
        ("alert_csm", 0.0, "Dana Reyes"),
        ("tell_cover", 1.0, "Omar Haddad"),
        ("escalate", 2.0, "Lena Lead"),
    ]
    tasks = {row.step: (row.owner_id, row.due_at - row.created_at) for row in stage.rows(Task)}
    assert tasks == {"tell_cover": ("omar", 1 * HOUR), "escalate": ("lena", 2 * HOUR)}
    # Both deadlines pass, and each miss is one alert, however often the monitor looks.
    await stage.forward(key, 2 * HOUR)
    await look(stage, key)
    await look(stage, key)
    alerts = stage.rows(Alert, trigger="deadline_missed")
    assert sorted((one.severity, one.decision, one.state) for one in alerts) == [
        ("critical", "none", "open"),
        ("critical", "none", "open"),
    ]
    # Whoever acknowledges it ends what silence has led to.
    await stage.command(key, Acknowledge, by="omar@brightdesk.example")
    await stage.eventually(
        lambda: {row.state for row in stage.rows(Task, kind="escalation")}, lambda states: states == {"done"}
    )
    await look(stage, key)
    assert {one.state for one in stage.rows(Alert, trigger="deadline_missed")} == {"closed"}
    assert stage.interventions(key)[0].owner_id == "dana"
    await stage.command(key, Stop, intervention=opened.id)
    await stage.handle(key).result()


async def test_the_covers_acknowledgement_counts(stage: Stage) -> None:
    key = await begun(stage)
    await stage.score(key, 12)
    opened = await stage.opened(key)
    await stage.forward(key, 1.5 * HOUR)
    await stage.command(key, Acknowledge, by="omar@brightdesk.example")
    await stage.forward(key, 2 * HOUR)
    assert [step for step, _, _ in told(stage, key)] == ["alert_csm", "tell_cover"]
    assert stage.steps(opened.id)["escalate"] == "cancelled"
    (row,) = stage.interventions(key)
    assert (row.acknowledged_by, row.owner_id) == ("omar@brightdesk.example", "dana")
    await stage.command(key, Respond)
    await stage.handle(key).result()


async def test_an_owner_who_is_away_is_stood_in_for_until_they_are_back(stage: Stage) -> None:
    key = await begun(stage)
    away(stage, key, "dana", days=1, cover="omar")
    await stage.score(key, 12)
    opened = await stage.opened(key)
    await stage.forward(key, 3 * HOUR)
    # Omar acts as the owner and has no deputy: the lead hears of it, and then she does again.
    assert [(step, who) for step, _, who in told(stage, key)] == [
        ("alert_csm", "Omar Haddad"),
        ("tell_cover", "Lena Lead"),
        ("escalate", "Lena Lead"),
    ]
    (alert,) = texts(stage, "alert_csm")
    assert alert.startswith("For Dana Reyes, who is away until ")
    (letter,) = texts(stage, "csm_outreach")
    assert "Omar Haddad" in letter
    assert "for Dana Reyes, who is away until " in letter
    assert opened.owner_id == "dana"
    await stage.forward(key, 22 * HOUR)
    (call,) = stage.rows(Task, step="phone_call")
    assert (call.owner_id, call.for_id) == ("omar", "dana")
    assert call.detail.startswith("For Dana Reyes, who is away until ")
    # The day after her last one she has it again, and what comes later comes to her.
    await look(stage, key, 2 * DAY)
    (call,) = stage.rows(Task, step="phone_call")
    assert (call.owner_id, call.for_id) == ("dana", None)
    await stage.forward(key, 2 * DAY)
    (later,) = texts(stage, "alternative_contact")
    assert "Dana Reyes" in later
    assert "away until" not in later
    await stage.command(key, Stop, intervention=opened.id)
    await stage.handle(key).result()


async def test_a_reassignment_during_silence_tells_the_new_owners_people(stage: Stage) -> None:
    key = await begun(stage)
    stage.world.staff("kim", name="Kim Lead", role="lead")
    stage.world.change(Staff, "omar", manager_id="kim", deputy="sam")
    await stage.score(key, 12)
    opened = await stage.opened(key)
    await stage.forward(key, FIRST)
    await stage.command(key, Reassign, to="omar", to_name="Omar Haddad")
    await stage.forward(key, 3 * HOUR)
    assert [(step, who) for step, _, who in told(stage, key)] == [
        ("alert_csm", "Dana Reyes"),
        ("tell_cover", "Sam Support"),
        ("escalate", "Kim Lead"),
    ]
    await stage.command(key, Stop, intervention=opened.id)
    await stage.handle(key).result()


async def test_a_closed_task_completes_its_step(stage: Stage) -> None:
    key = await begun(stage)
    await stage.score(key, 12)
    opened = await stage.opened(key)
    await stage.forward(key, FIRST)
    await stage.command(key, Acknowledge)
    await stage.forward(key, 25 * HOUR)
    (call,) = stage.rows(Task, step="phone_call")
    with stage.store.write() as session:
        _, tells = close_task(
            session, call.id, TaskOutcome.MEETING_BOOKED, "Monday at ten", "dana", stage.clocks[key]
        )
    assert tells
    (kept,) = stage.rows(PendingCommand, intervention_id=opened.id, source="task")
    wanted = {"kind": "complete", "step": "phone_call", "by": "dana", "note": "meeting booked: Monday at ten"}
    assert kept.command.items() >= wanted.items()
    await stage.command(key, Stop, intervention=opened.id)
    await stage.handle(key).result()
    (call,) = stage.rows(Task, step="phone_call")
    assert (call.state, call.outcome) == ("done", "meeting_booked")
