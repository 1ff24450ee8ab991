"""The fields of answers that other programs know, with their types; None is one that is always null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Number = int | float
Fields = Mapping[str, Any]

STATS: Fields = {
    "totalAccounts": int,
    "activeAccounts": int,
    "atRiskAccounts": int,
    "churnedAccounts": int,
    "averageHealthScore": Number,
    "averageChurnRisk": Number,
    "totalARR": Number,
    "npsScore": Number,
}

HEALTH: Fields = {
    "customer_id": str,
    "health_score": Number,
    "health_status": str,
    "churn_probability": Number,
    "churn_risk": str,
    "component_scores": {
        "usage": Number,
        "engagement": Number,
        "satisfaction": Number,
        "value_realization": Number,
    },
    "key_metrics": {
        "daily_active_users": Number,
        "monthly_active_users": Number,
        "feature_adoption_rate": Number,
        "support_tickets_30d": Number,
        "uptime_percentage": Number,
        "cost_savings_achieved": Number,
    },
    "trends": {"usage": str, "engagement": str, "satisfaction": str, "value_realization": str},
    "recommendations": {
        "risk_factors": list,
        "success_recommendations": list,
        "intervention_priority": str,
    },
}
"""By the scorecard `customer-success`; parts and metrics are those of whatever scorecard is in force."""

KPIS: Fields = {
    "overview": {
        "total_customers": int,
        "active_customers": int,
        "at_risk_customers": int,
        "churned_customers_30d": int,
    },
    "health_metrics": {"avg_health_score": Number, "avg_churn_probability": Number, "nps_score": Number},
    "financial_metrics": {
        "monthly_recurring_revenue": Number,
        "customer_lifetime_value": Number,
        "customer_acquisition_cost": None,
        "ltv_cac_ratio": None,
    },
    "retention_rates": {"retention_30d": Number, "retention_90d": Number, "retention_12m": Number},
}

SEGMENT: Fields = {"range": list, "count": int, "percentage": Number}
SEGMENTS: Fields = {"healthy": SEGMENT, "moderate": SEGMENT, "atRisk": SEGMENT, "critical": SEGMENT}
REVENUE: Fields = {
    "totalARR": Number,
    "arrGrowth": None,
    "expansionRevenue": None,
    "contractionRevenue": None,
    "churnedRevenue": Number,
    "netRevenueRetention": None,
    "grossRevenueRetention": None,
    "averageContractValue": Number,
    "revenuePerCustomer": Number,
}
CS_KPIS: Fields = {
    "customerHealthScore": Number,
    "npsScore": Number,
    "churnRate": Number,
    "timeToValue": Number,
    "adoptionRate": Number,
    "engagementScore": None,
    "goalCompletionRate": None,
    "renewalRate": None,
}
ENGAGEMENT: Fields = {
    "totalEngagements": int,
    "engagementsByType": {"meeting": int, "call": int, "email": int, "demo": int, "training": int},
    "outcomeDistribution": {"positive": int, "neutral": int, "negative": int, "actionRequired": int},
    "averageResponseTime": None,
    "engagementFrequency": Number,
    "stakeholderParticipation": Number,
}
FACTOR: Fields = {"weight": Number, "indicators": list}
FACTORS: Fields = {
    "healthDecline": FACTOR,
    "engagementReduction": FACTOR,
    "businessRisk": FACTOR,
    "competitiveThreats": FACTOR,
}

INSIGHT: Fields = {"id": str, "type": str, "status": str, "title": str, "body": str, "createdAt": str}
CLIENT: Fields = {
    "score": {
        "overall": Number,
        "engagement": Number,
        "activation": Number,
        "progress": Number,
        "satisfaction": Number,
        "momentum": Number,
        "trend": str,
    },
    "insights": list,
    "heatmap": list,
    "stats": {"totalActivities": int, "activeDays": int, "averagePerDay": Number},
}


def misfits(answer: Any, fields: Fields, where: str = "") -> list[str]:
    """What an answer lacks of these fields, or has as another type. Further fields are no fault."""
    found: list[str] = []
    for name, kind in fields.items():
        at = f"{where}.{name}".lstrip(".")
        if not isinstance(answer, Mapping) or name not in answer:
            found.append(f"{at} is missing")
        elif isinstance(kind, Mapping):
            found += misfits(answer[name], kind, at)
        elif kind is None:
            found += [f"{at} is made up"] if answer[name] is not None else []
        elif isinstance(answer[name], bool) or not isinstance(answer[name], kind):
            found.append(f"{at} is {answer[name]!r}")
    return found


def numbers_of(answer: Any, where: str = "") -> dict[str, float]:
    """All numbers of an answer but 0, by their place."""
    if isinstance(answer, Mapping):
        parts = [numbers_of(value, f"{where}.{name}") for name, value in answer.items()]
    elif isinstance(answer, list):
        parts = [numbers_of(value, f"{where}[{at}]") for at, value in enumerate(answer)]
    else:
        is_one = isinstance(answer, int | float) and not isinstance(answer, bool) and answer
        return {where: answer} if is_one else {}
    return {place: value for part in parts for place, value in part.items()}
