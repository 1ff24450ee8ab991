"""The story of `keepwell demo --once` about a customer that grows, and falls to risk meanwhile."""

from __future__ import annotations

from keepwell.contracts.commands import Accept
from keepwell.contracts.offers import OfferKind
from keepwell.demo.plays import Part
from keepwell.demo.scene import DAY, HOUR, Scene
from keepwell.demo.told import Story
from scoring.signal import Signal

ILL, WELL = 51.0, 85.0


async def held(scene: Scene) -> Story:
    """A campaign that waits while the customer is at risk, goes on with its delays, and converts."""
    actor, name = scene.actor, scene.customer.name
    await scene.grow(Signal.USAGE_LIMIT_APPROACHING)
    await scene.until(1 * DAY)
    await scene.fall(ILL)
    await actor.eventually(
        lambda: scene.of("expansion")[-1].held_why, bool, f"nobody holds the campaign of {name}"
    )
    await scene.until(2 * DAY + 2 * HOUR)
    await actor.score(WELL)
    await actor.eventually(
        lambda: scene.of("expansion")[-1].held_why,
        lambda why: not why,
        f"nobody lets the campaign of {name} go on",
    )
    await scene.until(4 * DAY + 6 * HOUR)
    await scene.say(
        Accept,
        family="expansion",
        option=OfferKind.UPGRADE,
        plan="Business",
        note="Switch it on this week",
    )
    return await scene.told(
        "held while at risk, then upgraded",
        "The plan is nearly used up, so a campaign offers the next one. A day later the score falls: the "
        "campaign waits, since nobody sells to a customer in trouble, and goes on once they are well.",
        "expansion",
    )


GROWTH = (Part(held, "power user", counted=False, families=("risk", "expansion")),)
