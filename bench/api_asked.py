"""What the benchmark of the API asks: addresses, the functions behind them, bare SQL of the same answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from sqlalchemy import text
from sqlmodel import select

from bench.portfolio_reads import Read, Reads, Scope, figures, histories, lists
from keepwell.contracts.access import COOKIE, Permission, Role
from keepwell.db.engine import Store
from keepwell.db.repositories.accounts import add_account
from keepwell.db.repositories.bulk import stored_moment
from keepwell.db.repositories.keys_and_sessions import begin_session, make_key
from keepwell.db.repositories.views_activity import recent_activity
from keepwell.db.repositories.views_at_risk import at_risk
from keepwell.db.repositories.views_customer import comparison_of, customer_detail
from keepwell.db.repositories.views_customer_timeline import customer_timeline
from keepwell.db.repositories.views_portfolio import kinds_of_customers, portfolio
from keepwell.db.repositories.views_stats import totals
from keepwell.db.repositories.views_today import today
from keepwell.db.tables import Account, Organisation
from keepwell.keys import new_id

EMAIL = "bench@big.example"
_TASKS = (
    "INSERT INTO task (id, key, organisation_id, customer_id, step, kind, title, detail, owner_id, due_at, "
    "created_at, state, closed_by, note, outcome) SELECT 'task-' || customer_id, 'task-' || customer_id, "
    "organisation_id, customer_id, 'call', 'call', 'Call them', 'They need to hear from us.', owner_id, "
    ":due, :at, 'open', '', '', '' FROM portfolio WHERE organisation_id = :o AND held = 'CRITICAL' "
    "AND active AND NOT EXISTS (SELECT 1 FROM task WHERE organisation_id = :o)"
)
_KINDS = "SELECT DISTINCT segment, plan FROM portfolio WHERE organisation_id = :o"
_STAFF = "SELECT id, name FROM staff WHERE organisation_id = :o ORDER BY name"
_CUSTOMER = [
    "SELECT c.*, p.*, h.* FROM customer c JOIN portfolio p ON p.organisation_id = c.organisation_id "
    "AND p.customer_id = c.id LEFT JOIN health h ON h.customer_id = c.id WHERE c.id = :c",
    "SELECT z.* FROM score z JOIN health h ON h.score_id = z.id WHERE h.customer_id = :c",
    "SELECT scored_at, day, score, level, categories FROM score WHERE customer_id = :c ORDER BY scored_at",
    "SELECT name, measured_at, value FROM metric WHERE customer_id = :c",
    "SELECT * FROM churn_prediction WHERE customer_id = :c ORDER BY at DESC LIMIT 1",
    "SELECT * FROM contact WHERE customer_id = :c",
    "SELECT * FROM intervention WHERE customer_id = :c",
    "SELECT s.* FROM intervention_step s JOIN intervention i ON i.id = s.intervention_id "
    "WHERE i.customer_id = :c AND i.outcome IS NULL",
    "SELECT * FROM task WHERE customer_id = :c",
    "SELECT * FROM offer WHERE customer_id = :c",
    "SELECT * FROM draft WHERE customer_id = :c",
    "SELECT * FROM alert WHERE customer_id = :c",
    "SELECT * FROM event WHERE customer_id = :c ORDER BY at DESC, id DESC LIMIT 51",
    "SELECT * FROM engagement_event WHERE customer_id = :c ORDER BY at DESC LIMIT 51",
    "SELECT * FROM delivery WHERE customer_id = :c ORDER BY begun_at DESC LIMIT 51",
    _STAFF,
]
_ALIKE = (
    "FROM customer c, (SELECT m.id, m.segment, m.industry FROM customer m WHERE m.id = :c) own "
    "WHERE c.organisation_id = :o AND c.active AND c.segment = own.segment AND c.industry = own.industry "
    "AND c.id <> own.id"
)
_SIMILAR = [
    f"SELECT count(*) {_ALIKE}",
    f"SELECT z.score, z.categories, l.packed FROM (SELECT c.id, row_number() OVER (ORDER BY c.id) AS place, "
    f"count(*) OVER () AS number {_ALIKE}) n JOIN health h ON h.customer_id = n.id "
    "JOIN score z ON z.id = h.score_id LEFT JOIN metric_latest l ON l.customer_id = n.id "
    "WHERE (n.place - 1) % ((n.number + 999) / 1000) = 0 AND z.score IS NOT NULL",
]
"""The first statement is the count by which every n-th is chosen."""
_OPEN_TASKS = "FROM task t WHERE t.organisation_id = :o AND t.state = 'open' AND t.owner_id = :w"
_TODAY = [
    f"SELECT count(*), sum(CASE WHEN t.due_at < :now THEN 1 ELSE 0 END) {_OPEN_TASKS}",
    "SELECT t.*, p.*, h.recent FROM task t JOIN portfolio p ON p.organisation_id = t.organisation_id "
    "AND p.customer_id = t.customer_id LEFT JOIN health h ON h.customer_id = t.customer_id "
    "WHERE t.organisation_id = :o AND t.state = 'open' AND t.owner_id = :w ORDER BY t.due_at LIMIT 500",
    "SELECT * FROM draft WHERE organisation_id = :o AND state = 'open'",
    "SELECT * FROM alert WHERE organisation_id = :o AND state = 'open' LIMIT 500",
    "SELECT * FROM offer WHERE organisation_id = :o AND state IN ('offered', 'seen') LIMIT 500",
    "SELECT * FROM delivery WHERE organisation_id = :o AND state IN ('deferred', 'unknown') LIMIT 500",
    "SELECT i.id, min(s.planned_at) FROM intervention i JOIN intervention_step s ON s.intervention_id = i.id "
    "WHERE i.organisation_id = :o AND i.outcome IS NULL AND i.owner_id = :w GROUP BY i.id",
    _STAFF,
]
"""What is open of each kind, that of one member of staff."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An address, with whom it is asked as, the function that reads its answer, and the SQL of the same."""

    name: str
    path: str
    headers: Mapping[str, str]
    read: Read
    statements: list[str]


