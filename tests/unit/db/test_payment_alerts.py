"""Alerts of payments that failed: one for each trouble, until it is made good or is no news any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from keepwell.db.engine import Store
from keepwell.db.tables import Alert, Intervention
from keepwell.ingest.cells import Kind
from keepwell.ingest.importing import import_file, store_event
from tests.unit.db.test_monitor import DAY, HOUR, NOW, alerts, happens, look, states
from tests.unit.db.world import CARD, World


@pytest.fixture
def world(store: Store) -> World:
    """Two customers, Acme and Bolt."""
    made = World(store)
    made.customer("acme")
    made.customer("bolt")
    return made


def test_a_failed_payment_is_one_alert_until_it_is_made_good(world: World) -> None:
    happens(world, "acme", "billing_failure", NOW, amount=49, currency="EUR")
    (row,) = alerts(world)
    assert (row.trigger, row.words) == ("billing_failure", "a payment failed: 49 EUR")
    assert row.due_at == NOW + 2 * HOUR
    happens(world, "acme", "billing_failure", NOW + DAY, amount=49, currency="EUR")
    assert len(alerts(world)) == 1, "the card is tried again: the same trouble"
    happens(world, "acme", "payment_received", NOW + 2 * DAY)
    assert states(world) == [("billing_failure", "critical", "closed")]
    happens(world, "acme", "billing_failure", NOW + 3 * DAY)
    assert len(alerts(world)) == 2
    assert look(world, NOW + 18 * DAY).closed == 1
    assert "14 days ago" in alerts(world)[1].closed_why


def test_the_latest_payment_counts_whatever_the_order_of_the_file(world: World, tmp_path: Path) -> None:
    happens(world, "acme", "billing_failure", NOW)
    file = tmp_path / "events.csv"
    paid = [f"acme,payment_received,{at.isoformat()}\n" for at in (NOW + HOUR, NOW - 30 * DAY)]
    file.write_text("customer,kind,at\n" + "".join(paid), encoding="utf-8")
    done = import_file(world.store, world.organisation, Kind.EVENTS, file, scorecard=CARD, now=NOW + DAY)
    assert done.rejected == 0
    assert states(world) == [("billing_failure", "critical", "closed")]


def test_a_refused_failure_is_decided_anew_when_it_fails_again(world: World) -> None:
    """What stood in the way, a cooldown mostly, may be over."""
    happens(world, "acme", "billing_failure", NOW)
    (row,) = alerts(world)
    world.change(Alert, row.id, decision="refused", reason="priority_support rests", decided_at=NOW)
    happens(world, "acme", "billing_failure", NOW - HOUR)
    assert alerts(world)[0].decision == "refused", "an older failure that comes in late is no news"
    happens(world, "acme", "billing_failure", NOW + DAY)
    (row,) = alerts(world)
    assert (row.decision, row.reason, row.decided_at) == (None, "", None)


def test_a_payment_that_goes_on_failing_stays_news(world: World) -> None:
    happens(world, "acme", "billing_failure", NOW)
    happens(world, "acme", "billing_failure", NOW + 10 * DAY)
    happens(world, "acme", "payment_received", NOW + 9 * DAY)
    assert states(world) == [("billing_failure", "critical", "open")], "what failed last is not made good"
    assert look(world, NOW + 20 * DAY).closed == 0, "it failed again ten days ago"
    assert look(world, NOW + 24 * DAY + HOUR).closed == 1
    assert len(alerts(world)) == 1


def test_a_payment_that_fails_after_the_playbooks_end_is_an_alert_of_its_own(world: World) -> None:
    world.score("acme", 50, NOW)
    happens(world, "acme", "billing_failure", NOW)
    (first,) = alerts(world)
    world.intervention("run", "acme", family="event", playbook="billing_failure", alert_id=first.id)
    world.change(Alert, first.id, decision="started", intervention_id="run")
    happens(world, "acme", "billing_failure", NOW + DAY)
    assert len(alerts(world)) == 1, "its playbook is at work"
    world.change(Intervention, "run", outcome="completed")
    happens(world, "acme", "billing_failure", NOW + DAY)
    assert len(alerts(world)) == 1, "the same event again"
    happens(world, "acme", "billing_failure", NOW + 2 * DAY)
    assert states(world) == [
        ("billing_failure", "critical", "closed"),
        ("billing_failure", "critical", "open"),
    ]
    assert alerts(world)[0].closed_why == "a payment failed again at 2026-11-20 09:00 UTC"
    assert alerts(world)[1].decision is None


def test_a_payment_that_failed_long_ago_or_was_made_good_is_history(world: World) -> None:
    for customer, day in (("acme", 5), ("bolt", 1)):
        for kind, at in (("payment_received", NOW - 12 * HOUR), ("billing_failure", NOW - day * DAY)):
            if customer == "bolt" or kind == "billing_failure":
                store_event(
                    world.store,
                    world.organisation,
                    customer,
                    kind,
                    {},
                    now=NOW,
                    scorecard=CARD,
                    at=at.isoformat(),
                )
    assert alerts(world) == []
