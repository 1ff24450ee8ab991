"""Names of expansion signals, and of what raises alerts. Standard library only: workflow code imports it."""

from enum import StrEnum


class Signal(StrEnum):
    """A sign that a customer could use more than it has."""

    USAGE_LIMIT_APPROACHING = "USAGE_LIMIT_APPROACHING"
    CONSISTENT_OVERAGE = "CONSISTENT_OVERAGE"
    POWER_USER_BEHAVIOR = "POWER_USER_BEHAVIOR"
    TEAM_EXPANSION_OPPORTUNITY = "TEAM_EXPANSION_OPPORTUNITY"
    INTEGRATION_EXPANSION = "INTEGRATION_EXPANSION"
    API_SCALING_OPPORTUNITY = "API_SCALING_OPPORTUNITY"


class Urgency(StrEnum):
    """How soon a signal should be acted on."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"

    @property
    def rank(self) -> int:
        """0 for HIGH, the most urgent."""
        return tuple(Urgency).index(self)


class Trigger(StrEnum):
    """What raises an alert. An alert of INACTIVITY that goes on becomes one of ZERO_ACTIVITY."""

    CRITICAL_HEALTH = "critical_health"
    """The score fell below 20."""
    USAGE_FALL = "usage_fall"
    """Usage fell by half or more over three days."""
    BILLING_FAILURE = "billing_failure"
    """A payment failed."""
    FEATURE_UNUSED = "feature_unused"
    """A core feature was not used for seven days."""
    INACTIVITY = "inactivity"
    """No event for 48 hours."""
    ZERO_ACTIVITY = "zero_activity"
    """No event for three days."""
    TASK_STALLED = "task_stalled"
    """A task of the customer's is in progress and was not updated for 72 hours."""
    SCORE_DROP = "score_drop"
    """The score is 20 (warning) or 30 (critical) points below the best of the last week."""
    CHURN_RISK = "churn_risk"
    """The probability that the customer leaves is above 80 %."""
    CATEGORY_THRESHOLD = "category_threshold"
    """The score of a category fell below its threshold."""
    DEADLINE_MISSED = "deadline_missed"
    """A person's task is overdue, a step of a playbook was not done in its time, or nobody knows whether its
    message went out."""


class Severity(StrEnum):
    """How grave an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for CRITICAL, the gravest."""
        return (Severity.CRITICAL, Severity.WARNING, Severity.INFO).index(self)
