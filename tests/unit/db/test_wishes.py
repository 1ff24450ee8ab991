"""What contacts wish, and who may be written to because of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from keepwell.contracts.people import Consent, Purpose, SuppressionReason
from keepwell.db.engine import Store
from keepwell.db.repositories import suppressing, wishes
from keepwell.db.repositories.directory import usable_contacts
from keepwell.db.tables import Contact, Customer, Event, Organisation, Suppression
from tests.databases import statements
from tests.unit.db.world import NOW, World

LATER = NOW + timedelta(hours=1)
BOUNCED = SuppressionReason.BOUNCED


@pytest.fixture
def world(store: Store) -> World:
    """Pat is a contact of two customers, once in capitals; Lou of one."""
    made = World(store)
    made.customer("acme")
    made.customer("other")
    made.contact("pat", "acme", email="Pat@Acme.example")
    made.contact("pat2", "other", email="pat@acme.EXAMPLE", name="Pat Again")
    made.contact("lou", "acme")
    return made


def suppress(world: World, address: str, at: timedelta = timedelta(), **given: object) -> bool:
    values = {"reason": BOUNCED, "detail": "mailbox unknown", "source": "sendgrid", "by": "sendgrid", **given}
    with world.store.write() as session:
        return suppressing.suppress(session, "org-1", address, now=NOW + at, **values)  # type: ignore[arg-type]  # a test's shorthand


def lift(world: World, address: str) -> bool:
    with world.store.write() as session:
        return suppressing.lift(session, "org-1", address, by="Dana Reyes", why="they called", now=LATER)


def prefer(world: World, contact: str, purpose: Purpose, wanted: bool) -> bool:
    with world.store.write() as session:
        row = session.get_one(Contact, contact)
        return wishes.set_preference(session, row, purpose, wanted, source="page", by="customer", now=NOW)


def consent(world: World, contact: str, said: Consent) -> bool:
    with world.store.write() as session:
        row = session.get_one(Contact, contact)
        return wishes.set_consent(session, row, said, source="page", by="customer", now=LATER)


def why(world: World, contact: str, channel: str = "email", purpose: Purpose = Purpose.TIPS) -> str:
    """Why the contact may not hear of it, "" where it may."""
    with world.store.read() as session:
        organisation = session.get_one(Organisation, "org-1")
        row = session.get_one(Contact, contact)
        (found,) = wishes.hindrances(session, organisation, [row], channel, purpose)
        return found.reason if found else ""


def lines(world: World) -> list[tuple[str, str | None, str]]:
    with world.store.read() as session:
        query = select(Event).where(col(Event.kind).startswith("contact.")).order_by(col(Event.id))
        return [(row.kind, row.customer_id, row.text) for row in session.exec(query)]


def test_a_suppression_is_of_the_address_whoever_has_it(world: World) -> None:
    assert suppress(world, " PAT@acme.example ")
    assert why(world, "pat") == "Pat Person's address is suppressed: bounced: mailbox unknown"
    assert why(world, "pat2") == "Pat Again's address is suppressed: bounced: mailbox unknown"
    assert why(world, "lou") == why(world, "pat", "in_app") == ""
    assert sorted(lines(world), key=str) == [
        ("contact.suppressed", "acme", "Nothing is sent to pat@acme.example any more"),
        ("contact.suppressed", "other", "Nothing is sent to pat@acme.example any more"),
    ]


def test_the_same_again_changes_nothing_and_the_first_reason_stays(world: World) -> None:
    assert suppress(world, "lou@customer.example")
    assert not suppress(world, "LOU@customer.example", reason=SuppressionReason.COMPLAINED)
    assert why(world, "lou").endswith("suppressed: bounced: mailbox unknown")
    assert len(lines(world)) == 1


def test_an_address_of_nobody_is_suppressed_for_whoever_gets_it(world: World) -> None:
    assert suppress(world, "late@acme.example", detail="")
    assert lines(world) == [("contact.suppressed", None, "Nothing is sent to late@acme.example any more")]
    world.contact("late", "acme", email="Late@acme.example")
    assert why(world, "late") == "Late Person's address is suppressed: bounced"


@pytest.mark.parametrize("address", ["", "   ", "x" * 321])
def test_what_is_no_address_is_not_kept(world: World, address: str) -> None:
    assert not suppress(world, address)
    assert lines(world) == []


def test_lifting_says_who_and_old_news_changes_nothing(world: World) -> None:
    assert not lift(world, "lou@customer.example")
    suppress(world, "lou@customer.example")
    assert lift(world, "Lou@customer.example")
    assert not lift(world, "lou@customer.example")
    assert why(world, "lou") == ""
    assert lines(world)[-1] == (
        "contact.suppression_lifted",
        "acme",
        "lou@customer.example may be written to again; it was suppressed (bounced: mailbox unknown)",
    )
    assert not suppress(world, "lou@customer.example", timedelta(minutes=30)), "it bounced before that"
    assert suppress(world, "lou@customer.example", timedelta(hours=2), reason=SuppressionReason.COMPLAINED)
    assert why(world, "lou").endswith("suppressed: complained: mailbox unknown")
    with world.store.read() as session:
        row = session.exec(select(Suppression)).one()
        assert (row.lifted_at, row.lifted_by) == (None, "")


def test_another_organisation_is_not_asked(world: World) -> None:
    with world.store.write() as session:
        session.add(Organisation(id="org-2", key="else", name="Else", time_zone="UTC", created_at=NOW))
    with world.store.write() as session:
        suppressing.suppress(
            session, "org-2", "lou@customer.example", BOUNCED, source="sendgrid", by="sendgrid", now=NOW
        )
    assert why(world, "lou") == ""


def test_an_unwanted_purpose_closes_every_channel_and_no_other_purpose(world: World) -> None:
    assert prefer(world, "pat", Purpose.TIPS, False)
    assert not prefer(world, "pat2", Purpose.TIPS, False), "the same person has said so"
    for contact in ("pat", "pat2"):
        for channel in ("email", "in_app"):
            assert why(world, contact, channel).endswith("has unsubscribed from tips")
            assert why(world, contact, channel, Purpose.ACCOUNT) == ""
    assert why(world, "lou") == ""
    assert ("contact.unsubscribed", "acme", "Pat Person wants no tips any more") in lines(world)
    assert prefer(world, "pat", Purpose.TIPS, True)
    assert not prefer(world, "pat", Purpose.TIPS, True)
    assert why(world, "pat") == why(world, "pat2") == ""
    assert ("contact.resubscribed", "other", "Pat Again wants tips again") in lines(world)


def test_a_late_report_does_not_undo_what_was_said_after_it(world: World) -> None:
    prefer(world, "lou", Purpose.TIPS, False)
    prefer(world, "lou", Purpose.TIPS, True)
    with world.store.write() as session:
        row, before = session.get_one(Contact, "lou"), NOW - timedelta(minutes=1)
        assert not wishes.set_preference(
            session, row, Purpose.TIPS, False, source="sendgrid", by="customer", now=before
        )
    assert why(world, "lou") == ""


def test_to_want_what_nobody_refused_is_no_news(world: World) -> None:
    assert not prefer(world, "lou", Purpose.OFFERS, True)
    assert lines(world) == []


def test_withdrawn_consent_closes_everything_and_counts_for_the_person(world: World) -> None:
    assert consent(world, "pat2", Consent.DENIED)
    for contact in ("pat", "pat2"):
        for purpose in Purpose:
            assert why(world, contact, "in_app", purpose).endswith("has withdrawn consent")
    assert not consent(world, "pat", Consent.DENIED)
    with world.store.read() as session:
        assert session.get_one(Contact, "pat").consent_at == LATER
    assert consent(world, "pat", Consent.GRANTED)
    assert why(world, "pat2") == ""
    kinds = [kind for kind, _, _ in lines(world)]
    assert kinds == ["contact.consent_withdrawn"] * 2 + ["contact.consent_given"] * 2


def test_a_contact_without_an_address_is_only_itself(world: World) -> None:
    world.contact("no1", "acme", email="")
    world.contact("no2", "acme", email="")
    assert consent(world, "no1", Consent.DENIED)
    assert why(world, "no2") == ""


def test_missing_consent_counts_where_the_organisation_asks_for_it(world: World) -> None:
    assert why(world, "lou") == ""
    world.change(Organisation, "org-1", consent_required=True)
    assert why(world, "lou") == "Lou Person has not given consent, and Brightdesk Ltd asks for it"
    consent(world, "lou", Consent.GRANTED)
    assert why(world, "lou") == ""


def test_a_message_chosen_for_an_old_address_meets_its_suppression(world: World) -> None:
    suppress(world, "old@acme.example")
    with world.store.read() as session:
        organisation, row = session.get_one(Organisation, "org-1"), session.get_one(Contact, "lou")
        (found,) = wishes.hindrances(session, organisation, [row], "email", Purpose.TIPS, "Old@acme.example")
    assert found is not None
    assert found.counted == "suppressed (bounced: mailbox unknown)"


def test_many_contacts_cost_no_more_questions_than_one(world: World) -> None:
    for number in range(30):
        world.contact(f"c{number}", "acme")
    suppress(world, "c3@customer.example")
    prefer(world, "c4", Purpose.TIPS, False)
    with statements(world.store) as sent, world.store.read() as session:
        organisation, customer = session.get_one(Organisation, "org-1"), session.get_one(Customer, "acme")
        asked = len(sent)
        usable = usable_contacts(session, organisation, customer, "email", Purpose.TIPS)
    assert not isinstance(usable, str)
    assert {"c3", "c4"} & {one.id for one in usable} == set()
    assert len(usable) == 30
    assert len(sent) - asked == 3, "the contacts, the suppressed addresses, the preferences"
