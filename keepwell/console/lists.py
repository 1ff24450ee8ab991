"""What the lists of alerts, offers and opportunities share: words, and the address of a list narrowed."""

from __future__ import annotations

from urllib.parse import urlencode

from keepwell.contracts.offers import OfferState
from scoring.signal import Severity, Signal, Trigger, Urgency

ROWS = 50

TRIGGERS: dict[str, str] = {
    Trigger.CRITICAL_HEALTH: "Critical score",
    Trigger.USAGE_FALL: "Usage fell",
    Trigger.BILLING_FAILURE: "Payment failed",
    Trigger.FEATURE_UNUSED: "Feature unused",
    Trigger.INACTIVITY: "Quiet",
    Trigger.ZERO_ACTIVITY: "No activity",
    Trigger.TASK_STALLED: "Their task stalls",
    Trigger.SCORE_DROP: "Score dropped",
    Trigger.CHURN_RISK: "May leave",
    Trigger.CATEGORY_THRESHOLD: "Below a threshold",
    Trigger.DEADLINE_MISSED: "Deadline missed",
}
SEVERITIES: dict[str, tuple[str, str]] = {
    Severity.CRITICAL: ("Critical", "bad"),
    Severity.WARNING: ("Warning", "warn"),
    Severity.INFO: ("Info", "info"),
}
"""Each in words, and the tone of its mark; the gravest first."""
SIGNALS: dict[str, str] = {
    Signal.USAGE_LIMIT_APPROACHING: "Near the plan's limit",
    Signal.CONSISTENT_OVERAGE: "Over the limit again and again",
    Signal.POWER_USER_BEHAVIOR: "Uses it as few do",
    Signal.TEAM_EXPANSION_OPPORTUNITY: "The team grows",
    Signal.INTEGRATION_EXPANSION: "More integrations",
    Signal.API_SCALING_OPPORTUNITY: "More API use",
}
URGENCIES: dict[str, tuple[str, str]] = {
    Urgency.HIGH: ("High", "bad"),
    Urgency.MEDIUM: ("Medium", "warn"),
    Urgency.LOW: ("Low", ""),
}
OFFER_STATES: dict[OfferState, tuple[str, str]] = {
    OfferState.OFFERED: ("Offered", "info"),
    OfferState.SEEN: ("Seen", "info"),
    OfferState.ACCEPTED: ("Accepted", "good"),
    OfferState.DECLINED: ("Declined", ""),
    OfferState.EXPIRED: ("Expired", ""),
    OfferState.WITHDRAWN: ("Withdrawn", ""),
}


SHORT = frozenset({"api", "roi", "nps"})


def said(name: str) -> str:
    """A name from the data as words: "ROI_BASED_UPGRADE_PRESENTATION" is "ROI based upgrade presentation"."""
    words = name.replace("_", " ").capitalize().split(" ")
    return " ".join(one.upper() if one.lower() in SHORT else one for one in words)


class Narrowed:
    """The address of a list with what narrows it; values that are empty or the default are left out."""

    def __init__(self, path: str, **chosen: str | None) -> None:
        self.path, self.chosen = path, {name: one or "" for name, one in chosen.items()}

    @property
    def narrowed(self) -> bool:
        """Whether anything narrows it."""
        return any(self.chosen.values())

    def href(self, **changes: str | None) -> str:
        """The address with these changes, from the list's beginning."""
        asked = {name: one for name, one in {**self.chosen, **changes}.items() if one}
        return f"{self.path}?{urlencode(asked)}" if asked else self.path
