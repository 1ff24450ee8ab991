"""A message of a playbook in the send ledger, for tests of what comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from keepwell.db.engine import Store
from keepwell.db.tables import Delivery, InterventionStep, Task
from keepwell.keys import delivery_key, fallback_key
from tests.unit.db.world import NOW, World

STEP = "executive_email"
ADDRESS = "pat@customer.example"


def mailed(store: Store, *, state: str = "accepted", step: str = "done", **columns: Any) -> tuple[World, str]:
    """Pat at Acme was written to by intervention "one", which Dana owns; the world and the message's key."""
    world = World(store)
    world.can_send()
    world.staff("lena", role="lead")
    world.staff("dana", manager_id="lena")
    world.customer("acme", owner_id="dana")
    world.contact("pat", "acme")
    world.contact("cleo", "acme")
    world.score("acme", 12, NOW)
    world.intervention("one", "acme", owner_id="dana")
    return world, wrote(world, "one", "pat", state=state, step=step, **columns)


def wrote(
    world: World, intervention: str, contact: str, *, state: str, step: str, name: str = STEP, **columns: Any
) -> str:
    """A step of an intervention and its message; the key."""
    key = delivery_key(world.organisation, intervention, "critical@1", name, contact, "email")
    world.add(
        InterventionStep(
            intervention_id=intervention,
            name=name,
            position=0,
            kind="send",
            offset=timedelta(),
            state=step,
            planned_at=NOW,
            at=None if step == "planned" else NOW,
        )
    )
    given: dict[str, Any] = {
        "recipient_kind": "contact",
        "recipient_id": contact,
        "recipient_name": f"{contact.title()} Person",
        "address": f"{contact}@customer.example",
        "subject": "Your plan",
        "accepted_at": NOW if state == "accepted" else None,
        "provider": "sendgrid" if state == "accepted" else "",
        **columns,
    }
    world.add(
        Delivery(
            key=key,
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id=intervention,
            step=name,
            channel="email",
            state=state,
            planned_at=NOW,
            updated_at=NOW,
            **given,
        )
    )
    return key


def by_hand(world: World) -> None:
    """The task to do the step by hand, as it is given where nobody knows what became of the message."""
    world.add(
        Task(
            id="by-hand",
            key=fallback_key("one", STEP),
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id="one",
            step=STEP,
            kind="fallback",
            title="Do it by hand",
            owner_id="dana",
            due_at=NOW,
            created_at=NOW,
        )
    )
