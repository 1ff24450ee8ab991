"""A rehearsal of each playbook equals the timeline of a real run with the same reactions, word by word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from temporalio.client import Client

import worker
from keepwell.adapters.gate import StoreGate
from keepwell.contracts.delivery import GateAnswer, GoAt, Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.db.engine import Store
from keepwell.db.tables import Contact
from keepwell.keys import new_id
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.ports import Gate
from keepwell.rehearsal import theatre
from keepwell.rehearsal.gate import RecordingGate
from keepwell.rehearsal.reactions import Reaction
from keepwell.rehearsal.rehearse import full_minute, rehearse_at
from keepwell.rehearsal.scratch import fill, read_excerpt, scratch_store
from keepwell.rehearsal.theatre import LateStarts
from keepwell.rehearsal.timeline import Timeline
from keepwell.settings import Settings
from keepwell.temporal.connect import connect_to
from tests.temporal_server import serving
from tests.workflows import stage as stages
from tests.workflows.real_run import RealRun
from tests.workflows.rehearsal_scripts import (
    BARE,
    FIGURES,
    FINDINGS,
    FOLLOWED,
    REFUSED,
    SCRIPTS,
    UNREACHED,
    with_silence,
)
from tests.workflows.rehearsal_world import CONTACTS, KEY, LACKS, furnish
from tests.workflows.told_alike import (
    NAMES,
    answers,
    answers_there,
    compare_all,
    handed_over,
    sent,
    tasks,
    tasks_there,
)

VERSIONS = PlaybookRegistry(BUILT_IN).versions
REACHED: dict[str, tuple[str, ...]] = {
    "no contacts": (),
    "no owner, and the first contact withdrew": CONTACTS[1:],
    "all contacts withdrew": (),
    "consent required": (),
}
"""Who gets messages of a bare customer."""


class Fickle(StoreGate):
    """A first letter has to wait; then the contact of the second withdraws consent while it waits.

    Whoever asks the same again, as a step that is tried again does, is told the same again.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._writable = store
        self._first: dict[str, datetime] = {}

    def ask(self, call: StepCall, recipient: Recipient, channel: str) -> GateAnswer:
        """As the gate of production, but for these two steps."""
        step = call.step.name
        if step in ("csm_outreach", "roadmap_email") and self._first.setdefault(step, call.now) == call.now:
            return GoAt(at=call.now + timedelta(minutes=30), reason="quiet hours")
        if step == "roadmap_email":
            with self._writable.write() as session:
                session.get_one(Contact, recipient.id).consent = "denied"
        return super().ask(call, recipient, channel)


@dataclass
class Noted:
    """The gates of the stages by their stores, and how far the clocks of runs are ahead of the real one.

    `behind` makes the gate behind them, and that of the rehearsals.
    """

    gates: dict[str, RecordingGate] = field(default_factory=dict)
    ahead: dict[str, timedelta] = field(default_factory=dict)
    behind: Callable[[Store], Gate] = StoreGate

    def gate(self, store: Store) -> Gate:
        """A gate, which notes nothing yet."""
        return self.behind(store)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """The gate of every stage notes what it is asked, and runs begin on their customer's clock."""
    made = Noted()

    def noting(store: Store) -> RecordingGate:
        return made.gates.setdefault(str(store.url), RecordingGate(made.gate(store)))

    async def late(address: str) -> Client:
        config = (await connect_to(address)).config()
        config["interceptors"] = [*config["interceptors"], LateStarts(made.ahead)]
        return Client(**config)

    monkeypatch.setattr(worker, "StoreGate", noting)
    monkeypatch.setattr(theatre, "StoreGate", made.gate)
    monkeypatch.setattr(stages, "connect_to", late)
    return made


