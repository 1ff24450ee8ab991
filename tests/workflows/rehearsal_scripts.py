"""What happens to each playbook in the rehearsals that are held against real runs."""

from __future__ import annotations

from datetime import timedelta

from keepwell.contracts.offers import OfferKind
from keepwell.rehearsal.reactions import (
    AcceptOffer,
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
from scoring.signal import Signal

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
                ScoreTo(at=2 * DAY, points=75),
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
    "api_scaling@1": {
        "answered": _replied(1 * HOUR),
        "paused": Script(reactions=(PauseFor(at=4 * DAY), ResumeNow(at=6 * DAY))),
    },
}
"""By the label of the playbook; silence is played with each of them besides."""

BARE: tuple[tuple[str, str, str], ...] = (
    ("critical@2", "answered", "no contacts"),
    ("critical@1", "answered", "no owner, and the first contact withdrew"),
    ("high_risk@1", "answered", "consent required"),
    ("usage_limit@1", "answered", "all contacts withdrew"),
)
"""Playbook, script, and what the customer is left without; few, since each is a real run."""

FOLLOWED: dict[tuple[str, str], tuple[str, ...]] = {
    ("critical@2", "accepted"): ("billing_pause",),
    ("critical@2", "downgrade accepted"): ("plan_downgrade",),
    ("critical@2", "custom solution accepted"): ("custom_solution",),
    ("critical@2", "refused"): ("support_kick_off", "support_check_in"),
    ("usage_limit@1", "upgrade accepted"): ("upgrade_set_up",),
    ("team@1", "trial accepted"): ("trial_set_up", "trial_review"),
}
"""The tasks that follow, each once, by playbook and script in which something is accepted; else none."""

REFUSED: dict[tuple[str, str], int] = {("critical@2", "refused"): 3}
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


def with_silence(label: str) -> dict[str, Script]:
    """All scripts of a playbook, silence among them."""
    return {"silent": SILENT, **SCRIPTS[label]}
