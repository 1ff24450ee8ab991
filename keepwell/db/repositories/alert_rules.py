"""What an organisation wants to be alerted of: which triggers, and the thresholds of its categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from keepwell.db.repositories import journal
from keepwell.db.repositories.views import did_you_mean
from keepwell.db.tables import AlertRule
from keepwell.errors import InputError
from keepwell.keys import new_id
from scoring.scorecard import Scorecard
from scoring.signal import Trigger
from scoring.triggers import THRESHOLDS

CORE_FEATURES = "core_features"
USAGE_METRIC = "usage_metric"
USAGE_METRICS = ("daily_active_rate", "daily_active_users", "active_users", "events_7")
"""Which metric stands for usage, unless one is chosen: the first of these that the scorecard has."""

_ON, _OFF = "on", "off"
_PLACES = {CORE_FEATURES: (Trigger.FEATURE_UNUSED, "core"), USAGE_METRIC: (Trigger.USAGE_FALL, "metric")}


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of an organisation. `thresholds` are of the categories whose alert is on.

    `core_features` is empty where each customer's own use decides. `usage_metric` is empty where the
    scorecard decides.
    """

    off: frozenset[Trigger]
    thresholds: Mapping[str, float]
    core_features: frozenset[str]
    usage_metric: str

    def wants(self, trigger: Trigger) -> bool:
        """Whether the trigger is on."""
        return trigger not in self.off

    def usage_of(self, card: Scorecard) -> str:
        """The metric that stands for usage, empty where the scorecard has none."""
        names = (self.usage_metric,) if self.usage_metric else USAGE_METRICS
        return next((name for name in names if name in card.metric_names), "")


def load_rules(session: Session, organisation: str) -> Rules:
    """The rules in force: what is set, and the defaults for the rest."""
    rows = session.exec(select(AlertRule).where(col(AlertRule.organisation_id) == organisation)).all()
    found = {(row.trigger, row.subject): row for row in rows}
    off = {one for one in Trigger if (row := found.get((one.value, ""))) is not None and not row.enabled}
    thresholds = dict(THRESHOLDS)
    for (trigger, subject), row in found.items():
        if trigger == Trigger.CATEGORY_THRESHOLD and subject:
            thresholds.pop(subject, None)
            if row.enabled and row.number is not None:
                thresholds[subject] = row.number
    words = {
        name: found[place].words if (place := (trigger.value, subject)) in found else ""
        for name, (trigger, subject) in _PLACES.items()
    }
    core = frozenset(part for part in words[CORE_FEATURES].split(",") if part)
    return Rules(frozenset(off), thresholds, core, words[USAGE_METRIC])


def set_rules(session: Session, organisation: str, card: Scorecard, values: Mapping[str, str]) -> list[str]:
    """Set rules, all of them or none; what changed, in words.

    A trigger is "on" or "off"; a category's threshold a number from 0 to 100, "on" or "off"; `core_features`
    a list with commas; `usage_metric` a metric of the scorecard; "default" goes back to the default.

    Raises InputError for an unknown name or a value that does not fit.
    """
    rows = [_row(organisation, card, name, value) for name, value in values.items()]
    before = described(load_rules(session, organisation), card)
    for name, row in zip(values, rows, strict=True):
        old = session.get(AlertRule, (organisation, row.trigger, row.subject))
        if old is not None:
            session.delete(old)
            session.flush()
        if values[name].strip().lower() != "default":
            if row.number is None and row.enabled and row.trigger == Trigger.CATEGORY_THRESHOLD.value:
                kept = old.number if old is not None else None
                row.number = THRESHOLDS.get(row.subject) if kept is None else kept
            session.add(row)
        session.flush()
    after = described(load_rules(session, organisation), card)
    return [f"{name}: {before.get(name, _OFF)} → {now}" for name, now in after.items() if before[name] != now]


def put_rules(
    session: Session,
    organisation: str,
    card: Scorecard,
    values: Mapping[str, str],
    *,
    by: str,
    now: datetime,
) -> list[str]:
    """Set rules as `set_rules` does, and tell it."""
    changed = set_rules(session, organisation, card, values)
    if changed:
        journal.write(
            session,
            key=f"alert-rules/{new_id()}",
            organisation=organisation,
            kind="alert.rules_changed",
            text="; ".join(changed),
            at=now,
            by=by,
        )
    return changed


