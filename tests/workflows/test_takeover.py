"""One voice per customer: from every level to every other, at every moment of the playbook that runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pytest

import worker
from keepwell.adapters.gate import StoreGate
from keepwell.contracts.commands import Acknowledge, Pause, Resume, Stop
from keepwell.contracts.delivery import GateAnswer, GoAt, Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import Playbook
from keepwell.db.engine import Store
from keepwell.db.tables import Document, Intervention
from scoring.levels import LEVELS
from tests.workflows.consistency import chain_of, codes, consistent, decided, sent, waits
from tests.workflows.stage import DAY, HOUR, Stage
from tests.workflows.stage import stage as open_stage
from workflows.at_risk import AT_RISK
from workflows.critical import CRITICAL
from workflows.high_risk import HIGH_RISK

PLAYBOOKS = {"at_risk": AT_RISK, "high_risk": HIGH_RISK, "critical": CRITICAL}
POINTS = {"at_risk": 50, "high_risk": 30, "critical": 12}
PAIRS = list(permutations(PLAYBOOKS.values(), 2))
WORSE = [(one, other) for one, other in PAIRS if POINTS[other.name] < POINTS[one.name]]
BETTER = [(one, other) for one, other in PAIRS if POINTS[other.name] > POINTS[one.name]]
MIDWAY = {"at_risk": 4 * DAY, "high_risk": 25 * HOUR, "critical": 25 * HOUR}
"""Messages are out, and where the playbook has tasks, some are open."""
FIRST_MAIL = {"at_risk": 25 * HOUR, "high_risk": 2 * HOUR, "critical": HOUR / 12}
EARLY = 90 * HOUR / 60
"""Between two steps, whichever playbook it is."""
TASKS = {
    ("nobody", "at_risk"): {"value_email"},
    ("midway", "high_risk"): {"tell_cover", "escalate"},
    ("midway", "critical"): {"tell_cover", "escalate", "phone_call"},
    ("acknowledged", "critical"): {"tell_cover"},
    ("paused", "critical"): {"tell_cover"},
    ("paused_until", "critical"): {"tell_cover"},
}
"""The steps that have made a task by a moment of a playbook; none where nothing is said."""
NEXT = {"at_once": 2 * HOUR, "midway": 24 * HOUR, "unsent": 7 * HOUR}
"""How long the next message takes at most, from each moment on; 12 hours where nothing is said."""


class QuietAtFirst(StoreGate):
    """Customers called "unsent…" get the messages of their first intervention 6 hours later."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._first: dict[str, str] = {}
        self._asked: set[tuple[str, str]] = set()

    def ask(self, call: StepCall, recipient: Recipient, channel: str) -> GateAnswer:
        """As the gate of production, but for the first attempt at a message to such a customer."""
        ours = self._first.setdefault(call.customer, call.intervention) == call.intervention
        attempt = (call.intervention, call.step.name)
        theirs = ours and call.customer.startswith("unsent") and recipient.kind == "contact"
        if theirs and attempt not in self._asked:
            self._asked.add(attempt)
            return GoAt(at=call.now + 6 * HOUR, reason="quiet hours")
        return super().ask(call, recipient, channel)


async def at_once(stage: Stage, key: str, running: str) -> None:
    """Before the first step is over; with the at-risk playbook, before it begins."""


async def midway(stage: Stage, key: str, running: str) -> None:
    await stage.forward(key, MIDWAY[running])


async def acknowledged(stage: Stage, key: str, running: str) -> None:
    await stage.forward(key, EARLY)
    await stage.command(key, Acknowledge)
    await stage.eventually(lambda: stage.interventions(key)[0].acknowledged_by, bool)


async def paused(stage: Stage, key: str, running: str) -> None:
    await stage.forward(key, EARLY)
    await stage.command(key, Pause, reason="They are moving office")
    await stage.eventually(lambda: stage.interventions(key)[0].paused, bool)


async def paused_until(stage: Stage, key: str, running: str) -> None:
    """Nobody resumes it: the pause has an end."""
    await stage.forward(key, EARLY)
    until = stage.clocks[key] + 2 * DAY
    await stage.command(key, Pause, until=until, reason="They are moving office")
    await stage.eventually(lambda: stage.interventions(key)[0].paused, bool)


async def unsent(stage: Stage, key: str, running: str) -> None:
    """The first message to the customer waits."""
    await stage.forward(key, FIRST_MAIL[running])


async def nobody(stage: Stage, key: str, running: str) -> None:
    """Nobody to write to: each message has become a task for a person, and that is open."""
    await stage.forward(key, FIRST_MAIL[running])


