"""The embedded server dies under its owner: what could keep it from coming back, and an end meanwhile."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from keepwell.errors import ServerUnavailableError
from keepwell.settings import Settings, load_settings
from keepwell.temporal import embedded, launch, server_process
from keepwell.temporal.embedded import EmbeddedServer, embedded_server
from keepwell.temporal.home_files import HomeFiles, ServerRecord, try_lock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def settings(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.setattr(embedded, "_WATCH_SECONDS", 0.1)
    monkeypatch.setattr(embedded, "_AGAIN_SECONDS", 0.1)
    return load_settings(home=tmp_path / "home")


@pytest.fixture
def files(settings: Settings) -> HomeFiles:
    return HomeFiles(settings.ensure_home())


async def _back(server: EmbeddedServer, files: HomeFiles) -> ServerRecord:
    """Wait for a server that is ready and another than this one; its record."""
    end = time.monotonic() + 120
    while (record := files.running()) is None or not record.ready or record.pid == server.pid:
        assert time.monotonic() < end, "no server came back"
        await asyncio.sleep(0.05)
    return record


def _said(caplog: pytest.LogCaptureFixture) -> str:
    wanted = ("keepwell.temporal.embedded", "keepwell.temporal.launch")
    return "\n".join(
        one.getMessage() for one in caplog.records if one.name in wanted and one.levelno >= logging.WARNING
    )


async def test_what_fails_while_a_server_comes_back_is_told_and_tried_again(
    settings: Settings, files: HomeFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    met: list[Exception] = [
        RPCError("it went away again", RPCStatusCode.UNAVAILABLE, b""),
        RuntimeError("Failed client connect"),
        OSError(28, "No space left on device"),
    ]
    prepare = launch.prepare

    async def fails_at_first(record: ServerRecord, given: Settings) -> ServerRecord:
        if met:
            raise met.pop(0)
        return await prepare(record, given)

    async with embedded_server(settings, ui=False) as server:
        monkeypatch.setattr(launch, "prepare", fails_at_first)
        os.kill(server.pid, signal.SIGKILL)
        assert (await _back(server, files)).address == server.address
        assert not met
    assert not files.server_runs()
    for words in ("RPCError: it went away", "RuntimeError: Failed client", "No space left on device"):
        assert f"could not be started again. {words}" in _said(caplog).replace("OSError: [Errno 28] ", "")


@pytest.mark.parametrize("fixed", [False, True], ids=["any UI port", "KEEPWELL_UI_PORT"])
async def test_a_ui_port_taken_meanwhile_does_not_keep_the_runs_away(
    settings: Settings,
    files: HomeFiles,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fixed: bool,
) -> None:
    if fixed:
        settings = settings.model_copy(update={"ui_port": server_process.free_port()})
    on_database = launch.on_database
    with ExitStack() as others:
        async with embedded_server(settings) as server:
            port = int((server.ui_url or "").rpartition(":")[2])

            async def behind_another_program(*given: Any, **options: Any) -> Any:
                others.enter_context(socket.create_server(("127.0.0.1", port)))
                return await on_database(*given, **options)

            monkeypatch.setattr(launch, "on_database", behind_another_program)
            os.kill(server.pid, signal.SIGKILL)
            record = await _back(server, files)
            assert record.address == server.address
            await Client.connect(server.address)
            assert record.ui_url != server.ui_url
            if fixed:
                # Never on a port that the administrator has not named.
                assert record.ui_url is None
                assert f"without its UI. KEEPWELL_UI_PORT is {port}" in _said(caplog)
            else:
                assert f"is now at {record.ui_url}" in _said(caplog)
                assert (record.ui_url or "").startswith("http://127.0.0.1:")


async def test_a_process_that_just_looks_does_not_keep_a_server_from_starting(
    settings: Settings, files: HomeFiles
) -> None:
    looks = try_lock(files.server_lock, shared=True)
    assert looks is not None
    with pytest.raises(ServerUnavailableError, match="already runs"):
        await launch.on_database(settings, files, ui=False, seconds=40)
    starting = asyncio.create_task(launch.on_database(settings, files, ui=False, seconds=40))
    await asyncio.sleep(0.2)
    assert not starting.done()
    os.close(looks)
    process, record = await starting
    assert record.ready
    await asyncio.to_thread(process.stop)
    assert not files.server_runs()


async def test_an_owner_that_ends_while_its_server_comes_back_leaves_none_behind(
    settings: Settings, files: HomeFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end falls between the start of the process, in its thread, and the owner's knowing it."""
    start = server_process.start
    runs = threading.Event()
    started: list[server_process.ServerProcess] = []

    def slowly(*given: Any, **options: Any) -> server_process.ServerProcess:
        process = start(*given, **options)
        started.append(process)
        runs.set()
        time.sleep(0.5)
        return process

    async with embedded_server(settings, ui=False) as server:
        monkeypatch.setattr(server_process, "start", slowly)
        os.kill(server.pid, signal.SIGKILL)
        assert await asyncio.to_thread(runs.wait, 60)
    assert [process.ended() for process in started] == [True]
    assert not files.server_runs()
    assert files.read_record() is None


async def test_an_owner_ends_also_when_cleaning_up_behind_a_restart_fails(
    settings: Settings, files: HomeFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the place of the cancellation must not be taken for one more reason to try again."""
    begun = asyncio.Event()

    async def cleans_up_badly(*given: Any, **options: Any) -> Any:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise OSError("Read-only file system") from None

    async with asyncio.timeout(90):
        async with embedded_server(settings, ui=False) as server:
            monkeypatch.setattr(launch, "on_database", cleans_up_badly)
            os.kill(server.pid, signal.SIGKILL)
            await begun.wait()
    assert not files.server_runs()
