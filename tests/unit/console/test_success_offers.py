"""What a customer's own page shows to whom, and when by their clock."""

from __future__ import annotations

from datetime import UTC, datetime

from keepwell.api.door import Door
from keepwell.contracts.access import Role
from keepwell.db.repositories.client_insights import InsightKind, NewInsight, put_insight
from keepwell.db.repositories.views_client_contact import OfferedToContact, offers_to_contact
from keepwell.db.tables import Customer, Delivery, Offer, Organisation
from tests.unit.api.callers import sign_in
from tests.unit.api.desk_world import DAY, Desk
from tests.unit.console.seen import page, words
from tests.unit.console.test_outbox_page import delivery

ACME = "acme-org-1"


def test_an_offer_is_shown_to_whom_it_was_written_to(desk: Desk, door: Door) -> None:
    for name in ("told", "other"):
        desk.world.contact(name, ACME)
    run = desk.intervention("run", ACME)
    desk.world.add(
        Offer(
            id="offer-1",
            organisation_id=desk.world.organisation,
            customer_id=ACME,
            intervention_id=run,
            step="retention_offer",
            options={"billing_pause": {"kind": "billing_pause", "months": 2, "summary": "A pause"}},
            state="seen",
            offered_at=desk.now,
            valid_until=desk.now + DAY,
            valid_for=DAY,
        )
    )
    key = delivery(desk, "mail", run, recipient_id="told", recipient_kind="contact", state="draft")

    def seen_by(contact: str) -> tuple[OfferedToContact, ...]:
        with desk.store.read() as session:
            return offers_to_contact(session, desk.world.organisation, contact, door.links, "UTC", desk.now)

    assert seen_by("told") == (), "nobody has approved the draft"
    desk.world.change(Delivery, key, state="accepted")
    [offer] = seen_by("told")
    assert offer.options == ("Pause the billing for up to 2 months",)
    assert "/offers/" in offer.url
    assert seen_by("other") == ()
    desk.world.change(Organisation, desk.world.organisation, demo=True)
    assert len(seen_by("other")) == 1
    desk.world.change(Offer, "offer-1", state="withdrawn")
    assert seen_by("told") == ()


def test_when_an_insight_came_is_told_by_the_customers_clock(desk: Desk, door: Door) -> None:
    """Offers on the same page name that clock; the organisation's is UTC."""
    desk.world.change(Customer, ACME, time_zone="Asia/Kolkata")
    insight = NewInsight(key="first", kind=InsightKind.TIP, title="Try boards")
    came = datetime(2025, 1, 5, 20, 45, tzinfo=UTC)
    with desk.store.write() as session:
        put_insight(session, desk.world.organisation, ACME, insight, came)
    sign_in(desk.client, door.store, desk.world.organisation, Role.CLIENT, name="Cleo", customer=ACME)
    assert "Tip new 6 Jan 2025 02:15" in words(page(desk, "/success"))
