"""`workflow reset`, to wherever, sends nothing again: not to the outbox, not to the live providers."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

from keepwell.contracts.commands import Acknowledge, Respond
from keepwell.db.engine import Store
from tests.workflows.providers import Providers
from tests.workflows.resetting import finished_tasks, reset
from tests.workflows.stage import DAY, HOUR, Stage, stage

LEASE = timedelta(seconds=2)


async def test_a_reset_to_the_beginning_keeps_the_intervention(stage: Stage) -> None:
    """`workflow reset` gives a new run id; the start stamp stays, so nothing is opened or sent again."""
    key = stage.customer("acme")
    await stage.score(key, 12)
    opened = await stage.opened(key)
    await stage.forward(key, 3 * HOUR)
    before = [row.key for row in stage.outbox(key)]
    assert len(before) == 4
    await reset(stage.skipper.client, stage.handle(key).id, 0)
    await stage.forward(key, 4 * HOUR)
    assert [row.key for row in stage.outbox(key)] == before
    assert [row.id for row in stage.interventions(key)] == [opened.id]


async def test_a_reset_after_the_end_plays_nothing_again(stage: Stage) -> None:
    key = stage.customer("acme")
    await stage.score(key, 12)
    await stage.opened(key)
    await stage.forward(key, 3 * HOUR)
    await stage.command(key, Respond)
    await stage.handle(key).result()
    before = [row.key for row in stage.outbox(key)]
    await reset(stage.skipper.client, stage.handle(key).id, 0)
    result = await stage.handle(key).result()
    assert result["outcome"] == "not_opened"
    assert "has ended: The customer answered" in result["why"]
    assert [row.key for row in stage.outbox(key)] == before
    assert stage.interventions(key)[0].outcome == "responded"


def taken(providers: Providers) -> Counter[str]:
    """What both providers have accepted, by ledger key."""
    return providers.mail.counts() + providers.slack.counts()


async def test_a_reset_to_any_moment_sends_nothing_again_to_the_live_providers(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    """To five moments of a run, from its first task to its last, one reset after the other."""
    adapters = providers.adapters(sqlite_store)
    async with stage(sqlite_store, temporal_address, adapters=adapters, lease=LEASE) as opened:
        key = opened.customer("acme")
        await opened.score(key, 12)
        await opened.opened(key)
        await opened.forward(key, 3 * HOUR)
        await opened.command(key, Acknowledge)
        await opened.forward(key, 3 * DAY)
        before = taken(providers)
        assert set(before.values()) == {1}
        assert len(before) == 6
        steps = opened.steps(opened.interventions(key)[0].id)
        client, name = opened.skipper.client, opened.handle(key).id
        count = len(await finished_tasks(client, name))
        runs = {(await opened.handle(key).describe()).run_id}
        for share in (0, 0.25, 0.5, 0.75, 1):
            await reset(client, name, round(share * (count - 1)))
            runs.add((await opened.handle(key).describe()).run_id)
            await opened.forward(key, 3 * DAY + 3 * HOUR)
            assert taken(providers) == before, f"after a reset to {share:.0%} of the run"
            assert opened.steps(opened.interventions(key)[0].id) == steps
        assert len(runs) == 6, "each reset made a run of its own"
        result = await opened.until_end(key)
        assert result["outcome"] == "completed"
        assert taken(providers) == before
        assert len(opened.interventions(key)) == 1


async def test_a_reset_while_a_message_is_under_way_sends_it_once(
    sqlite_store: Store, temporal_address: str, providers: Providers
) -> None:
    """The old run's attempt is still at the provider when the new run reaches the same step."""
    providers.mail.script(path="mail/send", key="executive_email", times=1, wait_before=0.7)
    adapters = providers.adapters(sqlite_store)
    async with stage(sqlite_store, temporal_address, adapters=adapters, lease=LEASE) as opened:
        key = opened.customer("acme")
        await opened.score(key, 12)
        await opened.opened(key)
        await opened.eventually(lambda: providers.mail.asked("mail/send", "executive_email"), bool)
        await reset(opened.skipper.client, opened.handle(key).id, 0)
        await asyncio.sleep(1)
        await opened.forward(key, 3 * HOUR)
        assert set(taken(providers).values()) == {1}
        assert providers.mail.asked("mail/send", "executive_email") == 1
        assert {row.state for row in opened.deliveries(key)} == {"accepted"}
        assert opened.steps(opened.interventions(key)[0].id)["executive_email"] == "done"
