"""Made-up alerts, for the sample contexts."""

from __future__ import annotations

from datetime import date

from keepwell.contracts.alerts import AlertSeverity, Trigger
from keepwell.contracts.rendering import AlertFigures, Context
from keepwell.rendering.sample_shown import ACTIVE


def sample_alert(trigger: Trigger = Trigger.USAGE_FALL) -> AlertFigures:
    """All figures that an alert of this trigger may come with."""
    return {
        Trigger.CRITICAL_HEALTH: _critical(),
        Trigger.BILLING_FAILURE: _payment(),
        Trigger.FEATURE_UNUSED: _unused(),
        Trigger.TASK_STALLED: _stalled(),
        Trigger.INACTIVITY: _silent(Trigger.INACTIVITY, AlertSeverity.WARNING, 2),
        Trigger.ZERO_ACTIVITY: _silent(Trigger.ZERO_ACTIVITY, AlertSeverity.CRITICAL, 3),
    }.get(trigger, _usage())


def alerted(context: Context, trigger: Trigger) -> Context:
    """The context of a customer about whom this alert was raised."""
    return context.model_copy(update={"alert": sample_alert(trigger), "opportunity": None, "offer": None})


def awkward_alert(name: str) -> AlertFigures:
    """An alert whose names are full of what means something to markup."""
    return AlertFigures(
        trigger=Trigger.FEATURE_UNUSED,
        severity=AlertSeverity.INFO,
        words=f"core feature {name!r} not used",
        days=1,
        feature=name,
        task=name,
        invoice="<1> & 2",
        reason="<b>none</b>",
    )


def _fell(trigger: Trigger, words: str, before: str, now: str) -> AlertFigures:
    return AlertFigures(trigger=trigger, severity=AlertSeverity.CRITICAL, words=words, before=before, now=now)


def _usage() -> AlertFigures:
    words = "daily active users fell 52 % over 3 days, from 25 % to 12 %; the limit is 50 %"
    found = _fell(Trigger.USAGE_FALL, words, "25 %", "12 %")
    return found.model_copy(update={"figure": ACTIVE, "fell": "52 %"})


def _critical() -> AlertFigures:
    found = _fell(Trigger.CRITICAL_HEALTH, "the score fell from 31.4 to 17.2, below 20", "31.4", "17.2")
    return found.model_copy(update={"risk": "critical@2"})


def _payment() -> AlertFigures:
    return AlertFigures(
        trigger=Trigger.BILLING_FAILURE,
        severity=AlertSeverity.CRITICAL,
        words="a payment failed: 1240 EUR (card_expired)",
        since=date(2026, 11, 20),
        amount="1,240 EUR",
        invoice="2026-1107",
        reason="card expired",
    )


def _unused() -> AlertFigures:
    return AlertFigures(
        trigger=Trigger.FEATURE_UNUSED,
        severity=AlertSeverity.WARNING,
        words="core feature 'shared inbox' not used for 8 days; the limit is 7",
        days=8,
        since=date(2026, 11, 13),
        feature="shared inbox",
    )


def _stalled() -> AlertFigures:
    return AlertFigures(
        trigger=Trigger.TASK_STALLED,
        severity=AlertSeverity.WARNING,
        words="task 'Connect the mailbox' has no update for 73 hours; the limit is 72",
        days=3,
        task="Connect the mailbox",
    )


def _silent(trigger: Trigger, severity: AlertSeverity, days: int) -> AlertFigures:
    return AlertFigures(
        trigger=trigger,
        severity=severity,
        words=f"no event for {days * 24} hours; the limit is {days * 24}",
        days=days,
        since=date(2026, 11, 21 - days),
    )
