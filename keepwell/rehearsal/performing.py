"""One rehearsal on the warm server: scratch stores, plays side by side, and how far they have come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from keepwell.db.engine import Store
from keepwell.rehearsal.asked import Checked
from keepwell.rehearsal.progress import Progress, progress_of
from keepwell.rehearsal.reactions import Script
from keepwell.rehearsal.rehearse import Prepared, full_minute, prepared, rehearse_at, side_by_side
from keepwell.rehearsal.timeline import Timeline
from keepwell.rehearsal.warm import WarmServer
from keepwell.settings import Settings

LOOKS = 0.4
"""Seconds between two looks at how far it has come."""

Told = Callable[[Progress], None]


@dataclass
class Performance:
    """A rehearsal under way; `told` hears how far it has come. `real` is only read."""

    settings: Settings
    real: Store
    server: WarmServer
    checked: Checked
    told: Told
    doing: str = ""

    async def perform(self) -> tuple[Timeline, ...]:
        """A timeline for each playbook. A cancellation leaves nothing behind.

        Raises:
            KeepwellError: it cannot be played this way, or it did not end.
        """
        now = datetime.now(UTC)
        script = self.checked.script
        # What was to begin at once, or has waited beyond its beginning, begins with the next minute.
        if script.start is None or script.start < now:
            script = script.model_copy(update={"start": full_minute(now)})
        stack = ExitStack()
        store = prepared(self.real, self.checked.customer, self.checked.playbooks, now, self._begin)
        opening = asyncio.create_task(asyncio.to_thread(stack.enter_context, store))
        try:
            return await self._play(await asyncio.shield(opening), script)
        finally:
            # A thread cannot be broken off: what it makes is thrown away when it has made it.
            await asyncio.gather(opening, return_exceptions=True)
            await asyncio.to_thread(stack.close)

    async def _play(self, plays: Sequence[Prepared], script: Script) -> tuple[Timeline, ...]:
        watch = asyncio.create_task(self._watch(plays, script))
        try:
            return await side_by_side(plays, lambda play: self._one(play, script))
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _one(self, play: Prepared, script: Script) -> Timeline:
        async with self.server.stage() as stage:
            return await rehearse_at(
                stage,
                self.settings,
                play.scratch,
                self.checked.customer,
                play.playbook,
                script,
                self._say,
                play.notes,
            )

    def _begin(self, text: str) -> None:
        self._say(text)
        self.told(Progress(doing=text))

    def _say(self, text: str) -> None:
        self.doing = text

    async def _watch(self, plays: Sequence[Prepared], script: Script) -> None:
        """Tell how far the slowest has come, again and again."""
        customer = self.checked.customer
        while True:
            found = [
                await asyncio.to_thread(progress_of, play.scratch, customer, script, self.doing)
                for play in plays
            ]
            self.told(min(found, key=lambda one: one.share))
            await asyncio.sleep(LOOKS)
