"""The key figures of customer success, and what each of them means. None: what is stored does not say it."""

from __future__ import annotations

from keepwell.contracts.base import Frozen


class Overview(Frozen):
    """Counts. `churned_30d` are customers known to have left within 30 days."""

    total_customers: int
    active_customers: int
    at_risk_customers: int
    churned_customers_30d: int


class HealthMetrics(Frozen):
    """Averages over active customers: score 0 to 100, probability 0 to 1, and the metric `nps`."""

    avg_health_score: float | None
    avg_churn_probability: float | None
    nps_score: float | None


class FinancialMetrics(Frozen):
    """Money in `currency`, the organisation's; customers in others are not in it.

    annual_recurring_revenue: twelve times the monthly.
    monthly_growth: percent by which the monthly revenue has changed in 30 days; None before it was kept so
    long.
    customer_lifetime_value: average monthly revenue of a paying customer divided by the monthly share of
    customers who leave (from `retention_12m`, spread evenly over the months). Revenue, not profit: no costs
    are stored. None where nobody is known to have left.
    customer_acquisition_cost, ltv_cac_ratio: always None, as what a customer cost to win is stored nowhere.
    net_revenue_retention, gross_revenue_retention, expansion_revenue, contraction_revenue: None, as a
    customer's revenue is stored as it is today alone.
    churned_revenue_30d: monthly revenue, as it was last known, of those who left within 30 days.
    """

    currency: str
    monthly_recurring_revenue: float
    annual_recurring_revenue: float
    average_revenue_per_customer: float | None
    monthly_growth: float | None
    customer_lifetime_value: float | None
    customer_acquisition_cost: float | None = None
    ltv_cac_ratio: float | None = None
    net_revenue_retention: float | None = None
    gross_revenue_retention: float | None = None
    expansion_revenue: float | None = None
    contraction_revenue: float | None = None
    churned_revenue_30d: float


class Retention(Frozen):
    """Of the customers who were there a while ago, the share that is there today, in percent.

    `there` were known to be customers on that day, `stayed` of them are today. Who has left on a day nobody
    knows is in neither; where such a one may have left within the time (`undated`), there is no rate.
    """

    days: int
    there: int
    stayed: int
    undated: int
    rate: float | None


class RetentionRates(Frozen):
    """Retention over three spans; `churn_*` are what is missing to 100 percent."""

    retention_30d: float | None
    retention_90d: float | None
    retention_12m: float | None
    churn_30d: float | None
    churn_90d: float | None
    churn_12m: float | None
    spans: tuple[Retention, ...]


class WorkMetrics(Frozen):
    """Means over all customers of metrics that an organisation may measure; None where it does not.

    time_to_value: the metric of that name, in its own unit. adoption_rate: `feature_adoption_rate`, or else
    `feature_adoption_depth`. customer_satisfaction: `csat`.
    goal_completion_rate: None, as goals of customers are stored nowhere.
    renewal_rate: None, as a renewal moves the one date that is stored.
    """

    time_to_value: float | None
    adoption_rate: float | None
    customer_satisfaction: float | None
    goal_completion_rate: float | None = None
    renewal_rate: float | None = None


class Kpis(Frozen):
    """All of them."""

    overview: Overview
    health_metrics: HealthMetrics
    financial_metrics: FinancialMetrics
    retention_rates: RetentionRates
    work_metrics: WorkMetrics
