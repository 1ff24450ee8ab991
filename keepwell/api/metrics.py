"""`/metrics` for Prometheus: requests and sockets of this process, and how things stand in the store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from threading import Lock
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response, Security
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from keepwell.api.access.guarding import ForbiddenError, key_scheme, who_asks
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.seen import Seen
from keepwell.contracts.access import Permission
from keepwell.db.repositories.figures_now import Counted, FiguresNow, figures_now

FRESH: Final = 5.0
"""Seconds for which the store's figures are told again: several scrapers cost no more than one."""

KIND: Final = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(tags=["operations"])


@router.get("/metrics", response_class=PlainTextResponse, responses=problems())
def metrics(
    request: Request,
    door: AtDoor,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(key_scheme)] = None,
) -> Response:
    """Figures for Prometheus: a key with `operate` sees its organisation, a scraper's network sees all."""
    organisation = None
    if credentials is not None or not _is_scraper(door, request):
        who = who_asks(door, credentials.credentials if credentials is not None else "", "")
        if Permission.OPERATE not in who.permissions:
            raise ForbiddenError("This needs a key with the scope operate.", hint="Ask an admin for one.")
        organisation = who.organisation_id
    seen: Seen = request.app.state.seen
    standing: Standing = request.app.state.standing
    registry = CollectorRegistry()
    registry.register(standing.of(organisation))
    return Response(generate_latest(seen.registry) + generate_latest(registry), media_type=KIND)


def _is_scraper(door: Door, request: Request) -> bool:
    try:
        address = ip_address(request.client.host if request.client is not None else "")
    except ValueError:
        return False
    return any(address in ip_network(one, strict=False) for one in door.settings.metrics_from)


class Standing:
    """The store's figures, kept for some seconds."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._kept: dict[str | None, tuple[float, FiguresNow]] = {}
        self._lock = Lock()

    def of(self, organisation: str | None) -> Collector:
        """What Prometheus collects of an organisation, or of all."""
        return _Told(self._figures(organisation), datetime.now(UTC))

    def _figures(self, organisation: str | None) -> FiguresNow:
        # One asks the store, and the others wait for what it says.
        with self._lock:
            at, kept = self._kept.get(organisation, (0.0, None))
            if kept is None or time.monotonic() - at > FRESH:
                with self._door.store.read() as session:
                    ours = None if organisation is None else (organisation,)
                    kept = figures_now(session, datetime.now(UTC), ours)
                self._kept[organisation] = (time.monotonic(), kept)
            return kept


class _Told(Collector):
    def __init__(self, figures: FiguresNow, now: datetime) -> None:
        self._figures = figures
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Each figure with its organisation."""
        now = self._figures
        yield _family("interventions_open", "Playbooks that run.", "playbook", now.interventions)
        text = "Messages planned in the last 24 hours."
        yield _family("deliveries_last_day", text, "state", now.deliveries)
        text = "Commands that no run has heard of yet."
        yield _family("commands_waiting", text, "state", now.waiting)
        yield _family("alerts_open", "Alerts that nobody has acknowledged.", "severity", now.alerts)
        oldest = GaugeMetricFamily(
            "keepwell_commands_oldest_waiting_seconds",
            "How long the oldest command has waited.",
            labels=("organisation",),
        )
        for organisation, since in now.oldest_waiting.items():
            oldest.add_metric((organisation,), max((self._now - since).total_seconds(), 0.0))
        yield oldest


def _family(name: str, text: str, what: str, counted: tuple[Counted, ...]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"keepwell_{name}", text, labels=("organisation", what))
    for one in counted:
        family.add_metric((one.organisation, one.what), one.number)
    return family
