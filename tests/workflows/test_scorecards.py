"""Any scorecard starts playbooks: an organisation chooses one, its customers fall, and the level decides."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from keepwell.contracts.commands import Stop
from keepwell.db.repositories.organisations import use_scorecard
from scoring.levels import Level
from scoring.load import builtin, builtin_names
from scoring.normalise import raw_for
from scoring.scorecard import Scorecard
from tests.workflows.stage import DAY, Stage

PLAYBOOK = {Level.AT_RISK: "at_risk", Level.HIGH_RISK: "high_risk", Level.CRITICAL: "critical"}


def measure(stage: Stage, card: Scorecard, key: str, points: float, at: datetime) -> None:
    """Values of all metrics that give these points each, as far as steps allow."""
    values = {metric.name: raw_for(metric.normalise, points) for metric in card.metrics}
    stage.world.measure(key, values, at)


@pytest.mark.parametrize("name", builtin_names())
async def test_a_fall_starts_the_playbook_of_the_bands_level(stage: Stage, name: str) -> None:
    card, world, now = builtin(name), stage.world, datetime.now(UTC)
    with stage.store.write() as session:
        use_scorecard(session, world.organisation, name)
    tops = [100.0, *(band.lower for band in card.bands)]
    started = set()
    for band, top in zip(card.bands, tops, strict=False):
        if band.level not in PLAYBOOK:
            continue
        key = f"c{band.lower:g}"
        world.customer(key, owner_id="dana")
        world.contact(f"{key}-0", key, role="decision_maker", consent="granted")
        measure(stage, card, key, card.bands[0].lower, now - DAY)
        baseline = await asyncio.to_thread(
            stage.parts.scores.score_customer, world.organisation, key, now - DAY
        )
        assert baseline.transition is None, "a first score starts nothing"
        measure(stage, card, key, (band.lower + top) / 2, now)
        scored = await asyncio.to_thread(stage.parts.scores.score_customer, world.organisation, key, now)
        assert scored.transition is not None
        await stage.parts.hand_over.hand_over(scored.transition, now)
        opened = await stage.opened(key)
        assert (opened.level, opened.playbook) == (band.level, PLAYBOOK[band.level])
        started.add(band.level)
        await stage.command(key, Stop)
    assert started == {band.level for band in card.bands} & set(PLAYBOOK)
    assert len(started) >= 2
