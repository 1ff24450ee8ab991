"""By when an alert must be acted upon knows the days off: the customer's for the customer, ours for staff."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlmodel import select

from keepwell.db.engine import Store
from keepwell.db.repositories.alerts import raise_alert, raise_alerts
from keepwell.db.tables import Alert, Customer, Organisation
from scoring.signal import Severity, Trigger
from scoring.triggers import Finding
from tests.unit.db.world import World

WEDNESDAY = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)
"""The evening before Thanksgiving: 17:30 in New York, 23:30 in Berlin."""
THURSDAY_NINE, FRIDAY_NINE = (datetime(2026, 11, day, 14, tzinfo=UTC) for day in (26, 27))
NUDGES = (Trigger.FEATURE_UNUSED, Trigger.INACTIVITY, Trigger.TASK_STALLED)


@pytest.fixture
def world(store: Store) -> World:
    """A German company's customers in New York; of one of them nobody has entered the country."""
    made = World(store)
    made.change(
        Organisation, made.organisation, business_days="12345", country="DE", time_zone="Europe/Berlin"
    )
    made.customer("acme", time_zone="America/New_York", country="USA")
    made.customer("birch", time_zone="America/New_York")
    return made


def due(world: World) -> dict[tuple[str, str], datetime]:
    with world.store.read() as session:
        return {(row.customer_id, row.trigger): row.due_at for row in session.exec(select(Alert)).all()}


@pytest.mark.parametrize("many", [False, True])
def test_what_is_due_on_the_customers_clock_knows_its_public_holidays(world: World, many: bool) -> None:
    found = [
        (customer, Finding(trigger, Severity.WARNING, "words", {}, ""), "1")
        for customer in ("acme", "birch")
        for trigger in (*NUDGES, Trigger.SCORE_DROP)
    ]
    with world.store.write() as session:
        if many:
            raise_alerts(session, world.organisation, found, WEDNESDAY)
        else:
            for customer, finding, occurrence in found:
                raise_alert(session, session.get_one(Customer, customer), finding, occurrence, WEDNESDAY)
    assert due(world) == {
        **{("acme", trigger.value): FRIDAY_NINE for trigger in NUDGES},
        **{("birch", trigger.value): THURSDAY_NINE for trigger in NUDGES},
        # The end of Thursday in Berlin, where nobody gives thanks.
        **{(one, "score_drop"): datetime(2026, 11, 26, 16, tzinfo=UTC) for one in ("acme", "birch")},
    }
