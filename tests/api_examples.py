"""What the examples of docs/api.md are made of: values for parameters and bodies."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from fastapi import params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute
from pydantic import BaseModel

from tests.client_calls import method_of

Values = dict[str, Any]

PARTS: Values = {
    "customer": "acme",
    "external_id": "acme",
    "intervention": "crit-1",
    "task": "task-1",
    "alert": "alert-1",
    "contact": "kim",
    "staff": "dana",
    "scorecard": "account-health",
    "channel": "email",
    "kind": "customers",
    "day": "2027-01-04",
    "name": "Renewals",
    "account_id": "acme",
    "customer_id": "acme",
}
"""Values of parameters, by name; an id of something that each answers 404 is `unknown`."""

OF_PATHS: dict[str, Values] = {
    "/api/v1/playbooks": {"name": "critical"},
    "/api/v1/webhooks": {"endpoint": "HOOK-1", "delivery": "CALL-1"},
    "/api/v1/absences": {"absence": "away-1"},
    "/api/v1/interventions": {"command": "c-1"},
    "/api/v1/accounts": {"account": "account-1"},
    "/api/v1/keys": {"key": "key-1"},
    "/api/v1/feed": {"to": "read"},
    "/api/v1/tasks/{task}/reopen": {"task": "task-2"},
}
"""Values that hold below a path alone."""

QUERIES: dict[tuple[str, str], Values] = {
    ("DELETE", "/api/v1/views/{name}"): {"shared": True},
    ("GET", "/api/v1/customers"): {"at_risk": True, "sort": "renewal", "limit": 20},
    ("POST", "/api/v1/import/{kind}"): {"dry_run": True},
}
"""Parameters that an example shows beside those that are needed."""

FIELDS: Values = {
    "reason": "They asked for it",
    "why": "They asked for it",
    "note": "Called, all is well",
    "text": "They call back on Monday",
    "to": "omar",
    "until": "2027-01-11T09:00:00+00:00",
    "since": "2026-11-01T00:00:00+00:00",
    "due": "2027-01-11T09:00:00+00:00",
    "step": "phone_call",
    "address": "kim@acme.example",
    "name": "Renewals",
    "email": "robin@brightdesk.example",
    "ids": ["unknown"],
    "outcome": "done",
    "query": "level=CRITICAL&sort=renewal",
    "purpose": "tips",
    "consent": "granted",
    "wanted": False,
}

CARD = """name = "small"
version = 1
title = "Small"
description = "Who signs in"
coverage_minimum = 0.5

[[bands]]
name = "Fine"
from = 50
level = "HEALTHY"
action = "Nothing to do"

[[bands]]
name = "Gone"
from = 0
level = "CRITICAL"
action = "Call them"

[categories.usage]
title = "Usage"
weight = 100

