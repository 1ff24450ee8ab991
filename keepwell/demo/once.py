"""`keepwell demo --once`: two stories on a virtual clock; nothing of them is left."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keepwell.contracts.commands import Acknowledge, Respond
from keepwell.db.repositories.lookup import table
from keepwell.demo.home import home_at
from keepwell.demo.portfolio import DemoCustomer
from keepwell.demo.prepare import Say, fill, newest_hour, open_store
from keepwell.demo.told import Story, tell
from keepwell.errors import KeepwellError
from keepwell.keys import new_id
from keepwell.rehearsal.actor import Actor
from keepwell.rehearsal.theatre import Theatre, open_theatre, virtual_server
from keepwell.settings import Settings

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RECOVERED_POINTS = 69.0


def play(say: Say) -> tuple[Story, ...]:
    """Play both stories side by side, each on its own clock. Nothing is left behind."""
    try:
        with tempfile.TemporaryDirectory(prefix="keepwell-demo-", ignore_cleanup_errors=True) as folder:
            return asyncio.run(_play(home_at(Path(folder)).settings, say))
    finally:
        # See keepwell.temporal.run_client: a client must not outlive the loop.
        gc.collect()


async def _play(settings: Settings, say: Say) -> tuple[Story, ...]:
    home = home_at(settings.home)
    store = open_store(home)
    anchor = newest_hour(datetime.now(UTC))
    try:
        filling = asyncio.create_task(asyncio.to_thread(fill, store, anchor))
        async with virtual_server(settings) as address:
            organisation, customers = await filling
            say(f"{len(customers)} made-up customers, and a Temporal server in memory with a virtual clock")
            async with open_theatre(settings, store, organisation, address) as theatre:
                critical, at_risk = _cast(customers)
                say(f"Playing two days of {critical.name} and nine of {at_risk.name} …")
                stories = await asyncio.gather(_critical(theatre, critical), _at_risk(theatre, at_risk))
                return tuple(stories)
    finally:
        store.dispose()


def _cast(customers: tuple[DemoCustomer, ...]) -> tuple[DemoCustomer, DemoCustomer]:
    """One who falls off a cliff and one who slips, both with somebody to write to."""

    def fits(one: DemoCustomer, story: str, people: int) -> bool:
        usable = [who for who in one.contacts if who.consent.value != "denied" and not who.suppressed]
        return one.story.name == story and len(usable) >= people and one.owner is not None

    critical = next(one for one in customers if fits(one, "cliff", 2))
    return critical, next(one for one in customers if fits(one, "slips today", 1))


async def _critical(theatre: Theatre, customer: DemoCustomer) -> Story:
    """Silence for two days, then an answer."""
    actor, owner = await asyncio.to_thread(_enter, theatre, customer)
    intervention = await _fall(actor)
    base = {"intervention": intervention, "by": owner}
    await actor.forward(3 * HOUR)
    await actor.say(Acknowledge(id=new_id(), note="I am on it", **base))
    await actor.forward(47 * HOUR)
    await actor.say(Respond(id=new_id(), note="They want a call on Monday", **base))
    return await _told(
        actor,
        intervention,
        "critical, two days of silence, then an answer",
        "The score collapsed overnight. An executive writes at once, the CSM acknowledges after 3 hours; "
        "silence is answered with a phone call and another contact, and after 50 hours they answer.",
    )


async def _at_risk(theatre: Theatre, customer: DemoCustomer) -> Story:
    """Useful messages, and a recovery on the ninth day."""
    actor, _ = await asyncio.to_thread(_enter, theatre, customer)
    intervention = await _fall(actor)
    await actor.forward(9 * DAY)
    await actor.score(RECOVERED_POINTS)
    return await _told(
        actor,
        intervention,
        "at risk, and recovered",
        "The score slipped below 60. Useful messages with the customer's own figures; on day 9 new "
        "figures arrive, the score is good again, and the playbook ends by itself.",
    )


async def _fall(actor: Actor) -> str:
    """Score the customer with its newest figures, which are bad; the intervention that begins."""
    scored = await actor.score()
    if scored.transition is None:
        raise KeepwellError(
            f"The demo's {actor.name} did not change its level: score {scored.score}, {scored.level}.",
            audience="developer",
        )
    return await actor.opened()


async def _told(actor: Actor, intervention: str, title: str, plot: str) -> Story:
    """Wait for the end and tell the story."""
    await actor.ended()
    return await asyncio.to_thread(tell, actor.theatre.store, intervention, await actor.now(), title, plot)


def _enter(theatre: Theatre, customer: DemoCustomer) -> tuple[Actor, str]:
    """The customer as an actor, and the name of its owner."""
    rows, staff = table("customer"), table("staff")
    with theatre.store.read() as session:
        query = (
            rows.select()
            .with_only_columns(rows.c.id, staff.c.name)
            .select_from(rows.join(staff, rows.c.owner_id == staff.c.id))
            .where(rows.c.organisation_id == theatre.organisation, rows.c.external_id == customer.key)
        )
        identity, owner = session.connection().execute(query).one()
    return Actor(theatre, identity, customer.name), owner
