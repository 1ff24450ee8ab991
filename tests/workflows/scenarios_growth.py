"""The paths through offers and expansions, played through the real sender."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from keepwell.contracts.commands import Accept, Decline, Pause, Seen, Upgraded
from keepwell.contracts.offers import OfferKind
from scoring.signal import Signal
from tests.workflows.stage import DAY, HOUR, Stage

SOON = timedelta(minutes=5)


async def offer_accepted(stage: Stage, key: str) -> None:
    """Nobody answers for 72 hours; the customer sees the last offer and takes two months' pause."""
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.forward(key, 73 * HOUR)
    await stage.command(key, Seen)
    await stage.forward(key, 2 * HOUR)
    await stage.command(key, Accept, option=OfferKind.BILLING_PAUSE, months=2, note="Budget freeze")
    await stage.handle(key).result()


async def offer_accepted_by_phone(stage: Stage, key: str) -> None:
    """Agreed on the phone at hour 26, before the offer went out: the playbook is redirected to support."""
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.forward(key, 26 * HOUR)
    await stage.command(key, Accept, option=OfferKind.DEDICATED_SUPPORT)
    await stage.until_end(key)


async def offer_declined(stage: Stage, key: str) -> None:
    """Declined at hour 80: an answer."""
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.forward(key, 80 * HOUR)
    await stage.command(key, Decline, note="They have signed with somebody else")
    await stage.handle(key).result()


async def usage_limit_silent(stage: Stage, key: str) -> None:
    """Three emails in a week, and nobody answers."""
    await stage.expand(key, Signal.USAGE_LIMIT_APPROACHING, usage_percentage=88.0)
    await stage.opened(key)
    await stage.until_end(key, "expansion")


async def usage_limit_held(stage: Stage, key: str) -> None:
    """Critical on day 1: held; recovered 20 hours later: goes on where it was; upgraded on its day 4."""
    await stage.expand(key, Signal.USAGE_LIMIT_APPROACHING, usage_percentage=88.0)
    await stage.opened(key)
    await stage.forward(key, 1 * DAY, "expansion")
    await stage.score(key, 12)
    await stage.opened(key, 2)
    await stage.eventually(lambda: stage.interventions(key)[0].held_why, bool)
    await stage.forward(key, 20 * HOUR)
    await stage.reach(key, 6 * DAY, "expansion")
    await stage.score(key, 85)
    await stage.handle(key).result()
    await stage.eventually(lambda: stage.interventions(key)[0].held_why, lambda held: not held)
    await stage.forward(key, 3 * DAY, "expansion")
    await stage.command(key, Upgraded, plan="Business", family="expansion")
    await stage.handle(key, "expansion").result()


async def team_trial_accepted(stage: Stage, key: str) -> None:
    """The trial is accepted on day 3: its tasks follow."""
    await stage.expand(key, Signal.TEAM_EXPANSION_OPPORTUNITY, active_users=12.0, team_size_estimate=20.0)
    await stage.opened(key)
    await stage.forward(key, 3 * DAY, "expansion")
    await stage.command(key, Accept, option=OfferKind.TRIAL, family="expansion")
    await stage.until_end(key, "expansion")


async def campaign_paused(stage: Stage, key: str) -> None:
    """A pause on the campaign is respected by the risk playbook that begins meanwhile."""
    await stage.expand(key, Signal.API_SCALING_OPPORTUNITY, api_usage_growth_rate=1.8)
    await stage.opened(key)
    await stage.forward(key, SOON, "expansion")
    until = stage.clocks[key] + 2 * DAY
    await stage.command(key, Pause, until=until, reason="They asked for quiet", family="expansion")
    await stage.clock.settled(stage.handle(key, "expansion"))  # others see it once the run has written it
    await stage.score(key, 12)
    await stage.opened(key, 2)
    await stage.until_end(key)
    await stage.reach(key, 12 * HOUR + SOON, "expansion")
    await stage.score(key, 85)
    await stage.until_end(key, "expansion")


Scenario = Callable[[Stage, str], Awaitable[None]]
GROWTH: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        offer_accepted,
        offer_accepted_by_phone,
        offer_declined,
        usage_limit_silent,
        usage_limit_held,
        team_trial_accepted,
        campaign_paused,
    )
}