[metrics.daily_active_rate]
category = "usage"
title = "Active every day"
weight = 100
unit = "percent"
low = "hardly anybody signs in"
action = "Show the team what is new."
success = "{target} or more are active every day."
owner = "csm"
due_days = 14
normalise = { kind = "linear", worst = 0, best = 60 }
"""

BODIES: dict[tuple[str, str], Any] = {
    ("PUT", "/api/v1/customers/{external_id}"): {
        "name": "Acme",
        "plan": "pro",
        "monthly_revenue": 1240,
        "currency": "EUR",
        "owner": "dana",
        "facts": {"seats": 12},
    },
    ("PUT", "/api/v1/contacts/{external_id}"): {
        "customer": "acme",
        "name": "Kim Lee",
        "email": "kim@acme.example",
        "role": "champion",
    },
    ("PUT", "/api/v1/staff/{external_id}"): {"name": "Dana Reyes", "email": "dana@brightdesk.example"},
    ("POST", "/api/v1/metrics"): {"customer": "acme", "metric": "daily_active_rate", "value": 42.5},
    ("POST", "/api/v1/events"): {"customer": "acme", "kind": "feature_used", "data": {"feature": "reports"}},
    ("POST", "/api/v1/outcomes"): {"customer": "acme", "outcome": "positive", "note": "They renew"},
    ("POST", "/api/v1/import/{kind}"): [
        {"external_id": "acme", "name": "Acme"},
        {"external_id": "beta", "name": "Beta", "plan": "pro"},
    ],
    ("POST", "/api/v1/absences"): {
        "staff": "dana",
        "from_on": "2027-02-01",
        "until_on": "2027-02-05",
        "cover": "omar",
    },
    ("PATCH", "/api/v1/organisation"): {"quiet_from": "20:00", "quiet_until": "08:00"},
    ("PUT", "/api/v1/closed-days/{day}"): {"name": "Works outing"},
    ("PATCH", "/api/v1/alert-rules"): {"engagement": "55", "inactivity": "off"},
    ("PUT", "/api/v1/alert-channels/{channel}"): {"enabled": True, "severity": "critical"},
    ("POST", "/api/v1/alert-channels/{channel}/test"): {"to": "team@brightdesk.example"},
    ("POST", "/api/v1/webhooks"): {"url": "https://example.com/keepwell", "kinds": ["alert."]},
    ("POST", "/api/v1/tasks/{task}/due"): {"to": "2027-01-11T09:00:00+00:00", "reason": "They are away"},
    ("POST", "/api/v1/enrolments"): {"level": "CRITICAL", "limit": 10, "dry_run": True},
    ("POST", "/api/v1/scorecards"): {"content": CARD},
    ("POST", "/api/v1/scorecards/check"): {"content": CARD},
    ("PUT", "/api/v1/views/{name}"): {"query": "at_risk=true&sort=renewal", "shared": True},
    ("POST", "/api/v1/accounts"): {
        "email": "robin@brightdesk.example",
        "name": "Robin Clarke",
        "role": "csm",
    },
    ("PATCH", "/api/v1/accounts/{account}"): {"active": False},
    ("POST", "/api/v1/keys"): {"name": "Nightly import", "scopes": ["ingest"]},
    ("POST", "/api/v1/rehearsals"): {"customer": "unknown", "playbook": "critical"},
    ("POST", "/api/v1/playbooks/{name}/mode"): {"mode": "draft"},
    ("POST", "/api/v1/drafts/{draft}/edit"): {"subject": "Your review on Friday"},
    ("POST", "/api/v1/feed/all/read"): {"until": "unknown"},
    ("POST", "/api/v1/switches"): {"scope": "all", "reason": "We look into something"},
    ("DELETE", "/api/v1/switches"): {"scope": "all", "reason": "It is mended"},
    ("POST", "/api/v1/interventions/bulk"): {
        "ids": ["crit-1"],
        "command": {"kind": "pause", "reason": "Year end"},
    },
}
"""Bodies that say more than what is needed."""

ANSWERS: dict[tuple[str, str], int] = {
    # A key has neither sessions nor a password.
    ("GET", "/api/v1/me/sessions"): 403,
    ("DELETE", "/api/v1/me/sessions/{session_id}"): 403,
    ("POST", "/api/v1/me/password"): 403,
    # Accounts are made by people.
    ("POST", "/api/v1/accounts"): 403,
    # Where the examples are played there is no Temporal server, and nothing was told to the run.
    ("GET", "/api/v1/schedules"): 503,
    ("GET", "/api/v1/interventions/{intervention}/commands/{command}"): 404,
}
"""Examples that are refused where they are played; so may be, with 404, those about an id `unknown`."""


def parts_of(route: APIRoute) -> tuple[Values, Values]:
    """Values of a route's path and of the parameters that it needs."""
    path: Values = {}
    own = next((values for start, values in OF_PATHS.items() if route.path.startswith(start)), {})
    query = dict(QUERIES.get((method_of(route), route.path), {}))
    for field in get_flat_params(route.dependant):
        if isinstance(field.field_info, params.Path):
            path[field.alias] = own.get(field.alias, PARTS.get(field.alias, "unknown"))
        elif isinstance(field.field_info, params.Query) and field.field_info.is_required():
            query[field.alias] = PARTS.get(field.alias, "unknown")
    return path, query


def body_of(route: APIRoute) -> Any:
    """A body with what is needed, None where there is none."""
    known = BODIES.get((method_of(route), route.path))
    if known is not None or route.body_field is None:
        return known
    return _value("", route.body_field.field_info.annotation)


def _value(name: str, kind: Any) -> Any:
    if name in FIELDS:
        return FIELDS[name]
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _value(name, args[0])
    if origin is Literal:
        return args[0]
    if NoneType in args:
        return _value(name, next(one for one in args if one is not NoneType))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {
            field.alias or key: _value(key, field.annotation)
            for key, field in kind.model_fields.items()
            if field.is_required()
        }
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    if kind in (bool, int, float):
        return kind(1)
    if kind in (date, datetime):
        return FIELDS["until"][: 10 if kind is date else None]
    if origin in (tuple, list):
        return [_value(name, args[0])]
    return "unknown" if origin is None else _value(name, args[0])
