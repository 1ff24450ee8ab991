"""A timeline as plain values, to be held against another one, and against the tables of a real run."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from keepwell.contracts.delivery import DoNotGo, GoAt, GoNow
from keepwell.db.tables import InAppNotification, Staff
from keepwell.rehearsal.gate import RecordingGate
from keepwell.rehearsal.timeline import Entry, GateLine, Message, Timeline, Work
from tests.workflows.rehearsal_world import CONTACTS, KEY
from tests.workflows.stage import Stage

_MOMENT = re.compile(r"\b\d{2}:\d{2}\b")
_TOKEN = re.compile(r"/offers/[\w.-]+")
_SIGNATURE = re.compile(r"(/preferences/[\w-]+)\.[\w-]+")
_ID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")
Plain = dict[str, Any]
NAMES = {key: f"{key.title()} Person" for key in CONTACTS}


def compare_all(left: Timeline, right: Timeline) -> None:
    """The rehearsal and the real run, line by line."""
    ours, theirs = lines(left), lines(right)
    assert [one for one in ours if one not in theirs] == []
    assert [one for one in theirs if one not in ours] == []
    assert len(ours) == len(theirs)
    assert order(left) == order(right)
    assert header(left) == header(right)


def plain(text: str) -> str:
    """A text without what may differ between two runs: ids, times of day, and links that hold them.

    A rehearsal signs its links with a key of its own: what a link says is compared, its signature is not.
    """
    text = _SIGNATURE.sub(r"\1.<signature>", _TOKEN.sub("/offers/<token>", text))
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


def tasks(timeline: Timeline) -> list[tuple[str, ...]]:
    """Every task of a timeline: what kind, what and whose it is, and what became of it."""
    lists = (timeline.entries, timeline.left_out, timeline.ahead)
    found = [task for each in lists for entry in each for task in entry.tasks]
    return sorted((task.kind, plain(task.title), task.owner, task.state) for task in found)


def tasks_there(stage: Stage) -> list[tuple[str, ...]]:
    """Every task of the real run, also one of no step, straight from its table."""
    names = {row.id: row.name for row in stage.rows(Staff)}
    return sorted(
        (row.kind, plain(row.title), names.get(row.owner_id or "", ""), row.state) for row in stage.tasks(KEY)
    )


Answered = tuple[str, str, str, str, int, int | None, str]
"""Step, answer, playbook, recipient, minutes since the beginning, minutes until it may go, and the reason."""


def answers(timeline: Timeline) -> list[Answered]:
    """What the gate said in a timeline."""
    lists = (timeline.entries, timeline.left_out, timeline.ahead)
    return sorted(
        (
            entry.step,
            line.answer,
            entry.playbook,
            line.recipient,
            minutes(line.at - timeline.started_at),
            minutes(line.until - line.at) if line.until else None,
            line.reason,
        )
        for each in lists
        for entry in each
        for line in entry.gate
    )


def answers_there(stage: Stage, gate: RecordingGate) -> list[Answered]:
    """What the gate of the real run said, as it was asked."""
    rows = {row.id: row for row in stage.interventions(KEY)}
    start = min(row.started_at for row in rows.values())
    names: dict[type, str] = {GoNow: "now", GoAt: "later", DoNotGo: "no"}
    return sorted(
        (
            one.step,
            names[type(one.answer)],
            f"{rows[one.intervention].playbook}@{rows[one.intervention].version}",
            one.recipient,
            minutes(one.at - start),
            minutes(one.answer.at - one.at) if isinstance(one.answer, GoAt) else None,
            "" if isinstance(one.answer, GoNow) else one.answer.reason,
        )
        for one in gate.asked
    )
