"""Live channels whose worker dies, or whose provider hangs: accepted once at most, and the ledger honest.

The providers are processes of their own, so what they accepted outlives every worker.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.tables import Task
from tests.e2e.test_kills import died, worker
from tests.fakes.providers import Providers
from tests.workflows.stage import Stage, stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
SETTLED = {"accepted", "failed", "unknown"}
PATIENT = {"KILLABLE_DEADLINE": "5"}
"""Seconds that a worker waits for a provider. One that answers at once does so within them on a busy machine,
too; and a killed worker's heartbeat is missed later than its lease ends, which is twice that.
"""
HANGS = 12


async def settled(opened: Stage, key: str, count: int) -> dict[str, str]:
    """Wait until so many messages of a customer are settled, and give the state of each step's."""

    def states() -> dict[str, str]:
        return {row.step: row.state for row in opened.deliveries(key)}

    return await opened.eventually(
        states, lambda found: len(found) >= count and {*found.values()} <= SETTLED, 90
    )


@pytest.mark.parametrize(
    ("instant", "activity", "state"),
    [
        ("before_acceptance", True, "unknown"),
        ("after_acceptance", False, "unknown"),
        ("after_acceptance", True, "accepted"),
    ],
)
async def test_the_worker_is_killed_around_the_request(
    instant: str,
    activity: bool,
    state: str,
    providers: Providers,
    sqlite_store: Store,
    temporal_address: str,
    tmp_path: Path,
) -> None:
    """Where the provider can tell that it has the message, it is known; else it is held, with a task."""
    marker, variables = tmp_path / "died", providers.variables(activity=activity) | PATIENT
    async with stage(sqlite_store, temporal_address, works=False) as opened:
        key = opened.customer("acme")
        with worker(opened, temporal_address, tmp_path, instant, marker, **variables) as process:
            await opened.score(key, 12)
            await died(process)
        assert [row.state for row in opened.deliveries(key)] == ["sending"]
        with worker(opened, temporal_address, tmp_path, "never", marker, **variables):
            states = await settled(opened, key, 2)
        assert states == {"executive_email": state, "alert_csm": "accepted"}
        assert providers.most() == 1
        assert len(providers.email.accepted()) == (0 if instant == "before_acceptance" else 1)
        held = opened.rows(Task, customer_id=key, kind="fallback")
        assert len(held) == (1 if state == "unknown" else 0), "a person is asked to look"
        await opened.handle(key).terminate("the test is over")


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SLACK])
async def test_the_provider_accepts_and_hangs_past_the_time_out(
    channel: Channel, providers: Providers, sqlite_store: Store, temporal_address: str, tmp_path: Path
) -> None:
    """Slack's own history tells that it was accepted; SendGrid without its search cannot."""
    fake = providers.email if channel is Channel.EMAIL else providers.slack
    path = "mail/send" if channel is Channel.EMAIL else "chat.postMessage"
    fake.script(path=path, times=1, wait_after=HANGS)
    async with stage(sqlite_store, temporal_address, works=False) as opened:
        key = opened.customer("acme")
        with worker(
            opened,
            temporal_address,
            tmp_path,
            "never",
            tmp_path / "died",
            **(providers.variables(activity=False) | PATIENT),
        ):
            await opened.score(key, 12)
            states = await settled(opened, key, 2)
        wanted = {"executive_email": "accepted", "alert_csm": "accepted"}
        assert states == wanted | ({"executive_email": "unknown"} if channel is Channel.EMAIL else {})
        assert providers.most() == 1
        await opened.handle(key).terminate("the test is over")
