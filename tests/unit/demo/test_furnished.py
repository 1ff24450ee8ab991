"""What the running demo has besides scores: enough of everything that a newcomer's console is alive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func
from sqlmodel import Session, col, select

from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.db.repositories.absences import absences
from keepwell.db.repositories.alert_rules import load_rules
from keepwell.db.repositories.client_insights import insights
from keepwell.db.repositories.closed_days import closed_days
from keepwell.db.repositories.modes import needs_approval
from keepwell.db.repositories.saved_views import saved_views
from keepwell.db.repositories.views_client import client_success
from keepwell.db.repositories.views_today import today
from keepwell.db.tables import Alert, Customer, EngagementEvent, InboundMessage, Score, Staff, Transition
from keepwell.demo import desk, history
from keepwell.demo.activity import active_ones
from keepwell.demo.home import DATABASE
from keepwell.demo.portfolio import DemoCustomer
from keepwell.demo.prepare import fill, furnish
from scoring.signal import Trigger

ANCHOR = datetime(2026, 11, 20, 15, tzinfo=UTC)
NOW = ANCHOR + timedelta(minutes=20)
Made = tuple[Store, str, tuple[DemoCustomer, ...]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder: Path = tmp_path_factory.mktemp("demo")
    store = Store(f"sqlite:///{folder / DATABASE}")
    ensure_current(store)
    organisation, customers = fill(store, ANCHOR, history.EVERY_DAY)
    furnish(store, organisation, customers, ANCHOR, NOW)
    yield store, organisation, customers
    store.dispose()


def person(session: Session, key: str) -> str:
    return session.exec(select(Staff.id).where(Staff.external_id == key)).one()


def test_everybody_is_scored_on_each_day_of_a_month(made: Made) -> None:
    store, _, customers = made
    with store.read() as session:
        query = select(Score.customer_id, func.count()).group_by(col(Score.customer_id))
        days = Counter(number for _, number in session.exec(query).all())
        assert days == {31: len(customers)}
        assert {one.code for one in session.exec(select(Transition)).all()} == {history.CODE}


def test_alerts_of_the_past_are_in_hand(made: Made) -> None:
    store, organisation, _ = made
    with store.read() as session:
        rows = session.exec(select(Alert)).all()
        assert len(rows) > 20
        assert {one.state for one in rows} <= {"acknowledged", "closed"}
        # Those that would begin a playbook are over.
        assert {one.state for one in rows if one.severity == "critical"} == {"closed"}
        off = {one for one in Trigger if not load_rules(session, organisation).wants(one)}
        assert off == set(desk.QUIET_RULES)


def test_a_part_of_the_customers_is_seen_at_work(made: Made) -> None:
    store, _, customers = made
    with store.read() as session:
        keys = set(session.exec(select(Customer.external_id).join(EngagementEvent).distinct()).all())
        newest = session.exec(select(func.max(col(EngagementEvent.at)))).one()
        oldest = session.exec(select(func.min(col(EngagementEvent.at)))).one()
    assert keys <= {one.key for one in active_ones(customers)}
    assert len(keys) > 35
    assert oldest < ANCHOR - timedelta(days=30) < newest <= ANCHOR


def test_those_with_room_to_grow_have_a_page_of_their_own(made: Made) -> None:
    store, organisation, customers = made
    with store.read() as session:
        for one in customers:
            if one.signals:
                identity = session.exec(select(Customer.id).where(Customer.external_id == one.key)).one()
                shown = client_success(session, organisation, identity, NOW)
                assert shown.score.score is not None, one.name
                assert sum(day.count > 0 for day in shown.activity.days) > 8, one.name
                found = insights(session, organisation, identity, NOW)
                assert len(found) == 4
                assert all("Demo data" in line.body for line in found)


def test_the_busiest_has_a_reply_to_read_and_stands_in_for_somebody(made: Made) -> None:
    store, organisation, customers = made
    with store.read() as session:
        chief = person(session, desk.busiest(customers))
        letter = session.exec(select(InboundMessage)).one()
        assert (letter.effect, letter.intervention_id) == ("answer", None)
        needs = today(session, organisation, NOW, staff=chief)
        assert len(needs.covers) == 1
        assert [one.letter for one in needs.needs if one.kind == "reply"] == [letter.id]
        (away,) = absences(session, organisation, NOW)
        assert (away.now, away.cover_id, away.staff) == (True, chief, needs.covers[0])


def test_a_day_is_closed_views_are_shared_and_a_playbook_asks_first(made: Made) -> None:
    store, organisation, _ = made
    with store.read() as session:
        (day,) = closed_days(session, organisation)
        assert (day.day - ANCHOR.date()).days in range(7, 15)
        assert day.day.isoweekday() == 5
        assert {one.name: one.query for one in saved_views(session, organisation, None)} == desk.VIEWS
        assert needs_approval(session, organisation, desk.DRAFTED)
        assert not needs_approval(session, organisation, "critical")
