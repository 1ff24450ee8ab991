"""A payment that failed, up to the request that opens its playbook."""

from __future__ import annotations

from datetime import datetime

from keepwell.contracts.alerts import AlertSeverity, Trigger
from keepwell.contracts.intervention import AlertCause, OpenRequest
from keepwell.db.repositories.alerts import raise_alert
from keepwell.db.tables import Customer
from keepwell.keys import new_id
from scoring import triggers
from tests.unit.db.world import World
from workflows.event import PRIORITY_SUPPORT


def raised(world: World, at: datetime) -> str:
    """The alert of Acme's payment; its id."""
    with world.store.write() as session:
        customer = session.get_one(Customer, "acme")
        return raise_alert(session, customer, triggers.payment_failed({}), new_id(), at)


def cause(alert: str, at: datetime) -> AlertCause:
    """What the run is told of the alert; the customer was never scored."""
    return AlertCause(
        id=alert,
        trigger=Trigger.BILLING_FAILURE,
        severity=AlertSeverity.CRITICAL,
        words="a payment failed",
        level=None,
        score=None,
        at=at,
        due_at=at,
    )


def request(world: World, alert: str, at: datetime) -> OpenRequest:
    """Priority support wants to begin for Acme."""
    return OpenRequest(
        organisation=world.organisation,
        customer="acme",
        start=new_id(),
        alert=cause(alert, at),
        playbook=PRIORITY_SUPPORT,
        workflow_id="event/acme",
        now=at,
    )
