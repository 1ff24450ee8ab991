"""The alert that opened an event playbook, with its figures, as messages and tasks put it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime

from sqlmodel import Session

from keepwell.contracts.alerts import AlertSeverity, Trigger
from keepwell.contracts.rendering import AlertFigures
from keepwell.db.repositories.alert_rules import load_rules
from keepwell.db.repositories.facts_case import Case, last_score
from keepwell.db.repositories.holding import open_of
from keepwell.db.repositories.shown import words_for_customers
from keepwell.db.repositories.wording import money
from keepwell.db.repositories.zones import local_day
from keepwell.db.tables import Alert
from scoring.units import Unit, format_value

Evidence = Mapping[str, object]


def alert_of(session: Session, case: Case) -> AlertFigures | None:
    """The alert of an intervention; None where something else opened it. Days are those of the zone."""
    key = case.intervention.alert_id
    row = session.get(Alert, key) if key else None
    if row is None:
        return None
    evidence, trigger = row.evidence, Trigger(row.trigger)
    risk = open_of(session, row.customer_id, "risk")
    return AlertFigures(
        trigger=trigger,
        severity=AlertSeverity(row.severity),
        words=row.words,
        days=_days(evidence),
        since=_day(evidence, case.zone),
        # Products and providers write "shared_inbox" and "card_expired".
        feature=_text(evidence, "feature").replace("_", " "),
        task=_text(evidence, "task"),
        amount=_amount(evidence, case.currency),
        invoice=_text(evidence, "invoice"),
        reason=_text(evidence, "reason").replace("_", " "),
        risk=f"{risk.playbook}@{risk.version}" if risk is not None else "",
        **_fall(session, case, trigger, evidence),
    )


def _fall(session: Session, case: Case, trigger: Trigger, evidence: Evidence) -> dict[str, str]:
    """What fell, from where to where, and by how much; in the words that the scorecard has for customers."""
    before, now = _number(evidence, "before"), _number(evidence, "now")
    if before is None or now is None:
        return {}
    if trigger is not Trigger.USAGE_FALL:
        return {"before": f"{before:.1f}", "now": f"{now:.1f}"}
    card = last_score(session, case)[1]
    name = load_rules(session, case.organisation.id).usage_of(card)
    unit = card.metric(name).unit if name else Unit.COUNT
    words = words_for_customers(card, card.metric_names.index(name)) if name else None
    fall = _number(evidence, "fall")
    return {
        "figure": words.label if words is not None else "",
        "before": format_value(before, unit),
        "now": format_value(now, unit),
        "fell": format_value(fall, Unit.PERCENT) if fall is not None else "",
    }


def _days(evidence: Evidence) -> int | None:
    """Full days of silence."""
    days, hours = _number(evidence, "days"), _number(evidence, "hours")
    if days is None and hours is not None:
        days = hours / 24
    return math.floor(days) if days is not None and days >= 1 else None


def _day(evidence: Evidence, zone: str) -> date | None:
    """The day of the last event, or of the payment that failed."""
    text = _text(evidence, "since") or _text(evidence, "at")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return local_day(moment, zone) if moment.tzinfo is not None else None


def _amount(evidence: Evidence, currency: str) -> str:
    amount = _number(evidence, "amount")
    if amount is None or amount <= 0:
        return ""
    return money(amount, _text(evidence, "currency") or currency)


def _number(evidence: Evidence, name: str) -> float | None:
    value = evidence.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _text(evidence: Evidence, name: str) -> str:
    value = evidence.get(name)
    return "" if value is None or isinstance(value, bool) else str(value)[:200]
