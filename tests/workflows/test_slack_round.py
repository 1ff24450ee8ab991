"""From the alert in Slack to the pressed button and back, with all that stands between in production."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from keepwell.adapters.slack import Slack
from keepwell.api.door import Door
from keepwell.contracts.commands import Stop
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.links import Links
from keepwell.settings import Settings
from keepwell.web import create_app
from tests.fakes.slack import TOKEN
from tests.unit.api.slack_world import SECRET, Desk
from tests.workflows.providers import LEASE, Providers
from tests.workflows.stage import HOUR, PATIENCE, stage

PUBLIC = "https://keepwell.example"
ALERT = "/alert_csm/"


async def test_a_button_acknowledges_and_the_message_says_so(
    sqlite_store: Store,
    temporal_address: str,
    providers: Providers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    slack = Slack(SecretStr(TOKEN), providers.slack.url, buttons=True)
    adapters = {**providers.adapters(sqlite_store), Channel.SLACK: slack}
    settings = Settings(
        home=tmp_path,
        public_url=PUBLIC,
        slack_token=SecretStr(TOKEN),
        slack_signing_secret=SecretStr(SECRET),
        slack_url=providers.slack.url,
    )
    door = Door(settings=settings, store=sqlite_store, links=Links(SecretStr("k" * 40), PUBLIC))
    async with stage(sqlite_store, temporal_address, adapters=adapters, lease=LEASE) as opened:
        key = opened.customer("acme")
        await opened.score(key, 12)
        run = await opened.opened(key)
        accepted = await opened.eventually(
            lambda: [one for one in providers.slack.accepted if ALERT in one.key],
            lambda found: len(found) == 1,
        )

        def press() -> None:
            with TestClient(create_app(door, background=True), base_url=PUBLIC) as client:
                desk = Desk(door, providers.slack, opened.world, client)
                assert desk.click(accepted[0], "keepwell.acknowledge").status_code == 200
                stopped = providers.slack.stopping
                until = time.monotonic() + PATIENCE
                while not providers.slack.updates and time.monotonic() < until:
                    stopped.wait(0.1)

        await asyncio.to_thread(press)
        [update] = providers.slack.updates
        assert "*Dana Reyes*: Acknowledged (<!date^" in update["text"]
        [row] = [one for one in opened.interventions(key) if one.id == run.id]
        assert row.acknowledged_by == "Dana Reyes"
        await opened.forward(key, 3 * HOUR)
        assert opened.steps(run.id)["escalate"] == "cancelled"
        assert providers.slack.whispers == []
        await opened.command(key, Stop)
        await opened.handle(key).result()
