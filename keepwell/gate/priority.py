"""Which playbook goes first where there is not room for all."""

from __future__ import annotations

RISK = {"CRITICAL": 0, "HIGH_RISK": 1, "AT_RISK": 2}
EVENT, EXPANSION = 3, 4


def rank(family: str, level: str | None) -> int:
    """The rank of an intervention's messages, 0 goes first: by its family, and by its level at risk."""
    if family == "risk":
        return RISK.get(level or "", max(RISK.values()))
    return EVENT if family == "event" else EXPANSION
