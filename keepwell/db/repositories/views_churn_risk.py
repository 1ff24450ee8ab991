"""Read model of who may leave: by the newest predictions that count still."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, case, func, select, true
from sqlmodel import Session

from keepwell.db.repositories.churn_predictions import latest
from keepwell.db.repositories.lookup import found, table
from keepwell.db.repositories.portfolio_write import CHURN
from keepwell.db.repositories.views_at_risk import Explained, explained_by, priority_of
from keepwell.db.repositories.views_engagement_lines import (
    ChurnRiskAnalytics,
    ChurnRiskLine,
    FactorCount,
    RiskBand,
)
from keepwell.db.repositories.views_portfolio import customers_shown
from keepwell.db.repositories.views_portfolio_lines import LONGEST_PAGE
from keepwell.db.repositories.views_portfolio_query import COLUMNS, counting
from keepwell.db.repositories.views_stats_groups import number_of
from keepwell.db.repositories.views_stats_lines import Period
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Organisation
from keepwell.errors import InputError

BANDS = (("low", 0.0, 0.3), ("medium", 0.3, 0.6), ("high", 0.6, 0.8), ("critical", 0.8, 1.0))
"""Categories of a prediction: above the first number, up to the second, as the churn models have them."""
EXAMINED = 1_000
"""Customers whose reasons are counted at most."""


def churn_risk_analytics(
    session: Session,
    organisation: str,
    *,
    now: datetime,
    threshold: float = 0.5,
    period: Period = Period.MONTH,
    factors: bool = False,
    limit: int = 50,
) -> ChurnRiskAnalytics:
    """Who may leave with a probability of `threshold` (0 to 1) or more, the likeliest first, `limit` at most.

    Raises:
        InputError: the threshold is none, or the limit is not 1 to LONGEST_PAGE.
    """
    if not 0 <= threshold <= 1:
        raise InputError(
            f"A threshold is a probability from 0 to 1, not {threshold}.", place="risk_threshold"
        )
    if not 1 <= limit <= LONGEST_PAGE:
        raise InputError(f"A page has 1 to {LONGEST_PAGE} customers, not {limit}.", place="limit")
    house = found(session, Organisation, organisation, "organisation")
    rows, connection = COLUMNS, session.connection()
    ours = (rows.organisation_id == organisation) & rows.active & counting(now)
    above = rows.churn >= threshold
    counted = select(
        func.count(rows.churn),
        func.avg(rows.churn),
        number_of(above),
        _revenue(above, house),
        *(part for band in _in_bands() for part in (number_of(band), _revenue(band, house))),
    ).where(ours)
    predicted, average, many, revenue, *bands = connection.execute(counted).one()
    likeliest = select(rows.customer_id).where(ours, above).order_by(rows.churn.desc(), rows.customer_id)
    chosen = list(connection.execute(likeliest.limit(EXAMINED if factors else limit)).scalars())
    explained = explained_by(session, chosen)
    return ChurnRiskAnalytics(
        period=period,
        threshold=threshold,
        predicted=predicted,
        average=None if average is None else float(average),
        above=many,
        revenue_at_risk=float(revenue),
        bands=_bands(bands),
        trend=_trend(session, organisation, local_day(now, house.time_zone), period),
        customers=_lines(session, organisation, chosen[:limit], explained, now),
        factors=_factors(explained.values()) if factors else (),
        examined=len(chosen) if factors else 0,
    )


def _in_bands() -> list[ColumnElement[bool]]:
    return [
        (COLUMNS.churn <= up_to) & ((COLUMNS.churn > above) if above else true()) for _, above, up_to in BANDS
    ]


def _revenue(holds: ColumnElement[bool], house: Organisation) -> ColumnElement[float]:
    money = COLUMNS.currency.in_(("", house.currency))
    return func.coalesce(func.sum(case((holds & money, COLUMNS.monthly_revenue), else_=0.0)), 0.0)


def _bands(counted: Sequence[float]) -> tuple[RiskBand, ...]:
    """The bands out of their numbers and revenues in turn."""
    return tuple(
        RiskBand(
            category=name,
            above=above,
            up_to=up_to,
            customers=int(counted[2 * place]),
            monthly_revenue=float(counted[2 * place + 1]),
        )
        for place, (name, above, up_to) in enumerate(BANDS)
    )


def _trend(
    session: Session, organisation: str, today: date, period: Period
) -> tuple[tuple[date, float, int], ...]:
    """Each day's mean of the predictions that counted, and of how many customers."""
    rows = table("portfolio_metric_day").c
    query = (
        select(rows.day, func.sum(rows.total), func.sum(rows.customers))
        .where(rows.organisation_id == organisation, rows.name == CHURN)
        .where(rows.day > today - period.length, rows.day <= today)
        .group_by(rows.day)
        .order_by(rows.day)
    )
    return tuple((day, total / number, number) for day, total, number in session.connection().execute(query))


def _lines(
    session: Session,
    organisation: str,
    customers: Sequence[str],
    explained: Mapping[str, Explained],
    now: datetime,
) -> tuple[ChurnRiskLine, ...]:
    shown = customers_shown(session, organisation, customers, now)
    predictions = latest(session, customers)
    return tuple(
        ChurnRiskLine(
            customer=shown[one],
            **predictions[one].model_dump(include={"probability", "low", "high", "category", "months"}),
            priority=priority_of(shown[one]),
            reasons=explained[one].reasons if one in explained else (),
        )
        for one in customers
        if one in shown and one in predictions
    )


def _factors(explained: Iterable[Explained]) -> tuple[FactorCount, ...]:
    """How often a metric is among the costliest, the most frequent first."""
    lost, told = defaultdict[str, list[float]](list), {}
    for one in explained:
        for reason in one.reasons:
            lost[reason.metric].append(reason.lost)
            told[reason.metric] = reason
    counted = [
        FactorCount(
            metric=metric,
            title=told[metric].title,
            category=told[metric].category,
            customers=len(points),
            average_lost=sum(points) / len(points),
        )
        for metric, points in lost.items()
    ]
    return tuple(sorted(counted, key=lambda one: (-one.customers, -one.average_lost, one.metric)))
