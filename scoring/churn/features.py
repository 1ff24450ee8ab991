"""The twelve named features of a customer, measured up to a day; the caller gathers them."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.units import Unit


@dataclass(frozen=True, slots=True)
class Feature:
    """A numeric feature: its column name, title and unit. `risk_when` is the direction people expect to
    raise the risk ("high" or "low"); the model is free to find otherwise."""

    name: str
    title: str
    unit: Unit
    risk_when: str


FEATURES: tuple[Feature, ...] = (
    Feature("days_since_last_login", "Days since last login", Unit.DAYS, "high"),
    Feature("monthly_active_users", "Monthly active users", Unit.COUNT, "low"),
    Feature("feature_adoption_rate", "Feature adoption rate", Unit.PERCENT, "low"),
    Feature("support_tickets_30_days", "Support tickets in 30 days", Unit.COUNT, "high"),
    Feature("average_response_time", "Average response time", Unit.MILLISECONDS, "high"),
    Feature("system_uptime", "System uptime", Unit.PERCENT, "low"),
    Feature("cost_savings", "Cost savings achieved", Unit.MONEY, "low"),
    Feature("training_completion_rate", "Training completion rate", Unit.PERCENT, "low"),
    Feature("api_usage_count", "API calls in 30 days", Unit.COUNT, "low"),
    Feature("mobile_app_sessions", "Mobile app sessions in 30 days", Unit.COUNT, "low"),
    Feature("dashboard_views", "Dashboard views in 30 days", Unit.COUNT, "low"),
    Feature("work_orders_completed", "Work orders completed in 30 days", Unit.COUNT, "low"),
)
"""In the order the customer-success scorecard's author lists them. Missing ones are left empty (NaN)."""
