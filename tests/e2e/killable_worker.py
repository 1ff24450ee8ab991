"""A worker process of the production parts that kills itself (-9) once, at the instant its argument names.

    python -m tests.e2e.killable_worker INSTANT MARKER

The settings come from the environment, as for `keepwell worker`. The marker file says that it has happened.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from keepwell.adapters.outbox import Outbox
from keepwell.adapters.sendgrid import SendGrid
from keepwell.adapters.slack import Slack
from keepwell.adapters.ways import channels
from keepwell.contracts.delivery import Accepted, Found, Message
from keepwell.contracts.intervention import Ended, Ending
from keepwell.contracts.playbook import Channel
from keepwell.contracts.rendering import Rendered
from keepwell.db.engine import Store
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.ports import ChannelAdapter
from keepwell.settings import Settings, load_settings
from keepwell.temporal.connect import connect
from keepwell.temporal.hand_over import TemporalHandOver
from worker import THREADS, compose, make_worker, open_store, run_until_stopped

DEADLINE = timedelta(seconds=float(os.environ.get("KILLABLE_DEADLINE", "1.5")))
"""Of a provider's answer. A test that needs more than instants sets the variable."""

LEASE = 2 * DEADLINE


def die_once(marker: Path, count: list[int], nth: int) -> None:
    """End this process like a power cut, at the n-th call, if no process has done so yet."""
    count[0] += 1
    if count[0] == nth and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """A channel, in a process that dies before or after its provider took the first message."""

    def __init__(self, honest: ChannelAdapter, instant: str, marker: Path) -> None:
        self.honest, self.instant, self.marker = honest, instant, marker

    def send(self, message: Message) -> Accepted:
        if self.instant == "before_acceptance":
            die_once(self.marker, [0], 1)
        accepted = self.honest.send(message)
        if self.instant == "after_acceptance":
            die_once(self.marker, [0], 1)
        return accepted

    def find(self, key: str, address: str) -> Found:
        return self.honest.find(key, address)


def senders(settings: Settings, store: Store) -> tuple[ChannelAdapter, ChannelAdapter]:
    """Email and Slack: the outbox, or the live clients with a deadline well below the lease."""
    if settings.sending == "outbox":
        return Outbox(store), Outbox(store)
    assert settings.sendgrid_api_key is not None
    assert settings.slack_token is not None
    email = SendGrid(
        settings.sendgrid_api_key,
        settings.sendgrid_url,
        activity=settings.sendgrid_activity,
        deadline=DEADLINE,
    )
    return email, Slack(settings.slack_token, settings.slack_url, deadline=DEADLINE)


def prepare(instant: str, marker: Path) -> None:
    """Put the end where it belongs."""
    count = [0]
    honest_end = InterventionRepository.end
    honest_score, honest_start = ScoreRepository.score_partition, TemporalHandOver.signal_with_start

    def score(self: ScoreRepository, call: Any) -> Any:
        if instant == "before_partition":
            die_once(marker, count, 3)
        result = honest_score(self, call)
        if instant == "after_partition":
            die_once(marker, count, 3)
        return result

    async def start(self: TemporalHandOver, *args: Any) -> None:
        await honest_start(self, *args)
        if instant == "after_start":
            die_once(marker, count, 4)

    def end(self: InterventionRepository, ending: Ending, review: Rendered | None) -> Ended:
        result = honest_end(self, ending, review)
        if instant == "after_end":
            die_once(marker, count, 1)
        return result

    InterventionRepository.end = end  # type: ignore[method-assign]
    ScoreRepository.score_partition = score  # type: ignore[method-assign]
    TemporalHandOver.signal_with_start = start  # type: ignore[method-assign,assignment]


async def main(instant: str, marker: Path) -> None:
    """Work until told to stop, or until the instant comes."""
    prepare(instant, marker)
    settings = load_settings()
    store, client = open_store(settings), await connect(settings)
    email, slack = (Dying(one, instant, marker) for one in senders(settings, store))
    adapters = {**channels(settings, store), Channel.EMAIL: email, Channel.SLACK: slack}
    parts = compose(settings, store, client, adapters=adapters, lease=LEASE)
    with ThreadPoolExecutor(THREADS) as executor:
        await run_until_stopped(make_worker(settings, client, parts, executor))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
