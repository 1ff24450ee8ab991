"""By when an alert must have been acted upon."""

from __future__ import annotations

from datetime import datetime, timedelta

from keepwell.business_time import (
    Closed,
    end_of_next_business_day,
    next_business_day,
    weekend,
    working_moment,
)
from scoring.signal import Trigger

WITHIN = {
    Trigger.CRITICAL_HEALTH: timedelta(hours=1),
    Trigger.USAGE_FALL: timedelta(),
    Trigger.BILLING_FAILURE: timedelta(hours=2),
}
"""Clock time: what is promised within an hour or two does not wait for Monday."""


def due_at(
    trigger: Trigger,
    raised_at: datetime,
    *,
    customer_zone: str,
    organisation_zone: str,
    customer_closed: Closed = weekend,
    closed: Closed = weekend,
) -> datetime:
    """The moment, in UTC.

    - Critical health 1 hour, a failed payment 2 hours after it was raised, a fall of usage at once.
    - A tutorial: at nine on the next business day, on the customer's clock.
    - A nudge (silence, a stalled task): at once in working hours on the customer's clock, else when the
      next ones begin.
    - The rest is for staff: the end of the next business day, on the organisation's clock.

    `customer_closed` and `closed` say which days are no business days there, and for the organisation.
    """
    if trigger in WITHIN:
        return raised_at + WITHIN[trigger]
    if trigger is Trigger.FEATURE_UNUSED:
        return next_business_day(raised_at, customer_zone, customer_closed)
    if trigger in (Trigger.INACTIVITY, Trigger.ZERO_ACTIVITY, Trigger.TASK_STALLED):
        return working_moment(raised_at, customer_zone, customer_closed)
    return end_of_next_business_day(raised_at, organisation_zone, closed)
