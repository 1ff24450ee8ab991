"""What pages and the API read costs no more because the past is longer: the databases' plans say so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.db.repositories.views_activity import recent_activity
from keepwell.db.repositories.views_at_risk import at_risk
from keepwell.db.repositories.views_churn_risk import churn_risk_analytics
from keepwell.db.repositories.views_customer import comparison_of
from keepwell.db.repositories.views_engagement import engagement_analytics
from keepwell.db.repositories.views_health import customer_health, health_trends
from keepwell.db.repositories.views_kpis import kpis
from keepwell.db.repositories.views_portfolio import customers_shown, kinds_of_customers, portfolio
from keepwell.db.repositories.views_portfolio_lines import PortfolioFilter, Sort, SortBy
from keepwell.db.repositories.views_stats import dashboard_stats, totals
from keepwell.db.repositories.views_stats_groups import groups_of
from keepwell.db.repositories.views_stats_lines import Period
from tests.unit.db.portfolio_world import predict, small_portfolio
from tests.unit.db.world import DAY, NOW, World

HISTORY = (
    *("score", "score_beside", "metric", "event", "engagement_event", "churn_prediction", "delivery"),
    *("intervention", "task", "inbound_message", "transition", "portfolio_day", "portfolio_metric_day"),
)
"""Tables that grow with time."""
FEW = ("ix_intervention_open", "ix_task_open")
"""Indexes that hold only what is open now: to read all of one is no walk through the past."""
BROAD = {"metric": {"organisation_id", "name"}}
"""Columns of a table that narrow it down to what grows with time all the same; else the organisation."""
ORG = "org-1"
Sent = list[tuple[str, Any]]
Read = Callable[[Session], object]
READS: dict[str, Read] = {
    "portfolio": lambda s: portfolio(s, ORG, now=NOW),
    "portfolio, filtered": lambda s: portfolio(
        s,
        ORG,
        PortfolioFilter(owners=("dana",), intervention=True, at_risk=True, search="a", churn_above=0.1),
        Sort(by=SortBy.CHURN, descending=True),
        now=NOW,
    ),
    "second page": lambda s: portfolio(s, ORG, now=NOW, cursor=portfolio(s, ORG, now=NOW, limit=2).next),
    "at risk": lambda s: at_risk(s, ORG, now=NOW),
    "statistics": lambda s: dashboard_stats(s, ORG, now=NOW, period=Period.YEAR),
    "statistics of a segment": lambda s: dashboard_stats(s, ORG, now=NOW, segment="mid"),
    "key figures": lambda s: kpis(s, ORG, now=NOW),
    "eight figures": lambda s: totals(s, ORG, now=NOW),
    "segments and plans": lambda s: kinds_of_customers(s, ORG),
    "similar customers": lambda s: comparison_of(s, ORG, "alma"),
    "health of one": lambda s: customer_health(s, ORG, "alma", now=NOW, period=Period.YEAR),
    "health of everybody": lambda s: health_trends(s, ORG, now=NOW, risky=True),
    "who may leave": lambda s: churn_risk_analytics(s, ORG, now=NOW, threshold=0.1, factors=True),
    "engagements": lambda s: engagement_analytics(s, ORG, now=NOW, team_member="dana"),
    "recent activity": lambda s: recent_activity(s, ORG),
    "recent activity of a kind": lambda s: recent_activity(s, ORG, kinds=["intervention.started"], limit=2),
}


LITTLE: dict[str, Read] = {
    "segments and plans": READS["segments and plans"],
    "of one owner": lambda s: portfolio(s, ORG, PortfolioFilter(owners=("dana",)), now=NOW, limit=1),
}
"""What reads a part of an organisation's customers."""


@pytest.fixture
def world(store: Store) -> World:
    world = small_portfolio(store)
    world.intervention("i-1", "alma")
    predict(world, NOW - DAY, alma=0.8, bert=0.4)
    return world