MOMENTS: dict[str, Callable[[Stage, str, str], Awaitable[None]]] = {
    moment.__name__: moment
    for moment in (at_once, midway, acknowledged, paused, paused_until, unsent, nobody)
}
PAUSED = (paused.__name__, paused_until.__name__)


@pytest.fixture
async def stage(
    sqlite_store: Store, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    monkeypatch.setattr(worker, "StoreGate", QuietAtFirst)
    async with open_stage(sqlite_store, temporal_address) as opened:
        yield opened


def test_every_level_with_a_playbook_is_played_here(stage: Stage) -> None:
    found = [stage.parts.playbooks.for_level(level) for level in LEVELS]
    names = {playbook.name: playbook.label for playbook in found if playbook is not None}
    assert names == {name: playbook.label for name, playbook in PLAYBOOKS.items()}


@dataclass(frozen=True)
class Case:
    """A customer whose playbook runs and has come to a moment; `arrives` is what its level asks for then."""

    stage: Stage
    moment: str
    running: Playbook
    arrives: Playbook | None

    @property
    def key(self) -> str:
        """The customer."""
        return f"{self.moment}-{self.running.name}-{self.arrives.name if self.arrives else 'well'}"

    async def begin(self) -> None:
        """Let the playbook come to the moment."""
        stage, key = self.stage, self.stage.customer(self.key, contacts=0 if self.moment == "nobody" else 2)
        await stage.score(key, POINTS[self.running.name])
        await stage.opened(key)
        await MOMENTS[self.moment](stage, key, self.running.name)

    async def resume(self) -> None:
        """A pause has let nothing out, and is over now: it has come to its end, or somebody ends it."""
        said = [sent(self.stage, row.id) for row in self.stage.interventions(self.key)]
        await self.stage.forward(self.key, 2 * DAY - HOUR)
        assert [sent(self.stage, row.id) for row in self.stage.interventions(self.key)] == said
        assert self.stage.interventions(self.key)[-1].paused
        if self.moment == paused.__name__:
            await self.stage.command(self.key, Resume)
        else:
            await self.stage.forward(self.key, HOUR)
        await self.stage.eventually(
            lambda: self.stage.interventions(self.key)[-1].paused, lambda stands: not stands
        )


Play = Callable[[Case], Awaitable[None]]


async def everywhere(stage: Stage, pairs: Sequence[tuple[Playbook, Playbook | None]], play: Play) -> None:
    """Play every pair at every moment, all side by side: a skip of the clock takes a second of real time."""

    async def one(case: Case) -> None:
        try:
            await case.begin()
            await play(case)
        except Exception as error:
            error.add_note(f"customer {case.key}")
            raise

    cases = [Case(stage, moment, *pair) for pair in pairs for moment in MOMENTS]
    # With nobody to write to, each message becomes a task: of interest where the playbook has no other.
    cases = [case for case in cases if case.moment != "nobody" or case.running is AT_RISK]
    failed = await asyncio.gather(*(one(case) for case in cases), return_exceptions=True)
    errors = [error for error in failed if isinstance(error, Exception)]
    if errors:
        raise ExceptionGroup(f"{len(errors)} of {len(cases)} cases", errors)


def left_of(stage: Stage, intervention: str) -> dict[str, Any]:
    """What an intervention has left that no end may take back: steps done, documents, tasks closed."""
    key = stage.rows(Intervention, id=intervention)[0].customer_id
    return {
        "steps": {name for name, state in stage.steps(intervention).items() if state == "done"},
        "documents": [row.title for row in stage.rows(Document, intervention_id=intervention)],
        "tasks": [row.key for row in stage.tasks(key) if row.intervention_id == intervention],
    }


def withdrawn(case: Case, old: Intervention) -> None:
    """Nothing of it is open: tasks are withdrawn with the reason, a message that waits is cancelled.

    A task that silence made is done instead, if somebody has acknowledged the customer before.
    """
    tasks = [task for task in case.stage.tasks(case.key) if task.intervention_id == old.id]
    last = ("withdrawn", f"{old.outcome}: {old.outcome_why}")
    if case.moment == "acknowledged":
        last = ("done", "dana@brightdesk.example has it in hand")
    expected = {(step, *last) for step in TASKS.get((case.moment, case.running.name), set())}
    assert {(task.step, task.state, task.note) for task in tasks} == expected
    assert len(tasks) == len(expected)
    rows = [row for row in case.stage.deliveries(case.key) if row.intervention_id == old.id]
    cancelled = [row for row in rows if row.state == "cancelled"]
    assert [row.reason for row in cancelled] == [old.outcome_why] * (case.moment == "unsent")


async def taken_over(case: Case) -> None:
    stage, key, before, after = case.stage, case.key, case.running, case.arrives
    assert after is not None
    chain = await chain_of(stage, key)
    first = stage.interventions(key)[0]
    earlier = left_of(stage, first.id)
    await stage.score(key, POINTS[after.name])
    await stage.opened(key, 2)
    old, new = stage.interventions(key)
    assert (old.outcome, old.ended_at) == ("superseded", new.started_at)
    assert old.outcome_why == f"{after.label} took over: the level is {after.level}"
    assert (new.supersedes, new.start, new.workflow_id) == (old.id, f"{old.start}.1", old.workflow_id)
    assert (new.playbook, new.version, new.level) == (after.name, after.version, after.level)
    assert (new.paused, new.pause_reason) == (case.moment in PAUSED, old.pause_reason)
    assert (new.paused_until, new.paused_until is None) == (
        first.paused_until,
        case.moment != paused_until.__name__,
    )
    assert (old.acknowledged_by != "", new.acknowledged_by) == (case.moment == "acknowledged", "")
    withdrawn(case, old)
    stays, said = left_of(stage, old.id), sent(stage, old.id)
    assert case.moment == "at_once" or stays == earlier
    await waits(stage, key, after)
    assert await chain_of(stage, key) == chain
    if case.moment in PAUSED:
        await case.resume()
    await stage.forward(key, 7 * HOUR if case.moment == "unsent" else HOUR / 4)
    assert sent(stage, new.id)
    assert (sent(stage, old.id), left_of(stage, old.id)) == (said, stays), "the old one is silent"
    assert codes(stage, key) == ["started", "started"]
    assert stage.timeline(old.id)[-1].endswith(f"{before.label} ended: superseded")
    assert f"{after.label} began for {key.title()}" in stage.timeline(new.id)[0]
    consistent(stage, key)
    await stage.command(key, Stop)


async def goes_on(case: Case) -> None:
    stage, key, before, better = case.stage, case.key, case.running, case.arrives
    assert better is not None
    row = stage.interventions(key)[0]
    said, steps = sent(stage, row.id), stage.steps(row.id)
    await stage.score(key, POINTS[better.name])
    last = (await decided(stage, key, 2))[-1]
    assert codes(stage, key) == ["started", "goes_on"]
    assert (last.decision, last.handed, last.intervention_id) == ("refused", "signalled", None)
    assert last.reason == f"{before.label} goes on: {better.level} is not a recovery"
    assert stage.interventions(key) == [row]
    assert case.moment == "at_once" or (sent(stage, row.id), stage.steps(row.id)) == (said, steps)
    if case.moment in PAUSED:
        await case.resume()
    if case.moment != "nobody":
        await stage.forward(key, NEXT.get(case.moment, 12 * HOUR))
        assert set(said) < set(sent(stage, row.id)), "it goes on with its messages"
    assert (stage.steps(row.id)["escalate"] == "cancelled") == (case.moment == "acknowledged")
    consistent(stage, key)
    await stage.command(key, Stop)


async def recovered(case: Case) -> None:
    stage, key, before = case.stage, case.key, case.running
    earlier = left_of(stage, stage.interventions(key)[0].id)
    await stage.score(key, 68)
    result = await stage.handle(key).result()
    (row,) = stage.interventions(key)
    why = "The level is HEALTHY again, score 68.0"
    assert result == {"intervention": row.id, "outcome": "recovered", "why": why}
    assert (row.outcome, row.outcome_why) == ("recovered", why)
    withdrawn(case, row)
    assert case.moment == "at_once" or left_of(stage, row.id) == earlier
    last = stage.transitions(key)[-1]
    assert (last.decision, last.code, last.intervention_id) == ("refused", "recovered", None)
    assert last.reason == f"No playbook is needed: {why}; intervention {row.id} ended"
    assert stage.timeline(row.id)[-1].endswith(f"{before.label} ended: recovered")
    consistent(stage, key)


async def test_a_worse_level_takes_over_in_the_same_chain(stage: Stage) -> None:
    """The old one ends as superseded, whatever its moment; what it has done stays, the rest is withdrawn."""
    await everywhere(stage, WORSE, taken_over)


async def test_a_better_level_that_is_no_recovery_changes_nothing(stage: Stage) -> None:
    await everywhere(stage, BETTER, goes_on)


async def test_a_recovery_ends_it_at_once(stage: Stage) -> None:
    await everywhere(stage, [(playbook, None) for playbook in PLAYBOOKS.values()], recovered)
