"""Running something short with a client, so that the process's exit code can be trusted.

A client that is still alive while the interpreter ends may end the process by a signal (exit code 134 or
139) after all its work succeeded (temporalio/sdk-python issue 300). So it is let go and collected before.
"""

from __future__ import annotations

import asyncio
import gc
import traceback
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.client import Client

from keepwell.settings import Settings
from keepwell.temporal.connect import connect

T = TypeVar("T")


def run_with_client(settings: Settings, function: Callable[[Client], Awaitable[T]]) -> T:
    """Connect, run `function` with the client, release the client, return the result (not the client)."""

    async def run() -> T:
        return await function(await connect(settings))

    try:
        return asyncio.run(run())
    except BaseException as error:
        _release_frames(error)
        raise
    finally:
        gc.collect()


def _release_frames(error: BaseException) -> None:
    """Drop the local variables of the finished frames an error still refers to: the client is among them."""
    seen: set[int] = set()
    rest: list[BaseException | None] = [error]
    while rest:
        one = rest.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        traceback.clear_frames(one.__traceback__)
        rest += [one.__cause__, one.__context__]
