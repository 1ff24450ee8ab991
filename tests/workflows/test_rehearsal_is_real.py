"""A rehearsal of each playbook equals the timeline of a real run with the same reactions, word by word."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from temporalio.client import Client

import worker
from keepwell.adapters.gate import StoreGate
from keepwell.db.engine import Store
from keepwell.db.tables import InAppNotification
from keepwell.keys import new_id
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rehearsal.gate import RecordingGate
from keepwell.rehearsal.reactions import Reaction
from keepwell.rehearsal.rehearse import full_minute, rehearse_at
from keepwell.rehearsal.scratch import fill, read_excerpt, scratch_store
from keepwell.rehearsal.theatre import LateStarts
from keepwell.rehearsal.timeline import Entry, GateLine, Message, Timeline, Work
from keepwell.settings import Settings
from keepwell.temporal.connect import connect_to
from tests.temporal_server import serving
from tests.workflows import stage as stages
from tests.workflows.real_run import RealRun
from tests.workflows.rehearsal_scripts import BARE, FIGURES, SCRIPTS, with_silence
from tests.workflows.rehearsal_world import CONTACTS, KEY, LACKS, furnish
from tests.workflows.stage import Stage

VERSIONS = PlaybookRegistry(BUILT_IN).versions
_MOMENT = re.compile(r"\b\d{2}:\d{2}\b")
_ID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")
Plain = dict[str, Any]
NAMES = {key: f"{key.title()} Person" for key in CONTACTS}
REACHED: dict[str, tuple[str, ...]] = {
    "no contacts": (),
    "no owner, and the first contact withdrew": CONTACTS[1:],
    "all contacts withdrew": (),
    "consent required": (),
}
"""Who gets messages of a bare customer."""


@dataclass
class Noted:
    """The gates of the stages by their stores, and how far the clocks of runs are ahead of the real one."""

    gates: dict[str, RecordingGate] = field(default_factory=dict)
    ahead: dict[str, timedelta] = field(default_factory=dict)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Noted:
    """The gate of every stage notes what it is asked, and runs begin on their customer's clock."""
    made = Noted()

    def noting(store: Store) -> RecordingGate:
        return made.gates.setdefault(str(store.url), RecordingGate(StoreGate(store)))

    async def late(address: str) -> Client:
        config = (await connect_to(address)).config()
        config["interceptors"] = [*config["interceptors"], LateStarts(made.ahead)]
        return Client(**config)

    monkeypatch.setattr(worker, "StoreGate", noting)
    monkeypatch.setattr(stages, "connect_to", late)
    return made


@pytest.fixture(scope="module")
def theatre_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another server, for the rehearsals: a rehearsed customer has the same ids as the real one."""
    with serving(tmp_path_factory.mktemp("theatre")) as address:
        yield address


CASES = [(label, name, "") for label in SCRIPTS for name in with_silence(label)]


@pytest.mark.parametrize(("label", "name", "lack"), [*CASES, *BARE])
async def test_a_rehearsal_is_what_a_real_run_does(
    label: str,
    name: str,
    lack: str,
    noted: Noted,
    sqlite_store: Store,
    temporal_address: str,
    theatre_address: str,
) -> None:
    playbook, script = VERSIONS[label], with_silence(label)[name]
    async with stages.stage(sqlite_store, temporal_address) as opened:
        furnish(opened.world, playbook.signal)
        if lack:
            LACKS[lack](opened.world)
        real = Store(sqlite_store.url.render_as_string(hide_password=False), read_only=True)
        with scratch_store() as scratch:
            fill(scratch, read_excerpt(real, KEY, datetime.now(UTC), {}, playbook.signal))
            real.dispose()
            run = RealRun(opened, playbook, script, noted.gates[str(sqlite_store.url)], noted.ahead)
            later = script.model_copy(update={"start": full_minute(datetime.now(UTC))})
            settings = Settings(task_queue=f"rehearsal-{new_id()}")
            left, right = await asyncio.gather(
                rehearse_at(theatre_address, settings, scratch, KEY, playbook, later), run.play()
            )
        compare_all(left, right, handed_over(opened))
    reached = {one.recipient for entry in left.entries for one in entry.messages if one.to_customer}
    if lack:
        assert reached == {NAMES[key] for key in REACHED[lack]}
    if not reached:
        # What could not be written is there for a person to do.
        unsent = [entry for entry in left.entries if entry.kind == "message" and entry.state == "skipped"]
        assert unsent
        assert all(entry.tasks for entry in unsent)


def compare_all(left: Timeline, right: Timeline, handed: list[tuple[str, ...]]) -> None:
    """The rehearsal and the real run, line by line, and the messages against the channels' own tables."""
    ours, theirs = lines(left), lines(right)
    assert [one for one in ours if one not in theirs] == []
    assert [one for one in theirs if one not in ours] == []
    assert len(ours) == len(theirs)
    assert order(left) == order(right)
    assert header(left) == header(right)
    assert sent(left) == handed
    asked = [line.answer for entry in left.entries for line in entry.gate]
    assert asked.count("now") == len(sent(left))


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


