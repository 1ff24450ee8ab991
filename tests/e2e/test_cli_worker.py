"""The command line with real processes: a worker with its embedded server, and commands beside it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from scoring.load import builtin
from scoring.normalise import raw_for
from scoring.units import Unit
from tests.environment import AT_ANY_HOUR, other_variables

# Some thirty processes, one after another.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

READY, PATIENCE = "Ctrl-C stops it", 180.0


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@dataclass
class Place:
    """A home of its own, and commands in it."""

    folder: Path
    queue: str = "keepwell"

    @property
    def environment(self) -> dict[str, str]:
        """Ours, without what belongs to another installation."""
        none = str(self.folder / "none.toml")
        ours = {"KEEPWELL_HOME": str(self.folder / "home"), "KEEPWELL_TASK_QUEUE": self.queue}
        return {**other_variables(), **ours, "TEMPORAL_CONFIG_FILE": none}

    def start(self, *arguments: str, **streams: Any) -> subprocess.Popen[str]:
        """A `keepwell` process."""
        command = [sys.executable, "-c", "from keepwell.cli.app import main; main()", *arguments]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, text=True, **streams)

    def __call__(self, *arguments: str) -> Result:
        """Carry a command out."""
        with self.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            out, err = process.communicate(timeout=120)
        return Result(process.returncode, out, err)

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, "it did not come about in time"
            time.sleep(0.3)


@pytest.fixture(scope="module")
def keepwell(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An installation with four customers, not scored yet; one of them is nearly at its plan's limit."""
    place = Place(tmp_path_factory.mktemp("cli"))
    (place.folder / "staff.csv").write_text(
        "external_id,name,email,role,manager\n"
        "dana,Dana Reyes,dana@brightdesk.example,csm,lee\n"
        "lee,Lee Park,lee@brightdesk.example,lead,\n"
        "vera,Vera Lindqvist,vera@brightdesk.example,executive,\n"
    )
    (place.folder / "customers.csv").write_text(
        "external_id,name,owner,monthly_revenue,currency\n"
        "c1,Northwind,dana,1200,\nc2,Acme,dana,300,\nc3,Borealis,dana,900,\nc4,Canopy,dana,240,EUR\n"
    )
    (place.folder / "contacts.csv").write_text(
        "external_id,customer,name,email,role,consent\n"
        + "".join(f"p{n},c{n},Mara Lind,mara@c{n}.example,decision_maker,granted\n" for n in (1, 2, 3, 4))
    )
    rows = ["customer,metric,value"]
    for customer, points in (("c1", 10.0), ("c2", 12.0), ("c3", 70.0), ("c4", 70.0)):
        for metric in builtin("intervention").metrics:
            value = 0.0 if metric.unit is Unit.YES_NO else raw_for(metric.normalise, points)
            rows.append(f"{customer},{metric.name},{value}")
    rows += ["c4,usage_percentage,88", "c4,next_plan_price,340"]
    (place.folder / "metrics.csv").write_text("\n".join(rows) + "\n")
    assert place("organisation", "set", "new_playbooks=automatic", *AT_ANY_HOUR).code == 0
    for kind in ("staff", "customers", "contacts", "metrics"):
        result = place("import", kind, f"{kind}.csv")
        assert result.code == 0, result.out + result.err
    return place


