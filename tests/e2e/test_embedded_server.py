"""The embedded server with real processes: start, join, take over, die; and connecting to others."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from keepwell.errors import ConfigurationError, ServerUnavailableError
from keepwell.settings import Settings, load_settings
from keepwell.temporal import checks, launch, search_attributes
from keepwell.temporal.connect import connect, connect_to
from keepwell.temporal.embedded import EmbeddedServer, embedded_server
from keepwell.temporal.home_files import HomeFiles, ServerRecord, try_lock
from keepwell.temporal.run_client import run_with_client
from keepwell.temporal.search_attribute_keys import ALL, CUSTOMER_ID
from keepwell.temporal.ui import ui_base, ui_link

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.usefixtures("clean_environment")]
RUNNING = WorkflowExecutionStatus.RUNNING

# Owns or joins the home's server, says so in one line, ends when its standard input does.
OWNER = """
import asyncio, faulthandler, json, sys
faulthandler.dump_traceback_later(50)
from keepwell.settings import load_settings
from keepwell.temporal.embedded import embedded_server

async def main():
    async with embedded_server(load_settings()) as server:
        print(json.dumps([server.address, server.owned, server.pid]), flush=True)
        closed = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin, closed.set)
        await closed.wait()

asyncio.run(main())
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "a home with spaces")


@pytest.fixture
def files(settings: Settings) -> HomeFiles:
    return HomeFiles(settings.home)


@pytest.fixture
def owner(settings: Settings, files: HomeFiles) -> Iterator[Callable[[], Owner]]:
    owners: list[Owner] = []

    def start() -> Owner:
        owners.append(Owner(settings.home))
        return owners[-1]

    yield start
    for one in owners:
        one.end()
    assert eventually(lambda: not files.server_runs()), "the server outlived its owners"


class Owner:
    """Another process with the home's server."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"KEEPWELL_HOME": str(home)},
        )

    def says(self) -> tuple[str, bool, int]:
        assert self.process.stdout is not None
        address, owned, pid = json.loads(self.process.stdout.readline())
        return address, owned, pid

    def end(self, number: int | None = None) -> int:
        if number is not None:
            self.process.send_signal(number)
            # Its pipes are closed only afterwards: closing standard input would end it normally.
            self.process.wait(60)
        self.process.communicate(timeout=60)
        return self.process.returncode


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


async def retention(client: Client) -> timedelta:
    request = DescribeNamespaceRequest(namespace=client.namespace)
    answer = await client.workflow_service.describe_namespace(request)
    return answer.config.workflow_execution_retention_ttl.ToTimedelta()


@workflow.defn(name="Waits")
class Waits:
    @workflow.run
    async def run(self) -> str:
        workflow.upsert_search_attributes([CUSTOMER_ID.value_set("c-1")])
        await workflow.sleep(timedelta(days=30))
        return "done"


async def test_a_home_keeps_runs_attributes_and_retention_over_a_restart(
    settings: Settings, files: HomeFiles
) -> None:
    async with embedded_server(settings, ui=False) as server:
        assert (server.owned, server.ui_url) == (True, None)
        client = await connect(settings)
        await client.start_workflow(
            Waits.run,
            id="risk/main/c-1",
            task_queue="q",
            search_attributes=TypedSearchAttributes([SearchAttributePair(CUSTOMER_ID, "c-1")]),
        )
        assert await retention(client) == timedelta(days=90)
    assert not files.server_runs()
    assert files.read_record() is None

    shorter = settings.model_copy(update={"history_retention_days": 7})
    async with embedded_server(shorter, ui=False):
        client = await connect(settings)
        assert await retention(client) == timedelta(days=7)
        described = await client.get_workflow_handle("risk/main/c-1").describe()
        assert described.typed_search_attributes[CUSTOMER_ID] == "c-1"
        # Changing the retention must leave the attributes as they are.
        assert await search_attributes.register(client) == ()


async def test_a_server_that_dies_under_its_owner_comes_back_from_its_file(
    settings: Settings, files: HomeFiles, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed twice, as a machine without memory does it; its clients find it where it was."""
    async with embedded_server(settings) as server:
        client = await connect(settings)
        await client.start_workflow(Waits.run, id="risk/main/c-1", task_queue="q")
        pids = {server.pid}
        for _ in range(2):
            record = files.running()
            assert record is not None
            os.kill(record.pid, signal.SIGKILL)
            pids.add(await _another_than(pids, files))
            assert (await client.get_workflow_handle("risk/main/c-1").describe()).status is RUNNING
        record = files.running()
        assert record is not None
        assert (record.address, record.ui_url) == (server.address, server.ui_url)
    assert not files.server_runs()
    assert files.read_record() is None
    said = [one for one in caplog.records if one.name == "keepwell.temporal.embedded"]
    assert [one.levelname for one in said] == ["ERROR", "ERROR"], "once for each death"


