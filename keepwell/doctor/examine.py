"""All checks in order: first what the others need, then the rest side by side."""

from __future__ import annotations

import asyncio

from keepwell.doctor import (
    churn,
    database,
    engine,
    environment,
    messages,
    organisation,
    outgoing,
    runs,
    sending,
    slack,
    times,
)
from keepwell.doctor.findings import Finding, Report
from keepwell.doctor.running import Check, run_check, threaded
from keepwell.doctor.scene import Scene

FIRST = (
    Check("database", "database", threaded(database.database), seconds=12),
    Check("temporal", "server", engine.server),
)

REST = (
    Check("settings", "variables", threaded(environment.variables)),
    Check("settings", "disk", threaded(database.disk)),
    Check("database", "clock", threaded(database.clock), needs=("store",)),
    Check("temporal", "search attributes", engine.attributes, needs=("client",)),
    Check("temporal", "workers", engine.workers, needs=("client",)),
    Check("temporal", "schedules", times.schedules, needs=("client", "store", "organisation")),
    Check("messages", "sending", threaded(sending.sending), seconds=15),
    Check("messages", "links", threaded(sending.links)),
    Check("messages", "addresses", threaded(organisation.addresses), needs=("store", "organisation")),
    Check("messages", "templates", threaded(messages.templates), seconds=30),
    Check("messages", "pinned templates", threaded(messages.pinned), needs=("store", "organisation")),
    Check("messages", "stops", threaded(messages.stops), needs=("store", "organisation")),
    Check("messages", "deliveries", threaded(messages.deliveries), needs=("store", "organisation")),
    Check("messages", "alerts", threaded(outgoing.channels), needs=("store", "organisation"), seconds=20),
    Check("messages", "webhooks", threaded(outgoing.webhooks), needs=("store", "organisation")),
    Check("messages", "Slack's buttons", threaded(slack.buttons)),
    Check("messages", "commands", threaded(slack.commands), needs=("store", "organisation")),
    Check("people", "time zones", threaded(organisation.zones), needs=("store", "organisation")),
    Check("people", "owners", threaded(organisation.owners), needs=("store", "organisation")),
    Check("work", "interventions", runs.interventions, needs=("store", "organisation", "client"), seconds=20),
    Check("work", "transitions", threaded(runs.transitions), needs=("store", "organisation")),
    Check("work", "churn model", threaded(churn.model), needs=("store", "organisation")),
)

QUICK = (Check("temporal", "this worker", engine.this_worker, needs=("client",)),)
AREAS = ("settings", "database", "temporal", "messages", "people", "work")


async def examine(scene: Scene, *, quick: bool = False) -> Report:
    """Look at everything; `quick`: only whether the worker of this machine asks for work.

    Changes nothing, starts nothing, and ends within a minute whatever hangs.
    """
    try:
        first, rest = (FIRST[1:], QUICK) if quick else (FIRST, REST)
        found = [*await _all(first, scene), *await _all(rest, scene)]
    finally:
        scene.close()
    return Report(at=scene.now, findings=tuple(sorted(found, key=lambda one: AREAS.index(one.area))))


async def _all(checks: tuple[Check, ...], scene: Scene) -> list[Finding]:
    results = await asyncio.gather(*(run_check(check, scene) for check in checks))
    return [finding for result in results for finding in result]
