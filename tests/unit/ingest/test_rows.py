"""Single values: what is taken, what is refused, and what the refusal says."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from keepwell.ingest.cells import Kind, Reject
from keepwell.ingest.checking import Checked, check
from keepwell.ingest.plan import Shaped

CUSTOMER = {"external_id": "A", "name": "Acme"}
CONTACT = {"external_id": "1", "customer": "A", "name": "Ann"}
STAFF = {"external_id": "s", "name": "Sam", "email": "sam@example.com"}
METRIC = {"customer": "A", "metric": "m", "value": "1"}
BASE: dict[Kind, dict[str, str]] = {
    Kind.CUSTOMERS: CUSTOMER,
    Kind.CONTACTS: CONTACT,
    Kind.STAFF: STAFF,
    Kind.METRICS: METRIC,
}


def take(kind: Kind, field: str, value: object, *, is_text: bool = True) -> object:
    base = BASE[kind] if is_text or kind is not Kind.METRICS else {**METRIC, "value": 1.0}
    checked = check(kind, Shaped(2, {**base, field: value}, {field: "Their column"}), is_text=is_text)
    assert isinstance(checked, Checked), checked
    return getattr(checked.row, field)


def refusal(kind: Kind, field: str, value: object, *, is_text: bool = True) -> Reject:
    base = BASE[kind] if is_text or kind is not Kind.METRICS else {**METRIC, "value": 1.0}
    rejects = check(kind, Shaped(2, {**base, field: value}, {field: "Their column"}), is_text=is_text)
    assert isinstance(rejects, list)
    (reject,) = rejects
    assert (reject.line, reject.column) == (2, "Their column")
    return reject


@pytest.mark.parametrize(
    ("kind", "field", "given", "taken"),
    [
        (Kind.CUSTOMERS, "external_id", "  0012 ", "0012"),
        (Kind.CUSTOMERS, "name", "Acme\nInc.  Berlin", "Acme Inc. Berlin"),
        (Kind.CUSTOMERS, "name", "Łódź 株式会社", "Łódź 株式会社"),
        (Kind.CUSTOMERS, "country", "de", "DE"),
        (Kind.CUSTOMERS, "currency", "usd", "USD"),
        (Kind.CUSTOMERS, "time_zone", "Asia/Kolkata", "Asia/Kolkata"),
        (Kind.CUSTOMERS, "time_zone", None, ""),
        (Kind.CUSTOMERS, "monthly_revenue", "1e3", 1000.0),
        (Kind.CUSTOMERS, "monthly_revenue", None, None),
        (Kind.CUSTOMERS, "started_on", "2024-02-29", date(2024, 2, 29)),
        (Kind.CUSTOMERS, "active", "No", False),
        (Kind.CUSTOMERS, "active", None, True),
        (Kind.CONTACTS, "email", None, ""),
        (Kind.CONTACTS, "email", "a.b+c@mail.example.com", "a.b+c@mail.example.com"),
        (Kind.CONTACTS, "role", "Decision Maker", "decision_maker"),
        (Kind.CONTACTS, "consent", "GRANTED", "granted"),
        (Kind.STAFF, "time_zone", None, "UTC"),
        (Kind.METRICS, "value", " -0.5 ", -0.5),
        (Kind.METRICS, "measured_at", "2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        (Kind.METRICS, "measured_at", "2026-11-20T12:00", datetime(2026, 11, 20, 12, tzinfo=UTC)),
        (Kind.METRICS, "measured_at", "2026-11-20T12:00:00+05:30", datetime(2026, 11, 20, 6, 30, tzinfo=UTC)),
        (Kind.METRICS, "measured_at", "2026-11-20t12:00:00z", datetime(2026, 11, 20, 12, tzinfo=UTC)),
    ],
)
def test_values_are_taken(kind: Kind, field: str, given: object, taken: object) -> None:
    assert take(kind, field, given) == taken


@pytest.mark.parametrize(
    ("kind", "field", "given", "reason"),
    [
        (Kind.CUSTOMERS, "external_id", None, "is empty; every row needs it"),
        (Kind.CUSTOMERS, "external_id", "x" * 201, "has 201 characters, allowed are 200"),
        (Kind.CUSTOMERS, "name", "A\x00B", "control character U+0000"),
        (Kind.CUSTOMERS, "name", "A\ud800B", "control character U+D800"),
        (
            Kind.CUSTOMERS,
            "country",
            "Germany",
            "is not a country code of two letters like DE; write DE for Germany",
        ),
        (Kind.CUSTOMERS, "currency", "Euro", "is not a currency of three letters"),
        (Kind.CUSTOMERS, "time_zone", "Europe/Berln", "did you mean 'Europe/Berlin'?"),
        (Kind.CUSTOMERS, "time_zone", "Berlin", "did you mean 'Europe/Berlin'?"),
        (Kind.CUSTOMERS, "monthly_revenue", "-1", "is below 0"),
        (Kind.CUSTOMERS, "monthly_revenue", "1,234.50", "is not a number; write 1234.50"),
        (Kind.CUSTOMERS, "monthly_revenue", "12,5", "write 12.5"),
        (Kind.CUSTOMERS, "monthly_revenue", "$ 40", "is not a number; write 40"),
        (Kind.CUSTOMERS, "started_on", "03/04/2026", "is not a date like 2026-11-21"),
        (Kind.CUSTOMERS, "started_on", "2026-02-30", "is not a day of the calendar"),
        (Kind.CUSTOMERS, "renews_on", "0026-02-03", "is in the year 26"),
        (Kind.CUSTOMERS, "active", "maybe", "is neither yes nor no"),
        (Kind.CONTACTS, "email", "ann@", "is not an email address"),
        (Kind.CONTACTS, "email", "a@b.com, c@d.com", "is not an email address"),
        (Kind.CONTACTS, "role", "champoin", "decision_maker, champion, executive_sponsor, user, billing"),
        (Kind.CONTACTS, "role", "champoin", "did you mean 'champion'?"),
        (Kind.CONTACTS, "consent", "opted-in", "is not one of granted, unknown, denied"),
        (Kind.STAFF, "email", None, "is empty; every row needs it"),
        (Kind.METRICS, "value", "NaN", "is not a finite number"),
        (Kind.METRICS, "value", "-inf", "is not a finite number"),
        (Kind.METRICS, "value", "1e999", "is not a finite number"),
        (Kind.METRICS, "value", "1e13", "is beyond"),
        (Kind.METRICS, "value", "1_000", "is not a number"),
        (Kind.METRICS, "value", "٣", "is not a number"),
        (Kind.METRICS, "value", "50 %", "is not a number; write 50"),
        (Kind.METRICS, "value", None, "is empty"),
        (Kind.METRICS, "measured_at", "yesterday", "is not a moment like 2026-11-21 or 2026-11-21T14:30:00Z"),
        (Kind.METRICS, "measured_at", "2026-11-20T25:00Z", "is not a moment of the calendar"),
        (Kind.METRICS, "measured_at", "0001-01-01T00:00+14:00", "is in the year 1"),
    ],
)
def test_values_are_refused_with_what_would_be_right(
    kind: Kind, field: str, given: object, reason: str
) -> None:
    assert reason in refusal(kind, field, given).reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("50", "is text; write 50 without quotes"),
        ("fifty", "is text; write a number"),
        (True, "is true or false; write a number"),
        (float("inf"), "is not a finite number"),
        (10**400, "is not a finite number"),
        ([1], "is a list"),
        ({"x": 1}, "is an object"),
    ],
)
def test_in_json_a_number_is_a_number(value: object, reason: str) -> None:
    assert reason in refusal(Kind.METRICS, "value", value, is_text=False).reason


def test_in_json_text_may_be_a_whole_number_and_nothing_else() -> None:
    assert take(Kind.CUSTOMERS, "external_id", 42, is_text=False) == "42"
    assert "write text" in refusal(Kind.CUSTOMERS, "external_id", 4.2, is_text=False).reason
    assert take(Kind.CUSTOMERS, "active", False, is_text=False) is False


def test_facts_are_single_values() -> None:
    facts = {"seats": 12, "beta": True, "note": "two\nlines"}
    assert take(Kind.CUSTOMERS, "facts", facts, is_text=False) == facts
    assert "seats is a list" in refusal(Kind.CUSTOMERS, "facts", {"seats": [1]}, is_text=False).reason
    assert "U+0000" in refusal(Kind.CUSTOMERS, "facts", {"a\0": 1}, is_text=False).reason
    assert "not an object" in refusal(Kind.CUSTOMERS, "facts", "x", is_text=False).reason


def test_every_mistake_of_a_row_is_told() -> None:
    values = {"external_id": "A", "time_zone": "Mars", "currency": "dollars"}
    rejects = check(Kind.CUSTOMERS, Shaped(9, values, {}), is_text=True)
    assert isinstance(rejects, list)
    assert {reject.column for reject in rejects} == {"name", "time_zone", "currency"}
    assert {reject.line for reject in rejects} == {9}
