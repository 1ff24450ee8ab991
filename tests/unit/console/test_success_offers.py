"""Which offers a customer's own page shows to whom."""

from __future__ import annotations

from keepwell.api.door import Door
from keepwell.db.repositories.views_client_contact import OfferedToContact, offers_to_contact
from keepwell.db.tables import Delivery, Offer, Organisation
from tests.unit.api.desk_world import DAY, NOW, Desk
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
            offered_at=NOW,
            valid_until=NOW + DAY,
            valid_for=DAY,
        )
    )
    key = delivery(desk, "mail", run, recipient_id="told", recipient_kind="contact", state="draft")

    def seen_by(contact: str) -> tuple[OfferedToContact, ...]:
        with desk.store.read() as session:
            return offers_to_contact(session, desk.world.organisation, contact, door.links, "UTC", NOW)

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
