"""The stories of the chaos test: every playbook, every kind of reaction, told at moments drawn by chance."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from keepwell.contracts.commands import (
    Accept,
    Acknowledge,
    Decline,
    Pause,
    Reassign,
    Respond,
    Resume,
    Seen,
    Skip,
    Stop,
    Upgraded,
)
from keepwell.contracts.offers import OfferKind
from tests.e2e.chaos_lives import Life, Story
from tests.workflows.stage import DAY, HOUR

POINTS = {"critical": 12.0, "high_risk": 30.0, "at_risk": 50.0}
LENGTH = {"critical": 7 * DAY, "high_risk": 30 * DAY, "at_risk": 93 * DAY}
STEP = {"critical": "csm_outreach", "high_risk": "personal_email", "at_risk": "success_story"}
Rest = Callable[[Life, str], Awaitable[None]]
"""What happens to an open intervention of a playbook."""


def within(life: Life, playbook: str, low: float = 0.02, high: float = 0.6) -> timedelta:
    """A moment of the playbook's length, drawn by chance."""
    return LENGTH[playbook] * life.chance.uniform(low, high)


async def silent(life: Life, playbook: str) -> None:
    """Nobody answers."""
    await life.to_the_end()


async def answered(life: Life, playbook: str) -> None:
    """Acknowledged, then answered."""
    await life.until(within(life, playbook, 0.01, 0.1))
    await life.tell(Acknowledge)
    await life.until(within(life, playbook, 0.1))
    await life.tell(Respond, note="They want a call")
    await life.to_the_end()


async def answered_by_signals(life: Life, playbook: str) -> None:
    """The same by signals, as Slack's buttons do it."""
    await life.until(within(life, playbook, 0.01, 0.1))
    await life.signal("acknowledge")
    await life.until(within(life, playbook, 0.1))
    await life.signal("respond")
    await life.to_the_end()


async def paused(life: Life, playbook: str) -> None:
    """Paused, resumed two days later, paused again until a date."""
    at = within(life, playbook, 0.02, 0.3)
    await life.until(at)
    await life.tell(Pause, reason="Their office is closed")
    await life.until(at + 2 * DAY)
    await life.tell(Resume)
    await life.until(at + 3 * DAY)
    await life.tell(Pause, until=life.now + 30 * HOUR, reason="They asked for a day")
    await life.to_the_end()


async def paused_for_good(life: Life, playbook: str) -> None:
    """Paused, and nobody ever resumes it: it stays open, and says so."""
    await life.until(within(life, playbook))
    await life.tell(Pause, reason="Nobody remembers why")
    await life.until(within(life, playbook, 0.7, 0.9))


async def left_alone(life: Life, playbook: str) -> None:
    """The story breaks off: the intervention waits for its next step."""
    await life.until(within(life, playbook))


async def recovered(life: Life, playbook: str) -> None:
    """The score is good again."""
    await life.until(within(life, playbook))
    await life.fall(75)
    await life.to_the_end()


async def recovered_and_fallen(life: Life, playbook: str) -> None:
    """Good again, and at once as bad as before: the cooldown refuses a second intervention."""
    await life.until(within(life, playbook))
    await life.fall(75)
    await life.fall(POINTS[playbook])


async def up_and_down(life: Life, playbook: str) -> None:
    """A little better, worse, better again: what is no recovery and no fall is refused with a reason."""
    await life.until(within(life, playbook, 0.02, 0.2))
    await life.fall(POINTS[playbook] + 20 if playbook != "at_risk" else 55)
    await life.until(within(life, playbook, 0.2, 0.4))
    await life.fall(POINTS[playbook])
    await life.to_the_end()


async def taken_over(life: Life, playbook: str) -> None:
    """Worse: the critical playbook takes over in the same chain, and is answered or not."""
    await life.until(within(life, playbook, 0.02, 0.3))
    await life.fall(12)
    await life.opened(count=2)
    if life.chance.random() < 0.5:
        await life.until(within(life, "critical"))
        await life.tell(Respond)
    await life.to_the_end()


async def stopped(life: Life, playbook: str) -> None:
    """Another owner, a step skipped, then stopped."""
    await life.tell(Skip, step=STEP[playbook], reason="Called them already")
    await life.until(within(life, playbook, 0.02, 0.2))
    await life.tell(Reassign, to="omar", to_name="Omar Haddad")
    await life.until(within(life, playbook, 0.2))
    await life.tell(Stop, reason="They leave; contract ended")
    await life.to_the_end()


