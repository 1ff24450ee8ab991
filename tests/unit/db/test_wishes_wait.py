"""An opt-out that comes while an attempt takes its row is stored after it, whichever way it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import Session

from keepwell.contracts.people import Consent, Purpose, SuppressionReason
from keepwell.db.engine import Store
from keepwell.db.repositories import preferences, wishes
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.repositories.suppressing import suppress
from keepwell.db.tables import Contact, Delivery
from tests.unit.db.test_ledger import RECIPIENT, case
from tests.unit.db.world import NOW


@pytest.fixture
def store(postgresql_url: str) -> Iterator[Store]:
    """SQLite has one writer at a time: there this goes without saying."""
    made = Store(postgresql_url)
    yield made
    made.dispose()


def purpose(session: Session) -> None:
    contact = session.get_one(Contact, "p")
    wishes.set_preference(session, contact, Purpose.ACCOUNT, False, source="x", by="x", now=NOW)


def consent(session: Session) -> None:
    contact = session.get_one(Contact, "p")
    wishes.set_consent(session, contact, Consent.DENIED, source="x", by="x", now=NOW)


def page(session: Session) -> None:
    before = preferences.standing(session, "p", lock=True)
    preferences.save(session, before, before.none(), by_button=True, now=NOW)


def address(session: Session) -> None:
    why = SuppressionReason.COMPLAINED
    suppress(session, "org-1", RECIPIENT.address.upper(), why, source="x", by="x", now=NOW)


def twin(session: Session) -> None:
    """The same person is a contact of another customer, too."""
    contact = session.get_one(Contact, "p2")
    wishes.set_consent(session, contact, Consent.DENIED, source="x", by="x", now=NOW)


@pytest.mark.parametrize("says_no", [purpose, consent, page, address, twin])
def test_an_opt_out_waits_for_the_attempt_that_was_first(
    says_no: Callable[[Session], None], store: Store
) -> None:
    call = case(store)
    with store.write() as session:
        session.add(
            Contact(
                id="p2",
                organisation_id="org-1",
                customer_id="acme",
                external_id="p2",
                name="Pat",
                email=RECIPIENT.address,
                created_at=NOW,
                updated_at=NOW,
            )
        )
    LedgerRepository(store).plan(call, "k", RECIPIENT, "email")

    def opt_out() -> None:
        with store.write() as session:
            says_no(session)

    with ThreadPoolExecutor(1) as other:
        with store.write() as session:
            row = session.get_one(Delivery, "k")
            assert wishes.refused_now(session, row) is None
            stored = other.submit(opt_out)
            with pytest.raises(TimeoutError):
                stored.result(timeout=0.5)
            assert wishes.refused_now(session, row) is None, "nobody has come in between"
        stored.result(timeout=20)
    with store.read() as session:
        assert wishes.refused_now(session, session.get_one(Delivery, "k")) is not None
