"""Reads single values: numbers, dates, moments, time zones, addresses. Each refusal says what would be right.

A value from CSV is always text. In JSON a number is a number: the text "50" is refused there, because a
sender that mixes the two has a mistake somewhere.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import available_timezones

from pydantic_core import PydanticCustomError

from keepwell.ingest.cells import Cell
from keepwell.ingest.suggest import did_you_mean, nearest

MAX_NUMBER = 1e12
EARLIEST, LATEST = 1900, 2200

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\.]+(\.[^\s@<>,;:\"()\[\]\\.]+)+")
_YES = frozenset({"yes", "y", "true", "t", "1"})
_NO = frozenset({"no", "n", "false", "f", "0"})


def refuse(reason: str) -> PydanticCustomError:
    """An error that a pydantic validator may raise; its message is the reason as given."""
    # The reason goes in as data: pydantic would read braces in a template as placeholders.
    return PydanticCustomError("ingest", "{reason}", {"reason": reason})


def text_of(value: Cell, limit: int) -> str:
    """One line of text without control characters; runs of blanks become one. "" for None."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise refuse(f"is {_named(value)}; write text")
    text = " ".join(value.split())
    if not text.isprintable():
        _check_printable(text)
    if len(text) > limit:
        raise refuse(f"has {len(text):,} characters, allowed are {limit:,}")
    return text


def _check_printable(text: str) -> None:
    for char in text:
        # Format characters (soft hyphens, joiners) are not "printable" to Python and do no harm.
        if ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) <= 0xDFFF:
            raise refuse(f"holds the control character U+{ord(char):04X}; remove it")


def number_of(value: Cell, *, is_text: bool, decimal: str = ".") -> float:
    """A finite number within ±1e12."""
    if isinstance(value, str):
        if not is_text:
            raise refuse(_number_as_text(value))
        number = _parsed_number(value.strip(), decimal)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise refuse(f"is {_named(value)}; write a number")
    else:
        # Compared before the conversion: an integer of JSON may be too long for a float.
        number = float(value) if abs(value) <= MAX_NUMBER or isinstance(value, float) else math.inf
    if not math.isfinite(number):
        raise refuse("is not a finite number; leave it out where nothing was measured")
    if abs(number) > MAX_NUMBER:
        raise refuse(f"is beyond ±{MAX_NUMBER:g}")
    return number


def _number_as_text(value: str) -> str:
    stripped = value.strip()
    if _NUMBER.fullmatch(stripped):
        return f"is text; write {stripped} without quotes"
    return "is text; write a number (without quotes)"


def _parsed_number(text: str, decimal: str) -> float:
    plain = text
    if decimal == ",":
        plain = (
            text.replace(".", "").replace(",", ".") if re.fullmatch(r"[+-]?[0-9.]*(,[0-9]*)?", text) else text
        )
    if _NUMBER.fullmatch(plain):
        return float(plain)
    if plain.lower().lstrip("+-") in {"nan", "inf", "infinity"}:
        raise refuse("is not a finite number; leave it out where nothing was measured")
    raise refuse(f"is not a number{_number_hint(plain)}")


def _number_hint(text: str) -> str:
    bare = text.strip(" %$€£").replace(",", "").replace(" ", "").replace("\u00a0", "").replace("'", "")
    if not _NUMBER.fullmatch(bare):
        return ""
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]{1,2}", text):
        return f'; write {text.replace(",", ".")} (or decimal = "," in the mapping)'
    return f"; write {bare}"


def date_of(value: Cell, pattern: str | None = None) -> date:
    """A day as YYYY-MM-DD, or in the strptime pattern a mapping gives."""
    if not isinstance(value, str):
        raise refuse(f"is {_named(value)}; write a date as text like 2026-11-21")
    text = value.strip()
    try:
        if pattern:
            day = datetime.strptime(text, pattern).replace(tzinfo=UTC).date()
        elif _DATE.fullmatch(text):
            day = date.fromisoformat(text)
        else:
            raise refuse("is not a date like 2026-11-21 (year-month-day)")
    except ValueError as error:
        if isinstance(error, PydanticCustomError):
            raise
        wanted = f"a date in the form {pattern!r}" if pattern else "a day of the calendar"
        raise refuse(f"is not {wanted}") from None
    return _sensible(day)