@contextmanager
def sent_with(store: Store) -> Iterator[Sent]:
    """The statements that look at something, with what was put into them."""
    sent: Sent = []

    def note(_connection: Connection, _cursor: object, statement: str, given: Any, *_: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            sent.append((statement, given))

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


def scans(store: Store, sent: Sent) -> list[str]:
    """What in the plans of these statements reads the whole past of a table, in the database's words."""
    with store.read() as session:
        connection = session.connection()
        lite = connection.dialect.name == "sqlite"
        if not lite:
            # Of a few rows, reading all is cheapest: it is forbidden wherever there is another way.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        told = _of_sqlite if lite else _of_postgresql
        return [problem for statement, given in sent for problem in told(connection, statement, given)]


_STEP = re.compile(r"^(SCAN|SEARCH) (\w+)(?: USING .*?\((.*)\))?")


def _of_sqlite(connection: Connection, statement: str, given: Any) -> list[str]:
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    steps = [row[3] for row in plan]
    sorted_anew = any("USE TEMP B-TREE FOR ORDER BY" in step for step in steps)
    found = []
    for step in steps:
        match = _STEP.match(step)
        name = _table(match[2], statement) if match else ""
        if match is None or name not in HISTORY or any(f" {index} " in step for index in FEW):
            continue
        columns = set(re.findall(r"\w+(?=[=<>])", match[3] or ""))
        few = "LIMIT" in statement.upper() and not sorted_anew
        if match[1] == "SCAN" or (columns <= _broad(name) and not few):
            found.append(f"{step}: {statement}")
    return found


def _table(name: str, statement: str) -> str:
    """The table that a name of the plan means."""
    renamed = re.search(rf"\b(\w+) AS {name}\b", statement)
    return renamed[1] if renamed else name


def _broad(name: str) -> set[str]:
    return BROAD.get(name, {"organisation_id"})


def _of_postgresql(connection: Connection, statement: str, given: Any) -> list[str]:
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given).scalar_one()
    root = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return [f"{node['Node Type']} {node}: {statement}" for node in _nodes(root, False) if node["bad"]]


def _nodes(node: dict[str, Any], limited: bool) -> Iterator[dict[str, Any]]:
    limited = (limited or node["Node Type"] == "Limit") and node["Node Type"] not in {"Sort", "Aggregate"}
    condition = str(node.get("Index Cond") or node.get("Recheck Cond") or "")
    columns = set(re.findall(r"(\w+)\)?(?:::\w+)? (?:=|<|>|<=|>=|~~) ", condition)) | (
        {"row"} if "ROW(" in condition else set()
    )
    name, index = str(node.get("Relation Name")), node.get("Index Name")
    whole = node["Node Type"] == "Seq Scan" or columns <= _broad(name)
    reads = name in HISTORY and index not in FEW
    yield {**node, "bad": reads and whole and not (limited and node["Node Type"] != "Seq Scan")}
    for child in node.get("Plans", ()):
        yield from _nodes(child, limited)


@pytest.mark.parametrize("name", READS)
def test_no_read_goes_through_the_past(world: World, name: str) -> None:
    with sent_with(world.store) as sent, world.store.read() as session:
        READS[name](session)
    assert sent
    assert scans(world.store, sent) == []


@pytest.fixture
def lite(sqlite_store: Store) -> World:
    """On SQLite: PostgreSQL chooses its plans by how many rows there are, and groups in memory."""
    return small_portfolio(sqlite_store)


def test_similar_customers_are_chosen_in_their_index(lite: World) -> None:
    """Whoever has many of them reads rows of the sample alone."""
    with sent_with(lite.store) as sent, lite.store.read() as session:
        comparison_of(session, ORG, "alma")
    plans = _plans(lite.store, sent, r"FROM customer WHERE customer\.organisation_id")
    # A count and a sample of each likeness.
    assert len(plans) > 1
    assert all("COVERING INDEX ix_customer_alike (organisation_id=? AND active=?" in one for one in plans)


