"""`keepwell demo --once`: stories on a virtual clock; nothing of them is left."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keepwell.demo.checks import check
from keepwell.demo.home import home_at
from keepwell.demo.plays import PARTS, Part
from keepwell.demo.plays_growth import GROWTH
from keepwell.demo.portfolio import DemoCustomer
from keepwell.demo.prepare import Say, fill, open_store
from keepwell.demo.scene import DAY, HOUR, Scene
from keepwell.demo.told import Playing, Story
from keepwell.rehearsal.theatre import open_theatre, virtual_server
from keepwell.settings import Settings

OPENS_AT = 8
"""The hour (UTC) of the Monday on which the stories begin."""


def play(say: Say) -> Playing:
    """Play all stories side by side, each on its own clock. Nothing is left behind."""
    try:
        with tempfile.TemporaryDirectory(prefix="keepwell-demo-", ignore_cleanup_errors=True) as folder:
            return asyncio.run(_play(home_at(Path(folder)).settings, say))
    finally:
        # See keepwell.temporal.run_client: a client must not outlive the loop.
        gc.collect()


def opening(now: datetime) -> datetime:
    """When the stories begin: the next Monday morning. A virtual clock goes forward only."""
    today = now.astimezone(UTC).replace(hour=OPENS_AT, minute=0, second=0, microsecond=0)
    monday = today + timedelta(days=-today.weekday() % 7)
    return monday if monday > now + HOUR else monday + 7 * DAY


async def _play(settings: Settings, say: Say) -> Playing:
    store = open_store(home_at(settings.home))
    start = opening(datetime.now(UTC))
    try:
        filling = asyncio.create_task(asyncio.to_thread(fill, store, start - HOUR))
        async with virtual_server(settings) as address:
            organisation, customers = await filling
            say(f"{len(customers)} made-up customers, and a Temporal server in memory with a virtual clock")
            async with open_theatre(settings, store, organisation, address) as theatre:
                parts = cast((*PARTS, *GROWTH), customers)
                say(f"Playing {len(parts)} stories side by side, from {start:%A %d %B %Y, %H:%M} UTC on …")
                scenes = [(part, Scene(theatre, one, start, part.families)) for part, one in parts]
                stories = await asyncio.gather(*(_one(part, scene, say) for part, scene in scenes))
                return Playing(stories=tuple(stories), checks=await asyncio.to_thread(check, store, start))
    finally:
        store.dispose()


async def _one(part: Part, scene: Scene, say: Say) -> Story:
    story = await part.play(scene)
    say(f"{scene.customer.name}: {story.outcome}")
    return story


def cast(parts: Sequence[Part], customers: Sequence[DemoCustomer]) -> tuple[tuple[Part, DemoCustomer], ...]:
    """A customer of its own for each story: the first that fits and is free."""
    found: list[tuple[Part, DemoCustomer]] = []
    for part in parts:
        taken = {one.key for _, one in found}
        found.append((part, next(one for one in customers if one.key not in taken and part.fits(one))))
    return tuple(found)
