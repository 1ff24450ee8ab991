"""Which days are open: business days, public holidays, and the organisation's own exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from keepwell.gate.countries import holiday_name

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def business_days_of(text: str) -> str:
    """ISO numbers ("12345") from what people write: "mon-fri", "sun-thu", "mon, wed, fri", "12345", "".

    Raises ValueError for anything else.
    """
    found: set[int] = set()
    for part in text.lower().replace(",", " ").split():
        if part.isdigit() and set(part) <= set("1234567"):
            found.update(int(number) for number in part)
            continue
        first, *rest = (_number(piece) for piece in part.split("-", 1))
        length = (rest[0] - first) % 7 if rest else 0
        found.update((first + step) % 7 + 1 for step in range(length + 1))
    return "".join(str(number) for number in sorted(found))


def _number(text: str) -> int:
    """A day by its name or at least three letters of it, 0 is Monday."""
    for number, name in enumerate(DAYS):
        if len(text) >= len("mon") and name.lower().startswith(text):
            return number
    raise ValueError(f"{text!r} is no day of the week")


def days_words(business_days: str) -> str:
    """Business days for people: "Mon, Tue, Wed, Thu, Fri"; "every day" where nothing is set."""
    return ", ".join(DAYS[int(number) - 1][:3] for number in business_days) or "every day"


@dataclass(frozen=True)
class OwnDay:
    """A day that the organisation has entered: closed, or open whatever the calendar says."""

    name: str = ""
    open: bool = False


@dataclass(frozen=True)
class Calendar:
    """The days on which messages go out.

    `business_days` are ISO numbers as text ("12345" is Monday to Friday); empty: every day, and public
    holidays count no more than other days. `country` and `subdivision` are codes, or empty.
    """

    business_days: str = ""
    country: str = ""
    subdivision: str = ""
    own: Mapping[date, OwnDay] = field(default_factory=dict)

    def closed(self, day: date) -> str:
        """Why nothing goes out on that day, in a word or two; "" where it is open."""
        own = self.own.get(day)
        if own is not None:
            return "" if own.open else own.name or f"closed on {day:%d %b}"
        if not self.business_days:
            return ""
        if str(day.isoweekday()) not in self.business_days:
            return DAYS[day.weekday()]
        return holiday_name(self.country, self.subdivision, day)
