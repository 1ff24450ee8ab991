"""Whatever a check does, the look goes on, ends in time, and shows no secret."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from keepwell.doctor.examine import FIRST, QUICK, REST, examine
from keepwell.doctor.findings import Note, Report, ok
from keepwell.doctor.running import Check, run_check, threaded
from keepwell.doctor.scene import Scene
from keepwell.errors import StoreError
from tests.unit.doctor.conftest import MakeScene


async def test_a_check_that_hangs_is_given_up(make_scene: MakeScene) -> None:
    release = threading.Event()

    def hang(scene: Scene) -> Sequence[Note]:
        release.wait(30)
        return [ok("too late")]

    began = time.monotonic()
    (found,) = await run_check(Check("work", "slow", threaded(hang), seconds=0.2), make_scene())
    assert time.monotonic() - began < 20
    assert (found.kind, found.found) == ("problem", "No answer within 0 s")
    release.set()


async def test_errors_become_findings(make_scene: MakeScene) -> None:
    def refused(scene: Scene) -> Sequence[Note]:
        raise StoreError("The database is locked.", hint="Try again.")

    async def broken(scene: Scene) -> Sequence[Note]:
        raise ZeroDivisionError("a\nb")

    (known,) = await run_check(Check("database", "one", threaded(refused)), make_scene())
    assert (known.kind, known.found, known.todo, known.who) == (
        "problem",
        "The database is locked.",
        "Try again.",
        "ops",
    )
    (unknown,) = await run_check(Check("work", "two", broken), make_scene())
    assert (unknown.kind, unknown.who) == ("problem", "developer")
    assert unknown.found == "The check itself failed: ZeroDivisionError: a b"


async def test_what_needs_something_that_is_down_is_not_asked(make_scene: MakeScene) -> None:
    async def never(scene: Scene) -> Sequence[Note]:
        raise AssertionError("it was asked")

    (found,) = await run_check(Check("work", "one", never, needs=("store", "organisation")), make_scene())
    assert (found.kind, found.found) == ("skipped", "Not looked at: the database cannot be read")
    assert Report(at=make_scene().now, findings=(found,)).healthy


async def test_no_secret_gets_into_a_finding(make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "temporal-api-key-1")
    scene = make_scene(
        database_url="postgresql://u:p%40ss-word-of-ours@h/d",
        sendgrid_api_key="SG.sendgrid-key-1",
        slack_token="xoxb-slack-token-1",
    )
    told = "p@ss-word-of-ours temporal-api-key-1 SG.sendgrid-key-1 xoxb-slack-token-1"

    async def talks(scene: Scene) -> Sequence[Note]:
        return [Note("problem", told, told, "ops")]

    (found,) = await run_check(Check("work", "one", talks), scene)
    assert (found.found, found.todo) == ("*** *** *** ***", "*** *** *** ***")


CHECKS = [
    ("settings", "variables"),
    ("settings", "disk"),
    ("database", "database"),
    ("database", "clock"),
    ("temporal", "server"),
    ("temporal", "search attributes"),
    ("temporal", "workers"),
    ("temporal", "schedules"),
    ("messages", "sending"),
    ("messages", "links"),
    ("messages", "addresses"),
    ("messages", "templates"),
    ("messages", "pinned templates"),
    ("messages", "stops"),
    ("messages", "deliveries"),
    ("messages", "alerts"),
    ("messages", "webhooks"),
    ("messages", "Slack's buttons"),
    ("messages", "commands"),
    ("people", "time zones"),
    ("people", "owners"),
    ("work", "interventions"),
    ("work", "transitions"),
    ("work", "churn model"),
]
"""In the order in which they are shown."""


def test_every_check_has_a_place_and_a_limit() -> None:
    assert sorted((one.area, one.name) for one in (*FIRST, *REST)) == sorted(CHECKS)
    assert [(one.area, one.name) for one in QUICK] == [("temporal", "this worker")]
    assert max(one.seconds for one in (*FIRST, *REST, *QUICK)) <= 30


def test_with_everything_down_it_reports_and_makes_nothing(make_scene: MakeScene) -> None:
    scene = make_scene()
    report = asyncio.run(examine(scene))
    told = {(one.check, one.kind): one.found for one in report.findings}
    assert told[("database", "problem")].startswith("there is no database yet")
    assert told[("server", "problem")].startswith("No Temporal server runs for KEEPWELL_HOME=")
    assert not report.healthy
    assert list(dict.fromkeys((one.area, one.check) for one in report.findings)) == CHECKS
    skipped = [one.check for one in report.findings if one.kind == "skipped"]
    assert skipped == [
        *("clock", "search attributes", "workers", "schedules"),
        *(
            "addresses",
            "pinned templates",
            "stops",
            "deliveries",
            "alerts",
            "webhooks",
            "commands",
            "time zones",
            "owners",
            "interventions",
            "transitions",
        ),
        "churn model",
    ]
    assert not scene.settings.home.exists()