async def _another_than(pids: set[int], files: HomeFiles) -> int:
    """Wait for a server that is ready and none of these; its pid."""
    end = time.monotonic() + 60
    while (record := files.running()) is None or not record.ready or record.pid in pids:
        assert time.monotonic() < end, "no server came back"
        await asyncio.sleep(0.05)
    return record.pid


@pytest.fixture
async def memory(settings: Settings) -> AsyncIterator[EmbeddedServer]:
    async with embedded_server(settings, in_memory=True, ui=False) as server:
        yield server


async def test_in_memory_has_the_virtual_clock_and_leaves_the_home_alone(
    settings: Settings, memory: EmbeddedServer
) -> None:
    client = await connect_to(memory.address)
    assert await search_attributes.register(client) == ()
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
    async with Worker(client, task_queue="q", workflows=[Waits]):
        handle = await skipper.client.start_workflow(Waits.run, id="w", task_queue="q")
        await skipper.fast_forward(handle, timedelta(days=31))
        assert await handle.result() == "done"
        described = await handle.describe()
    assert described.typed_search_attributes[CUSTOMER_ID] == "c-1"
    assert not settings.home.exists()


async def test_an_attribute_of_another_type_is_refused(
    memory: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await connect_to(memory.address)
    wanted = {key.name: key.indexed_value_type for key in ALL}
    monkeypatch.setattr(search_attributes, "_NEEDED", wanted | {"CustomerId": 5})
    with pytest.raises(ConfigurationError, match=r"CustomerId.*Keyword.*needs Bool"):
        await search_attributes.register(client)


async def test_an_older_server_and_a_missing_namespace_are_refused(
    memory: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", memory.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
    with pytest.raises(ConfigurationError, match="no namespace 'elsewhere'"):
        await connect(load_settings())

    async def old(client: Client) -> str:
        return "1.29.4"

    monkeypatch.delenv("TEMPORAL_NAMESPACE")
    monkeypatch.setattr(checks, "server_version", old)
    with pytest.raises(ConfigurationError, match=r"1\.29\.4; Keepwell needs 1\.30 or newer"):
        await connect(load_settings())


async def test_a_second_process_joins_and_ends_nothing(
    settings: Settings, owner: Callable[[], Owner]
) -> None:
    address, owned, pid = owner().says()
    assert owned
    async with embedded_server(settings) as server:
        assert (server.address, server.owned, server.pid) == (address, False, pid)
    client = await connect(settings)
    assert await launch.answers(address)
    link = ui_link(ui_base(settings) or "", "risk/main/c 1", "run")
    assert link.endswith("/namespaces/default/workflows/risk%2Fmain%2Fc%201/run/history")
    assert link.startswith("http://127.0.0.1:")
    del client


def test_processes_starting_at_once_get_one_server(owner: Callable[[], Owner]) -> None:
    owners = [owner() for _ in range(3)]
    said = [one.says() for one in owners]
    assert len({(address, pid) for address, _, pid in said}) == 1
    assert sorted(owned for _, owned, _ in said) == [False, False, True]
    # The owner is ended first, and the server with it; the others must still end well.
    said_owner = next(one for one, (_, owned, _) in zip(owners, said, strict=True) if owned)
    assert said_owner.end() == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_server_dies_with_its_owner(
    owner: Callable[[], Owner], files: HomeFiles, number: signal.Signals
) -> None:
    killed = owner()
    killed.says()
    assert killed.end(number) != 0
    assert eventually(lambda: not files.server_runs())


async def test_a_record_left_by_a_killed_owner_is_replaced(
    settings: Settings, files: HomeFiles, owner: Callable[[], Owner]
) -> None:
    killed = owner()
    _, _, pid = killed.says()
    killed.end(signal.SIGKILL)
    assert files.read_record() is not None
    assert eventually(lambda: not files.server_runs())
    with pytest.raises(ServerUnavailableError, match="No Temporal server runs for KEEPWELL_HOME"):
        await connect(settings)
    async with embedded_server(settings, ui=False) as server:
        assert server.owned
        assert server.pid != pid
        record = files.running()
        assert record is not None
        assert record.pid == server.pid


def _orphan(one: Owner) -> int:
    """Kill an owner and its watchdog, so that the server is left behind; its pid."""
    _, _, pid = one.says()
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    watchdogs = [line.split()[0] for line in listed.splitlines() if line.endswith(f"keepwell-watchdog {pid}")]
    assert len(watchdogs) == 1
    os.kill(int(watchdogs[0]), signal.SIGKILL)
    one.end(signal.SIGKILL)
    return pid


async def test_an_orphaned_server_is_taken_over(
    settings: Settings, files: HomeFiles, owner: Callable[[], Owner]
) -> None:
    pid = _orphan(owner())
    assert files.server_runs()
    async with embedded_server(settings) as server:
        assert (server.pid, server.owned) == (pid, True)
        await connect(settings)
    assert not files.server_runs()


async def test_an_orphan_that_never_got_ready_is_ended_before_another_starts(
    settings: Settings, files: HomeFiles, owner: Callable[[], Owner]
) -> None:
    pid = _orphan(owner())
    record = files.read_record()
    assert record is not None
    files.write_record(record.model_copy(update={"ready": False}))
    async with embedded_server(settings, ui=False) as server:
        assert server.pid != pid
        assert server.owned


async def test_a_taken_ui_port_is_named(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"KEEPWELL_UI_PORT is {port}"):
            async with embedded_server(settings.model_copy(update={"ui_port": port})):
                pass
    with socket.create_server(("127.0.0.1", 0)):
        async with embedded_server(settings) as server:
            assert server.ui_url is not None


async def test_a_damaged_database_is_explained(settings: Settings, files: HomeFiles) -> None:
    settings.ensure_home()
    files.database.write_bytes(b"not a database" * 100)
    with pytest.raises(ServerUnavailableError, match="not a database") as caught:
        async with embedded_server(settings, ui=False):
            pass
    assert not caught.value.retryable
    assert not files.server_runs()
    lock = try_lock(files.owner_lock)
    assert lock is not None
    os.close(lock)


def test_a_short_client_process_exits_cleanly(
    settings: Settings, owner: Callable[[], Owner], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner().says()

    async def namespace(client: Client) -> str:
        return client.namespace

    async def fails(client: Client) -> str:
        raise ConfigurationError("no")

    assert run_with_client(settings, namespace) == "default"
    with pytest.raises(ConfigurationError, match="no"):
        run_with_client(settings, fails)
    assert not [one for one in gc.get_objects() if type(one) is Client]


def test_a_half_written_record_counts_as_none(settings: Settings, files: HomeFiles) -> None:
    settings.ensure_home()
    files.record.write_text('{"address": "127')
    assert files.read_record() is None
    assert files.running() is None
    record = ServerRecord.model_validate(
        {"address": "a:1", "ui_url": None, "pid": 1, "started_at": "2026-01-01T00:00:00Z"}
    )
    files.write_record(record)
    assert files.read_record() == record
    assert files.running() is None


def test_only_one_process_may_hold_a_lock(settings: Settings, files: HomeFiles) -> None:
    settings.ensure_home()
    first = try_lock(files.server_lock)
    assert first is not None
    assert files.server_runs()
    assert try_lock(files.server_lock) is None
    os.close(first)
    assert not files.server_runs()
