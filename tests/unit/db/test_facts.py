"""The figures for templates: from the store, correct, and left out where there are none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.playbook import Sender
from keepwell.db.engine import Store
from keepwell.db.repositories.facts import Facts
from keepwell.db.repositories.wording import change_words, money, whole_months
from keepwell.db.tables import Customer, Delivery, Intervention, Metric, Organisation
from keepwell.errors import NotFoundError
from keepwell.rendering.bundle import OWN_TEMPLATES, load_bundle
from keepwell.rendering.render import render
from scoring.levels import Level
from tests.unit.db.facts_case import call_of, context_of, in_trouble, similar
from tests.unit.db.world import DAY, NOW, World


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.customer("acme", monthly_revenue=1250, started_on=date(2025, 9, 22), plan="Team")
    return made


def test_score_level_and_categories_come_from_the_last_score(world: World) -> None:
    in_trouble(world)
    last = world.scores("acme")[-1]
    health = context_of(world, NOW + timedelta(hours=2)).health
    assert health.score == last.score
    assert (health.level, health.coverage) == (Level.CRITICAL, 1)
    assert health.before == pytest.approx(50)
    assert [(row.title, row.weight) for row in health.categories] == [
        ("Usage", 40),
        ("Engagement", 30),
        ("Business", 20),
        ("Relationship", 10),
    ]
    usage, _, business, relationship = (row.score for row in health.categories)
    # Business: 8 x 90, 6 x 10, 4 x 10 and 2 x 100 points, divided by its weight of 20.
    assert (usage, business, relationship) == (10, 51, 10)


def test_what_costs_most_comes_with_advice(world: World) -> None:
    in_trouble(world)
    world.staff("ola")
    world.change(Intervention, "i-1", owner_id="ola")
    costly = context_of(world).health.costly
    assert [entry.metric.name for entry in costly] == [
        "daily_active_rate",
        "feature_adoption_depth",
        "usage_trend_30_days",
    ]
    first = costly[0]
    assert (first.metric.value, first.metric.before, first.metric.change) == ("6 %", "30 %", "down from 30 %")
    fell = "Daily active rate fell 80 % in 30 days, from 30 % to 6 %, and costs 13.5 points"
    assert first.metric.words == fell
    assert first.metric.points == pytest.approx(10)
    assert first.metric.lost == pytest.approx(13.5)
    assert first.metric.category == "Usage"
    assert first.owner == "Ola Staff"
    assert first.due == date(2026, 11, 28)
    assert first.success == "On an average working day 48 % of the users are active."
    assert [(point.day, point.text) for point in first.metric.history] == [
        (date(2026, 10, 21), "30 %"),
        (date(2026, 11, 21), "6 %"),
    ]


def test_what_is_good_but_falling_is_no_strength(world: World) -> None:
    in_trouble(world)
    # It was 80 % before that, and is 90 % today.
    world.measure("acme", {"payment_health": 100}, NOW - 30 * DAY - timedelta(hours=12))
    health = context_of(world).health
    assert [metric.name for metric in health.strengths] == ["integration_usage"]


def test_strengths_and_rises(world: World) -> None:
    in_trouble(world)
    health = context_of(world).health
    assert [metric.name for metric in health.strengths] == ["integration_usage", "payment_health"]
    assert [metric.name for metric in health.improved] == ["integration_usage", "payment_health"]
    assert health.improved[1].change == "up from 80 %"
    assert health.strengths[0].words == "Integration usage is 3"


def test_history_is_at_most_13_points_of_90_days(world: World) -> None:
    for day in range(120):
        world.measure("acme", {"daily_active_rate": 10 + day % 7}, NOW - day * DAY)
    world.measure("acme", {"daily_active_rate": 900}, NOW - timedelta(hours=1))
    world.at_points("acme", 10, NOW - timedelta(minutes=1), daily_active_rate=1)
    world.rescore("acme", NOW)
    world.intervention("i-1", "acme")
    history = context_of(world).health.costly[0].metric.history
    assert len(history) == 13
    days = [point.day for point in history]
    assert days == sorted(days)
    assert (days[0], days[-1]) == (date(2026, 8, 23), date(2026, 11, 21))
    assert {(after - before).days for before, after in pairwise(days)} <= {7, 8}


def test_only_what_was_known_at_the_time_is_said(world: World) -> None:
    in_trouble(world)
    world.score("acme", 95, NOW + 2 * DAY)
    assert context_of(world, NOW + DAY).health.costly[0].metric.value == "6 %"
    assert context_of(world, NOW + 3 * DAY).health.score == pytest.approx(95)


def test_customer_facts_are_written_for_people(world: World) -> None:
    in_trouble(world)
    world.change(Customer, "acme", facts={"region": "North", "seats": 12, "gone": None})
    customer = context_of(world).customer
    assert (customer.monthly_revenue, customer.months_with_us, customer.plan) == ("$1,250", 13, "Team")
    assert customer.facts == {"region": "North", "seats": "12"}
    world.change(Customer, "acme", currency="CHF", monthly_revenue=None, started_on=None)
    customer = context_of(world).customer
    assert (customer.monthly_revenue, customer.months_with_us) == ("", None)


def test_people_and_the_day(world: World) -> None:
    in_trouble(world)
    world.contact("amy", "acme", first_name="Amy", title="Head", role="decision_maker")
    world.staff("eve", role="executive", title="CEO", phone="+1 555")
    world.staff("ola")
    world.change(Intervention, "i-1", owner_id="ola")
    late = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    tokyo = Recipient(
        id="amy", kind="contact", name="Amy Person", address="amy@x.example", time_zone="Asia/Tokyo"
    )
    context = context_of(world, late, recipient=tokyo, sender=Sender.EXECUTIVE)
    assert (context.recipient.first_name, context.recipient.title) == ("Amy", "Head")
    assert (context.sender.name, context.sender.first_name, context.sender.title) == (
        "Eve Staff",
        "Eve",
        "CEO",
    )
    assert context.owner is not None
    assert context.owner.name == "Ola Staff"
    assert context.contact == context.recipient
    assert (context.today, context.now, context.why) == (date(2026, 11, 22), late, "to say hello")
    assert context.notice is None
    staff = Recipient(id="ola", kind="staff", name="Ola Staff", address="x", time_zone="UTC")
    assert context_of(world, recipient=staff).recipient.email == "ola@brightdesk.example"


def test_who_may_not_be_written_to_is_still_shown_to_the_csm(world: World) -> None:
    in_trouble(world)
    world.contact("amy", "acme", consent="denied")
    contact = context_of(world).contact
    assert contact is not None
    assert contact.first_name == "Amy"


def test_the_intervention_counts_days_on_the_organisations_calendar(world: World) -> None:
    in_trouble(world)
    world.change(Organisation, "org-1", time_zone="Pacific/Auckland")
    world.change(Intervention, "i-1", started_at=NOW, acknowledged_by="Ola")
    # 09:00 UTC is 22:00 there: two hours later it is the next day.
    assert context_of(world, NOW + timedelta(hours=1)).intervention.day == 1
    facts = context_of(world, NOW + timedelta(hours=3)).intervention
    assert (facts.day, facts.acknowledged_by, facts.title) == (2, "Ola", "Critical: win the customer back")
    assert facts.last_message == ""
    for number, (kind, subject) in enumerate(
        [("contact", "First"), ("contact", "Second"), ("staff", "To you")]
    ):
        world.add(
            Delivery(
                key=f"d{number}",
                organisation_id="org-1",
                customer_id="acme",
                intervention_id="i-1",
                step="x",
                channel="email",
                recipient_id="amy",
                recipient_kind=kind,
                subject=subject,
                state="accepted",
                planned_at=NOW,
                accepted_at=NOW + timedelta(minutes=number),
                updated_at=NOW,
            )
        )
    assert context_of(world).intervention.last_message == "Second"


def test_a_notice_says_what_did_not_happen(world: World) -> None:
    in_trouble(world)
    notice = context_of(world, notice="Acme has no contact").notice
    assert notice is not None
    assert (notice.step, notice.reason) == ("csm_outreach", "Acme has no contact")
    assert notice.what == "send the email to the primary contact, in the company's name"


def test_with_next_to_nothing_in_the_store(world: World) -> None:
    world.measure("acme", {"daily_active_rate": 30})
    world.rescore("acme", NOW)
    world.intervention("i-1", "acme")
    context = context_of(world)
    health = context.health
    # No score yet: the intervention's own is all there is.
    assert (health.score, health.level, health.before) == (12.5, Level.CRITICAL, None)
    assert health.coverage == pytest.approx(0.15)
    assert [row.score for row in health.categories] == [None] * 4
    assert (health.costly, health.strengths, health.improved) == ((), (), ())
    assert context.shown.steps == ()
    assert [(figure.name, figure.change) for figure in context.shown.used] == [("daily_active_rate", "")]
    assert (context.recipient.name, context.owner, context.contact) == ("", None, None)
    assert (context.sender.name, context.peers.count) == ("Brightdesk Ltd", 0)
    with world.store.write() as session:
        session.delete(session.get_one(Metric, ("acme", "daily_active_rate", NOW)))
    assert context_of(world).shown.used == ()


def test_every_template_renders_from_the_store(world: World) -> None:
    in_trouble(world)
    similar(world, 6)
    names = sorted(
        {
            file.relative_to(OWN_TEMPLATES).as_posix().split(".")[0]
            for file in OWN_TEMPLATES.rglob("*.j2")
            # A notice tells of alerts, of several customers: it has facts of its own.
            if not file.name.startswith("_") and file.parent.name != "alerts"
        }
    )
    assert len(names) > 10
    full = context_of(world, notice="nobody is there")
    for name in names:
        rendered = render(load_bundle(name), full)
        assert "None" not in rendered.text, name


def test_value_comes_from_the_customers_facts_in_its_currency(world: World) -> None:
    in_trouble(world)
    assert context_of(world).value.missing == ("hours_saved", "hourly_cost")
    world.change(Customer, "acme", currency="CHF", facts={"hours_saved": "30", "hourly_cost": "60"})
    value = context_of(world).value
    assert (value.value, value.paid, value.ratio) == ("1,800 CHF", "1,250 CHF", 1.44)


def test_advice_names_the_customer_and_not_the_customer(world: World) -> None:
    in_trouble(world)
    health = context_of(world).health
    assert health.costly[0].action == "Agree with Acme's lead on one daily task that moves into the product."
    assert health.costly[1].success == "Acme uses 56 % of the features in the plan."
    for entry in health.costly:
        assert "the customer" not in f"{entry.action} {entry.success} {entry.metric.low}".lower()


def test_an_unknown_intervention_is_named(world: World) -> None:
    with pytest.raises(NotFoundError, match="no intervention 'x'"):
        Facts(world.store).context(call_of(intervention="x"))


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1250.0, "USD", "$1,250"),
        (1250.4, "EUR", "€1,250"),
        (99.5, "gbp", "£99.50"),
        (12.0, "CHF", "12 CHF"),
        (-3.2, "CHF", "-3.20 CHF"),
        (-0.001, "USD", "$0"),
        (7.0, "", "7"),
    ],
)
def test_money(amount: float, currency: str, text: str) -> None:
    assert money(amount, currency) == text


def test_changes_and_months() -> None:
    assert change_words("3", "3", rose=True) == "unchanged"
    assert change_words("3", "4", rose=True) == "up from 3"
    assert whole_months(date(2026, 1, 31), date(2026, 2, 28)) == 0
    assert whole_months(date(2025, 2, 28), date(2026, 2, 28)) == 12
    assert whole_months(date(2027, 2, 28), date(2026, 2, 28)) == 0