def described(rules: Rules, card: Scorecard) -> dict[str, str]:
    """Every rule and its value, as `set_rules` takes them."""
    shown = {one.value: _ON if rules.wants(one) else _OFF for one in Trigger}
    for name in sorted({*THRESHOLDS, *card.category_names, *rules.thresholds}):
        limit = rules.thresholds.get(name)
        shown[name] = _OFF if limit is None else f"{limit:g}"
    shown[CORE_FEATURES] = ",".join(sorted(rules.core_features)) or "default"
    shown[USAGE_METRIC] = rules.usage_metric or "default"
    return shown


def meaning_of(rule: str, *, in_card: bool) -> str:
    """What a rule means, in words. `in_card` says that the scorecard has a category of that name."""
    known = _MEANINGS.get(rule)
    return known or f"threshold of the category{'' if in_card else ', which the scorecard does not have'}"


_MEANINGS = {
    Trigger.CRITICAL_HEALTH.value: "the score falls below 20",
    Trigger.USAGE_FALL.value: "usage falls by half or more over 3 days",
    Trigger.BILLING_FAILURE.value: "a payment fails",
    Trigger.FEATURE_UNUSED.value: "a core feature is not used for 7 days",
    Trigger.INACTIVITY.value: "no event for 48 hours",
    Trigger.ZERO_ACTIVITY.value: "no event for 3 days",
    Trigger.TASK_STALLED.value: "a task in progress has no update for 72 hours",
    Trigger.SCORE_DROP.value: "the score is 20 or 30 points below the best of 7 days",
    Trigger.CHURN_RISK.value: "the probability to leave is above 80 %",
    Trigger.CATEGORY_THRESHOLD.value: "a category falls below its threshold, set below",
    Trigger.DEADLINE_MISSED.value: "a task is overdue, a step was not done in its time, or nobody knows "
    "whether its message went out",
    "core_features": "features that are core for everybody (default: those a customer used on 3 days)",
    "usage_metric": "the metric that stands for usage (default: the first the scorecard has)",
}


def _row(organisation: str, card: Scorecard, name: str, value: str) -> AlertRule:
    text = value.strip()
    word = text.lower()
    if name in _PLACES:
        trigger, subject = _PLACES[name]
        return AlertRule(
            organisation_id=organisation,
            trigger=trigger.value,
            subject=subject,
            words=_words(name, text, card),
        )
    if name in tuple(Trigger):
        if word not in (_ON, _OFF, "default"):
            raise InputError(f"{value!r} does not fit.", place=name, hint="It takes on, off or default.")
        return AlertRule(organisation_id=organisation, trigger=name, subject="", enabled=word != _OFF)
    known = sorted({*THRESHOLDS, *card.category_names})
    if name not in known:
        every = (*tuple(one.value for one in Trigger), *known, *_PLACES)
        raise InputError(
            f"There is no rule {name!r}{did_you_mean(name, every)}.",
            hint=f"There are {', '.join(every)}.",
        )
    number = None if word in (_ON, _OFF, "default") else _number(name, text)
    if word == _ON and name not in THRESHOLDS:
        raise InputError(f"{name} has no threshold of its own.", place=name, hint="Give one from 0 to 100.")
    return AlertRule(
        organisation_id=organisation,
        trigger=Trigger.CATEGORY_THRESHOLD.value,
        subject=name,
        enabled=word != _OFF,
        number=number,
    )


def _words(name: str, text: str, card: Scorecard) -> str:
    if text.lower() == "default":
        return ""
    if name == USAGE_METRIC and text not in card.metric_names:
        raise InputError(
            f"Scorecard {card.name} has no metric {text!r}{did_you_mean(text, card.metric_names)}.",
            place=name,
            hint="It takes one of its metrics, or default.",
        )
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or any(len(part) > 100 for part in parts):
        raise InputError(f"{text!r} does not fit.", place=name, hint="It takes names of up to 100 letters.")
    return ",".join(dict.fromkeys(parts))


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise InputError(
            f"{text!r} does not fit.", place=name, hint="It takes a number from 0 to 100, on, off or default."
        )
    return number
