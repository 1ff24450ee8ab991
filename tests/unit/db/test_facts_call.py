"""What whoever is to call a customer reads: the number, when to call, what was sent, what may be offered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from keepwell.contracts.rendering import CallFigures
from keepwell.db.engine import Store
from keepwell.db.repositories.facts_call import hours_words
from keepwell.db.tables import ClosedDay, Customer, Intervention, Organisation
from tests.unit.db.facts_case import context_of, in_trouble
from tests.unit.db.mailed import wrote
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL, OPTIONS

HOUR = timedelta(hours=1)
BERLIN, LONDON, SAO_PAULO, TOKYO = "Europe/Berlin", "Europe/London", "America/Sao_Paulo", "Asia/Tokyo"
THURSDAY = datetime(2026, 12, 24, 18, tzinfo=UTC)
"""Christmas Eve, after work; the Friday is a holiday in Germany and Britain, and so is Britain's Monday."""


@pytest.fixture
def world(store: Store) -> World:
    """Dana in Berlin is to call Acme, whose people are in London."""
    made = World(store)
    made.change(
        Organisation, made.organisation, business_days="12345", country="DE", subdivision="", time_zone=BERLIN
    )
    made.staff("dana", time_zone=BERLIN)
    made.customer("acme", owner_id="dana", time_zone=LONDON, country="United Kingdom", subdivision="ENG")
    made.contact("pat", "acme", phone="+44 20 7946 0101")
    made.contact("quin", "acme", phone="+44 20 7946 0102")
    made.contact("rae", "acme", phone="")
    in_trouble(made)
    made.change(Intervention, "i-1", owner_id="dana", definition=CRITICAL.model_dump(mode="json"))
    return made


def talk(world: World, now: datetime = NOW) -> CallFigures:
    found = context_of(world, now).talk
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("theirs", "ours", "words"),
    [
        (BERLIN, BERLIN, "09:00 to 17:00 in Berlin, next on Friday 25 December"),
        (
            LONDON,
            BERLIN,
            "09:00 to 17:00 in London, which is 10:00 to 18:00 in Berlin, next on Friday 25 Dec",
        ),
        (SAO_PAULO, BERLIN, "09:00 to 17:00 in São Paulo, which is 13:00 to 21:00 in Berlin"),
        (TOKYO, BERLIN, "09:00 to 17:00 in Tokyo, which is 01:00 to 09:00 in Berlin"),
        (
            TOKYO,
            "America/New_York",
            "09:00 to 17:00 in Tokyo, which is Thursday 19:00 to Friday 03:00 in New Y",
        ),
    ],
)
def test_the_hours_are_said_on_both_clocks_with_their_next_day(theirs: str, ours: str, words: str) -> None:
    assert hours_words(THURSDAY, theirs, ours).startswith(words)
    today = theirs in (SAO_PAULO, TOKYO)
    assert ("next on" not in hours_words(THURSDAY, theirs, ours)) == today


def test_the_best_hours_know_the_customers_public_holidays_and_days_entered(world: World) -> None:
    assert talk(world, THURSDAY).hours == (
        "09:00 to 17:00 in London, which is 10:00 to 18:00 in Berlin, next on Tuesday 29 December"
    ), "the Monday is a holiday there, as Boxing Day was a Saturday"
    world.change(Customer, "acme", country="", subdivision="")
    assert talk(world, THURSDAY).hours.endswith("next on Monday 28 December"), "Germany's holidays"
    monday = date(2026, 12, 28)
    world.add(ClosedDay(organisation_id=world.organisation, day=monday, name="between the years"))
    assert talk(world, THURSDAY).hours.endswith("next on Tuesday 29 December")
    world.change(Organisation, world.organisation, business_days="")
    assert talk(world, THURSDAY).hours.endswith("next on Friday 25 December"), "no holidays count"
    assert talk(world, THURSDAY + DAY).hours.endswith("next on Tuesday 29 December"), "but days entered do"


def test_in_their_working_hours_no_day_is_named(world: World) -> None:
    words = talk(world, THURSDAY - 6 * HOUR).hours
    assert words == "09:00 to 17:00 in London, which is 10:00 to 18:00 in Berlin"


def test_who_else_has_a_number_what_was_sent_and_what_may_be_offered(world: World) -> None:
    at = NOW - 2 * HOUR
    wrote(world, "i-1", "pat", state="accepted", step="done", name="one", accepted_at=at, subject="Hello")
    wrote(
        world,
        "i-1",
        "quin",
        state="delivered",
        step="done",
        name="two",
        accepted_at=at + HOUR,
        subject="News",
        delivered_at=NOW,
        opened_at=NOW,
    )
    wrote(world, "i-1", "rae", state="planned", step="planned", name="three")
    found = talk(world)
    assert found.others == ("Quin Person, +44 20 7946 0102",)
    assert found.sent == (
        "21 Nov 08:00 to Pat Person: “Hello”, sent, no sign of it being opened",
        "21 Nov 09:00 to Quin Person: “News”, opened",
    )
    assert found.offers[0] == "billing pause of up to 3 months"
    assert len(found.offers) == len(OPTIONS)


def test_the_usual_hour_is_said_once_enough_was_opened(world: World) -> None:
    for number in range(2):
        opened = NOW - number * DAY + timedelta(minutes=number)
        wrote(world, "i-1", "pat", state="accepted", step="done", name=f"s{number}", opened_at=opened)
    assert talk(world).usual == ""
    wrote(world, "i-1", "pat", state="accepted", step="done", name="s9", opened_at=NOW + 6 * HOUR)
    assert talk(world).usual == "2 of 3 emails were opened around 09:00 there"
