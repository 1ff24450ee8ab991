"""The server of the rehearsals: shared while it is used, ended when it has rested, or when told to."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from keepwell.rehearsal import warm
from keepwell.rehearsal.warm import WarmServer
from keepwell.settings import Settings
from keepwell.temporal import server_process
from keepwell.temporal.launch import answers
from keepwell.temporal.server_process import ServerProcess


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[ServerProcess]:
    """The servers that were started."""
    servers: list[ServerProcess] = []
    start = server_process.start

    def noted(*arguments: Any, **options: Any) -> ServerProcess:
        servers.append(start(*arguments, **options))
        return servers[-1]

    monkeypatch.setattr(server_process, "start", noted)
    return servers


async def test_each_play_has_a_namespace_of_its_own_on_one_server(settings: Settings) -> None:
    server = WarmServer(settings)
    try:
        async with server.stage() as one, server.stage() as other:
            assert one.address == other.address
            assert one.namespace != other.namespace
            assert one.address is not None
            client = await Client.connect(one.address, namespace=one.namespace or "")
            assert (await client.count_workflows()).count == 0
            del client
        async with server.stage() as again:
            assert again.address == one.address
    finally:
        await server.close()
    assert not await answers(one.address, seconds=1)


async def test_it_ends_when_it_has_rested_and_another_begins(settings: Settings) -> None:
    server = WarmServer(settings, timedelta(milliseconds=300))
    async with server.stage() as first:
        # While somebody is on the stage it does not rest.
        await asyncio.sleep(0.6)
        assert await answers(first.address or "")
    for _ in range(100):
        if not await answers(first.address or "", seconds=1):
            break
        await asyncio.sleep(0.1)
    else:
        pytest.fail("the server has not ended")
    async with server.stage() as second:
        assert await answers(second.address or "")
    await server.close()
    assert not await answers(second.address or "", seconds=1)


async def test_after_many_plays_another_server_takes_over(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm, "PLAYS", 2)
    server = WarmServer(settings)
    try:
        addresses = []
        for _ in range(3):
            async with server.stage() as stage:
                addresses.append(stage.address)
        assert addresses[0] == addresses[1] != addresses[2]
    finally:
        await server.close()


async def test_one_that_is_slow_to_answer_is_left_to_those_who_play_on_it(
    settings: Settings, started: list[ServerProcess]
) -> None:
    server = WarmServer(settings)
    try:
        async with server.stage() as one:
            [process] = started
            os.kill(process.pid, signal.SIGSTOP)
            asyncio.get_running_loop().call_later(4, os.kill, process.pid, signal.SIGCONT)
            async with server.stage() as other:
                assert other.address == one.address
    finally:
        await server.close()


async def test_one_that_was_killed_is_replaced(settings: Settings, started: list[ServerProcess]) -> None:
    server = WarmServer(settings)
    try:
        async with server.stage():
            pass
        os.kill(started[0].pid, signal.SIGKILL)
        async with server.stage() as stage:
            assert await answers(stage.address or "", seconds=20)
        assert len(started) == 2
    finally:
        await server.close()
