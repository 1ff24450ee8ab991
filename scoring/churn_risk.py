"""How much speaks for a customer leaving, by an explained rule of thumb.

The figure is a weighted mean of signs, 0 to 100. It is no probability: 60 does not mean that 60 of 100 such
customers leave. Where a churn model is in use, its probability is the better answer; this one says what to
talk about.

The rule is that of a score: the sum of sign x weight over the indicators that are known, divided by the sum
of their weights. An unknown indicator neither helps nor hurts; the coverage says how much is known.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from scoring.churn_signs import (
    COMPARED_DAYS,
    EVENT_DAYS,
    EVENT_FAMILIES,
    FACTORS,
    Factor,
    Indicator,
    Reading,
    Reads,
)
from scoring.units import format_value

COVERAGE_MINIMUM = 0.5
"""Share of the weight that must be known, as in a scorecard; below it there is no figure."""

_MODEL = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(NamedTuple):
    """A metric's value and how many days old it is."""

    value: float
    age_days: float


class Observation(NamedTuple):
    """What is known of a customer at a moment.

    now, earlier: the last values of metrics by name, at the moment and 30 days before it (with their ages
    then). events: how many there were in the last 90 days, by kind. days_to_renewal: below 0 where the
    date has passed, None where there is none.
    """

    now: Mapping[str, Figure]
    earlier: Mapping[str, Figure]
    events: Mapping[str, int]
    days_to_renewal: float | None


class IndicatorSign(BaseModel):
    """One indicator: its sign from 0 to 1 (None: not known), its share of the figure, and why."""

    model_config = _MODEL
    name: str
    title: str
    sign: float | None
    share: float | None
    words: str


class FactorShare(BaseModel):
    """One factor: its weight (a share of 1), how much of the figure comes from it, how much is known of it.

    `share` is None where the whole figure is; the shares of all factors add up to the figure.
    """

    model_config = _MODEL
    name: str
    title: str
    weight: float
    known: float
    share: float | None
    words: str
    indicators: tuple[IndicatorSign, ...]


class ChurnRisk(BaseModel):
    """The figure, 0 to 100 (None where too little is known), the share of its weight that is known, why."""

    model_config = _MODEL
    score: float | None
    coverage: float
    words: str
    factors: tuple[FactorShare, ...]


def churn_risk(seen: Observation) -> ChurnRisk:
    """The signs of churn of one customer; what is not finite counts as not known."""
    signs = {indicator.name: _sign(indicator, seen) for factor in FACTORS for indicator in factor.indicators}
    known = math.fsum(
        _weight(factor)
        for factor in FACTORS
        for indicator in factor.indicators
        if signs[indicator.name].sign is not None
    )
    whole = math.fsum(_weight(factor) for factor in FACTORS for _ in factor.indicators)
    coverage = min(1.0, known / whole)
    # Rounded like a scorecard's coverage: half of the weight must count as half.
    enough = known > 0 and round(coverage, 9) >= COVERAGE_MINIMUM
    factors = tuple(_factor(factor, signs, known if enough else None) for factor in FACTORS)
    score = min(100.0, math.fsum(one.share or 0.0 for one in factors)) if enough else None
    return ChurnRisk(score=score, coverage=coverage, words=_words(score, coverage, factors), factors=factors)


class _Found(NamedTuple):
    sign: float | None
    words: str


def _weight(factor: Factor) -> float:
    """The weight of one of its indicators."""
    return factor.weight / len(factor.indicators)


def _factor(factor: Factor, signs: Mapping[str, _Found], known: float | None) -> FactorShare:
    indicators = []
    for indicator in factor.indicators:
        sign, words = signs[indicator.name]
        share = None if known is None or sign is None else 100.0 * sign * _weight(factor) / known
        indicators.append(
            IndicatorSign(name=indicator.name, title=indicator.title, sign=sign, share=share, words=words)
        )
    read = [one for one in indicators if one.sign is not None]
    strong = sorted((one for one in read if one.sign), key=lambda one: -(one.sign or 0.0))
    calm = "no sign" if read else "nothing is known"
    words = "; ".join(one.words[0].lower() + one.words[1:] for one in strong) or calm
    return FactorShare(
        name=factor.name,
        title=factor.title,
        weight=factor.weight,
        known=len(read) / len(indicators),
        share=None if known is None else math.fsum(one.share or 0.0 for one in indicators),
        words=words,
        indicators=tuple(indicators),
    )


