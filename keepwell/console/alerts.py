"""Alerts: what was noticed, the gravest first, with its evidence, and taking it in hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from keepwell.api.v1.asked import Text
from keepwell.api.v1.resolving import customer_of, owner_of
from keepwell.console import doing
from keepwell.console.choices import staff_of
from keepwell.console.lists import ROWS, SEVERITIES, TRIGGERS, Narrowed, said
from keepwell.console.view import AtConsole
from keepwell.contracts.alerts import LIVE_ALERTS
from keepwell.db.repositories.views import customer_names
from keepwell.db.repositories.views_alerts import STATES, AlertLine, alert_summary, alerts
from keepwell.db.repositories.views_today_cost import JUST_DUE
from scoring.signal import Severity, Trigger

router = APIRouter(include_in_schema=False)

State = Literal["live", "open", "acknowledged", "closed", "all"]
STATE_WORDS: dict[str, str] = {
    "live": "Not closed",
    "open": "Open",
    "acknowledged": "In hand",
    "closed": "Closed",
    "all": "All",
}
SUMMED = timedelta(days=30)
MARKS = frozenset({"task", "step", "playbook", "category", "feature", "invoice", "reason", "currency"})
"""Evidence that is a name. Moments are shown otherwise."""
SAID = frozenset({"before", "now", "limit", "fall", "drop", "days", "hours"})
"""Figures that stand in every sentence that has them."""


@router.get("/console/alerts")
def alerts_page(
    view: AtConsole,
    state: State | Literal[""] = "",
    trigger: Trigger | Literal[""] = "",
    severity: Severity | Literal[""] = "",
    customer: Annotated[Text, Query(max_length=200)] = "",
    owner: Annotated[Text, Query(max_length=320)] = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> HTMLResponse:
    """Those that are not closed unless others are asked for."""
    shown = state or "live"
    own = view.organisation.id
    with view.door.store.read() as session:
        whose = customer_of(session, view.who, customer or None)
        found = alerts(
            session,
            own,
            view.now,
            states={"live": LIVE_ALERTS, "all": STATES}.get(shown, (shown,)),
            trigger=trigger or None,
            severity=severity or None,
            customer=whose,
            owner=owner_of(session, view.who, owner or None),
            cursor=cursor,
            limit=ROWS,
        )
        names = customer_names(session, [whose] if whose else [])
        values: dict[str, Any] = {
            "summary": alert_summary(session, own, view.now - SUMMED),
            "staff": staff_of(session, own),
            "customer_name": names[whose].name if whose else "",
        }
    chosen = {"state": state if state != "live" else "", "trigger": trigger, "severity": severity}
    asked = Narrowed("/console/alerts", **chosen, customer=customer, owner=owner)
    values |= {
        "found": found,
        "asked": asked,
        "state": shown,
        "cursor": cursor,
        "states": STATE_WORDS,
        "triggers": TRIGGERS,
        "severities": SEVERITIES,
        "evidence": evidence,
        "just_due": JUST_DUE,
        "doing": doing,
    }
    return view.page("alerts.html.j2", values)


def evidence(alert: AlertLine) -> list[tuple[str, str]]:
    """What is behind an alert, in words, as far as its sentence does not say it: ("Invoice", "A-17")."""
    lines = []
    for name, value in alert.evidence.items():
        if name in SAID:
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            exact = f"{value:,.1f}"
            told = (exact, exact.removesuffix(".0"))
        elif name in MARKS and value:
            told = (str(value).replace("_", " "), str(value))
        else:
            continue
        if not any(one.casefold() in alert.words.casefold() for one in told):
            lines.append((said(name), told[-1]))
    return lines
