"""A rehearsal from the real store to its timeline. The real store is only read."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any, NoReturn

from sqlmodel import Session
from temporalio.envconfig import ClientConfigProfile

from keepwell.contracts.playbook import Family, Playbook
from keepwell.db.engine import Store
from keepwell.db.repositories.baselines import baseline_of
from keepwell.db.repositories.campaigns import last_campaigns
from keepwell.db.repositories.enrolment import refusals_of
from keepwell.db.repositories.event_alerts import hindrance
from keepwell.db.repositories.holding import held_because, open_of
from keepwell.db.repositories.modes import needs_approval
from keepwell.db.repositories.silencing import open_events
from keepwell.db.tables import Customer
from keepwell.errors import KeepwellError
from keepwell.rehearsal.actor import Actor
from keepwell.rehearsal.begin import begin, check_start
from keepwell.rehearsal.play import Play, Played, Say
from keepwell.rehearsal.reactions import Script
from keepwell.rehearsal.scratch import fill, read_excerpt, scratch_store
from keepwell.rehearsal.telling import tell
from keepwell.rehearsal.theatre import open_theatre, virtual_server
from keepwell.rehearsal.timeline import Timeline
from keepwell.settings import Settings

LONGEST_REAL = 300.0
"""Seconds in which a rehearsal is over on any machine; a run that is broken would never be."""

_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Signals that end a process; SIGHUP (the terminal was closed) is not there on every platform."""


@dataclass(frozen=True)
class Prepared:
    """A playbook that is about to be rehearsed, and the scratch store that is filled for it.

    `notes` say what would keep it from beginning today, or let it wait.
    """

    playbook: Playbook
    scratch: Store
    notes: tuple[str, ...]


def rehearse(
    settings: Settings,
    real: Store,
    customer: str,
    playbooks: Sequence[Playbook],
    script: Script,
    say: Say = lambda _: None,
) -> tuple[Timeline, ...]:
    """Rehearse each playbook for the customer (our id), side by side; a timeline for each.

    real: best opened with `read_only`. say: gets short lines of progress. Not to be called where an event
    loop runs; in a thread it may be.

    Raises:
        NotFoundError: the customer is unknown.
        InputError, RefusedError: it cannot be played this way.
    """
    now = datetime.now(UTC)
    check_start(script.start, now)
    if script.start is None:
        script = script.model_copy(update={"start": full_minute(now)})
    with ended_in_order(), prepared(real, customer, playbooks, now, say) as plays:

        async def on_its_own(play: Prepared) -> Timeline:
            told = _named(say, play.playbook) if len(plays) > 1 else say
            return await rehearse_on(
                settings, play.scratch, customer, play.playbook, script, told, play.notes
            )

        try:
            return asyncio.run(side_by_side(plays, on_its_own))
        finally:
            # A client must not outlive the loop: see keepwell.temporal.run_client.
            gc.collect()


@contextmanager
def prepared(
    real: Store,
    customer: str,
    playbooks: Sequence[Playbook],
    now: datetime,
    say: Say = lambda _: None,
) -> Iterator[tuple[Prepared, ...]]:
    """A scratch store for each playbook, filled from the real one; they go with the block.

    Raises:
        NotFoundError: the customer is unknown.
    """
    with ExitStack() as stack:
        stores = []
        for playbook in playbooks:
            say(f"Copying what {playbook.label} needs into a store of its own …")
            scratch = stack.enter_context(scratch_store())
            fill(scratch, read_excerpt(real, customer, now, playbook.templates, playbook.signal))
            stores.append(scratch)
        with real.read() as session:
            notes = [
                (*would_refuse(session, customer, playbook, now), *would_wait(session, customer, playbook))
                for playbook in playbooks
            ]
        yield tuple(map(Prepared, playbooks, stores, notes))


async def side_by_side(
    plays: Sequence[Prepared], perform: Callable[[Prepared], Coroutine[Any, Any, Timeline]]
) -> tuple[Timeline, ...]:
    """Perform all of them at once. When it returns or raises, none of them goes on.

    Raises:
        KeepwellError: they were not over in time.
    """
    tasks = [asyncio.create_task(perform(play)) for play in plays]
    try:
        async with asyncio.timeout(LONGEST_REAL):
            return tuple(await asyncio.gather(*tasks))
    except TimeoutError as error:
        raise KeepwellError(
            f"The rehearsal was not over after {LONGEST_REAL / 60:.0f} minutes.",
            hint="A step may fail again and again: set KEEPWELL_LOG_LEVEL=DEBUG and look at the log.",
        ) from error
    finally:
        for task in tasks:
            task.cancel()
        # Each ends its server before the scratch stores go.
        await asyncio.gather(*tasks, return_exceptions=True)