def _words(score: float | None, coverage: float, factors: tuple[FactorShare, ...]) -> str:
    if score is None:
        known, needed = f"{coverage * 100:.0f} %", f"{COVERAGE_MINIMUM * 100:.0f} %"
        return f"too little is known: {known} of the signs' weight, {needed} would be needed"
    if score == 0:
        return "no sign of leaving in what is known"
    most = max(factors, key=lambda one: one.share or 0.0)
    return f"most of it is {most.title.lower()}: {most.words}"


def _sign(indicator: Indicator, seen: Observation) -> _Found:
    """The strongest sign of the readings that are known; of equals the first."""
    found = [one for reading in indicator.readings if (one := _read(reading, seen)) is not None]
    if found:
        return _Found(*max(found, key=lambda one: one[0]))
    return _Found(None, f"not known: {_needs(indicator, seen)}")


def _read(reading: Reading, seen: Observation) -> tuple[float, str] | None:
    """Sign and words; None where the figure is not known."""
    match reading.reads:
        case Reads.FALL:
            return _fall(reading, seen)
        case Reads.VALUE:
            value = _usable(seen.now.get(reading.what), reading.max_age_days)
            if value is None:
                return None
            return _line(reading, value), reading.title.format(value=format_value(value, reading.unit))
        case Reads.EVENTS:
            return _events(reading, seen.events)
        case Reads.RENEWAL:
            days = seen.days_to_renewal
            if days is None or not math.isfinite(days) or days < 0:
                return None
            when = "today" if days < 1 else f"in {format_value(math.floor(days), reading.unit)}"
            return _line(reading, days), f"{reading.title} {when}"


def _fall(reading: Reading, seen: Observation) -> tuple[float, str] | None:
    now = _usable(seen.now.get(reading.what), reading.max_age_days)
    earlier = _usable(seen.earlier.get(reading.what), reading.max_age_days)
    # A value of before the comparison would be compared with itself.
    if now is None or earlier is None or seen.now[reading.what].age_days >= COMPARED_DAYS:
        return None
    if now < 0 or earlier <= 0:
        return None
    percent = 100.0 * (1.0 - now / earlier)
    before, after = format_value(earlier, reading.unit), format_value(now, reading.unit)
    if before == after:
        return _line(reading, percent), f"{reading.title} stayed at {after} for {COMPARED_DAYS} days"
    verb = "fell" if percent > 0 else "rose"
    # Neither "0 %" nor a share that says only how small the earlier value was.
    change = f" {abs(percent):.0f} %" if 0.5 < abs(percent) < 1000 else ""
    return (
        _line(reading, percent),
        f"{reading.title} {verb}{change} in {COMPARED_DAYS} days, from {before} to {after}",
    )


def _events(reading: Reading, events: Mapping[str, int]) -> tuple[float, str] | None:
    count = max(0, events.get(reading.what, 0))
    family = next(kinds for kinds in EVENT_FAMILIES if reading.what in kinds)
    if count == 0 and not any(events.get(kind, 0) > 0 for kind in family):
        return None
    text = reading.title.replace("(s)", "" if count == 1 else "s")
    text = text.format(count=f"{count:,}" if count else "no")
    return _line(reading, count), f"{text[0].upper()}{text[1:]} in {EVENT_DAYS} days"


def _usable(figure: Figure | None, max_age_days: float) -> float | None:
    if figure is None or not math.isfinite(figure.value) or not figure.age_days <= max_age_days:
        return None
    return figure.value


def _line(reading: Reading, figure: float) -> float:
    """0 up to `clear`, 1 from `full` on."""
    return min(1.0, max(0.0, (figure - reading.clear) / (reading.full - reading.clear)))


def _needs(indicator: Indicator, seen: Observation) -> str:
    """What would have to be there to know it."""
    readings = indicator.readings
    if readings[0].reads is Reads.RENEWAL:
        passed = seen.days_to_renewal is not None
        return "the date of renewal has passed" if passed else "the customer has no date of renewal"
    metrics = [one.what for one in readings if one.reads in (Reads.FALL, Reads.VALUE)]
    kinds = [one.what for one in readings if one.reads is Reads.EVENTS]
    parts = [
        f"no recent metric {' or '.join(metrics)}" if metrics else "",
        f"no event {' or '.join(kinds)}" if kinds else "",
    ]
    return ", ".join(part for part in parts if part)
