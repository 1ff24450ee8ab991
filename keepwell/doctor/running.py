"""Running the checks: side by side, each within its time, none able to stop the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeVar

from keepwell.doctor.findings import Finding, Note
from keepwell.doctor.scene import Scene
from keepwell.errors import KeepwellError

Need = Literal["store", "organisation", "client"]
T = TypeVar("T")

SECONDS = 10.0
_MISSING = {
    "store": "the database cannot be read",
    "organisation": "the organisation is not in the database",
    "client": "the Temporal server was not reached",
}

Look = Callable[[Scene], Awaitable[Sequence[Note]]]


def threaded(function: Callable[[Scene], Sequence[Note]]) -> Look:
    """A look that waits for a database or a disk, made fit for the event loop."""

    async def look(scene: Scene) -> Sequence[Note]:
        return await in_thread(lambda: function(scene))

    return look


@dataclass(frozen=True)
class Check:
    """One look. `needs` must have been reached before."""

    area: str
    name: str
    look: Look
    needs: tuple[Need, ...] = ()
    seconds: float = SECONDS


async def run_check(check: Check, scene: Scene) -> list[Finding]:
    """Its findings. An error or a time-out is a finding too."""
    lacks = [need for need in check.needs if getattr(scene, need) is None]
    if lacks:
        return _placed(check, scene, [Note("skipped", f"Not looked at: {_MISSING[lacks[0]]}")])
    try:
        notes = await asyncio.wait_for(check.look(scene), check.seconds)
    except TimeoutError:
        notes = [
            Note(
                "problem",
                f"No answer within {check.seconds:.0f} s",
                "Look at what it asks, and at the load of this machine; then try again.",
                "ops",
            )
        ]
    except KeepwellError as error:
        notes = [Note("problem", error.message, error.hint, error.audience)]
    except Exception as error:
        # Whatever one check meets must not hide what the others have found.
        words = " ".join(str(error).split())[:300]
        notes = [
            Note(
                "problem",
                f"The check itself failed: {type(error).__name__}: {words}",
                "Report this.",
                "developer",
            )
        ]
    return _placed(check, scene, notes)


def _placed(check: Check, scene: Scene, notes: Sequence[Note]) -> list[Finding]:
    secrets = scene.secrets()

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    return [
        Finding(
            area=check.area,
            check=check.name,
            kind=note.kind,
            found=clean(note.found),
            todo=clean(note.todo),
            who=note.who,
        )
        for note in notes
    ]


async def in_thread(function: Callable[[], T]) -> T:
    """Run it in a thread that nobody waits for at the end: a call that hangs must not hold the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(action: Callable[[], None]) -> None:
        # Nobody waits any more, or the loop is over.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if done.done() else action())

    def work() -> None:
        try:
            result = function()
        except Exception as error:
            failed = error
            settle(lambda: done.set_exception(failed))
        else:
            settle(lambda: done.set_result(result))

    threading.Thread(target=work, daemon=True, name="doctor").start()
    return await done
