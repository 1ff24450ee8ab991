"""What waiting costs: the order of what needs a person, and a sentence that says why."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from keepwell.db.repositories.views_outlines import CustomerOutline, customers_of, parts
from keepwell.db.repositories.views_today_found import Open
from keepwell.db.repositories.views_today_lines import NeedCustomer
from keepwell.db.tables import Health, Organisation
from scoring.levels import Level

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

NEAR: tuple[tuple[timedelta, float, str], ...] = (
    (HOUR, 6.0, "within the hour"),
    (4 * HOUR, 5.0, "within four hours"),
    (DAY, 3.0, "within a day"),
    (3 * DAY, 2.0, "within three days"),
)
"""How soon the deadline is, at most, what that weighs, and in words."""

OVERDUE, LATER, NO_DEADLINE = 8.0, 1.0, 1.0

JUST_DUE = timedelta(minutes=30)
"""What was due at once is nobody's fault for so long: it reads "due now"."""

LEVELS = {Level.CRITICAL: 4.0, Level.HIGH_RISK: 3.0, Level.AT_RISK: 2.0}
"""What a level weighs; of the others, and where there is none, 1."""

LARGE = 0.8
"""Who has more revenue than this share of the customers on the list is called one of the largest."""


class Weigher:
    """Weighs what needs a person: nearness of the deadline × level × revenue.

    Nearness: overdue 8, within the hour 6, within four hours 5, within a day 3, within three days 2, later or
    without a deadline 1. Level: CRITICAL 4, HIGH_RISK 3, AT_RISK 2, else 1. Revenue: 1 for the smallest to 2
    for the largest, by the rank of the customer's monthly revenue among the customers on the list with the
    same currency; 1 where it is not known.
    """

    def __init__(
        self, session: Session, organisation: Organisation, needs: Sequence[Open], now: datetime
    ) -> None:
        self._now, self._home = now, organisation
        ids = {one.customer for one in needs}
        self._customers = customers_of(session, ids)
        self._health: dict[str, tuple[Level | None, float | None]] = {}
        for part in parts(sorted(ids)):
            query = select(Health.customer_id, Health.level, Health.score)
            for one, level, score in session.exec(query.where(col(Health.customer_id).in_(part))):
                self._health[one] = Level(level) if level else None, score
        self._revenues: dict[str, list[float]] = {}
        for customer in self._customers.values():
            if customer.monthly_revenue is not None:
                self._revenues.setdefault(self._currency(customer), []).append(customer.monthly_revenue)
        for revenues in self._revenues.values():
            revenues.sort()

    def cost(self, one: Open) -> float:
        """The weight of waiting; more is more urgent."""
        level, _ = self._health.get(one.customer, (None, None))
        share = self._share(self._customers[one.customer])
        return round(self._nearness(one)[0] * (LEVELS.get(level, 1.0) if level else 1.0) * (1 + share), 3)

    def because(self, one: Open) -> str:
        """Why it stands where it stands, in a sentence."""
        level, _ = self._health.get(one.customer, (None, None))
        reasons = [self._nearness(one)[1]]
        if level in LEVELS:
            reasons.append(f"the customer is {level.value.replace('_', ' ').lower()}")
        if self._share(self._customers[one.customer]) > LARGE:
            reasons.append("it is one of the largest customers here")
        text = ", ".join(reasons)
        return f"{text[:1].upper()}{text[1:]}."

    def customer(self, own: str) -> NeedCustomer:
        """The customer as a need shows it."""
        row, (level, score) = self._customers[own], self._health.get(own, (None, None))
        return NeedCustomer(
            id=own,
            name=row.name,
            level=level,
            score=score,
            monthly_revenue=row.monthly_revenue,
            currency=self._currency(row) if row.monthly_revenue is not None else "",
        )

    def _nearness(self, one: Open) -> tuple[float, str]:
        if one.due_at is None:
            return NO_DEADLINE, "it has no deadline"
        left = one.due_at - self._now
        if left < timedelta():
            if -left < JUST_DUE:
                return OVERDUE, "it is due now"
            return OVERDUE, f"it is overdue by {length_words(-left)}"
        for limit, weight, words in NEAR:
            if left <= limit:
                return weight, f"it is due {words}"
        return LATER, f"it is due in {length_words(left)}"

    def _share(self, customer: CustomerOutline) -> float:
        """The share of the customers on the list that bring less."""
        revenues = self._revenues.get(self._currency(customer), [])
        if customer.monthly_revenue is None or len(revenues) < 2:
            return 0.0
        return bisect_left(revenues, customer.monthly_revenue) / (len(revenues) - 1)

    def _currency(self, customer: CustomerOutline) -> str:
        return customer.currency or self._home.currency


def length_words(length: timedelta) -> str:
    """A length of time as people say it: "40 min", "3 h", "2 days"."""
    minutes = max(1, round(length / timedelta(minutes=1)))
    if minutes < 90:
        return f"{minutes} min"
    hours = round(minutes / 60)
    if hours < 48:
        return f"{hours} h"
    return f"{round(hours / 24)} days"
