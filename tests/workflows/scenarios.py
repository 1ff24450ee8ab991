"""The main paths through each playbook, played through the real sender. Each gives its customer back.

The same scenarios make the golden timelines and the recorded histories. Moments count from the start: lengths
would add up with the real time that passes in between, and timelines tell the minute.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from keepwell.contracts.commands import (
    Acknowledge,
    Complete,
    Pause,
    Reassign,
    Respond,
    Resume,
    Skip,
    Stop,
)
from tests.workflows.scenarios_events import EVENTS
from tests.workflows.scenarios_growth import GROWTH
from tests.workflows.stage import DAY, HOUR, Stage

FIRST = timedelta(minutes=5)
"""Long enough for the steps at the start: while an activity runs, the virtual clock stands still."""

Scenario = Callable[[Stage, str], Awaitable[None]]


async def critical_silent(stage: Stage, key: str) -> None:
    """Nobody answers: every step runs, and the owner gets a review task at the end."""
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.until_end(key)


async def critical_answered(stage: Stage, key: str) -> None:
    """Acknowledged after half an hour, answered at hour 30: the last two steps never run."""
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.reach(key, HOUR / 2)
    await stage.command(key, Acknowledge)
    await stage.reach(key, 30 * HOUR)
    await stage.command(key, Respond, note="They want a call on Monday")
    await stage.handle(key).result()


async def critical_paused(stage: Stage, key: str) -> None:
    """Acknowledged by the cover; paused from hour 3 for two days, then until a date: no delay is lost."""
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.reach(key, 1.5 * HOUR)
    await stage.command(key, Acknowledge, by="omar@brightdesk.example")
    await stage.reach(key, 3 * HOUR)
    await stage.command(key, Pause, reason="Their office is closed")
    await stage.reach(key, 2 * DAY + 3 * HOUR)
    await stage.command(key, Resume)
    await stage.reach(key, 2 * DAY + 23 * HOUR)
    until = stage.clocks[key] + 12 * HOUR
    await stage.command(key, Pause, until=until, reason="They asked for a day")
    await stage.until_end(key)


async def critical_recovered(stage: Stage, key: str) -> None:
    """The score is good again at hour 26: the run ends, the phone call is withdrawn."""
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.reach(key, 26 * HOUR)
    await stage.score(key, 68)
    await stage.handle(key).result()


async def critical_by_hand(stage: Stage, key: str) -> None:
    """Steps completed and skipped by hand, another owner, and stopped at the end."""
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.reach(key, FIRST)
    await stage.command(key, Skip, step="csm_outreach", reason="Called them already")
    await stage.reach(key, FIRST + 3 * HOUR)
    await stage.command(key, Reassign, to="omar", to_name="Omar Haddad")
    await stage.reach(key, FIRST + 25 * HOUR)
    await stage.command(key, Complete, step="phone_call", note="Spoke to them")
    await stage.command(key, Stop, reason="They leave; contract ended")
    await stage.handle(key).result()


async def critical_by_signals(stage: Stage, key: str) -> None:
    """What people do in the Temporal UI: plain signals, one of them wrong."""
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.reach(key, FIRST)
    handle = stage.handle(key)
    await handle.signal("acknowledge", {"by": "ops"})
    await handle.signal("pause", {"by": "ops", "until": "yesterday"})
    await handle.signal("skip", {"by": "ops", "step": "no_such_step"})
    await stage.reach(key, FIRST + 3 * HOUR)
    await handle.signal("respond")
    await handle.result()


async def high_risk_silent(stage: Stage, key: str) -> None:
    """Nobody acknowledges and nobody answers: all steps in 25 days, and a review task on day 30."""
    await stage.score(key, 30)
    await stage.opened(key)
    await stage.until_end(key)


async def high_risk_answered(stage: Stage, key: str) -> None:
    """Acknowledged at hour 2, answered on day 5: the report went out, nothing later does."""
    await stage.score(key, 30)
    await stage.opened(key)
    await stage.reach(key, 2 * HOUR)
    await stage.command(key, Acknowledge)
    await stage.reach(key, 5 * DAY)
    await stage.command(key, Respond, note="They want the half-hour")
    await stage.handle(key).result()


async def high_risk_recovered(stage: Stage, key: str) -> None:
    """The score is good again on day 15: the run ends, the task of day 14 is withdrawn."""
    await stage.score(key, 30)
    await stage.opened(key)
    await stage.reach(key, 2 * HOUR)
    await stage.command(key, Acknowledge)
    await stage.reach(key, 15 * DAY + 2 * HOUR)
    await stage.score(key, 68)
    await stage.handle(key).result()


async def at_risk_silent(stage: Stage, key: str) -> None:
    """Ninety days of useful messages, and nobody answers."""
    await stage.score(key, 50)
    await stage.opened(key)
    await stage.until_end(key)


async def at_risk_answered(stage: Stage, key: str) -> None:
    """Answered on day 8."""
    await stage.score(key, 50)
    await stage.opened(key)
    await stage.reach(key, 8 * DAY)
    await stage.command(key, Respond)
    await stage.handle(key).result()


async def at_risk_taken_over(stage: Stage, key: str) -> None:
    """Worse on day 5: the critical playbook takes over in the same chain; answered at its hour 30."""
    await stage.score(key, 50)
    await stage.opened(key)
    await stage.reach(key, 5 * DAY)
    await stage.score(key, 12)
    await stage.opened(key, 2)
    await stage.reach(key, 30 * HOUR)
    await stage.command(key, Respond)
    await stage.handle(key).result()


async def at_risk_without_contacts(stage: Stage, key: str) -> None:
    """Nobody to write to: each step says so and becomes a task."""
    await stage.score(key, 50)
    await stage.opened(key)
    await stage.reach(key, 8 * DAY)
    await stage.command(key, Stop, reason="No contacts")
    await stage.handle(key).result()


SCENARIOS: dict[str, Scenario] = (
    {
        scenario.__name__: scenario
        for scenario in (
            critical_silent,
            critical_answered,
            critical_paused,
            critical_recovered,
            critical_by_hand,
            critical_by_signals,
            high_risk_silent,
            high_risk_answered,
            high_risk_recovered,
            at_risk_silent,
            at_risk_answered,
            at_risk_taken_over,
            at_risk_without_contacts,
        )
    }
    | GROWTH
    | EVENTS
)
WITHOUT_CONTACTS = ("at_risk_without_contacts",)