def plain(text: str) -> str:
    """A text without what may differ between two runs: ids, and times of day."""
    return _MOMENT.sub("<time>", _ID.sub("<id>", text))


def header(timeline: Timeline) -> Plain:
    """What a timeline says besides its lines."""
    shown = timeline.model_dump(
        exclude={"entries", "left_out", "ahead", "notes", "started_at", "ended_at", "script"}
    )
    return {**shown, "lasted": minutes(timeline.lasted), "outcome": timeline.outcome}


def lines(timeline: Timeline) -> list[Plain]:
    """Every line as plain values, in the order of time; of those of one minute, of their words."""
    lists = ("entries", "left_out", "ahead")
    found = [_line(name, entry) for name in lists for entry in getattr(timeline, name)]
    return sorted(found, key=lambda line: (line["list"], line["at"], repr(line)))


def order(timeline: Timeline) -> dict[str, list[Plain]]:
    """The steps of each intervention as they are told: also those of one minute have an order."""
    found: dict[str, list[Plain]] = {}
    for entry in timeline.entries:
        if entry.step:
            found.setdefault(entry.playbook, []).append(_line("entries", entry))
    return found


def minutes(length: timedelta) -> int:
    """A length of time to the minute: two runs take different fractions of a second for the same."""
    return round(length.total_seconds() / 60)


def _line(name: str, entry: Entry) -> Plain:
    texts = {key: plain(getattr(entry, key)) for key in ("title", "why", "reason", "text", "html", "who")}
    return {
        "list": name,
        "at": minutes(entry.offset),
        **entry.model_dump(include={"kind", "playbook", "step", "state"}),
        **texts,
        "gate": [_gate(entry, line) for line in entry.gate],
        "messages": [_message(one) for one in entry.messages],
        "tasks": [_task(entry, task) for task in entry.tasks],
        "offer": entry.offer and (*entry.offer.options, entry.offer.state, entry.offer.terms),
        "offer until": entry.offer and minutes(entry.offer.until - entry.at),
    }


def _gate(entry: Entry, line: GateLine) -> Plain:
    until = minutes(line.until - entry.at) if line.until else None
    return {**line.model_dump(exclude={"at", "until"}), "at": minutes(line.at - entry.at), "until": until}


def _message(message: Message) -> Plain:
    shown = message.model_dump()
    return {name: plain(value) if isinstance(value, str) else value for name, value in shown.items()} | {
        "attachments": {name: plain(html) for name, html in message.attachments.items()}
    }


def _task(entry: Entry, task: Work) -> Plain:
    shown = task.model_dump(exclude={"due_at"})
    return {**shown, "detail": plain(task.detail), "due": minutes(task.due_at - entry.at)}


def sent(timeline: Timeline) -> list[tuple[str, ...]]:
    """Every message of a timeline that went out, as texts."""
    return sorted(
        tuple(
            plain(part) for part in (one.channel, one.recipient, one.address, one.subject, one.text, one.html)
        )
        for entry in timeline.entries
        for one in entry.messages
        if one.state == "accepted"
    )


def handed_over(stage: Stage) -> list[tuple[str, ...]]:
    """Every message that the real run handed to a channel, straight from the channels' tables."""
    kept = [
        (row.channel, row.recipient_name, row.address, row.subject, row.text, row.html)
        for row in stage.outbox(KEY)
    ]
    shown = [
        ("in_app", NAMES[row.contact_id], "", row.title, row.body, "")
        for row in stage.rows(InAppNotification, customer_id=KEY)
    ]
    return sorted(tuple(plain(part) for part in message) for message in (*kept, *shown))
