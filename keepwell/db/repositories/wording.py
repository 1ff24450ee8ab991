"""How figures of the store are written for people."""

from __future__ import annotations

import re
from datetime import date

from keepwell.rendering.filters import possessive, short
from scoring.scorecard import Metric
from scoring.units import Unit, format_value

UNCHANGED = "unchanged"

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def money(amount: float, currency: str) -> str:
    """An amount with its currency: 1250 USD is "$1,250", 0.5 CHF is "0.50 CHF".

    Hundredths show only where the amount is small or they are not zero.
    """
    size = abs(amount)
    whole = size >= 1000 or round(size, 2) == round(size)
    number = f"{size:,.0f}" if whole else f"{size:,.2f}"
    minus = "-" if amount < 0 and float(number.replace(",", "")) else ""
    code = currency.upper()
    return f"{minus}{_SIGNS[code]}{number}" if code in _SIGNS else f"{minus}{number} {code}".rstrip()


def value_words(metric: Metric, value: float, currency: str) -> str:
    """A raw value with its unit, money with its currency."""
    return money(value, currency) if metric.unit is Unit.MONEY else format_value(value, metric.unit)


def named(text: str, customer: str) -> str:
    """A scorecard's sentence about "the customer" with the customer's name."""

    def name(found: re.Match[str]) -> str:
        return possessive(short(customer)) if found["whose"] else short(customer)

    return re.sub(r"\b[Tt]he customer\b(?P<whose>['’]s\b)?", name, text)


def change_words(before: str, now: str, *, rose: bool) -> str:
    """What became of a value: "up from 31 %", "unchanged" where the rounded texts are the same."""
    if before == now:
        return UNCHANGED
    return f"{'up' if rose else 'down'} from {before}"


def first_word(name: str) -> str:
    """The first word of a name, for greetings where no first name is kept."""
    return next(iter(name.split()), "")


def whole_months(start: date, today: date) -> int:
    """Full calendar months from one day to another, never below 0."""
    months = (today.year - start.year) * 12 + today.month - start.month
    return max(0, months - (today.day < start.day))
