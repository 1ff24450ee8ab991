"""The composition root: settings → adapters → activity objects → Worker.

Run it as `keepwell worker`, or as `python worker.py`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from activities.churn import ChurnActivities
from activities.delivery import LEASE, Delivery
from activities.interventions import InterventionActivities
from activities.monitor import MonitorActivities
from activities.notices import NoticeActivities
from activities.pending import PendingActivities
from activities.scoring import ScoringActivities
from activities.steps import StepActivities
from activities.webhooks import WebhookActivities
from keepwell import __version__
from keepwell.adapters.gate import StoreGate
from keepwell.adapters.notice_renderer import StoreNoticeRenderer
from keepwell.adapters.public_only import PublicOnly
from keepwell.adapters.renderer import StoreRenderer
from keepwell.adapters.ways import channels
from keepwell.adapters.webhook import WebhookCaller
from keepwell.churn.service import ChurnService
from keepwell.contracts.playbook import Channel, Playbook
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.db.repositories.campaigns import OpportunityRepository
from keepwell.db.repositories.directory import DirectoryRepository
from keepwell.db.repositories.drafts import DraftRepository
from keepwell.db.repositories.event_alerts import EventAlertRepository
from keepwell.db.repositories.facts import Facts
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.notices import NoticeRepository
from keepwell.db.repositories.pending import PendingRepository
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.steps import StepRepository
from keepwell.db.repositories.templates import TemplateRepository
from keepwell.db.repositories.transitions import TransitionRepository
from keepwell.db.repositories.webhooks import WebhookRepository
from keepwell.errors import KeepwellError
from keepwell.links import Links, make_links
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.ports import ChannelAdapter, Gate
from keepwell.rendering.bundle import OWN_TEMPLATES
from keepwell.settings import Settings
from keepwell.temporal.hand_over import TemporalHandOver
from keepwell.temporal.heartbeat import EVERY_SECONDS, Heartbeats
from keepwell.temporal.pending import Teller
from keepwell.temporal.sandbox import sandbox
from keepwell.temporal.webhooks import TemporalWebhookRuns
from workflows.churn import PredictChurn, RetrainChurn
from workflows.daily import DailyScoring, SweepTransitions
from workflows.monitor import MonitorRun
from workflows.webhooks import DeliverWebhook, HandOverWebhooks

log = logging.getLogger("keepwell.worker")

ACTIVITIES = 16
"""Activities at once: each holds a database connection and mostly waits for it, or for a provider."""

RUNS = 16
"""Workflow tasks at once, and so local activities: each asks the store while its run waits. More would
only queue up for the store here, and hold their runs so long that the server gives them to somebody else;
what does not fit waits at the server."""

THREADS = ACTIVITIES + RUNS
"""Providers that hang must not keep the runs from the store."""

CACHED_RUNS = 1_000
"""A sleeping run costs 85 KiB in the cache and milliseconds to wake without it."""

GRACE = timedelta(seconds=60)
"""What an activity gets to finish after SIGTERM; without it, it would be cancelled at once."""


OTHER_WORKFLOWS = (
    DailyScoring,
    SweepTransitions,
    RetrainChurn,
    PredictChurn,
    MonitorRun,
    HandOverWebhooks,
    DeliverWebhook,
)


@dataclass(frozen=True)
class Parts:
    """Everything a worker, the command line and tests need, wired once."""

    store: Store
    playbooks: PlaybookRegistry
    templates: TemplateRepository
    interventions: InterventionRepository
    transitions: TransitionRepository
    opportunities: OpportunityRepository
    scores: ScoreRepository
    hand_over: TemporalHandOver
    activities: Sequence[Callable[..., Any]]
    workflows: Sequence[type]


def make_hand_over(settings: Settings, store: Store, client: Client) -> TemporalHandOver:
    """What starts and signals runs. It sends nothing itself, so it needs no provider's credentials."""
    return _hand_over(settings, store, client, _playbooks(settings, _templates(settings, store)))


def _hand_over(
    settings: Settings, store: Store, client: Client, playbooks: PlaybookRegistry
) -> TemporalHandOver:
    return TemporalHandOver(
        client,
        settings.task_queue,
        TransitionRepository(store),
        InterventionRepository(store),
        playbooks,
        OpportunityRepository(store),
        EventAlertRepository(store),
    )


def _playbooks(
    settings: Settings, templates: TemplateRepository, instead: Sequence[Playbook] = ()
) -> PlaybookRegistry:
    return PlaybookRegistry((*BUILT_IN, *settings.playbooks), templates.pin, instead)


def _templates(settings: Settings, store: Store) -> TemplateRepository:
    return TemplateRepository(store, _folders(settings))


def _folders(settings: Settings) -> tuple[Path, ...]:
    return (*((settings.templates,) if settings.templates else ()), OWN_TEMPLATES)


