"""The expansion signals by name. Standard library only: workflow code imports this module."""

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