@pytest.fixture(scope="module")
def theatre_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another server, for the rehearsals: a rehearsed customer has the same ids as the real one."""
    with serving(tmp_path_factory.mktemp("theatre")) as address:
        yield address


async def minute_alike() -> datetime:
    """The next full minute, in the same half of an hour as now, if need be after a short wait.

    Texts name days and hours of business, and steps come half hours and hours after the start. A real run
    that began some seconds before midnight, and its rehearsal at midnight, would name different days.
    """
    start = full_minute(datetime.now(UTC))
    if start.minute % 30 == 0:
        await asyncio.sleep((start - datetime.now(UTC)).total_seconds() + 1)
        start = full_minute(datetime.now(UTC))
    return start


CASES = [(label, name, "") for label in SCRIPTS for name in with_silence(label)]


@dataclass
class Places:
    """Where a rehearsal and a real run are played: the real store, and a server for each."""

    noted: Noted
    store: Store
    real: str
    theatre: str

    async def both(self, label: str, name: str, lack: str = "") -> Timeline:
        """Rehearse a script and play it for real, hold one against the other, and give the rehearsal."""
        playbook, script = VERSIONS[label], with_silence(label)[name]
        start = await minute_alike()
        async with stages.stage(self.store, self.real) as opened:
            furnish(opened.world, playbook.signal, FINDINGS.get(playbook.name))
            if lack:
                LACKS[lack](opened.world)
            real = Store(self.store.url.render_as_string(hide_password=False), read_only=True)
            with scratch_store() as scratch:
                fill(scratch, read_excerpt(real, KEY, datetime.now(UTC), {}, playbook.signal))
                real.dispose()
                gate = self.noted.gates[str(self.store.url)]
                run = RealRun(opened, playbook, script, gate, self.noted.ahead)
                settings = Settings(task_queue=f"rehearsal-{new_id()}")
                later = script.model_copy(update={"start": start})
                left, right = await asyncio.gather(
                    rehearse_at(self.theatre, settings, scratch, KEY, playbook, later), run.play()
                )
            compare_all(left, right)
            assert sent(left) == handed_over(opened)
            assert tasks(left) == tasks_there(opened)
            assert answers(left) == answers_there(opened, gate)
        return left


@pytest.fixture
def places(noted: Noted, sqlite_store: Store, temporal_address: str, theatre_address: str) -> Places:
    """A real store and both servers."""
    return Places(noted, sqlite_store, temporal_address, theatre_address)


@pytest.mark.parametrize(("label", "name", "lack"), [*CASES, *BARE])
async def test_a_rehearsal_is_what_a_real_run_does(label: str, name: str, lack: str, places: Places) -> None:
    left = await places.both(label, name, lack)
    assert [one[1] for one in answers(left)].count("now") == len(sent(left))
    reached = {one.recipient for entry in left.entries for one in entry.messages if one.to_customer}
    if lack:
        assert reached == {NAMES[key] for key in REACHED[lack]}
    if (label, name) in UNREACHED:
        assert not reached
    elif not reached:
        # What could not be written is there for a person to do.
        unsent = [entry for entry in left.entries if entry.kind == "message" and entry.state == "skipped"]
        assert unsent
        assert all(entry.tasks for entry in unsent)
    assert len(left.refused) == REFUSED.get((label, name), 0)
    follow_ups = [one.name for each in VERSIONS[label].follow_ups for one in each.steps]
    followed = [entry.step for entry in left.entries if entry.step in follow_ups for _ in entry.tasks]
    assert followed == [*FOLLOWED.get((label, name), ())]


async def test_a_gate_that_says_later_and_no_says_so_in_a_rehearsal_too(places: Places) -> None:
    places.noted.behind = Fickle
    left = await places.both("critical@3", "silent")
    said = {
        entry.step: [(line.answer, line.reason) for line in entry.gate]
        for entry in left.entries
        if entry.step in ("csm_outreach", "roadmap_email")
    }
    assert said == {
        "csm_outreach": [("later", "quiet hours"), ("now", "")],
        "roadmap_email": [("later", "quiet hours"), ("no", f"{NAMES[CONTACTS[0]]} has withdrawn consent")],
    }
    states = {entry.step: entry.state for entry in left.entries if entry.step in said}
    assert states == {"csm_outreach": "done", "roadmap_email": "skipped"}


def test_each_playbook_has_its_scripts() -> None:
    """A new playbook, or a new version, is rehearsed and held against a real run like the others."""
    assert {*SCRIPTS} == {*VERSIONS}, "give it scripts in tests/workflows/rehearsal_scripts.py"
    assert {*FIGURES} == {one.signal for one in VERSIONS.values() if one.signal is not None}
    for label in SCRIPTS:
        scripts = with_silence(label)
        assert {"silent", "answered"} <= {*scripts}, label
        assert len(scripts) >= 3, f"{label}: what is special about it?"
    kinds = {one.kind for scripts in SCRIPTS.values() for each in scripts.values() for one in each.reactions}
    every = {one.model_fields["kind"].default for one in get_args(get_args(Reaction)[0])}
    assert kinds == every, "a kind of reaction is in no script"
