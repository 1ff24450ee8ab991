"""What happens to each playbook in the rehearsals that are held against real runs."""

from __future__ import annotations

from datetime import timedelta

from keepwell.contracts.offers import OfferKind
from keepwell.rehearsal.reactions import (
    AcceptOffer,
    CauseGone,
    CompleteStep,
    DeclineOffer,
    PauseFor,
    ReassignTo,
    Reply,
    ResumeNow,
    ScoreTo,
    Script,
    SeeOffer,
    SkipStep,
    StopNow,
    Upgrade,
)
from scoring import triggers
from scoring.signal import Signal
from scoring.triggers import Finding

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

SILENT = Script(acknowledge=None)
"""Nobody reacts: not the customer, not the CSM."""


def _replied(at: timedelta) -> Script:
    return Script(reactions=(Reply(at=at),))


SCRIPTS: dict[str, dict[str, Script]] = {
    "critical@1": {
        "answered": _replied(30 * HOUR),
        "paused, then well": Script(
            reactions=(
                SkipStep(at=timedelta(minutes=20), step="csm_outreach"),
                PauseFor(at=3 * HOUR),
                ResumeNow(at=2 * DAY),
                ScoreTo(at=4 * DAY, points=70),
            ),
            acknowledge=None,
        ),
    },
    "critical@2": {
        "answered": _replied(30 * HOUR),
        "nobody but the manager": Script(reactions=(Reply(at=30 * HOUR),), acknowledge=None),
    },
    "critical@3": {
        "answered": _replied(97 * HOUR),
        "paused": Script(reactions=(PauseFor(at=20 * HOUR, until=44 * HOUR), Reply(at=4 * DAY + HOUR))),
        "accepted": Script(
            reactions=(
                SeeOffer(at=73 * HOUR),
                AcceptOffer(at=75 * HOUR, option=OfferKind.BILLING_PAUSE, months=2),
            )
        ),
        "declined": Script(
            reactions=(
                CompleteStep(at=25 * HOUR, step="phone_call"),
                ReassignTo(at=2 * DAY, to="omar"),
                DeclineOffer(at=80 * HOUR),
            ),
        ),
        "downgrade accepted": Script(
            reactions=(AcceptOffer(at=75 * HOUR, option=OfferKind.PLAN_DOWNGRADE, plan="Basic"),)
        ),
        "custom solution accepted": Script(
            reactions=(AcceptOffer(at=75 * HOUR, option=OfferKind.CUSTOM_SOLUTION),)
        ),
        "refused": Script(
            reactions=(
                ResumeNow(at=3 * HOUR),
                SkipStep(at=30 * HOUR, step="executive_email"),
                AcceptOffer(at=75 * HOUR, option=OfferKind.UPGRADE, plan="Business"),
                AcceptOffer(at=76 * HOUR, option=OfferKind.DEDICATED_SUPPORT),
            )
        ),
    },
    "high_risk@1": {
        "answered": _replied(5 * DAY),
        "nobody but the manager": Script(reactions=(Reply(at=3 * DAY),), acknowledge=None),
    },
    "high_risk@2": {
        "answered": _replied(5 * DAY),
        "well": Script(reactions=(ScoreTo(at=15 * DAY, points=68),), acknowledge=2 * HOUR),
        "paused": Script(reactions=(PauseFor(at=6 * HOUR, until=3 * DAY), Reply(at=16 * DAY))),
        "taken over": Script(
            reactions=(ScoreTo(at=5 * DAY, points=10), Reply(at=6 * DAY + 6 * HOUR)), acknowledge=None
        ),
    },
    "at_risk@1": {
        "answered": _replied(8 * DAY),
        "taken over": Script(
            reactions=(ScoreTo(at=5 * DAY, points=10), Reply(at=6 * DAY + 6 * HOUR)), acknowledge=None
        ),
        "paused": Script(reactions=(PauseFor(at=1 * DAY), ResumeNow(at=5 * DAY), Reply(at=13 * DAY))),
    },
    "usage_limit@1": {
        "answered": _replied(4 * DAY),
        "upgrade accepted": Script(
            reactions=(AcceptOffer(at=2 * DAY, option=OfferKind.UPGRADE, plan="Business"),)
        ),
        "held, then upgraded": Script(
            reactions=(
                ScoreTo(at=1 * DAY, points=12),
                # Between two steps of what began a day before: which of two in one second is first is luck.
                ScoreTo(at=2 * DAY + 6 * HOUR, points=75),
                Upgrade(at=7 * DAY, plan="Business"),
            ),
            acknowledge=None,
        ),
    },
    "team@1": {
        "answered": _replied(1 * DAY),
        "trial accepted": Script(reactions=(AcceptOffer(at=3 * DAY, option=OfferKind.TRIAL),)),
    },
    "overage@1": {
        "answered": _replied(2 * DAY),
        "paused, then upgraded": Script(reactions=(PauseFor(at=2 * DAY, until=5 * DAY), Upgrade(at=6 * DAY))),
    },
    "power_user@1": {
        "answered": _replied(6 * DAY),
        "declined": Script(reactions=(SeeOffer(at=2 * DAY), DeclineOffer(at=3 * DAY))),
    },
    "integration@1": {
        "answered": _replied(5 * DAY),
        "stopped": Script(reactions=(StopNow(at=3 * DAY),)),
    },
    "executive_notification@1": {
        "answered": Script(reactions=(Reply(at=1 * HOUR),), acknowledge=None),
        "well": Script(reactions=(ScoreTo(at=3 * HOUR, points=85),), acknowledge=None),
    },
    "executive_notification@2": {
        "answered": Script(reactions=(Reply(at=1 * HOUR),), acknowledge=None),
        "well": Script(reactions=(ScoreTo(at=3 * HOUR, points=85),), acknowledge=None),
    },
    "priority_support@1": {
        "answered": Script(reactions=(Reply(at=90 * MINUTE),), acknowledge=None),
        "settled": Script(reactions=(CompleteStep(at=20 * HOUR, step="fix_payment"),)),
    },
    "priority_support@2": {
        "answered": Script(reactions=(Reply(at=90 * MINUTE),), acknowledge=None),
        "settled": Script(reactions=(CompleteStep(at=20 * HOUR, step="fix_payment"),)),
        "paid": Script(reactions=(CauseGone(at=30 * MINUTE),), acknowledge=None),
    },
    "re_engagement@1": {
        "answered": _replied(4 * DAY),
        "critical meanwhile": Script(
            reactions=(ScoreTo(at=1 * DAY, points=12), Reply(at=2 * DAY + 6 * HOUR)), acknowledge=None
        ),
        "paused": Script(reactions=(PauseFor(at=1 * DAY, until=2 * DAY), Reply(at=5 * DAY))),
    },
    "feature_tutorial@1": {
        "answered": _replied(2 * DAY),
        "used again": Script(reactions=(CauseGone(at=1 * HOUR),)),
    },
    "momentum_nudge@1": {
        "answered": _replied(20 * HOUR),
        "back": Script(reactions=(CauseGone(at=15 * HOUR + 30 * MINUTE),)),
    },
    "zero_activity@1": {
        "answered": _replied(1 * DAY),
        "called": Script(reactions=(CompleteStep(at=3 * DAY, step="call_them"),)),
    },
    "api_scaling@1": {
        "answered": _replied(1 * HOUR),
        "paused": Script(reactions=(PauseFor(at=4 * DAY), ResumeNow(at=6 * DAY))),
    },
}
"""By the label of the playbook; silence is played with each of them besides."""