def _ears(
    settings: Settings,
    store: Store,
    client: Client,
    adapters: Mapping[Channel, ChannelAdapter],
    lease: timedelta,
) -> tuple[NoticeActivities, WebhookActivities]:
    """What tells people of alerts, and other programs of events."""
    renderer = StoreNoticeRenderer(store, _folders(settings))
    return (
        NoticeActivities(NoticeRepository(store), renderer, adapters, lease),
        WebhookActivities(
            WebhookRepository(store),
            WebhookCaller(PublicOnly(settings.webhook_private)),
            TemporalWebhookRuns(client, settings.task_queue),
        ),
    )


def _churn(settings: Settings, store: Store) -> ChurnActivities:
    return ChurnActivities(ChurnService(store, timedelta(days=settings.churn_window_days)))


def _delivery(
    store: Store,
    gate: Gate,
    directory: DirectoryRepository,
    renderer: StoreRenderer,
    steps: StepRepository,
    ways: Mapping[Channel, ChannelAdapter],
    lease: timedelta,
) -> Delivery:
    """What every attempt to send passes."""
    return Delivery(
        ledger=LedgerRepository(store),
        gate=gate,
        drafts=DraftRepository(store),
        directory=directory,
        renderer=renderer,
        steps=steps,
        channels=ways,
        look=store.look,
        lease=lease,
    )


def compose(
    settings: Settings,
    store: Store,
    client: Client,
    *,
    adapters: Mapping[Channel, ChannelAdapter] | None = None,
    gate: Gate | None = None,
    instead: Sequence[Playbook] = (),
    links: Links | None = None,
    lease: timedelta = LEASE,
) -> Parts:
    """Wire the production parts; tests and rehearsals give other adapters, a gate, playbooks `instead`.

    `links` are this installation's, unless others are given: its key is made where there is none yet.
    """
    templates = _templates(settings, store)
    playbooks = _playbooks(settings, templates, instead)
    hand_over = _hand_over(settings, store, client, playbooks)
    interventions, steps = InterventionRepository(store), StepRepository(store)
    transitions, scores = TransitionRepository(store), ScoreRepository(store, settings.partition_size)
    opportunities = OpportunityRepository(store)
    links = links or make_links(settings)
    renderer = StoreRenderer(Facts(store, links), templates)
    ways = adapters or channels(settings, store)
    directory = DirectoryRepository(store, links, settings.reply_domain)
    delivery = _delivery(store, gate or StoreGate(store), directory, renderer, steps, ways, lease)
    of_runs = InterventionActivities(interventions, playbooks, steps, renderer)
    of_steps = StepActivities(delivery, steps, renderer)
    of_scoring = ScoringActivities(scores, transitions, hand_over, opportunities)
    of_monitor = MonitorActivities(MonitorRepository(store), hand_over)
    of_pending = PendingActivities(Teller(client, PendingRepository(store)))
    ears = _ears(settings, store, client, ways, lease)
    holders = (of_runs, of_steps, of_scoring, of_monitor, of_pending, *ears, _churn(settings, store))
    return Parts(
        store=store,
        playbooks=playbooks,
        templates=templates,
        interventions=interventions,
        transitions=transitions,
        opportunities=opportunities,
        scores=scores,
        hand_over=hand_over,
        activities=[activity for holder in holders for activity in _activities(holder)],
        workflows=[*playbooks.workflows.values(), *OTHER_WORKFLOWS],
    )


def _activities(holder: object) -> list[Callable[..., Any]]:
    methods = (getattr(holder, name) for name in dir(holder) if not name.startswith("_"))
    return [method for method in methods if hasattr(method, "__temporal_activity_definition")]


def make_worker(settings: Settings, client: Client, parts: Parts, executor: ThreadPoolExecutor) -> Worker:
    """The Temporal worker for these parts. Our own errors fail a run; a bug only blocks it."""
    return Worker(
        client,
        task_queue=settings.task_queue,
        # Named, or the SDK reads every loaded module at each start to make a name of its own.
        build_id=f"keepwell-{__version__}",
        workflows=parts.workflows,
        activities=parts.activities,
        activity_executor=executor,
        max_concurrent_activities=ACTIVITIES,
        max_concurrent_local_activities=RUNS,
        max_concurrent_workflow_tasks=RUNS,
        max_cached_workflows=CACHED_RUNS,
        graceful_shutdown_timeout=GRACE,
        # Or the SDK would pass them on only when four fifths of an activity's time-out are over.
        max_heartbeat_throttle_interval=timedelta(seconds=EVERY_SECONDS),
        workflow_runner=sandbox(),
        interceptors=[Heartbeats()],
        workflow_failure_exception_types=[KeepwellError],
    )


def open_store(settings: Settings) -> Store:
    """The store of this installation, made where it is missing, refused where it is of another version."""
    settings.ensure_home()
    store = Store(settings.database_url)
    ensure_current(store)
    return store


async def run_until_stopped(worker: Worker) -> None:
    """Work until SIGTERM or Ctrl-C; what runs then is let finish."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with worker:
        await stop.wait()
        log.info("Stopping: running activities may finish", extra={"seconds": GRACE.total_seconds()})


if __name__ == "__main__":
    from keepwell.cli.app import main

    main(["worker"])
