"""What quiet hours, business days and caps mean, in sentences with real days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import Depends, Query
from sqlmodel import Session

from keepwell.api.v1.asked import Text
from keepwell.console.view import View
from keepwell.contracts.base import Frozen
from keepwell.db.repositories.manners import own_days
from keepwell.db.repositories.organisation_fields import OrganisationFields
from keepwell.db.repositories.zones import local_day
from keepwell.gate.calendar import Calendar, business_days_of, days_words
from keepwell.gate.countries import holidays_of
from keepwell.gate.decide import At, Manners
from keepwell.gate.hours import hours_of

MORNING = time(10)
DAY = timedelta(days=1)
WEEK = 7
SATURDAY = 5
Asked = Annotated[Text, Query(max_length=200)]


class Hours(Frozen):
    """Hours, days and caps as texts, as they are or as somebody is entering them."""

    quiet_from: str = ""
    quiet_until: str = ""
    business_days: str = ""
    daily_cap: str = ""
    customer_cap_day: str = ""
    customer_cap_week: str = ""

    @classmethod
    def of(cls, shown: OrganisationFields) -> Hours:
        """Those that an organisation has."""
        return cls(**{name: str(getattr(shown, name) or "") for name in cls.model_fields})


def _asked(
    quiet_from: Asked = "",
    quiet_until: Asked = "",
    business_days: Asked = "",
    daily_cap: Asked = "",
    customer_cap_day: Asked = "",
    customer_cap_week: Asked = "",
) -> Hours:
    """What a form has in it now."""
    return Hours(
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        business_days=business_days,
        daily_cap=daily_cap,
        customer_cap_day=customer_cap_day,
        customer_cap_week=customer_cap_week,
    )


AskedHours = Annotated[Hours, Depends(_asked)]


def hours_said(session: Session, view: View, asked: Hours) -> tuple[str, ...]:
    """What they mean, a sentence each; where they do not fit, one that says so."""
    if bool(asked.quiet_from) != bool(asked.quiet_until):
        return ("Quiet hours need a beginning and an end; both empty: there are none.",)
    try:
        hours = hours_of(asked.quiet_from, asked.quiet_until)
        days = business_days_of(asked.business_days)
    except ValueError as error:
        return (f"{error}.",)
    home = view.organisation
    country, part = (home.country, home.subdivision) if home.country else ("", "")
    calendar = Calendar(days, country, part, own_days(session, home.id))
    manners = Manners(view.zone, hours, calendar)
    today = local_day(view.now, view.zone.key)
    examples = [_example(manners, at, why) for at, why in _moments(manners, today)]
    quiet = (
        "There are no quiet hours."
        if hours.none
        else (f"Nothing goes out from {asked.quiet_from} to {asked.quiet_until} on the recipient's clock.")
    )
    open_ = f"Messages go out {'on ' + days_words(days) if days else 'every day, holidays too'}."
    return (quiet, open_, *examples, *_caps(asked))


def _moments(manners: Manners, today: date) -> Iterator[tuple[datetime, str]]:
    """Moments of which people ask: a Saturday morning, a late evening, the next holiday."""
    zone = manners.zone
    saturday = today + timedelta(days=(SATURDAY - today.weekday()) % WEEK or WEEK)
    yield datetime.combine(saturday, MORNING, zone), ""
    if not manners.hours.none:
        begins = datetime.combine(saturday + 3 * DAY, manners.hours.start, zone)
        yield begins + timedelta(minutes=30), ""
    calendar = manners.days
    coming = [
        one
        for year in (today.year, today.year + 1)
        for one in holidays_of(calendar.country, calendar.subdivision, year)
    ]
    found = next(((day, name) for day, name in coming if day > today and day.weekday() < SATURDAY), None)
    if found is not None:
        yield datetime.combine(found[0], MORNING, zone), found[1]


def _example(manners: Manners, at: datetime, name: str) -> str:
    answer = manners.decide(at)
    due = f"An email due {_words(at)}{f' ({name})' if name else ''}"
    if not isinstance(answer, At):
        return f"{due} goes at once."
    there = answer.moment.astimezone(manners.zone)
    same = there.date() == at.date()
    return f"{due} goes {'at ' + there.strftime('%H:%M') + ' that day' if same else _words(there)}."


def _words(at: datetime) -> str:
    return f"{at:%A} {at.day} {at:%B} at {at:%H:%M}"


def _caps(asked: Hours) -> Iterator[str]:
    caps = [(asked.customer_cap_day, "in 24 hours"), (asked.customer_cap_week, "in 7 days")]
    said = [f"{number} {span}" for number, span in caps if number]
    yield f"A customer gets at most {' and '.join(said)}." if said else "There is no cap for one customer."
    if asked.daily_cap:
        yield f"All customers together get at most {asked.daily_cap} in 24 hours."
    if said or asked.daily_cap:
        yield "What is too much waits for room, the gravest playbooks first."
