"""Countries as people write them, and their public holidays (by the library `holidays`)."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import cache

import holidays
from holidays.registry import COUNTRIES

ENGLISH = ("en_US", "en_GB")
"""Holidays are named in English where the library can; else as the country calls them."""

LONGEST = 6
"""Letters of a subdivision's code at most."""

_ALSO = {
    "america": "US",
    "cotedivoire": "CI",
    "czechrepublic": "CZ",
    "deutschland": "DE",
    "england": "GB",
    "espana": "ES",
    "greatbritain": "GB",
    "holland": "NL",
    "ivorycoast": "CI",
    "korea": "KR",
    "northernireland": "GB",
    "oesterreich": "AT",
    "osterreich": "AT",
    "russianfederation": "RU",
    "schweiz": "CH",
    "scotland": "GB",
    "suisse": "CH",
    "theunitedstates": "US",
    "turkiye": "TR",
    "uae": "AE",
    "uk": "GB",
    "unitedstatesofamerica": "US",
    "usa": "US",
    "vietnam": "VN",
    "wales": "GB",
}


def country_code(text: str) -> str:
    """The two letters (ISO 3166) of a country written as a code or a name; "" where it is none we know."""
    if any(letter.isdigit() for letter in text):
        return ""
    return _codes().get(_plain(text), "")


def subdivision_code(country: str, text: str) -> str:
    """A subdivision ("BY", "DE-BY", "Bayern") as the calendar of that country calls it; "" if it has none."""
    plain = re.sub(rf"^{re.escape(country)}-", "", text.strip(), flags=re.IGNORECASE)
    return _subdivisions(country).get(_plain(plain), "") if country and plain else ""


def subdivisions(country: str) -> tuple[str, ...]:
    """The subdivisions that have holidays of their own in a country's calendar, by their codes."""
    return tuple(sorted(set(_subdivisions(country).values())))


def holiday_name(country: str, subdivision: str, day: date) -> str:
    """The public holiday of that day; "" where it is none, or the country is "" or unknown."""
    if not country:
        return ""
    return _holidays_of(country, subdivision, day.year).get(day, "")


def holidays_of(country: str, subdivision: str, year: int) -> tuple[tuple[date, str], ...]:
    """The public holidays of a year, in their order; none where the country is ""."""
    return tuple(sorted(_holidays_of(country, subdivision, year).items())) if country else ()


def _plain(text: str) -> str:
    """Letters alone, in lower case and without accents: "Côte d'Ivoire" is cotedivoire."""
    bare = unicodedata.normalize("NFKD", text.strip().lower())
    return "".join(letter for letter in bare if letter.isalpha() and not unicodedata.combining(letter))


@cache
def _codes() -> dict[str, str]:
    found = {}
    for name, (_, code, longer, *_) in COUNTRIES.items():
        if len(code) == 2:
            found.update({_plain(name): code, code.lower(): code, longer.lower(): code})
    return {**found, **_ALSO}


@cache
def _subdivisions(country: str) -> dict[str, str]:
    if not country:
        return {}
    calendar = holidays.country_holidays(country)
    # Cities are among them, by their names; they fit no column, and nobody enters them as a province.
    codes = {_plain(code): code for code in calendar.subdivisions if len(code) <= LONGEST}
    names = {
        _plain(name): code for name, code in calendar.subdivisions_aliases.items() if _plain(code) in codes
    }
    return {**names, **codes}


@cache
def _holidays_of(country: str, subdivision: str, year: int) -> dict[date, str]:
    known = holidays.country_holidays(country).supported_languages
    language = next((one for one in ENGLISH if one in known), None)
    calendar = holidays.country_holidays(
        country, subdiv=subdivision or None, years=year, observed=True, language=language
    )
    return {day: name for day, name in calendar.items() if day.year == year}
