"""Filling the demo's home: what the store holds afterwards, once and again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from keepwell.contracts.scoring import ScoreRequest
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.tables import (
    Contact,
    Customer,
    Health,
    Metric,
    Opportunity,
    Organisation,
    ScoreRun,
    Staff,
    Transition,
)
from keepwell.demo import history
from keepwell.demo.happened import happened
from keepwell.demo.home import DATABASE, DemoHome, home_at
from keepwell.demo.prepare import Prepared, fill, newest_hour, prepare
from keepwell.errors import ConfigurationError
from scoring.levels import Level

ANCHOR = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str]]:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('demo') / DATABASE}")
    ensure_current(store)
    yield store, fill(store, ANCHOR)[0]
    store.dispose()


def test_everything_belongs_to_one_organisation_marked_as_a_demo(filled: tuple[Store, str]) -> None:
    store, identity = filled
    with store.read() as session:
        organisation = session.exec(select(Organisation)).one()
        assert organisation.demo
        assert "demo" in organisation.name
        assert organisation.id == identity
        for model, number in ((Customer, 200), (Staff, 7)):
            assert session.exec(select(func.count()).select_from(model)).one() == number
        assert session.exec(select(func.count()).select_from(Contact)).one() > 200


def test_metrics_reach_back_90_days_and_end_at_the_anchor(filled: tuple[Store, str]) -> None:
    store, _ = filled
    query = select(func.min(col(Metric.measured_at)), func.max(col(Metric.measured_at)))
    with store.read() as session:
        oldest, newest = session.exec(query).one()
    assert (oldest, newest) == (ANCHOR - timedelta(days=89), ANCHOR)


def test_customers_carry_the_facts_of_value_reports(filled: tuple[Store, str]) -> None:
    store, _ = filled
    with store.read() as session:
        facts = [one.facts for one in session.exec(select(Customer)).all()]
    assert all(float(one["seats"]) > 0 for one in facts)
    assert sum({"hours_saved", "hourly_cost"} <= one.keys() for one in facts) > 120
    assert sum("value_delivered" in one for one in facts) > 10


def test_a_few_customers_have_moved_up_before(filled: tuple[Store, str]) -> None:
    store, identity = filled
    with store.read() as session:
        query = select(Opportunity).where(
            Opportunity.organisation_id == identity, Opportunity.state == "converted"
        )
        found = session.exec(query).all()
    assert [one.signal for one in found] == ["USAGE_LIMIT_APPROACHING"] * 5
    assert all(one.closed_at is not None and one.closed_at < ANCHOR - timedelta(days=30) for one in found)


def test_the_past_is_scored_and_begins_nothing(filled: tuple[Store, str]) -> None:
    store, identity = filled
    with store.read() as session:
        runs = session.exec(select(ScoreRun).order_by(col(ScoreRun.as_of))).all()
        assert [(run.as_of - ANCHOR).days for run in runs] == [-30, -7, -1]
        assert all(run.finished_at for run in runs)
        changes = session.exec(select(Transition)).all()
        assert changes
        assert {(one.decision, one.handed, one.code) for one in changes} == {
            ("refused", "refused", history.CODE)
        }
        assert happened(session, identity, ANCHOR).open == ()


def test_scoring_today_finds_those_who_fell(filled: tuple[Store, str]) -> None:
    store, identity = filled
    scores = ScoreRepository(store)
    plan = scores.begin_run(ScoreRequest(organisation=identity, as_of=ANCHOR), ANCHOR)
    history.score_day(store, identity, ANCHOR, 10_000)
    summary = scores.finish_run(plan, ANCHOR)
    assert (summary.customers, summary.insufficient, summary.rejected) == (200, 4, 0)
    with store.read() as session:
        rows = session.exec(select(Transition).where(Transition.run_id == plan.run)).all()
        assert 3 <= sum(row.level == Level.CRITICAL for row in rows) <= 6
        assert 8 <= sum(row.level == Level.AT_RISK and row.previous == Level.HEALTHY for row in rows) <= 12
        assert any(row.level == Level.HEALTHY for row in rows)
        held = session.exec(select(Health).where(Health.level == Level.CRITICAL.value)).all()
    assert len(held) == 11


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DemoHome:
    monkeypatch.chdir(tmp_path)
    found = home_at(tmp_path / "demo")
    found.settings.ensure_home()
    return found


def prepared(home: DemoHome) -> tuple[Prepared, list[str]]:
    said: list[str] = []
    found = prepare(home, said.append)
    found.store.dispose()
    return found, said


def test_a_second_time_goes_on_and_a_half_filled_home_begins_anew(home: DemoHome) -> None:
    home.note(ANCHOR, ready=False)
    (home.folder / DATABASE).write_bytes(b"")
    first, said = prepared(home)
    assert first.new
    assert "200 made-up customers" in said[0]
    assert first.anchor == newest_hour(first.anchor)
    again, said = prepared(home)
    assert (again.new, again.organisation, again.anchor) == (False, first.organisation, first.anchor)
    assert said[0].startswith("Going on with the demo data")


def test_data_without_the_demos_mark_is_refused(home: DemoHome) -> None:
    home.note(ANCHOR, ready=True)
    store = Store(home.settings.database_url)
    ensure_current(store)
    with store.write() as session:
        session.add(Organisation(key="main", name="Somebody", created_at=ANCHOR))
    store.dispose()
    with pytest.raises(ConfigurationError, match="not the demo's"):
        prepare(home, print)