@dataclass(frozen=True, slots=True)
class Callers:
    """The headers of a program with a key, and of a CSM who is signed in."""

    key: Mapping[str, str]
    person: Mapping[str, str]


def let_in(store: Store, of: Scope) -> Callers:
    """A key and a session of the organisation, and open tasks of the worst customers for Today."""
    now = datetime.now(UTC)
    with store.write() as session:
        due, at = (stored_moment(session, one) for one in (now + timedelta(hours=5), now))
        session.connection().execute(text(_TASKS), {"o": of.organisation, "due": due, "at": at})
        _, key = make_key(
            session, of.organisation, name=new_id(), scopes=[Permission.READ], by="bench", now=now
        )
        mine = select(Account).where(Account.organisation_id == of.organisation, Account.email == EMAIL)
        account = session.exec(mine).first() or add_account(
            session,
            of.organisation,
            email=EMAIL,
            name="Bench",
            role=Role.CSM,
            by="bench",
            now=now,
            staff=of.owner,
        )
        token = begin_session(session, account, now)
    return Callers({"Authorization": f"Bearer {key}"}, {"Cookie": f"{COOKIE}={token}"})


def asked(of: Scope, callers: Callers, get: Callable[[str, Mapping[str, str]], bytes]) -> list[Asked]:
    """Everything that is asked; `get` fetches the first page, whose cursor leads to the second one."""
    first = json.loads(get("/api/v1/customers", callers.key))
    reads: Reads = {**lists(of), **figures(of), **histories(of)}
    addresses = {
        "portfolio, first page": "/api/v1/customers",
        "portfolio, second page": f"/api/v1/customers?cursor={quote(first['next'])}",
        "portfolio, one owner": f"/api/v1/customers?owner={of.owner}",
        "portfolio, critical": "/api/v1/customers?level=CRITICAL",
        "portfolio, search": "/api/v1/customers?search=4711",
        "portfolio, by name": "/api/v1/customers?sort=name",
        "health of one": f"/api/v1/health?account_id={of.customer}&period=90d",
    }
    whoever = [
        "SELECT k.*, o.* FROM api_key k JOIN organisation o ON o.id = k.organisation_id WHERE o.id = :o"
    ]
    key = [Asked("the way in alone", "/api/v1/me", callers.key, _house(of), whoever)]
    key += [Asked(name, path, callers.key, *reads[name]) for name, path in addresses.items()]
    groups, days = reads["statistics, 30 days"][1]
    whole = [groups, days, *reads["key figures"][1][2:], reads["health of everybody"][1][0]]
    key += [
        Asked("eight figures", "/api/dashboard/stats", callers.key, _eight(of), [groups]),
        Asked("statistics, 30 days", "/api/v1/dashboard/stats?period=30d", callers.key, _over(reads), whole),
    ]
    return key + _pages(of, callers, reads)


def _pages(of: Scope, callers: Callers, reads: Reads) -> list[Asked]:
    """The console's, with the parts that come after them."""
    risky, newest = reads["at risk, with reasons"][1], reads["recent activity"][1]
    first = [*reads["portfolio, first page"][1], _KINDS, _STAFF]
    figures = reads["statistics, 30 days"]
    pages: dict[str, tuple[str, Read, list[str]]] = {
        "page: Today": ("", lambda session: today(session, of.organisation, of.now, staff=of.owner), _TODAY),
        "page: portfolio": ("/portfolio", _portfolio_page(of), first),
        "part: figures": ("/portfolio/figures", *figures),
        "part: at risk, lately": ("/portfolio/beside", _beside(of), [*risky, *newest]),
        "part: similar customers": (
            f"/customers/{of.customer}/similar",
            lambda session: comparison_of(session, of.organisation, of.customer),
            _SIMILAR,
        ),
        "page: customer": (f"/customers/{of.customer}", _customer_page(of), _CUSTOMER),
    }
    return [
        Asked(name, f"/console{path}", callers.person, read, statements)
        for name, (path, read, statements) in pages.items()
    ]


def _house(of: Scope) -> Read:
    return lambda session: session.get(Organisation, of.organisation)


def _eight(of: Scope) -> Read:
    return lambda session: totals(session, of.organisation, now=of.now)


def _over(reads: Reads) -> Read:
    parts = [reads[name][0] for name in ("statistics, 30 days", "key figures", "health of everybody")]
    return lambda session: [part(session) for part in parts]


def _portfolio_page(of: Scope) -> Read:
    return lambda session: (
        portfolio(session, of.organisation, now=of.now, limit=50),
        kinds_of_customers(session, of.organisation),
    )


def _beside(of: Scope) -> Read:
    return lambda session: (
        at_risk(session, of.organisation, now=of.now, limit=6),
        recent_activity(session, of.organisation, limit=10),
    )


def _customer_page(of: Scope) -> Read:
    return lambda session: (
        customer_detail(session, of.organisation, of.customer, of.now, compared=False),
        customer_timeline(session, of.organisation, of.customer, of.now),
    )
