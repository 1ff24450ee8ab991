"""Two rehearsals side by side: what is the same, what has changed, and what only one of them has."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from difflib import unified_diff
from typing import Literal

from keepwell.contracts.base import Frozen
from keepwell.rehearsal.timeline import Entry, Message, Timeline, Work
from keepwell.spans import offset_words, span_words

Likeness = Literal["same", "changed", "only_left", "only_right"]
Key = tuple[str, ...]
_ID = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b")
_OFFER_LINK = re.compile(r"(?<=/offers/)[\w.-]+")
_MOMENT = re.compile(r"\b\d{1,2} [A-Z][a-z]{2}( \d{4})?( \d{2}:\d{2})?( UTC)?")
SAME_TIME = timedelta(minutes=1)
"""Two rehearsals take different fractions of a second for the same."""


class Change(Frozen):
    """One thing that differs: what, and how it is on either side."""

    what: str
    left: str
    right: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of a text that differ, each with `-` (left) or `+` (right) before it."""
        found = unified_diff(self.left.splitlines(), self.right.splitlines(), lineterm="", n=0)
        return tuple(line for line in found if not line.startswith(("---", "+++", "@@")))


class Pair(Frozen):
    """The same entry on both sides, or one that only one side has."""

    state: Likeness
    offset: timedelta
    left: Entry | None
    right: Entry | None
    changes: tuple[Change, ...] = ()

    @property
    def title(self) -> str:
        """What it is about: the step's name, or what happened."""
        entry = self.left or self.right
        assert entry is not None  # noqa: S101  (one of them is there)
        return entry.step or entry.title


class Comparison(Frozen):
    """Two timelines, their entries (steps left out and still ahead among them) in pairs, in order of time."""

    left: Timeline
    right: Timeline
    pairs: tuple[Pair, ...]

    def count(self, state: Likeness) -> int:
        """How many pairs are in this state."""
        return sum(pair.state == state for pair in self.pairs)

    @property
    def script(self) -> tuple[str, ...]:
        """What people do, in words; where only one side has it, that side is named first."""
        left, right = self.left.script, self.right.script
        found = [line if line in right else f"{self.left.playbook}: {line}" for line in left]
        own = [f"{self.right.playbook}: {line}" for line in right if line not in left]
        # What one side alone has stands together, before what both have to say of the customer.
        place = next((at for at, line in enumerate(left) if line in right), len(found))
        return (*found[:place], *own, *found[place:])

    @property
    def summary(self) -> str:
        """The numbers in words."""
        numbers = (
            (self.count("same"), "the same"),
            (self.count("changed"), "changed"),
            (self.count("only_left"), f"only with {self.left.playbook}"),
            (self.count("only_right"), f"only with {self.right.playbook}"),
        )
        return ", ".join(f"{number} {words}" for number, words in numbers if number) or "nothing to compare"


def compare(left: Timeline, right: Timeline) -> Comparison:
    """Align two timelines: steps by name, what people and the engine did by what it was, in order of time."""
    lefts, rights = _keyed(left), _keyed(right)
    pairs = []
    for key in dict.fromkeys((*lefts, *rights)):
        ours, theirs = lefts.get(key, []), rights.get(key, [])
        for place in range(max(len(ours), len(theirs))):
            one = ours[place] if place < len(ours) else None
            other = theirs[place] if place < len(theirs) else None
            pairs.append(_pair(one, other))
    pairs.sort(key=lambda pair: pair.offset)
    return Comparison(left=left, right=right, pairs=tuple(pairs))


def _keyed(timeline: Timeline) -> dict[Key, list[Entry]]:
    found: dict[Key, list[Entry]] = defaultdict(list)
    for entry in (*timeline.entries, *timeline.left_out, *timeline.ahead):
        found[_key(entry)].append(entry)
    return found


def _key(entry: Entry) -> Key:
    if entry.step and entry.kind not in ("person", "pause", "refused", "alert"):
        return "step", entry.step
    if entry.kind in ("begin", "end", "score"):
        # One for each intervention and score, however the playbooks are called.
        return (entry.kind,)
    return entry.kind, entry.step, _MOMENT.sub("…", _unlabelled(entry))


def _unlabelled(entry: Entry) -> str:
    return entry.title.replace(entry.playbook, "").strip() if entry.playbook else entry.title


def _pair(left: Entry | None, right: Entry | None) -> Pair:
    if left is None or right is None:
        there = left or right
        assert there is not None  # noqa: S101  (the caller has one)
        return Pair(
            state="only_left" if right is None else "only_right", offset=there.offset, left=left, right=right
        )
    changes = _changes(left, right)
    return Pair(
        state="changed" if changes else "same",
        offset=min(left.offset, right.offset),
        left=left,
        right=right,
        changes=changes,
    )


def _changes(left: Entry, right: Entry) -> tuple[Change, ...]:
    found = []
    if abs(left.offset - right.offset) > SAME_TIME:
        found.append(Change(what="time", left=offset_words(left.offset), right=offset_words(right.offset)))
    sides = (
        ("state", left.state, right.state),
        ("title", _unlabelled(left), _unlabelled(right)),
        ("recipient", _recipients(left), _recipients(right)),
        ("sender", _each(left, "sender"), _each(right, "sender")),
        ("subject", _each(left, "subject"), _each(right, "subject")),
        ("text", _text(left), _text(right)),
        ("attachment", _attached(left.messages), _attached(right.messages)),
        ("gate", _gates(left), _gates(right)),
        ("task", _tasks(left), _tasks(right)),
        ("offer", _offer(left), _offer(right)),
        ("reason", _why(left), _why(right)),
    )
    found += [Change(what=what, left=ours, right=theirs) for what, ours, theirs in sides if ours != theirs]
    return tuple(found)


def _each(entry: Entry, name: str) -> str:
    return "; ".join(str(getattr(message, name)) for message in entry.messages)


def _recipients(entry: Entry) -> str:
    if not entry.messages:
        return entry.who
    return "; ".join(f"{one.recipient} ({one.channel}) {one.address}".strip() for one in entry.messages)


def _text(entry: Entry) -> str:
    parts = [
        entry.text,
        *(message.text for message in entry.messages),
        *(task.detail for task in entry.tasks),
    ]
    # Ids are others in every rehearsal, and a link to an offer holds the intervention's.
    return _ID.sub("…", _OFFER_LINK.sub("…", "\n".join(part for part in parts if part)))


def _attached(messages: Sequence[Message]) -> str:
    return "; ".join(name for message in messages for name in message.attachments)


def _gates(entry: Entry) -> str:
    return "; ".join(f"{line.answer} {line.reason}".strip() for line in entry.gate)


def _tasks(entry: Entry) -> str:
    found = []
    for task in entry.tasks:
        due = span_words(task.due_at - entry.at)
        found.append(f"{task.title} for {task.owner or 'nobody'}, due after {due}, {_state(task)}")
    return "; ".join(found)


def _state(task: Work) -> str:
    return "not done in time" if task.late else task.state


def _offer(entry: Entry) -> str:
    if entry.offer is None:
        return ""
    until = f"for {span_words(entry.offer.until - entry.at)}"
    return f"{'; '.join(entry.offer.options)} ({'agreed before it went out' if entry.offer.early else until})"


def _why(entry: Entry) -> str:
    why = " ".join(part for part in (entry.why, entry.reason) if part)
    return why.replace(entry.playbook, "") if entry.playbook else why
