"""The Temporal server: whether it answers, is new enough, and has what Keepwell needs there."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from keepwell.doctor.findings import Note, ok, problem, warning
from keepwell.doctor.scene import Scene
from keepwell.temporal import search_attributes
from keepwell.temporal.checks import server_version
from keepwell.temporal.connect import connect, external_profile
from keepwell.temporal.pollers import ACTIVITIES, POLLED_WITHIN, WORKFLOWS, Poller, pollers


async def server(scene: Scene) -> Sequence[Note]:
    """Connect, without starting anything. What is wrong is told by the connection's own errors."""
    whose = "embedded" if external_profile() is None else "remote"
    client = await connect(scene.settings)
    version = await server_version(client)
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    days = described.config.workflow_execution_retention_ttl.ToTimedelta().days
    scene.client = client
    address = client.service_client.config.target_host
    notes = [
        ok(f"{whose} server {version or 'of an unknown version'} at {address}"),
        ok(f"namespace {client.namespace!r}; finished runs are kept for {days} days"),
    ]
    if days < 7:
        notes[1] = warning(
            f"namespace {client.namespace!r} keeps finished runs for {days} days only",
            f"Keep them longer: temporal operator namespace update --namespace {client.namespace} "
            "--retention 90d",
        )
    return notes


async def attributes(scene: Scene) -> Sequence[Note]:
    """Every search attribute there, with its type."""
    missing, wrong = await search_attributes.compare(scene.temporal)
    notes = [
        problem(
            f"{name} is of type {found}, and has to be {needed}",
            f"Remove or rename {name} in this namespace, or give Keepwell a namespace of its own.",
        )
        for name, (found, needed) in wrong.items()
    ]
    if missing:
        notes.append(
            problem(
                f"missing: {', '.join(f'{name} ({kind})' for name, kind in missing.items())}",
                "Start a worker: it creates them, or says with which command somebody else has to.",
            )
        )
    return notes or [ok("all there, with the right types")]


async def workers(scene: Scene) -> Sequence[Note]:
    """Somebody polls for workflows and for activities."""
    queue, now = scene.settings.task_queue, datetime.now(UTC)
    notes = []
    for kind, what in ((WORKFLOWS, "workflows"), (ACTIVITIES, "activities")):
        found = await pollers(scene.temporal, queue, kind)
        recent = [one for one in found if one.recent]
        if recent:
            ago = max(0.0, (now - recent[0].polled_at).total_seconds())
            names = ", ".join(one.identity for one in recent[:5])
            notes.append(ok(f"{what}: {len(recent)} on task queue {queue!r} ({names}), {ago:.0f} s ago"))
        else:
            last = f"; the last one asked at {found[0].polled_at:%H:%M:%S} UTC" if found else ""
            notes.append(
                problem(
                    f"nobody works on {what} of task queue {queue!r}{last}",
                    "Start one: keepwell worker. One runs? Compare its KEEPWELL_TASK_QUEUE.",
                )
            )
    return notes


async def this_worker(scene: Scene) -> Sequence[Note]:
    """The worker of this machine (in a container: this container's) polls for workflows."""
    queue = scene.settings.task_queue
    found = [one for one in await pollers(scene.temporal, queue, WORKFLOWS) if one.recent]
    here = [one for one in found if _is_here(one)]
    if here:
        return [ok(f"{here[0].identity} works on task queue {queue!r}")]
    return [
        problem(
            f"no worker of this machine has asked for work on task queue {queue!r} "
            f"within {POLLED_WITHIN.total_seconds():.0f} s",
            "Read the worker's log, and start it again.",
        )
    ]


def _is_here(poller: Poller) -> bool:
    """The SDK names a worker "process id@host". A worker that was killed stays listed for minutes."""
    number, _, host = poller.identity.partition("@")
    if host != socket.gethostname() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        # It runs under another user.
        return True
    return True
