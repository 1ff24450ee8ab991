"""The look at what is watched: who has fallen silent, unless it is the feed of events that has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, tuple_, update
from sqlmodel import Session, col, select

from keepwell.contracts.alerts import MonitorCall
from keepwell.db.engine import Store
from keepwell.db.repositories.alert_rules import Rules
from keepwell.db.repositories.alerts import (
    customers_of,
    escalate_alert,
    live_alerts,
    lock_customers,
    raise_alerts,
)
from keepwell.db.repositories.apart import Apart
from keepwell.db.repositories.engagement import ACTIVITY, FEATURE, LIMITS, TASK
from keepwell.db.tables import Alert, MonitorState, Watch
from scoring import triggers
from scoring.signal import Trigger
from scoring.triggers import Finding

PAGE = 500
"""Watched things in one transaction."""

FEED_CUSTOMERS = 20
FEED_DAYS = timedelta(days=30)
"""Where so many customers had events in this time and none of them has one any more, it is the feed that
has fallen silent, and nobody is called inactive for it."""

SETTLE = timedelta(hours=2)
"""For so long after the feed came back silence is not judged either: what piled up meanwhile comes in by and
by, and who is not reached yet looks silent still."""

AGAIN = timedelta(hours=1)
"""When to look again at a customer whose data could not be judged; until then others are looked at."""

ZERO = timedelta(hours=triggers.ZERO_HOURS)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
New = tuple[str, Finding, str]
"""A customer, what was found of it, and the occurrence, which makes its alert once."""

Live = Mapping[tuple[str, str, str], Alert]
_OWN = (col(Watch.customer_id), col(Watch.what), col(Watch.name))


@dataclass(frozen=True, slots=True)
class _Due:
    """What came of one thing that is watched: when to look again, and what is to be raised."""

    check_at: datetime | None
    finding: Finding | None = None


def silence_held(session: Session, call: MonitorCall, state: MonitorState) -> str:
    """Why silence is not judged now, or empty: the feed of events has stopped, or is only just back."""
    silent = _feed_is_silent(session, call)
    if silent:
        state.held_until = call.as_of + SETTLE
        session.add(state)
        return silent
    if state.held_until is None or state.held_until <= call.as_of:
        return ""
    return f"the feed had stopped and is back: silence counts from {state.held_until:%Y-%m-%d %H:%M} UTC on"


def look_for_silence(
    store: Store, call: MonitorCall, rules: Rules, apart: Apart, goes_on: Callable[[], bool]
) -> tuple[Counter[str], bool]:
    """Judge what is due, page by page while `goes_on`: counts of alerts, and whether there may be more.

    At least one page is judged in any case.
    """
    counts = Counter[str]()
    while True:
        query = (
            select(*_OWN)
            .where(Watch.organisation_id == call.organisation, col(Watch.check_at) <= call.as_of)
            .order_by(col(Watch.check_at))
        )
        with store.read() as session:
            keys = [tuple(key) for key in session.exec(query.limit(PAGE)).all()]
        if not keys:
            return counts, False
        _page(call, rules, apart, keys, counts)
        if not goes_on():
            return counts, len(keys) == PAGE


def _page(
    call: MonitorCall, rules: Rules, apart: Apart, keys: Sequence[tuple[str, ...]], counts: Counter[str]
) -> None:
    of_customer: dict[str, list[tuple[str, ...]]] = {}
    for key in keys:
        of_customer.setdefault(key[0], []).append(key)

    def work(session: Session, wanted: Sequence[str]) -> Counter[str]:
        done = Counter[str]()
        lock_customers(session, wanted)
        theirs = [key for customer in wanted for key in of_customer[customer]]
        # Read again under the lock: an event may have come in since.
        due = select(Watch).where(tuple_(*_OWN).in_(theirs), col(Watch.check_at) <= call.as_of)
        rows = session.exec(due).all()
        customers = customers_of(session, wanted)
        live = live_alerts(session, wanted, tuple(Trigger))
        new: list[New] = []
        for row in rows:
            finding = look_at(call, rules, row, active=customers[row.customer_id].active)
            session.add(row)
            if finding is not None:
                done["escalated"] += _grown(session, call, row, finding, live, new)
        done["raised"] = raise_alerts(session, call.organisation, new, call.as_of)
        return done

    def later(session: Session, customer: str) -> None:
        theirs = tuple_(*_OWN).in_(of_customer[customer])
        session.connection().execute(update(Watch).where(theirs).values(check_at=call.as_of + AGAIN))

    counts.update(apart.each("silence", sorted(of_customer), work, later))


def look_at(call: MonitorCall, rules: Rules, row: Watch, *, active: bool) -> Finding | None:
    """Judge one thing that is due: what is found, and in the row when to look at it again."""
    due = _judged(rules, row, call.as_of) if active else _Due(None)
    row.check_at = due.check_at
    if due.finding is None or not rules.wants(due.finding.trigger):
        return None
    return replace(due.finding, evidence={**due.finding.evidence, "since": row.last_at.isoformat()})


def _grown(
    session: Session, call: MonitorCall, row: Watch, finding: Finding, live: Live, new: list[New]
) -> int:
    """Let a finding make an alert graver, or else be one of the new ones; how many became graver."""
    before = live.get((row.customer_id, Trigger.INACTIVITY.value, ""))
    if finding.trigger is Trigger.ZERO_ACTIVITY and before is not None:
        escalate_alert(session, before, finding, call.as_of)
        return 1
    if (row.customer_id, finding.trigger.value, finding.subject) not in live:
        new.append((row.customer_id, finding, f"{finding.subject}/{row.last_at.isoformat()}"))
    return 0


def _judged(rules: Rules, row: Watch, as_of: datetime) -> _Due:
    """What the rule says of a thing that is watched, and when its silence changes its name."""
    silent = as_of - row.last_at
    if row.what == ACTIVITY:
        finding = triggers.silence(silent / HOUR)
        if finding is None:
            return _Due(row.last_at + timedelta(hours=triggers.INACTIVE_HOURS))
        return _Due(row.last_at + ZERO if finding.trigger is Trigger.INACTIVITY else None, finding)
    later = row.last_at + LIMITS[row.what] if row.what in LIMITS else as_of
    check_at = later if later > as_of else None
    if row.what == TASK and not row.done:
        return _Due(check_at, triggers.stalled(row.name, silent / HOUR))
    if row.what == FEATURE:
        return _Due(check_at, triggers.unused(row.name, silent / DAY, row.days, rules.core_features))
    return _Due(None)


def _feed_is_silent(session: Session, call: MonitorCall) -> str:
    """Why silence says nothing now, or empty: no event of any customer has come in for two days."""
    ours = (col(Watch.organisation_id) == call.organisation) & (col(Watch.what) == ACTIVITY)
    newest = session.exec(select(func.max(Watch.last_at)).where(ours)).one()
    if newest is None or call.as_of - newest < timedelta(hours=triggers.INACTIVE_HOURS):
        return ""
    recent = select(Watch.customer_id).where(ours, col(Watch.last_at) > newest - FEED_DAYS)
    if len(session.exec(recent.limit(FEED_CUSTOMERS)).all()) < FEED_CUSTOMERS:
        return ""
    hours = int((call.as_of - newest) / HOUR)
    return f"no event of any customer for {hours} hours: the feed has stopped, so nobody is called silent"
