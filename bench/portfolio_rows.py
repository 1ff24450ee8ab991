"""Rows for `bench.portfolio_store`, by table: columns, and the rows one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from keepwell.keys import new_ids
from scoring.arrays import FloatArray
from scoring.load import builtin
from workflows.at_risk import AT_RISK
from workflows.critical import CRITICAL
from workflows.high_risk import HIGH_RISK

SEGMENTS = ("", "enterprise", "mid-market", "small")
PLANS = ("Basic", "Business", "Pro")
Rows = tuple[tuple[str, ...], Iterator[tuple[Any, ...]]]
_BORDERS = (20.0, 40.0, 60.0, 80.0)
_LEVELS = ("CRITICAL", "HIGH_RISK", "AT_RISK", "HEALTHY", "THRIVING")
_KINDS = (
    "login",
    "ticket_opened",
    "meeting_held",
    "positive_outcome",
    "negative_outcome",
    "response_received",
)
_PLAYBOOKS = tuple((one.name, one.version, one.model_dump_json()) for one in (CRITICAL, HIGH_RISK, AT_RISK))
_CHOICES = 200


def level_names(scores: FloatArray, drift: FloatArray) -> tuple[list[str], list[str]]:
    """The level of each score, and where it heads."""
    levels = [_LEVELS[place] for place in np.searchsorted(_BORDERS, scores, side="right").tolist()]
    trends = ["rising" if one > 0.17 else "declining" if one < -0.17 else "stable" for one in drift.tolist()]
    return levels, trends


def score_columns(random: np.random.Generator, count: int) -> list[tuple[str, str]]:
    """Categories and factors of a score as JSON, of some that a scorecard may give."""
    card = builtin("intervention")
    texts = []
    for _ in range(_CHOICES):
        top = random.choice(len(card.metrics), 3, replace=False).tolist()
        factors = [
            {
                "metric": card.metrics[one].name,
                "lost": round(float(lost), 2),
                "points": round(float(points), 2),
            }
            for one, lost, points in zip(top, random.uniform(1, 12, 3), random.uniform(0, 70, 3), strict=True)
        ]
        categories = {name: round(float(random.uniform(10, 95)), 2) for name in card.category_names}
        texts.append((json.dumps(categories), json.dumps({"top": factors})))
    return [texts[n % _CHOICES] for n in range(count)]


def metric_rows(
    customers: Sequence[str], _: str, now: datetime, random: np.random.Generator, count: int
) -> Rows:
    """Values of ten metrics, as many for each customer as there are."""
    names = builtin("intervention").metric_names[:10]
    rounds = max(1, count // (len(customers) * len(names)))
    values = np.round(random.uniform(0, 100, 997), 2).tolist()

    def rows() -> Iterator[tuple[Any, ...]]:
        for number, customer in enumerate(customers):
            for place, name in enumerate(names):
                for back in range(rounds):
                    at = now - timedelta(days=7 * back, hours=1)
                    yield customer, name, at, values[(number + place * 31 + back) % 997], at

    return ("customer_id", "name", "measured_at", "value", "received_at"), rows()


def engagement_rows(
    customers: Sequence[str], organisation: str, now: datetime, random: np.random.Generator, count: int
) -> Rows:
    """Events of the last year, a quarter of the customers with none."""
    who = random.integers(0, max(1, len(customers) * 3 // 4), count).tolist()
    minutes, kinds = random.integers(0, 365 * 1440, count).tolist(), random.integers(0, 6, count).tolist()
    columns = ("id", "organisation_id", "customer_id", "key", "kind", "at", "data", "received_at")

    def rows() -> Iterator[tuple[Any, ...]]:
        for number, key in enumerate(new_ids(count)):
            at = now - timedelta(minutes=minutes[number])
            yield key, organisation, customers[who[number]], key, _KINDS[kinds[number]], at, "{}", at

    return columns, rows()


def journal_rows(
    customers: Sequence[str], organisation: str, now: datetime, random: np.random.Generator, count: int
) -> Rows:
    """Lines of the last year, the oldest first."""
    who = random.integers(0, len(customers), count).tolist()
    columns = (
        *(
            "id",
            "key",
            "organisation_id",
            "customer_id",
            "intervention_id",
            "kind",
            "by",
            "text",
            "why",
            "data",
        ),
        *("at", "recorded_at"),
    )

    def rows() -> Iterator[tuple[Any, ...]]:
        for number, key in enumerate(new_ids(count)):
            at = now - timedelta(minutes=(count - number) * 365 * 1440 // count)
            kind = ("delivery.accepted", "task.created", "intervention.started", "command.pause")[number % 4]
            by = "engine" if number % 4 else "dana"
            yield (
                key,
                key,
                organisation,
                customers[who[number]],
                None,
                kind,
                by,
                "It happened",
                "",
                "{}",
                at,
                at,
            )

    return columns, rows()


def intervention_rows(
    customers: Sequence[str], organisation: str, now: datetime, random: np.random.Generator
) -> Rows:
    """For each tenth customer one that has ended, for each fiftieth one that is open."""
    columns = (
        *("id", "organisation_id", "customer_id", "family", "start", "workflow_id", "playbook", "version"),
        *(
            "definition",
            "started_at",
            "paused",
            "pause_reason",
            "shift",
            "held_why",
            "acknowledged_by",
            "response",
        ),
        *("responded_at", "outcome", "outcome_why", "ended_at"),
    )
    ages = random.integers(1, 300, len(customers)).tolist()

    def rows() -> Iterator[tuple[Any, ...]]:
        for number, key in enumerate(new_ids(len(customers))):
            if number % 10 and number % 50 != 1:
                continue
            at, over = now - timedelta(days=ages[number]), number % 50 != 1
            ended = (
                (at + timedelta(hours=30), "responded", "", at + timedelta(hours=30))
                if over
                else (None, None, "", None)
            )
            customer = customers[number]
            begun = (key, organisation, customer, "risk", key, f"risk/{organisation}/{customer}")
            what = (*_PLAYBOOKS[number % 3], at, number % 7 == 0, "", 0, "", "", "")
            yield *begun, *what, *ended

    return columns, rows()


def prediction_rows(
    customers: Sequence[str],
    organisation: str,
    now: datetime,
    random: np.random.Generator,
    scores: FloatArray,
    back: timedelta,
) -> Rows:
    """A prediction for everybody as of then, likelier for whoever has a low score."""
    chance = np.clip((100.0 - scores) / 100.0 * random.uniform(0.5, 1.1, len(scores)), 0.01, 0.99).round(4)
    columns = (
        "id",
        "organisation_id",
        "customer_id",
        "model_id",
        "at",
        "probability",
        "low",
        "high",
        "category",
        "months",
    )

    def rows() -> Iterator[tuple[Any, ...]]:
        model = f"model-{organisation}"
        for key, customer, one in zip(new_ids(len(customers)), customers, chance.tolist(), strict=True):
            category = (
                "low" if one <= 0.3 else "medium" if one <= 0.6 else "high" if one <= 0.8 else "critical"
            )
            yield (
                key,
                organisation,
                customer,
                model,
                now - back,
                one,
                one * 0.8,
                min(1.0, one * 1.2),
                category,
                6.0,
            )

    return columns, rows()
