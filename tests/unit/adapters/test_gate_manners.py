"""The gate of production: at which moment a message may go, and what a person has stopped."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, select

from keepwell.adapters.gate import STOPPED, StoreGate
from keepwell.contracts.delivery import DoNotGo, GateAnswer, GoAt, GoNow, Recipient, WaitsFor
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import Channel, Send
from keepwell.db.engine import Store
from keepwell.db.repositories.switches import Stop, lift, throw
from keepwell.db.tables import ClosedDay, Contact, Customer, Delivery, Event, Organisation
from keepwell.errors import NotFoundError
from tests.unit.db.world import DAY, NOW, World

HOUR = timedelta(hours=1)
CAMPAIGN = "campaign"
PAT = Recipient(id="pat", kind="contact", name="Pat Person", address="pat@acme.example", time_zone="UTC")
DANA = Recipient(id="dana", kind="staff", name="Dana Reyes", address="U1", time_zone="UTC")


@pytest.fixture
def world(sqlite_store: Store) -> World:
    """A customer who is well, with a campaign that runs and a risk playbook that has ended."""
    made = World(sqlite_store)
    made.staff("dana")
    made.customer("acme")
    made.contact("pat", "acme", consent="granted")
    made.score("acme", 72, NOW - DAY)
    made.intervention("over", "acme", outcome="completed", outcome_why="All is done", ended_at=NOW - 30 * DAY)
    made.intervention(CAMPAIGN, "acme", family="expansion", playbook="usage_limit")
    return made


NIGHT = NOW.replace(hour=22)
"""Saturday at ten in the evening."""


def with_manners(world: World, **fields: object) -> None:
    world.change(
        Organisation,
        world.organisation,
        **{"quiet_from": "20:00", "quiet_until": "08:00", "business_days": "12345", **fields},
    )


def ask_at(
    world: World, now: datetime, recipient: Recipient = PAT, channel: str = "email", urgent: bool = False
) -> GateAnswer:
    step = Send(
        name="mail", at=timedelta(), channel=Channel(channel), template="t", urgent=urgent, why="It is time"
    )
    call = StepCall(
        organisation=world.organisation,
        customer="acme",
        intervention=CAMPAIGN,
        playbook="mine@1",
        step=step,
        templates={},
        now=now,
    )
    return StoreGate(world.store).ask(call, recipient, channel)


def hours(at: datetime, reason: str) -> GoAt:
    return GoAt(at=at, reason=reason, waits_for=WaitsFor.HOURS)


def test_nobody_hears_from_us_at_night_or_on_a_sunday(world: World) -> None:
    with_manners(world)
    monday = datetime(2026, 11, 23, 8, tzinfo=UTC)
    expected = hours(monday, "Saturday, Sunday until Mon 23 Nov 08:00 in UTC")
    for recipient, channel in ((PAT, "email"), (DANA, "slack"), (DANA, "email")):
        assert ask_at(world, NIGHT, recipient, channel) == expected
        assert ask_at(world, monday, recipient, channel) == GoNow()


def test_what_is_urgent_goes_to_staff_at_any_hour_and_to_nobody_else(world: World) -> None:
    with_manners(world)
    assert ask_at(world, NIGHT, DANA, "slack", urgent=True) == GoNow()
    assert isinstance(ask_at(world, NIGHT, urgent=True), GoAt)


def test_a_notification_inside_the_product_waits_for_no_hour(world: World) -> None:
    with_manners(world)
    assert ask_at(world, NIGHT, channel="in_app") == GoNow()


def test_the_clock_is_the_contacts_then_the_customers_then_the_organisations(world: World) -> None:
    with_manners(world, business_days="", time_zone="Asia/Kolkata")
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert ask_at(world, noon) == GoNow(), "half past five in the afternoon"
    world.change(Customer, "acme", time_zone="Pacific/Auckland")
    assert ask_at(world, noon) == hours(
        datetime(2026, 11, 20, 19, tzinfo=UTC), "Quiet hours until 08:00 in Pacific/Auckland"
    )
    world.change(Contact, "pat", time_zone="America/New_York")
    assert ask_at(world, noon) == hours(
        datetime(2026, 11, 20, 13, tzinfo=UTC), "Quiet hours until 08:00 in America/New_York"
    )
    world.change(Contact, "pat", time_zone="Mars/Olympus")
    world.change(Customer, "acme", time_zone="")
    assert ask_at(world, noon) == GoNow(), "an odd entry does not stop a message"


@pytest.mark.parametrize(
    ("theirs", "ours", "closed"),
    [
        ("Germany", "US", False),
        ("us", "DE", True),
        ("United States", "", True),
        ("", "US", True),
        ("Atlantis", "US", True),
        ("", "", False),
    ],
)
def test_holidays_are_the_customers_countrys_then_the_organisations(
    world: World, theirs: str, ours: str, closed: bool
) -> None:
    with_manners(world, country=ours)
    world.change(Customer, "acme", country=theirs)
    thanksgiving = datetime(2026, 11, 26, 12, tzinfo=UTC)
    answer = ask_at(world, thanksgiving)
    expected = hours(datetime(2026, 11, 27, 8, tzinfo=UTC), "Thanksgiving Day until 08:00 in UTC")
    assert answer == (expected if closed else GoNow())


def test_an_organisation_closes_and_opens_days_of_its_own(world: World) -> None:
    with_manners(world, country="DE")
    friday, christmas = date(2026, 11, 27), date(2026, 12, 25)
    world.add(ClosedDay(organisation_id=world.organisation, day=friday, name="Company outing"))
    world.add(ClosedDay(organisation_id=world.organisation, day=christmas, open=True))
    answer = ask_at(world, datetime(2026, 11, 26, 21, tzinfo=UTC))
    words = "Quiet hours, Company outing, Saturday, Sunday until Mon 30 Nov 08:00 in UTC"
    assert answer == hours(datetime(2026, 11, 30, 8, tzinfo=UTC), words)
    assert ask_at(world, datetime(2026, 12, 25, 12, tzinfo=UTC)) == GoNow()


def test_a_refusal_is_said_before_a_wait(world: World) -> None:
    with_manners(world)
    world.change(Contact, "pat", consent="denied")
    assert ask_at(world, NIGHT) == DoNotGo(reason="Pat Person has withdrawn consent")


STOPS = {"all": Stop("org-1"), "playbook": Stop("org-1", "playbook", "usage_limit")}


@pytest.mark.parametrize("stop", [*STOPS.values(), Stop("org-1", "customer", "acme")])
def test_what_is_stopped_waits_until_it_is_lifted(world: World, stop: Stop) -> None:
    with world.store.write() as session:
        assert throw(session, stop, reason="a flood", by="Dana", now=NOW)
        assert not throw(session, stop, reason="again", by="Dana", now=NOW)
    for recipient, channel in ((PAT, "email"), (PAT, "in_app"), (DANA, "slack")):
        answer = ask_at(world, NOW, recipient, channel, urgent=True)
        assert isinstance(answer, GoAt)
        assert (answer.at, answer.waits_for) == (NOW + STOPPED, WaitsFor.SWITCH)
        assert answer.reason.endswith("was stopped by Dana: a flood")
    with world.store.write() as session:
        assert lift(session, stop, reason="", by="Dana", now=NOW) == 0, "nothing has asked through the ledger"
    assert ask_at(world, NOW) == GoNow()
    with world.store.write() as session, pytest.raises(NotFoundError, match="is not stopped"):
        lift(session, stop, reason="", by="Dana", now=NOW)
    with world.store.read() as session:
        kinds = [row.kind for row in session.exec(select(Event).order_by(col(Event.id))).all()]
    assert [kind for kind in kinds if kind.startswith("sending.")] == ["sending.stopped", "sending.resumed"]


@pytest.mark.parametrize(
    "stop", [Stop("org-1", "playbook", "critical"), Stop("org-1", "customer", "other"), Stop("org-2")]
)
def test_a_stop_of_something_else_keeps_nothing_back(world: World, stop: Stop) -> None:
    world.customer("other")
    world.add(Organisation(id="org-2", key="another", name="Another", created_at=NOW))
    with world.store.write() as session:
        throw(session, stop, reason="", by="Dana", now=NOW)
    assert ask_at(world, NOW) == GoNow()


def test_room_that_comes_at_night_is_used_in_the_morning(world: World) -> None:
    with_manners(world, business_days="", customer_cap_day=1)
    at = datetime(2026, 11, 20, 9, tzinfo=UTC)
    world.add(
        Delivery(
            key="before",
            organisation_id=world.organisation,
            customer_id="acme",
            intervention_id="over",
            step="mail",
            channel="in_app",
            recipient_id="pat",
            recipient_kind="contact",
            state="accepted",
            planned_at=at,
            begun_at=at - 12 * HOUR,
            updated_at=at,
        )
    )
    answer = ask_at(world, at)
    assert answer == GoAt(
        at=datetime(2026, 11, 21, 8, tzinfo=UTC),
        reason="Acme has had 1 of 1 messages within 24 hours",
        waits_for=WaitsFor.ROOM,
    )
    assert isinstance(ask_at(world, at, channel="in_app"), GoAt), "a notification is a message too"
    assert ask_at(world, at, DANA, "slack") == GoNow()
