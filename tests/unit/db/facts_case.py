"""A customer in trouble, and what a message may say about it: shared by the tests of facts and peers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import Channel, Send
from keepwell.contracts.rendering import Context
from keepwell.db.repositories.facts import Facts
from tests.unit.db.world import DAY, NOW, World


def call_of(now: datetime = NOW, intervention: str = "i-1") -> StepCall:
    return StepCall(
        organisation="org-1",
        customer="acme",
        intervention=intervention,
        playbook="critical@1",
        step=Send(
            name="csm_outreach", channel=Channel.EMAIL, template="email/critical/x", why="to say hello"
        ),
        templates={},
        now=now,
    )


def context_of(world: World, now: datetime = NOW, **options: Any) -> Context:
    return Facts(world.store).context(call_of(now), **options)


def in_trouble(world: World) -> None:
    """Thirty days ago 50 points everywhere; now 10, but payments rose to 90 and integrations to 100."""
    world.score("acme", 50, NOW - 31 * DAY)
    world.at_points("acme", 10, NOW, payment_health=90, integration_usage=100, onboarding_completion_rate=50)
    world.rescore("acme", NOW)
    world.intervention("i-1", "acme", started_at=NOW - DAY)


def similar(world: World, count: int, *, points: float = 70, **values: Any) -> list[str]:
    names = [f"peer{number}" for number in range(count)]
    for number, name in enumerate(names):
        world.customer(name, **values)
        world.score(name, points + number, NOW - DAY)
    return names
