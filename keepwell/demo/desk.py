"""What lies on the team's desk when the demo opens: an absence, a reply, views, a playbook with drafts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from keepwell.contracts.alerts import AlertState
from keepwell.contracts.drafts import Mode
from keepwell.db.engine import Store
from keepwell.db.repositories import absences, closed_days
from keepwell.db.repositories.alert_rules import put_rules
from keepwell.db.repositories.alerts import close_alert, take_in_hand
from keepwell.db.repositories.inbound import take_letter
from keepwell.db.repositories.modes import set_mode
from keepwell.db.repositories.saved_views import put_view
from keepwell.db.repositories.scorecards_chosen import put_beside
from keepwell.db.tables import Alert, Customer, Staff
from keepwell.demo.activity import TOLD
from keepwell.demo.insights import store_insights
from keepwell.demo.names import OWNERS
from keepwell.demo.portfolio import DemoContact, DemoCustomer
from keepwell.letters import Letter
from scoring.scorecard import Scorecard
from scoring.signal import Severity

BY = "demo"
DRAFTED = "usage_limit"
"""The playbook whose messages wait for somebody's word."""
VIEWS = {
    "At risk, the largest first": "at_risk=true&sort=revenue&descending=true",
    "Renewing within 60 days": "renews_in=60&sort=renewal",
}
"""Views of the portfolio that everybody shares: name and query."""
OF_CLIENTS = "momentum"
"""The scorecard of customers' own pages, counted from what they do."""
QUIET_RULES = ("inactivity", "zero_activity", "feature_unused")
"""Alerts of silence: nobody works in a demo, so each of its customers would fall silent after two days."""
AWAY_FOR = 4
"""Days: whoever is away is away today, too."""
ANSWERED_BEFORE = timedelta(hours=2, minutes=20)
OVER = "It was dealt with before the demo began (demo data)"
IN_HAND_AFTER = timedelta(hours=3)
"""How long an alert of the past had waited when somebody took it in hand."""
SUBJECT = "Re: Your plan for next year"
WORDS = """Hello,

thank you for the outline. Two of our teams would like to start in January, and the third in spring. Could \
we talk about it on Thursday? Any time after ten suits us.

Kind regards
{name}
"""


def set_out(
    store: Store,
    organisation: str,
    card: Scorecard,
    customers: Sequence[DemoCustomer],
    anchor: datetime,
    now: datetime,
) -> None:
    """Put all of it there, in the ways by which it comes in production."""
    chief = busiest(customers)
    away = next(key for key in OWNERS[2:] if key != chief)
    with store.write() as session:
        people = {one.external_id: one for one in session.exec(select(Staff))}
        _in_hand(session, organisation, anchor)
        _away(session, people[away], people[chief], now)
        day = _ahead(anchor.date())
        closed_days.enter(session, organisation, day, name="Team day", open_=False, by=BY, now=now)
        set_mode(session, organisation, DRAFTED, Mode.DRAFT, people["mateo"].name, now)
        put_beside(session, organisation, OF_CLIENTS, by=BY, now=now)
        put_rules(session, organisation, card, dict.fromkeys(QUIET_RULES, "off"), by=BY, now=now)
        for name, query in VIEWS.items():
            put_view(session, organisation, None, name, query, now)
        store_insights(session, organisation, customers, now)
    writer, customer = _writer(customers, chief)
    take_letter(store, _letter(writer, customer, anchor - ANSWERED_BEFORE), "")


def busiest(customers: Sequence[DemoCustomer]) -> str:
    """The key of the CSM for whom most playbooks begin today: the one as whom people enter."""
    begun = Counter(one.owner for one in customers if one.owner and (one.story.name in TOLD or one.signals))
    return min(begun, key=lambda key: (-begun[key], key))


def _in_hand(session: Session, organisation: str, anchor: datetime) -> None:
    """The past days' alerts were not left lying: their owners took them in hand, some hours after."""
    query = (
        select(Alert, col(Staff.name))
        .join(Customer, col(Customer.id) == col(Alert.customer_id))
        .join(Staff, col(Staff.id) == col(Customer.owner_id), isouter=True)
        .where(Alert.organisation_id == organisation, Alert.state == AlertState.OPEN.value)
    )
    for row, owner in session.exec(query.order_by(col(Alert.raised_at), col(Alert.id))).all():
        if row.raised_at < anchor - timedelta(hours=12):
            take_in_hand(session, row, owner or BY, row.raised_at + IN_HAND_AFTER)
            if row.severity == Severity.CRITICAL:
                # One that is left would begin its playbook today.
                close_alert(session, row, OVER, row.raised_at + IN_HAND_AFTER)


def _away(session: Session, person: Staff, cover: Staff, now: datetime) -> None:
    first = absences.day_of(session, person, now)
    last = first + timedelta(days=AWAY_FOR)
    absences.add_absence(session, person, first, last, cover=cover, reason="On leave", by=BY, now=now)


def _ahead(today: date) -> date:
    """The Friday after the next one."""
    return today + timedelta(days=(4 - today.weekday()) % 7 + 7)


def _writer(customers: Sequence[DemoCustomer], owner: str) -> tuple[DemoContact, DemoCustomer]:
    """Somebody at a customer who is well, so that no playbook runs that an answer would end."""
    return next(
        (one.contacts[0], one)
        for one in customers
        if one.owner == owner and one.story.name == "healthy" and one.contacts
    )


def _letter(writer: DemoContact, customer: DemoCustomer, at: datetime) -> Letter:
    return Letter(
        message_id=f"<demo-{customer.key}@{writer.email.rpartition('@')[2]}>",
        from_address=writer.email,
        from_name=writer.name,
        subject=SUBJECT,
        text=WORDS.format(name=writer.name),
        received_at=at,
        # Its sender's domain vouches for it, else it would not be counted as an answer.
        dkim={writer.email.rpartition("@")[2]: "pass"},
    )