async def offer_accepted(life: Life, playbook: str) -> None:
    """The last offer is seen and accepted: its task follows."""
    await life.until(73 * HOUR)
    await life.tell(Seen)
    await life.until(80 * HOUR)
    kind = life.chance.choice((OfferKind.BILLING_PAUSE, OfferKind.DEDICATED_SUPPORT))
    await life.tell(Accept, option=kind, months=2 if kind is OfferKind.BILLING_PAUSE else None)
    await life.to_the_end()


async def offer_declined(life: Life, playbook: str) -> None:
    """The last offer is declined."""
    await life.until(80 * HOUR)
    await life.tell(Decline, note="They have signed with somebody else")
    await life.to_the_end()


ANY: tuple[Rest, ...] = (
    silent,
    answered,
    answered_by_signals,
    paused,
    paused_for_good,
    left_alone,
    recovered,
    recovered_and_fallen,
    stopped,
)
OF = {
    "critical": (*ANY, offer_accepted, offer_declined),
    "high_risk": (*ANY, taken_over, up_and_down),
    "at_risk": (*ANY, taken_over, up_and_down),
}


def risk(playbook: str, rest: Rest) -> Story:
    """A customer falls, and the rest."""

    async def story(life: Life) -> None:
        await life.begin(contacts=life.chance.choice((0, 1, 2, 2, 2)), owner=owner(life.chance))
        await life.fall(POINTS[playbook])
        await life.opened()
        await rest(life, playbook)

    return story


async def _campaign(life: Life) -> None:
    await life.begin(contacts=2, owner=owner(life.chance))
    await life.signalled(life.chance.choice((USAGE, TEAM)))
    await life.opened("expansion")


USAGE = {"usage_percentage": 88.0}
TEAM = {"active_users": 12.0, "team_size_estimate": 20.0}


async def campaign_silent(life: Life) -> None:
    """Nobody answers the campaign."""
    await _campaign(life)
    await life.to_the_end()


async def campaign_converts(life: Life) -> None:
    """They upgrade, or accept what is offered."""
    await life.begin(contacts=2, owner=owner(life.chance))
    offered = life.chance.random() < 0.5
    await life.signalled(TEAM if offered else USAGE)
    await life.opened("expansion")
    await life.until(DAY * life.chance.uniform(2.5, 9))
    if offered:
        await life.tell(Accept, option=OfferKind.TRIAL)
    else:
        await life.tell(Upgraded, plan="Business")
    await life.to_the_end()


async def campaign_held(life: Life) -> None:
    """The customer falls: the campaign is held, goes on after the recovery, and comes to its end."""
    await _campaign(life)
    await life.until(DAY * life.chance.uniform(0.5, 4))
    await life.fall(12)
    await life.opened()
    life.doing = "waits for the hold"
    await life.scene.board.until(lambda board: board.of(life.key, "expansion")[-1].held != "")
    await life.until(DAY * life.chance.uniform(0.2, 3))
    await life.fall(85)
    life.doing = "waits for the release"
    await life.scene.board.until(lambda board: not board.of(life.key, "expansion")[-1].held)
    await life.opened("expansion")
    await life.to_the_end()


async def campaign_stopped(life: Life) -> None:
    """Paused, resumed, stopped."""
    await _campaign(life)
    await life.until(DAY * life.chance.uniform(0.5, 2))
    await life.tell(Pause, reason="They asked for quiet")
    await life.until(DAY * 3)
    await life.tell(Resume)
    await life.until(DAY * 4)
    await life.tell(Stop)
    await life.to_the_end()


CAMPAIGNS: tuple[Story, ...] = (campaign_silent, campaign_converts, campaign_held, campaign_stopped)


def owner(chance: random.Random) -> str | None:
    """Somebody whom Slack knows, somebody it does not know, or nobody yet."""
    return chance.choice(("dana", "dana", "dana", "omar", None))


def stories(size: int, chance: random.Random) -> list[tuple[str, Story]]:
    """So many stories with their names, every kind as often as any other of its playbook."""
    kinds = [
        *(
            (f"{playbook}:{rest.__name__}", risk(playbook, rest))
            for playbook, all_ in OF.items()
            for rest in all_
        ),
        *((f"expansion:{story.__name__}", story) for story in CAMPAIGNS for _ in range(2)),
    ]
    chance.shuffle(kinds)
    return [kinds[number % len(kinds)] for number in range(size)]
