"""Settings of alerts: what raises one, by which channels it goes out, and the webhooks that hear of it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from keepwell.api.v1.asked import Text
from keepwell.console.settings_tabs import PATH, settings_page
from keepwell.console.view import AtConsole, AtOperations
from keepwell.contracts.webhooks import WebhookState
from keepwell.db.repositories import webhook_desk
from keepwell.db.repositories.alert_channels import alert_channels
from keepwell.db.repositories.alert_rules import (
    CORE_FEATURES,
    USAGE_METRIC,
    described,
    load_rules,
    meaning_of,
)
from keepwell.db.repositories.scorecards_chosen import card_in_force, label
from keepwell.db.tables import Staff
from scoring.signal import Severity, Trigger
from scoring.triggers import THRESHOLDS

router = APIRouter(include_in_schema=False)

CHANNELS: Final = {
    "email": ("Email", "An address that gets all alerts. Empty: each customer's owner gets theirs."),
    "slack": (
        "Slack",
        "A channel such as #alerts or a member's id. Empty: each customer's owner gets theirs.",
    ),
    "webhook": ("Webhooks", "Alerts go to the endpoints that want them."),
}
"""Each channel's name, and what its target takes."""
DELIVERIES: Final = 50


@router.get(f"{PATH}/alerts")
def rules_page(view: AtConsole) -> HTMLResponse:
    """Triggers that are on or off, and thresholds of categories."""
    with view.door.store.read() as session:
        card = card_in_force(session, view.organisation)
        found = described(load_rules(session, view.organisation.id), card)
    own = set(card.category_names)
    means = {name: meaning_of(name, in_card=name in own) for name in found}
    triggers = [one.value for one in Trigger]
    places = (CORE_FEATURES, USAGE_METRIC)
    values = {
        "found": found,
        "means": means,
        "triggers": triggers,
        "categories": [one for one in found if one not in triggers and one not in places],
        "titles": {one.name: one.title for one in card.categories},
        "defaults": THRESHOLDS,
        "places": places,
        "metrics": card.metric_names,
        "card": label(card),
    }
    return settings_page(view, "alerts", values)


@router.get(f"{PATH}/channels")
def channels_page(view: AtConsole) -> HTMLResponse:
    """By which channels alerts go out, each with a test."""
    with view.door.store.read() as session:
        lines = alert_channels(session, view.organisation.id)
        mine = session.get(Staff, view.who.staff_id) if view.who.staff_id else None
        endpoints = [one for one in webhook_desk.endpoints(session, view.organisation.id) if one.active]
    own = {"email": mine.email if mine else "", "slack": (mine.slack or mine.email) if mine else ""}
    values = {
        "lines": lines,
        "words": CHANNELS,
        "severities": [one.value for one in Severity],
        "own": own,
        "endpoints": len(endpoints),
        "live": view.door.settings.sending == "live" and not view.organisation.demo,
    }
    return settings_page(view, "channels", values)


@router.get(f"{PATH}/webhooks")
def webhooks_page(
    view: AtOperations,
    state: WebhookState | None = None,
    endpoint: Annotated[Text, Query(max_length=40)] = "",
) -> HTMLResponse:
    """The endpoints, and what became of each event for them."""
    own = view.organisation.id
    with view.door.store.read() as session:
        lines = webhook_desk.endpoints(session, own)
        wanted = endpoint if endpoint in {one.id for one in lines} else None
        found = webhook_desk.deliveries(session, own, state=state, endpoint=wanted, limit=DELIVERIES).items
    values = {"endpoints": lines, "deliveries": found, "state": state or "", "endpoint": wanted or ""}
    return settings_page(view, "webhooks", values)


@router.get(f"{PATH}/webhooks/deliveries/{{delivery}}")
def webhook_panel(view: AtOperations, delivery: str) -> HTMLResponse:
    """One event for one endpoint, with its calls; for the panel."""
    with view.door.store.read() as session:
        found = webhook_desk.delivery(session, view.organisation.id, delivery)
    return view.page("_panel_webhook.html.j2", {"one": found})
