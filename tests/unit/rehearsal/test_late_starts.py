"""A run begins at its customer's moment, not before: or it would see the figures of before."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from temporalio.client import OutboundInterceptor, StartWorkflowInput

from keepwell.rehearsal.theatre import LateStarts


class Server:
    """Notes what reaches it, and when."""

    def __init__(self) -> None:
        self.delay: timedelta | None = None
        self.at = 0.0

    async def start_workflow(self, given: Any) -> None:
        self.delay, self.at = given.start_delay, time.monotonic()


@pytest.mark.parametrize(
    ("ahead", "waits", "delay"),
    [
        (timedelta(), 0.0, None),
        (timedelta(seconds=0.3), 0.3, None),
        (timedelta(days=2), 0.0, timedelta(days=2)),
    ],
)
async def test_a_run_is_not_early(ahead: timedelta, waits: float, delay: timedelta | None) -> None:
    server, began = Server(), time.monotonic()
    made = LateStarts({"risk/o/c": ahead}).intercept_client(cast("OutboundInterceptor", server))
    given = cast("StartWorkflowInput", SimpleNamespace(id="risk/o/c", start_delay=None))
    await made.start_workflow(given)
    assert server.delay == delay
    assert server.at - began >= waits
