"""Opportunities in the store: found with the scores, once, and handed over by the rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from keepwell.contracts.intervention import Outcome
from keepwell.contracts.scoring import ScoreRequest
from keepwell.db.engine import Store
from keepwell.db.repositories.campaigns import OpportunityRepository
from keepwell.db.repositories.closing import close
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.views_opportunities import STATES, opportunities
from keepwell.db.tables import Customer, Event, Health, Intervention, Opportunity, Organisation
from tests.databases import statements
from tests.unit.db.world import DAY, NOW, World, calls_of, run_all
from workflows.expansion import USAGE_LIMIT

USAGE = {"usage_percentage": 87.0, "next_plan_price": 150.0}


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def unscored(world: World, key: str, **values: Any) -> str:
    """A customer on the plan Team for 100 a month, with figures that nobody has scored yet."""
    world.customer(key, **{"plan": "Team", "monthly_revenue": 100.0, "currency": "EUR", **values})
    world.at_points(key, 72, NOW - 5 * DAY)
    return key


def customer(world: World, key: str) -> str:
    """The same, well at 72 points since five days."""
    world.rescore(unscored(world, key), NOW - 5 * DAY)
    return key


def rows(world: World, **where: Any) -> list[Opportunity]:
    query = select(Opportunity).order_by(col(Opportunity.detected_at), col(Opportunity.id))
    for name, value in where.items():
        query = query.where(col(getattr(Opportunity, name)) == value)
    with world.store.read() as session:
        return list(session.exec(query).all())


def journal(world: World) -> list[tuple[str, str]]:
    with world.store.read() as session:
        query = select(Event).where(col(Event.kind).startswith("opportunity.")).order_by(col(Event.id))
        return [(line.kind, line.text) for line in session.exec(query).all()]


def run_campaign(world: World, row: Opportunity, key: str = "campaign", **values: Any) -> None:
    """What the claim of a campaign leaves in the store."""
    world.add(
        Intervention(
            id=key,
            organisation_id=world.organisation,
            customer_id=row.customer_id,
            opportunity_id=row.id,
            start=key,
            workflow_id=f"expansion/{world.organisation}/{row.customer_id}",
            definition={},
            **{
                "family": "expansion",
                "playbook": "usage_limit",
                "version": 1,
                "level": "HEALTHY",
                "score": 72.0,
                "started_at": NOW,
                **values,
            },
        )
    )
    world.change(Opportunity, row.id, state="running", intervention_id=key)


def test_a_run_finds_signals_once_and_says_so(world: World) -> None:
    for number in range(5):
        customer(world, f"c{number}")
    world.measure("c1", USAGE)
    world.measure("c3", {"integration_requests": 2, "active_users": 1})
    plan, _ = run_all(world, size=2)
    first, second = sorted(rows(world), key=lambda row: row.customer_id)
    assert (first.customer_id, first.signal, first.urgency) == ("c1", "USAGE_LIMIT_APPROACHING", "HIGH")
    assert (first.value, first.currency, first.state) == (600.0, "EUR", "open")
    assert (first.plan, first.monthly_revenue) == ("Team", 100.0)
    assert first.words == "usage is at 87 % of the plan's limit"
    assert first.evidence == {**USAGE, "monthly_revenue": 100.0}
    assert (first.detected_at, first.seen_at, first.closed_at) == (NOW, NOW, None)
    assert (second.customer_id, second.signal) == ("c3", "INTEGRATION_EXPANSION")
    assert sorted(journal(world)) == [
        ("opportunity.detected", "INTEGRATION_EXPANSION: 2 integrations were asked for"),
        ("opportunity.detected", "USAGE_LIMIT_APPROACHING: usage is at 87 % of the plan's limit"),
    ]
    repository = ScoreRepository(world.store, 2)
    assert repository.finish_run(plan, NOW).opportunities == 2
    for call in calls_of(plan):
        repository.score_partition(call)
    assert len(rows(world)) == len(journal(world)) == 2


@pytest.mark.parametrize(("own", "written"), [("", "GBP"), ("EUR", "EUR")])
def test_the_organisations_currency_is_that_of_customers_without_one(
    world: World, own: str, written: str
) -> None:
    world.change(Organisation, world.organisation, currency="GBP")
    world.measure(customer(world, "acme"), USAGE)
    world.change(Customer, "acme", currency=own)
    run_all(world)
    assert [row.currency for row in rows(world)] == [written]
    waiting = OpportunityRepository(world.store).waiting_of("acme")
    assert waiting is not None
    assert [one.currency for one in waiting.opportunities] == [written]


def test_an_open_one_takes_new_figures_and_a_running_one_keeps_its_own(world: World) -> None:
    for key in ("calm", "busy"):
        customer(world, key)
        world.measure(key, USAGE)
    run_all(world)
    run_campaign(world, rows(world, customer_id="busy")[0])
    for key in ("calm", "busy"):
        world.measure(key, {"usage_percentage": 95.0, "next_plan_price": 200.0}, NOW + DAY)
        world.change(Customer, key, plan="Team+")
    run_all(world, NOW + DAY)
    (calm,), (busy,) = rows(world, customer_id="calm"), rows(world, customer_id="busy")
    assert (calm.value, calm.plan, calm.words) == (1200.0, "Team+", "usage is at 95 % of the plan's limit")
    assert (busy.value, busy.plan, busy.words) == (600.0, "Team", "usage is at 87 % of the plan's limit")
    assert calm.seen_at == busy.seen_at == NOW + DAY
    assert calm.detected_at == NOW


def test_one_that_ceases_is_gone_and_rests_for_thirty_days(world: World) -> None:
    customer(world, "acme")
    world.measure("acme", USAGE)
    world.rescore("acme", NOW)

    def use(percent: float, day: int) -> list[str]:
        at = NOW + day * DAY
        world.measure("acme", {"usage_percentage": percent}, at)
        world.rescore("acme", at)
        return [row.state for row in rows(world)]

    assert use(60, 1) == ["gone"]
    gone = rows(world)[0]
    assert (gone.closed_at, gone.reason) == (NOW + DAY, "The signal ceased before a campaign began")
    assert use(90, 30) == ["gone"]
    assert use(91, 31) == ["gone", "open"]
    assert [kind for kind, _ in journal(world)] == [
        "opportunity.detected",
        "opportunity.gone",
        "opportunity.detected",
    ]


def test_a_running_one_outlives_its_signal(world: World) -> None:
    customer(world, "acme")
    world.measure("acme", USAGE)
    world.rescore("acme", NOW)
    run_campaign(world, rows(world)[0])
    world.measure("acme", {"usage_percentage": 10}, NOW + DAY)
    world.rescore("acme", NOW + DAY)
    assert [(row.state, row.seen_at) for row in rows(world)] == [("running", NOW)]


def test_a_late_run_of_an_older_day_changes_nothing(world: World) -> None:
    customer(world, "acme")
    world.measure("acme", {"usage_percentage": 90}, NOW - 3 * DAY)
    world.measure("acme", {"usage_percentage": 50}, NOW - DAY)
    world.rescore("acme", NOW)
    run_all(world, NOW - 2 * DAY, again="late")
    assert rows(world) == []


def test_a_scorecards_metric_of_another_unit_is_not_taken_for_ours(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keepwell.db.repositories import opportunities as module
    from scoring.signals import SIGNAL_METRICS, SignalMetric
    from scoring.units import Unit

    name = "feature_adoption_depth"
    customer(world, "acme")
    ours = SignalMetric(name, Unit.COUNT, "")
    changed = [ours if one.name == "active_users" else one for one in SIGNAL_METRICS]
    monkeypatch.setattr(module, "SIGNAL_METRICS", tuple(changed))
    world.rescore("acme", NOW)
    assert rows(world) == [], "72 percent are not 72 users"


def test_the_number_of_statements_does_not_grow_with_the_customers(sqlite_store: Store) -> None:
    world = World(sqlite_store)

    def sent_for(prefix: str, count: int, at: datetime) -> int:
        for number in range(count):
            key = customer(world, f"{prefix}{number:03}")
            world.measure(key, USAGE)
        repository = ScoreRepository(world.store, 1_000)
        plan = repository.begin_run(ScoreRequest(organisation=world.organisation), at)
        with statements(world.store) as sent:
            for call in calls_of(plan):
                repository.score_partition(call)
        return len(sent)

    few = sent_for("a", 3, NOW)
    assert len(rows(world)) == 3
    many = sent_for("b", 60, NOW + DAY)
    assert len(rows(world)) == 63
    # The second run also updates what the first one found.
    assert many <= few + 4


def test_reasons_are_written_to_open_ones_alone(world: World) -> None:
    for key in ("calm", "busy"):
        world.measure(customer(world, key), USAGE)
    run_all(world)
    (calm,), (busy,) = rows(world, customer_id="calm"), rows(world, customer_id="busy")
    run_campaign(world, busy)
    OpportunityRepository(world.store).give_reasons({calm.id: "cooldown", busy.id: "cooldown"})
    assert [row.reason for row in rows(world, customer_id="calm")] == ["cooldown"]
    assert [row.reason for row in rows(world, customer_id="busy")] == [""]


@pytest.mark.parametrize(
    ("plan", "revenue", "note"),
    [
        ("Business", 150.0, "the plan is Business, it was Team"),
        ("Business", None, "the plan is Business, it was Team"),
        ("Team", 110.0, "monthly revenue grew from €100 to €110"),
        ("Team", 109.0, None),
        ("Team", 100.0, None),
        ("Starter", 50.0, None),
        ("", 100.0, None),
    ],
)
def test_an_upgrade_is_another_plan_for_no_less_or_a_tenth_more_revenue(
    world: World, plan: str, revenue: float | None, note: str | None
) -> None:
    world.measure(customer(world, "acme"), USAGE)
    run_all(world)
    row = rows(world)[0]
    world.change(Customer, "acme", plan=plan, monthly_revenue=revenue)
    repository = OpportunityRepository(world.store)
    assert repository.upgraded(world.organisation) == (), "no campaign runs"
    waiting = repository.waiting_of("acme")
    assert waiting is not None
    assert waiting.opportunities[0].upgraded == (note or "")
    run_campaign(world, row)
    seen = [(one.intervention, one.plan, one.note) for one in repository.upgraded(world.organisation)]
    assert seen == ([("campaign", plan, note)] if note else [])


def test_held_campaigns_that_may_go_on(world: World) -> None:
    for key in ("free", "ill", "risky", "moving"):
        world.measure(customer(world, key), USAGE)
    run_all(world)
    for row in rows(world):
        held = "" if row.customer_id == "moving" else "critical@1 runs"
        run_campaign(world, row, f"campaign-{row.customer_id}", held_why=held)
    world.change(Health, "ill", level="AT_RISK")
    world.intervention("critical", "risky")
    repository = OpportunityRepository(world.store)
    assert repository.held(world.organisation) == ("free",)
    assert repository.held(world.organisation, "ill") == ()
    assert repository.held(world.organisation, "free") == ("free",)


def test_the_list_of_opportunities(world: World) -> None:
    for key in ("a", "b", "c"):
        world.measure(customer(world, key), {"integration_requests": 1})
    world.measure("b", USAGE)
    run_all(world)
    run_campaign(world, rows(world, customer_id="a")[0])
    world.change(Opportunity, rows(world, customer_id="c")[0].id, state="gone", closed_at=NOW)
    with world.store.read() as session:
        live = opportunities(session, world.organisation)
        everything = opportunities(session, world.organisation, states=STATES, limit=2)
    seen = [(one.customer, one.signal, one.state, one.intervention) for one in live.opportunities]
    assert seen == [
        ("B", "USAGE_LIMIT_APPROACHING", "open", None),
        ("B", "INTEGRATION_EXPANSION", "open", None),
        ("A", "INTEGRATION_EXPANSION", "running", "campaign"),
    ]
    assert (live.total, everything.total, len(everything.opportunities)) == (3, 4, 2)
    assert live.opportunities[0].detected_at - NOW == timedelta()


@pytest.mark.parametrize(
    ("at_close", "later", "increase"),
    [
        # The new price was there at the close; what came after is another story.
        (150.0, 400.0, 600.0),
        # The customer had said yes, and its price was imported later.
        (100.0, 150.0, 600.0),
        (100.0, 100.0, 0.0),
        (None, 160.0, 720.0),
        (None, None, None),
    ],
)
def test_what_was_foretold_is_kept_beside_what_came(
    world: World, at_close: float | None, later: float | None, increase: float | None
) -> None:
    customer(world, "acme")
    world.measure("acme", USAGE, NOW - DAY)
    run_all(world)
    (row,) = rows(world)
    run_campaign(world, row)
    world.change(Intervention, "campaign", definition=USAGE_LIMIT.model_dump(mode="json"))
    world.change(Customer, "acme", monthly_revenue=at_close)
    with world.store.write() as session:
        found = session.get_one(Intervention, "campaign")
        close(session, found, Outcome.CONVERTED, "They took the plan", "dana", NOW + 3 * DAY)
    world.change(Customer, "acme", monthly_revenue=later)
    with world.store.read() as session:
        (line,) = opportunities(session, world.organisation, states=["converted"]).opportunities
    assert (line.value, line.increase) == (600.0, increase)
    assert (line.revenue_before, line.revenue_at_close, line.revenue_now) == (100.0, at_close, later)
    assert (line.detected_at, line.began_at, line.closed_at) == (NOW, NOW, NOW + 3 * DAY)
    assert journal(world)[-1] == ("opportunity.converted", "USAGE_LIMIT_APPROACHING was converted")


def test_a_lost_one_has_brought_nothing(world: World) -> None:
    customer(world, "acme")
    world.measure("acme", USAGE, NOW - DAY)
    run_all(world)
    run_campaign(world, rows(world)[0])
    with world.store.write() as session:
        found = session.get_one(Intervention, "campaign")
        close(session, found, Outcome.COMPLETED, "Nobody answered", "engine", NOW + DAY)
    world.change(Customer, "acme", monthly_revenue=300.0)
    with world.store.read() as session:
        (line,) = opportunities(session, world.organisation, states=["lost"]).opportunities
    assert (line.increase, line.revenue_at_close, line.reason) == (None, 100.0, "completed: Nobody answered")
