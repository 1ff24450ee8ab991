"""The five risk levels. Standard library only: workflow code imports this module."""

from enum import StrEnum

UNKNOWN = -1
"""The severity that stands for "no level": insufficient data, or nothing held yet."""


class Level(StrEnum):
    """How well a customer is, from best to worst. Any scorecard's bands stand for one of these."""

    THRIVING = "THRIVING"
    HEALTHY = "HEALTHY"
    AT_RISK = "AT_RISK"
    HIGH_RISK = "HIGH_RISK"
    CRITICAL = "CRITICAL"

    @property
    def severity(self) -> int:
        """0 for THRIVING up to 4 for CRITICAL; what arrays of levels hold."""
        return _SEVERITY[self]


LEVELS: tuple[Level, ...] = tuple(Level)
"""Best to worst; the index is the severity."""

_SEVERITY = {level: severity for severity, level in enumerate(LEVELS)}