BARE: tuple[tuple[str, str, str], ...] = (
    ("critical@3", "answered", "no contacts"),
    ("critical@1", "answered", "no owner, and the first contact withdrew"),
    ("high_risk@2", "answered", "consent required"),
    ("usage_limit@1", "answered", "all contacts withdrew"),
)
"""Playbook, script, and what the customer is left without; few, since each is a real run."""

FOLLOWED: dict[tuple[str, str], tuple[str, ...]] = {
    ("critical@3", "accepted"): ("billing_pause",),
    ("critical@3", "downgrade accepted"): ("plan_downgrade",),
    ("critical@3", "custom solution accepted"): ("custom_solution",),
    ("critical@3", "refused"): ("support_kick_off", "support_check_in"),
    ("usage_limit@1", "upgrade accepted"): ("upgrade_set_up",),
    ("team@1", "trial accepted"): ("trial_set_up", "trial_review"),
}
"""The tasks that follow, each once, by playbook and script in which something is accepted; else none."""

UNREACHED = {
    ("feature_tutorial@1", "used again"),
    ("priority_support@1", "settled"),
    ("priority_support@2", "paid"),
    ("priority_support@2", "settled"),
}
"""Playbook and script in which it is over, or in hand, before anything is written to the customer."""

REFUSED: dict[tuple[str, str], int] = {("critical@3", "refused"): 3}
"""How many of the reactions of a script are refused; of any other script none is."""

FIGURES: dict[Signal, dict[str, float]] = {
    Signal.USAGE_LIMIT_APPROACHING: {"usage_percentage": 88.0, "next_plan_price": 1500.0},
    Signal.TEAM_EXPANSION_OPPORTUNITY: {"active_users": 12.0, "team_size_estimate": 20.0},
    Signal.CONSISTENT_OVERAGE: {
        "overage_months": 4.0,
        "average_overage": 420.0,
        "next_plan_price": 1500.0,
    },
    Signal.POWER_USER_BEHAVIOR: {"advanced_feature_usage": 0.82, "next_plan_price": 1500.0},
    Signal.INTEGRATION_EXPANSION: {"integration_requests": 3.0},
    Signal.API_SCALING_OPPORTUNITY: {"api_usage_growth_rate": 1.8},
}
"""The customer's own figures that show each signal."""


FINDINGS: dict[str, Finding | None] = {
    "priority_support": triggers.payment_failed({"amount": 1240, "currency": "EUR", "invoice": "2026-1107"}),
    "re_engagement": triggers.usage_fell(25.0, 12.0, "daily active users", " %"),
    "feature_tutorial": triggers.unused("shared inbox", 8.0, 12),
    "momentum_nudge": triggers.stalled("Connect the mailbox", 73.0),
    "zero_activity": triggers.silence(72.0),
}
"""What is noticed about the customer, by the event playbook that it begins; a fall of the score is scored."""


def with_silence(label: str) -> dict[str, Script]:
    """All scripts of a playbook, silence among them."""
    return {"silent": SILENT, **SCRIPTS[label]}
