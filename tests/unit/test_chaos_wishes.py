"""The audit of opt-outs after the chaos finds what is wrong; and its log, on both engines, what happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from keepwell.contracts.people import Consent, Purpose, SuppressionReason
from keepwell.db.engine import Store
from keepwell.db.repositories import wishes
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.repositories.suppressing import lift, suppress
from keepwell.db.tables import Contact, Delivery, Intervention
from tests.e2e.chaos_leavers import ADDRESS, ALL, Receipt
from tests.e2e.chaos_wishes import (
    SECONDS,
    Line,
    Wishes,
    lines,
    watch,
    wrong_in_attempts,
    wrong_in_receipts,
)
from tests.unit.db.test_ledger import LATER, RECIPIENT, case
from tests.unit.test_chaos_audit import row

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
KEY = "org/one/critical/mail/pat/email"
SECOND = timedelta(seconds=1)


def line(number: int, what: str, who: str = "pat", detail: str = "", value: int = 0) -> Line:
    """A line, `number` seconds after NOW."""
    return Line(number, NOW + number * SECOND, what, who, detail, value)


BEGUN = line(1, "begun", detail=KEY, value=1)
NO = {
    "account": line(2, "wanted", detail="account"),
    ALL: line(2, "agrees"),
    ADDRESS: line(2, "open", "pat@customer.example"),
}
YES = {
    "account": line(0, "wanted", detail="account", value=1),
    ALL: line(0, "agrees", value=1),
    ADDRESS: line(0, "open", "pat@customer.example", value=1),
}


def found(*log: Line, receipt: str = "", at: float = 3, taken: float = 1.5) -> Wishes:
    """One message, taken so long after NOW, and one opt-out, confirmed at that moment."""
    message = row(
        Delivery,
        key=KEY,
        intervention_id="one",
        recipient_id="pat",
        recipient_kind="contact",
        channel="email",
        address="Pat@customer.example",
    )
    return Wishes(
        log=log,
        receipts=[Receipt("pat", frozenset({receipt}), (NOW + at * SECOND).timestamp(), "page")]
        if receipt
        else [],
        deliveries={KEY: message},
        interventions={"one": row(Intervention, id="one", family="risk")},
        taken=[(KEY, NOW + taken * SECOND)],
        requests=Counter({KEY: 1}),
    )


def wrong(books: Wishes) -> list[str]:
    """All that is found."""

    def all_of_it() -> Iterator[str]:
        yield from wrong_in_attempts(books)
        yield from wrong_in_receipts(books)

    return list(all_of_it())


@pytest.mark.parametrize("what", NO)
def test_an_attempt_before_an_opt_out_is_good(what: str) -> None:
    assert wrong(found(BEGUN, NO[what], receipt=what)) == []


@pytest.mark.parametrize("what", NO)
def test_an_attempt_after_an_opt_out_is_found(what: str) -> None:
    (told,) = wrong(found(NO[what], line(4, "begun", detail=KEY, value=1)))
    assert "attempt 1 began" in told


@pytest.mark.parametrize("what", NO)
def test_an_attempt_after_it_was_taken_back_is_good(what: str) -> None:
    assert wrong(found(NO[what], YES[what], line(4, "begun", detail=KEY, value=1))) == []


def test_an_attempt_for_what_is_still_wanted_is_good() -> None:
    assert wrong(found(line(2, "wanted", detail="offers"), line(4, "begun", detail=KEY, value=1))) == []


def test_a_request_without_an_attempt_is_found() -> None:
    assert wrong(found()) == [f"{KEY}: SendGrid was asked 1 times, and 0 attempts began"]


@pytest.mark.parametrize("what", NO)
def test_a_promise_that_is_not_stored_is_found(what: str) -> None:
    (told,) = wrong(found(BEGUN, receipt=what))
    assert told.endswith("is not stored")
    (told,) = wrong(found(BEGUN, NO[what], receipt=what, at=1.5))
    assert told.endswith("is not stored")


@pytest.mark.parametrize("what", NO)
def test_what_was_under_way_may_arrive_for_some_seconds(what: str) -> None:
    books = found(BEGUN, NO[what], receipt=what, taken=5)
    assert wrong(books) == []
    assert books.late == [2 * SECOND]
    (told,) = wrong(found(BEGUN, NO[what], receipt=what, taken=4 + SECONDS.total_seconds()))
    assert f"was accepted {SECONDS + SECOND} after" in told


def test_the_log_says_what_was_stored_and_begun_in_its_order(store: Store) -> None:
    call = case(store)
    watch(store)
    ledger = LedgerRepository(store)
    ledger.plan(call, "k", RECIPIENT, "email")
    assert ledger.begin(call, "k", "first", LATER) is True
    said = {"source": "test", "by": "test"}
    for value in (False, True):
        with store.write() as session:
            contact = session.get_one(Contact, "p")
            wishes.set_preference(session, contact, Purpose.ACCOUNT, value, **said, now=NOW)
            consent = Consent.GRANTED if value else Consent.DENIED
            wishes.set_consent(session, contact, consent, **said, now=NOW)
    with store.write() as session:
        address, why = RECIPIENT.address, SuppressionReason.MANUAL
        suppress(session, call.organisation, address, why, **said, now=NOW)
    with store.write() as session:
        lift(session, call.organisation, RECIPIENT.address, by="test", why="", now=NOW)
    told = [(one.what, one.who, one.detail, one.value) for one in lines(store)]
    assert told == [
        ("begun", "p", "k", 1),
        ("wanted", "p", "account", 0),
        ("agrees", "p", "", 0),
        ("wanted", "p", "account", 1),
        ("agrees", "p", "", 1),
        ("open", "p@acme.example", "", 0),
        ("open", "p@acme.example", "", 1),
    ]
    assert abs(lines(store)[-1].at - datetime.now(UTC)) < timedelta(minutes=1)