async def rehearse_on(
    settings: Settings,
    scratch: Store,
    customer: str,
    playbook: Playbook,
    script: Script,
    say: Say = lambda _: None,
    notes: Sequence[str] = (),
) -> Timeline:
    """Play one playbook on a filled scratch store, with a server of its own, and tell it."""
    say("Starting a Temporal server in memory …")
    async with virtual_server(settings) as address:
        return await rehearse_at(address, settings, scratch, customer, playbook, script, say, notes)


async def rehearse_at(
    server: ClientConfigProfile | str,
    settings: Settings,
    scratch: Store,
    customer: str,
    playbook: Playbook,
    script: Script,
    say: Say = lambda _: None,
    notes: Sequence[str] = (),
) -> Timeline:
    """The same on a server that is there (its address, or a profile with a namespace of it).

    Nobody else may work on the task queue of the settings in that namespace.
    """
    with scratch.read() as session:
        row = session.get_one(Customer, customer)
        name, organisation = row.name, row.organisation_id
    async with open_theatre(settings, scratch, organisation, server, instead=(playbook,)) as theatre:
        families: tuple[Family, ...] = ("risk",) if playbook.family == "risk" else ("risk", playbook.family)
        theatre.event = playbook.name if playbook.family == "event" else ""
        actor = Actor(theatre, customer, name, families)
        if script.start is not None:
            actor.start_at(script.start)
        say(f"Playing {playbook.label} for {name} …")
        begun = await begin(actor, playbook, script)
        play = Play(actor, script, say, Played(begun.started_at, begun.started_at))
        played = await play.run()
        return await asyncio.to_thread(
            tell, scratch, customer, played, theatre.gate.asked, script, (*begun.notes, *notes)
        )


def full_minute(now: datetime) -> datetime:
    """The next full minute: where several rehearsals begin then, their texts name the same times."""
    return now.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _named(say: Say, playbook: Playbook) -> Say:
    return lambda text: say(f"{playbook.label}  {text}")


def would_refuse(session: Session, customer: str, playbook: Playbook, now: datetime) -> tuple[str, ...]:
    """What would keep the playbook from beginning today; a rehearsal goes on in spite of it."""
    if playbook.family == "event":
        why = hindrance(session, customer, playbook, now)
        running = open_events(session, customer, playbook.name)
        if running:
            why = "running", f"{playbook.name}@{running[0].version} runs already"
        return (f"Today it would not begin: {why[1][:1].lower()}{why[1][1:]}",) if why is not None else ()
    reasons = [*refusals_of(session, [customer], playbook.name, playbook.cooldown, now).values()]
    if playbook.family == "expansion":
        other = open_of(session, customer, "expansion")
        if other is not None:
            reasons.insert(0, f"{other.playbook}@{other.version} runs already: one campaign at a time")
        elif not reasons and (held := held_because(session, customer) or _rests(session, customer, now)):
            reasons.append(f"{held[:1].lower()}{held[1:]}")
        if playbook.signal is not None and baseline_of(session, customer, playbook.signal):
            reasons.append(
                f"{playbook.signal.value} was there at the first score, a baseline: keepwell enrol --signal"
            )
    return tuple(f"Today it would not begin: {reason}" for reason in reasons)


def would_wait(session: Session, customer: str, playbook: Playbook) -> tuple[str, ...]:
    """That people would have to approve the messages, which a rehearsal does not wait for."""
    organisation = session.get_one(Customer, customer).organisation_id
    if not needs_approval(session, organisation, playbook.name):
        return ()
    return (
        f"{playbook.name} goes with drafts: each message to a contact would wait for approval "
        "(keepwell drafts), and not go where nobody gives it in time. Here they go at once",
    )


def _rests(session: Session, customer: str, now: datetime) -> str:
    last = last_campaigns(session, (customer,)).get(customer)
    return last.rests(now) if last is not None else ""


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Make what ends a process an exception, so that server and scratch store go as they do after Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Whoever ignores one of them (nohup does) goes on ignoring it; None is a handler that is not Python's.
    before = {
        number: handler
        for number in _ENDING
        if (handler := signal.getsignal(number)) not in (signal.SIG_IGN, None)
    }

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        # A terminal that closes may say so twice, by its shell as well: cleaning up must not be broken off.
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in before:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
