"""The baseline of the playbook benchmark: a workflow as the SDK's samples write one.

It imports the SDK and nothing else. Its activities do nothing, or write one row; there is no ledger, no
command, no pause, no search attribute. What a playbook costs beyond this is what Keepwell adds.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from dataclasses import dataclass
from datetime import timedelta
from urllib.request import Request, urlopen

from temporalio import activity, workflow

TIMEOUT = timedelta(seconds=30)


@dataclass(frozen=True)
class BareInput:
    """So many activities, one after another, with so many timers of `gap` seconds between and after them."""

    activity: str
    activities: int
    timers: int
    gap: float
    target: str = ""


@dataclass(frozen=True)
class BareStep:
    """What an activity is told; `target` is a database file or a URL, or nothing."""

    key: str
    number: int
    target: str


@workflow.defn(name="Bare")
class Bare:
    """Activity, timer, activity, timer, …"""

    @workflow.run
    async def run(self, entry: BareInput) -> int:
        """Returns the number of activities."""
        for number in range(max(entry.activities, entry.timers)):
            if number < entry.activities:
                await workflow.execute_activity(
                    entry.activity,
                    BareStep(workflow.info().workflow_id, number, entry.target),
                    start_to_close_timeout=TIMEOUT,
                )
            if number < entry.timers:
                await asyncio.sleep(entry.gap)
        return entry.activities


@activity.defn
def do_nothing(step: BareStep) -> str:
    """Return at once."""
    return f"{step.key}/{step.number}"


_local = threading.local()


@activity.defn
def write_row(step: BareStep) -> str:
    """Write one row to an SQLite file and commit it, in the same journal mode as Keepwell's."""
    connection: sqlite3.Connection | None = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = sqlite3.connect(step.target, timeout=5, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL").close()
        connection.execute("PRAGMA synchronous=NORMAL").close()
        connection.execute("CREATE TABLE IF NOT EXISTS sent (key TEXT PRIMARY KEY, words TEXT)").close()
    key = f"{step.key}/{step.number}"
    connection.execute("INSERT OR IGNORE INTO sent VALUES (?, ?)", (key, "a message")).close()
    return key


@activity.defn
def post_once(step: BareStep) -> int:
    """One HTTP request with a small message, as a first version of a notification does it."""
    headers = {"Content-Type": "application/json", "Authorization": "Bearer SG.a-key-for-tests"}
    request = Request(step.target, data=_mail(step.key).encode(), headers=headers)
    with urlopen(request, timeout=15) as answer:
        answer.read()
        status: int = answer.status
        return status


def _mail(key: str) -> str:
    return (
        '{"personalizations": [{"to": [{"email": "pat@acme.example"}]}], '
        '"from": {"email": "hello@brightdesk.example"}, "subject": "A word", '
        '"content": [{"type": "text/plain", "value": "Hello"}], '
        f'"custom_args": {{"keepwell_key": "{key}"}}}}'
    )