def test_figures_are_counted_in_the_order_of_the_rows(lite: World) -> None:
    """SQLite would sort all customers for a grouping of another order, which takes three times as long."""
    with sent_with(lite.store) as sent, lite.store.read() as session:
        dashboard_stats(session, ORG, now=NOW)
    (plan,) = _plans(lite.store, sent, r"FROM portfolio WHERE .* GROUP BY")
    assert "TEMP B-TREE" not in plan


def test_figures_over_time_are_one_pass(lite: World) -> None:
    """Those of the key figures and of health come out of the same groups."""
    with sent_with(lite.store) as sent, lite.store.read() as session:
        groups = groups_of(session, ORG, NOW, NOW.date())
        stats = dashboard_stats(session, ORG, now=NOW, groups=groups)
        figures = kpis(session, ORG, now=NOW, stats=stats, groups=groups)
        trends = health_trends(session, ORG, now=NOW, groups=groups)
        assert len(_plans(lite.store, sent, r"FROM portfolio WHERE .* GROUP BY")) == 1
        assert stats == dashboard_stats(session, ORG, now=NOW)
        assert figures == kpis(session, ORG, now=NOW)
        assert trends == health_trends(session, ORG, now=NOW)


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        (
            "segments and plans",
            r"\A(?!.*PRIMARY KEY).*COVERING INDEX ix_portfolio_kinds \(organisation_id=\? AND s",
        ),
        ("of one owner", r"\ASEARCH portfolio USING (COVERING )?INDEX ix_portfolio_owner"),
    ],
)
def test_what_is_of_a_few_reads_not_everybody(lite: World, name: str, plan: str) -> None:
    """SQLite has no counts of what is stored: it would read a whole organisation by its key."""
    with sent_with(lite.store) as sent, lite.store.read() as session:
        LITTLE[name](session)
    plans = _plans(lite.store, sent, r"FROM portfolio WHERE")
    assert plans
    assert all(re.search(plan, one, re.DOTALL) for one in plans), plans


def test_the_rows_of_a_page_are_looked_up(lite: World) -> None:
    with sent_with(lite.store) as sent, lite.store.read() as session:
        customers_shown(session, ORG, [f"customer-{number}" for number in range(50)], NOW)
    (plan,) = _plans(lite.store, sent, r"JOIN portfolio ON")
    assert re.search(r"SEARCH portfolio USING INDEX \w+ \(organisation_id=\? AND customer_id=\?\)", plan)


def test_a_list_counts_in_what_is_short(lite: World) -> None:
    with sent_with(lite.store) as sent, lite.store.read() as session:
        portfolio(session, ORG, now=NOW, limit=1)
    (plan,) = _plans(lite.store, sent, r"SELECT count\(\*\) .* FROM portfolio")
    assert "COVERING INDEX ix_portfolio_kinds" in plan


def _plans(store: Store, sent: Sent, like: str) -> list[str]:
    """SQLite's plans of the statements that have this in them."""
    wanted = [one for one in sent if re.search(like, " ".join(one[0].split()))]
    with store.read() as session:
        connection = session.connection()
        return [
            "\n".join(row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given))
            for statement, given in wanted
        ]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM score",
        "SELECT avg(value) FROM metric WHERE name = 'nps'",
        "SELECT count(*) FROM event WHERE organisation_id = 'org-1'",
        "SELECT * FROM event WHERE organisation_id = 'org-1' ORDER BY text LIMIT 3",
        "SELECT customer_id, max(at) FROM churn_prediction WHERE organisation_id = 'org-1' GROUP BY 1",
        "SELECT s.id FROM portfolio AS p JOIN score AS s ON s.organisation_id = p.organisation_id LIMIT 1",
    ],
)
def test_a_read_that_does_is_noticed(world: World, statement: str) -> None:
    with sent_with(world.store) as sent, world.store.read() as session:
        session.connection().execute(text(statement)).all()
    assert len(scans(world.store, sent)) == 1
