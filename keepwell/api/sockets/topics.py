"""What the four sockets say: their messages' shapes, by name; `docs/api-sockets.md` has them as tables."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from keepwell.api.shapes import Camel, CustomerHealthUpdate, DashboardStats
from keepwell.contracts.base import Frozen


class Topic(StrEnum):
    """What a socket is about, by its path."""

    CUSTOMER_HEALTH = "/ws/customer-health"
    DASHBOARD = "/api/ws/dashboard"
    HEALTH_UPDATES = "/api/ws/health-updates"
    ENGAGEMENT_UPDATES = "/api/ws/engagement-updates"


class HealthScoreUpdate(Camel):
    """A score that changed, in points; `churnRisk` in percent. None: not known.

    `previousScore` is that of the last day before with a score by the same scorecard, within 30 days.
    """

    account_id: str
    account_name: str
    health_score: float | None
    previous_score: float | None
    level: str | None
    trend: str
    churn_risk: float | None
    scored_at: datetime | None


class EngagementUpdate(Camel):
    """Something between us and a customer, or that the customer did.

    `engagementType` is meeting, call, email, demo, training, in_app or other; `outcome` positive, neutral,
    negative, actionRequired, or None where nothing is known of it; `kind` is our own word, `text` says it in
    a sentence ("" for what the customer's product reported), `by` is who did it.
    """

    engagement_id: str
    account_id: str
    account_name: str
    engagement_type: str
    outcome: str | None
    kind: str
    text: str
    by: str
    at: datetime


class ManyUpdates(Frozen):
    """Too many changed at once to name each. Read again what you show."""

    number: int


class DashboardUpdate(Frozen):
    """Something changed that pages show.

    `changed` are the first words of the kinds of what happened (score, churn, engagement, task, alert,
    intervention, …), `customers` whom it is about; with `many` they are too many to name, and it is empty.
    """

    changed: tuple[str, ...]
    customers: tuple[str, ...]
    many: bool


class Ready(Frozen):
    """The first message: from here on. `resumed`: what was missed follows."""

    resumed: bool


class Reset(Frozen):
    """What was missed cannot be told. Read again what you show."""

    why: str


SHAPES: Final[dict[str, type[Frozen]]] = {
    "ready": Ready,
    "reset": Reset,
    "customer_health_update": CustomerHealthUpdate,
    "health_score_update": HealthScoreUpdate,
    "engagement_update": EngagementUpdate,
    "many_updates": ManyUpdates,
    "dashboard_update": DashboardUpdate,
    "dashboard_stats": DashboardStats,
}
"""Each message is {"type": …, "cursor": …, "data": {…}}; a "ping" has no data."""