def moment_of(value: Cell, pattern: str | None = None) -> datetime:
    """A moment as ISO 8601, in UTC. A date alone is its midnight in UTC; a time without zone is UTC."""
    if isinstance(value, str):
        return _parsed_moment(value.strip(), pattern)
    raise refuse(f"is {_named(value)}; write a moment as text like 2026-11-21 or 2026-11-21T14:30:00Z")


def sensible_moment(moment: datetime) -> datetime:
    """A moment that was read already, in UTC; without a zone it is UTC."""
    _sensible(moment.date())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


# Most rows of a file share a few moments.
@lru_cache(maxsize=4096)
def _parsed_moment(text: str, pattern: str | None) -> datetime:
    if pattern or _MOMENT.fullmatch(text):
        try:
            moment = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text.upper())  # noqa: DTZ007
            return sensible_moment(moment)
        except ValueError as error:
            if isinstance(error, PydanticCustomError):
                raise
            wanted = f"a moment in the form {pattern!r}" if pattern else "a moment of the calendar"
            raise refuse(f"is not {wanted}") from None
    try:
        day = date_of(text)
    except PydanticCustomError as error:
        if "is not a date like" in error.message():
            raise refuse("is not a moment like 2026-11-21 or 2026-11-21T14:30:00Z") from None
        raise
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _sensible(day: date) -> date:
    if not EARLIEST <= day.year <= LATEST:
        raise refuse(f"is in the year {day.year}; allowed are {EARLIEST} to {LATEST}")
    return day


def yes_no_of(value: Cell) -> bool:
    """Yes or no, as a word or (in JSON) true and false."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold() if isinstance(value, str | int) else ""
    if word in _YES or word in _NO:
        return word in _YES
    raise refuse("is neither yes nor no")


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def time_zone_of(text: str) -> str:
    """The IANA name of a time zone; "" stays empty."""
    if text and text not in _time_zones():
        # The city alone is what people write: it is compared with the zones' last parts, too.
        near = nearest(text, _time_zones()) or nearest(
            text, [zone.rpartition("/")[2] for zone in _time_zones()]
        )
        zone = next((zone for zone in sorted(_time_zones()) if near in (zone, zone.rpartition("/")[2])), None)
        meant = f" (did you mean {zone!r}?)" if zone else ""
        raise refuse(f"is not a time zone like Europe/Berlin{meant}")
    return text


def email_of(text: str) -> str:
    """An address in the form name@host.domain; "" stays empty. Whether it exists, only sending can tell."""
    if text and (len(text) > 254 or not _EMAIL.fullmatch(text)):
        raise refuse("is not an email address like name@example.com")
    return text


def currency_of(text: str) -> str:
    """Three letters (ISO 4217), in capitals; "" stays empty."""
    if text and not re.fullmatch(r"[A-Za-z]{3}", text):
        raise refuse("is not a currency of three letters like USD")
    return text.upper()


@cache
def _countries() -> dict[str, str]:
    table = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    lines = (line.split("\t", 1) for line in table.splitlines() if line and not line.startswith("#"))
    return {code: name for code, name in lines}


def country_of(text: str) -> str:
    """Two letters (ISO 3166-1), in capitals; "" stays empty."""
    code = text.upper()
    if code and code not in _countries():
        names = {name: code for code, name in _countries().items()}
        near = nearest(text, names)
        meant = f"; write {names[near]} for {near}" if near else ""
        raise refuse(f"is not a country code of two letters like DE{meant}")
    return code


def event_kind_of(text: str) -> str:
    """A kind of event: a name in lower case; blanks and hyphens become underscores."""
    word = re.sub(r"[\s-]+", "_", text.casefold())
    if not re.fullmatch(r"[a-z][a-z0-9_]*", word):
        raise refuse("is no name of a kind like feature_used (letters, digits and _, the first a letter)")
    return word


def choice_of(text: str, allowed: tuple[str, ...]) -> str:
    """One of a few words; case, blanks and hyphens do not count."""
    word = re.sub(r"[\s-]+", "_", text.casefold())
    if word not in allowed:
        raise refuse(f"is not one of {', '.join(allowed)}{did_you_mean(word, allowed)}")
    return word


def _named(value: Cell) -> str:
    if value is None:
        return "empty"
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "an object")
