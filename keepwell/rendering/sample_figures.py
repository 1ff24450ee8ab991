"""Made-up figures of a customer, for the sample contexts."""

from __future__ import annotations

from datetime import date, timedelta

from keepwell.contracts.rendering import (
    Advice,
    CategoryFigure,
    HealthFigures,
    MetricFigure,
    ValueFigures,
    ValueLine,
)
from keepwell.contracts.shown import Point
from scoring.levels import Level

TODAY = date(2026, 11, 21)


def sample_health() -> HealthFigures:
    """The figures of a critical customer: one metric fell, one area is not measured."""
    active, sentiment, adoption = _costly_metrics()
    onboarding, payment = _good_metrics()
    return HealthFigures(
        score=17.4,
        level=Level.CRITICAL,
        before=41.0,
        coverage=0.92,
        categories=(
            CategoryFigure(title="Usage", score=19.0, weight=40.0),
            CategoryFigure(title="Engagement", score=27.5, weight=30.0),
            CategoryFigure(title="Business", score=64.0, weight=20.0),
            CategoryFigure(title="Relationship", score=None, weight=10.0),
        ),
        costly=_costly_advice(active, sentiment, adoption),
        strengths=(payment, onboarding),
        improved=(onboarding,),
    )


def _costly_metrics() -> tuple[MetricFigure, MetricFigure, MetricFigure]:
    """Metrics that cost points, most first."""
    active = metric(
        "daily_active_rate",
        "Daily active users",
        "12 %",
        before="31 %",
        change="down from 31 % in 30 days",
        lost=12.6,
        points=16.0,
        low="few of the licensed people use it on a working day",
        history=(34, 33, 31, 31, 28, 24, 20, 17, 15, 14, 12),
    )
    sentiment = metric(
        "support_interaction_sentiment",
        "Mood of support conversations",
        "-0.4",
        before="0.1",
        change="down from 0.1 in 30 days",
        lost=7.1,
        points=29.0,
        low="conversations with support end unhappily",
        history=(0.2, 0.2, 0.1, 0.1, 0.0, -0.2, -0.3, -0.4),
        category="Engagement",
        unit="",
    )
    adoption = metric(
        "feature_adoption_depth",
        "Features in use",
        "18 %",
        before="19 %",
        change="down from 19 % in 30 days",
        lost=6.4,
        points=36.0,
        low="most of what is paid for lies unused",
        history=(19, 19, 19, 18),
    )
    return active, sentiment, adoption


def _good_metrics() -> tuple[MetricFigure, MetricFigure]:
    """Metrics that do well."""
    onboarding = metric(
        "onboarding_completion_rate",
        "Onboarding completed",
        "92 %",
        before="80 %",
        change="up from 80 % in 30 days",
        points=92.0,
        lost=0.3,
        category="Engagement",
    )
    payment = metric(
        "payment_health", "Payments on time", "100 %", points=100.0, lost=0.0, category="Business"
    )
    return onboarding, payment


def _costly_advice(
    active: MetricFigure, sentiment: MetricFigure, adoption: MetricFigure
) -> tuple[Advice, ...]:
    """What to do about the metrics that cost most."""
    return (
        advice(
            active,
            "Invite everybody who has not signed in for two weeks to a 20-minute session",
            "Priya Raman",
            7,
        ),
        advice(
            sentiment,
            "Go through the open tickets together and settle the oldest three",
            "Brightdesk support",
            5,
        ),
        advice(
            adoption,
            "Choose two features for the team's most frequent job and set them up together",
            "Lena Hoffmann",
            14,
        ),
    )


def sample_value() -> ValueFigures:
    """More than the price comes back, counted in hours."""
    return ValueFigures(
        value="2,048 EUR",
        paid="1,240 EUR",
        hours="64 hours",
        ratio=2048 / 1240,
        difference="808 EUR",
        lines=(
            ValueLine(title="Work saved in a month", value="64 hours", source="measured on 18 November 2026"),
            ValueLine(
                title="Cost of an hour of that work",
                value="32 EUR",
                source="from the records of this account",
            ),
            ValueLine(title="Value in a month", value="2,048 EUR", source="64 hours × 32 EUR"),
            ValueLine(title="Price in a month", value="1,240 EUR", source="the monthly price on record"),
        ),
    )


def sample_low_value() -> ValueFigures:
    """Less than the price comes back, and one fact cannot be read."""
    return ValueFigures(
        value="620 EUR",
        paid="1,240 EUR",
        ratio=0.5,
        difference="620 EUR",
        lines=(
            ValueLine(title="Value in a month", value="620 EUR", source="from the records of this account"),
            ValueLine(title="Price in a month", value="1,240 EUR", source="the monthly price on record"),
        ),
        unusable=("hours_saved is '<about 40>'; write a number above 0, like 1200.50",),
    )


def metric(
    name: str,
    title: str,
    value: str,
    *,
    points: float,
    lost: float,
    before: str = "",
    change: str = "",
    low: str = "too little of it",
    history: tuple[float, ...] = (),
    category: str = "Usage",
    unit: str = " %",
) -> MetricFigure:
    """A metric with made-up values; the history is weekly and ends on TODAY."""
    weeks = len(history) - 1
    return MetricFigure(
        name=name,
        title=title,
        category=category,
        value=value,
        before=before,
        change=change,
        points=points,
        lost=lost,
        words=f"{title} {_moved(value, before)} and costs {lost:.1f} points",
        low=low,
        history=tuple(
            Point(day=TODAY - timedelta(weeks=weeks - index), value=number, text=f"{number:g}{unit}")
            for index, number in enumerate(history)
        ),
    )


def _moved(value: str, before: str) -> str:
    """Where a metric stands and where it came from, in the sentences of `scoring.factors`."""
    if not before:
        return f"is {value}"
    if not (value.endswith(" %") and before.endswith(" %")):
        return f"is {value} (30 days ago it was {before})"
    now, then = (float(text.removesuffix(" %")) for text in (value, before))
    verb = "fell" if now < then else "rose"
    return f"{verb} {abs(now - then) / then * 100:.0f} % in 30 days, from {before} to {value},"


def advice(metric: MetricFigure, action: str, owner: str = "the team", days: int = 14) -> Advice:
    """What to do about a metric, due so many days after TODAY."""
    return Advice(
        metric=metric,
        action=action,
        owner=owner,
        due=TODAY + timedelta(days=days),
        success=f"{metric.title} is clearly better than {metric.value} and stays there for two weeks",
    )