@pytest.fixture(scope="module")
def worker(keepwell: Place) -> Iterator[Path]:
    """A worker of this home; its log."""
    log = keepwell.folder / "worker.log"
    with log.open("w") as stream, keepwell.start("worker", stdout=stream, stderr=stream) as process:
        keepwell.until(lambda: READY in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield log
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0, log.read_text()
    assert "Stopped" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_scoring_enrolment_and_commands(keepwell: Place, worker: Path) -> None:
    summary = keepwell("score", "--json").json
    assert (summary["scored"], summary["transitions"]) == (4, 0)
    assert (summary["opportunities"], summary["baseline"], summary["campaigns"]) == (1, 1, 0)

    enrolled = keepwell("enrol", "--level", "critical", "--limit", "5", "--yes", "--json").json["enrolled"]
    assert [(one["customer"], one["decision"]) for one in enrolled] == [
        ("Acme", "started"),
        ("Northwind", "started"),
    ]
    keepwell.until(lambda: len(keepwell("outbox", "--channel", "email", "--json").json["messages"]) == 2)
    again = keepwell("enrol", "--level", "critical", "--limit", "5", "--yes", "--json").json
    assert again["enrolled"] == []
    assert "is running since" in again["candidates"][0]["refusal"]

    assert "it will not be escalated" in keepwell("acknowledge", "northwind", "--note", "on it").out
    assert keepwell("resume", "northwind").code == 4
    assert "Paused until" in keepwell("pause", "northwind", "--until", "3d", "--reason", "holiday").out
    assert "Resumed" in keepwell("resume", "northwind").out
    assert "Dana Reyes" not in keepwell("reassign", "northwind", "lee").out
    stopped = keepwell("stop", "northwind", "--reason", "wrong alarm", "--json").json
    assert stopped["sent_as"] == "update"
    keepwell.until(
        lambda: keepwell("intervention", "northwind", "--json").json["intervention"]["outcome"] == "stopped"
    )
    refused = keepwell("acknowledge", "northwind")
    assert refused.code == 4
    assert "has ended: stopped (wrong alarm)" in refused.err

    kinds = [one["kind"] for one in keepwell("events", "--kind", "command", "--json").json["events"]]
    assert kinds == [f"command.{one}" for one in ("acknowledge", "pause", "resume", "reassign", "stop")]


def test_an_opportunity_of_a_first_score_starts_when_it_is_enrolled(keepwell: Place, worker: Path) -> None:
    said = keepwell("score").out
    assert "A first score is a baseline and starts nothing." in said
    (seen,) = keepwell("opportunities", "--json").json["opportunities"]
    assert (seen["state"], seen["intervention"]) == ("baseline", None)
    enrol = ("enrol", "--signal", "usage limit approaching", "--limit", "5")
    shown = keepwell(*enrol, "--dry-run").out
    for part in ("usage_limit@1 would begin for", "Canopy", "HIGH", "EUR 1,200", "--dry-run"):
        assert part in shown
    asked = keepwell(*enrol)
    assert asked.code == 2
    assert "Add --yes" in asked.err
    (enrolled,) = keepwell(*enrol, "--yes", "--json").json["enrolled"]
    assert (enrolled["customer"], enrolled["state"]) == ("Canopy", "running")
    keepwell.until(
        lambda: any(
            one["customer"] == "Canopy"
            for one in keepwell("outbox", "--channel", "email", "--json").json["messages"]
        )
    )
    assert "No customer has USAGE_LIMIT_APPROACHING as a baseline" in keepwell(*enrol, "--yes").out

    assert keepwell("offer", "accept", "Canopy", "upgrade", "--plan", "Business").code == 0
    keepwell.until(
        lambda: keepwell("intervention", "Canopy", "--json").json["intervention"]["outcome"] == "converted"
    )
    told = keepwell("metric", "Canopy", "api_usage_growth_rate", "2").out
    assert "No campaign yet: usage_limit ended on " in told
    assert ": the next campaign may begin on " in told
    again = keepwell("offer", "accept", "Canopy", "upgrade", "--plan", "Business")
    assert again.code == 4
    assert "Canopy has accepted the offer of usage_limit@1 already: upgrade, onto Business, on" in again.err


def test_a_metric_starts_a_playbook_and_a_signal_reaches_it(keepwell: Place, worker: Path) -> None:
    fell = keepwell("metric", "borealis", "daily_active_rate", "0", "--json").json
    assert fell["followed"]["decision"] == "started"
    assert fell["scored"]["level"] == "AT_RISK"
    left = keepwell("pause", "borealis", "--reason", "renewal talks", "--signal")
    assert left.code == 0
    assert "left as a signal" in left.out
    keepwell.until(
        lambda: keepwell("intervention", "borealis", "--json").json["intervention"]["state"] == "paused"
    )
    shown = keepwell("intervention", "borealis", "--json").json
    assert shown["temporal_ui"].startswith("http://127.0.0.1:")
    assert shown["intervention"]["pause_reason"] == "renewal talks"


def test_without_a_worker_on_the_queue(keepwell: Place, worker: Path) -> None:
    """Another task queue stands for a server whose workers are gone."""
    elsewhere = replace(keepwell, queue="nobody")
    refused = elsewhere("acknowledge", "borealis")
    assert refused.code == 5
    assert "--signal" in refused.err
    scored = elsewhere("score", "--json")
    assert scored.code == 5
    assert scored.json["error"]["message"] == "No worker works on the task queue 'nobody'."
