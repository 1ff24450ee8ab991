"""The closed list of units a metric may have, and how a value is written for people."""

import math
from enum import StrEnum


class Unit(StrEnum):
    """What a metric's raw value counts. Percentages are 0 to 100, yes_no is 1 or 0."""

    PERCENT = "percent"
    PERCENT_CHANGE = "percent_change"
    PER_MONTH = "per_month"
    COUNT = "count"
    RATIO = "ratio"
    SENTIMENT = "sentiment"
    RATING = "rating"
    MONEY = "money"
    MONTHS = "months"
    DAYS = "days"
    HOURS = "hours"
    MINUTES = "minutes"
    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    YES_NO = "yes_no"


WHOLE_UNITS = frozenset({Unit.COUNT, Unit.MONTHS, Unit.DAYS})
"""Units of which there are no halves: a target is rounded to a whole number on the good side."""

_SUFFIX = {
    Unit.PERCENT: " %",
    Unit.PERCENT_CHANGE: " %",
    Unit.PER_MONTH: " a month",
    Unit.MILLISECONDS: " ms",
}
_TIME_WORDS = {
    Unit.MONTHS: "month",
    Unit.DAYS: "day",
    Unit.HOURS: "hour",
    Unit.MINUTES: "minute",
    Unit.SECONDS: "second",
}
_TWO_DECIMALS = frozenset({Unit.RATIO, Unit.SENTIMENT})


def format_value(value: float, unit: Unit, *, decimals: int | None = None) -> str:
    """A raw value in words: 12.04 percent is "12 %", 4 months is "4 months".

    `decimals` is how many there are at most, unset what suits the unit. Money carries no currency here, as a
    scorecard does not know it. Raises ValueError for NaN or infinity.
    """
    if not math.isfinite(value):
        raise ValueError(f"only a finite value can be written for people, not {value}")
    if unit is Unit.YES_NO:
        return "yes" if value >= 0.5 else "no"
    if unit is Unit.MONEY:
        usual = 0 if abs(value) >= 1000 else 2
        return _number(value, usual if decimals is None else decimals)
    number = _number(value, (2 if unit in _TWO_DECIMALS else 1) if decimals is None else decimals)
    if unit is Unit.PERCENT_CHANGE and not number.startswith("-") and number != "0":
        number = f"+{number}"
    if unit in _TIME_WORDS:
        return f"{number} {_TIME_WORDS[unit]}{'' if number == '1' else 's'}"
    return number + _SUFFIX.get(unit, "")


def _number(value: float, decimals: int) -> str:
    # Adding 0.0 turns a rounded -0.0 into 0.0, which would else read "-0".
    text = f"{round(value, decimals) + 0.0:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
