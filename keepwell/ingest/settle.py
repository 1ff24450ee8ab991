"""Decides for each row of a batch: new, changed, the same, or at odds with an earlier line of the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keepwell.ingest.cells import Reject, shown
from keepwell.ingest.seen import Seen

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A checked row: its key, the columns of the store it sets, and the file's columns they came from."""

    line: int
    key: str
    given: Mapping[str, Any]
    columns: Mapping[str, str]


@dataclass(slots=True)
class Tally:
    """What became of a batch: counts, rejects, and the records to write.

    Of contacts also how many stay without consent (`kept_denials`), and how many have an address at which
    somebody had said no before (`heeded`). Of events also how often each unknown kind came, and the ids of
    alerts that were raised.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejects: list[Reject] = field(default_factory=list)
    write: list[Record] = field(default_factory=list)
    kept_denials: int = 0
    heeded: int = 0
    unknown_kinds: Counter[str] = field(default_factory=Counter)
    alerts: tuple[str, ...] = ()


def settle(
    entries: Sequence[Entry],
    stored: Mapping[str, Record],
    seen: Seen,
    *,
    fresh: Callable[[Entry], Record],
    stamp: Record,
    adjust: Callable[[Record, Mapping[str, Any]], Mapping[str, Any]] = lambda _current, given: given,
) -> Tally:
    """Compare a batch with what is stored and with itself; writes nothing.

    `stored` holds the records by key, `fresh` makes the record of a new key, `stamp` is set on changed
    ones, `adjust` changes what a row sets in view of the current record.
    """
    tally = Tally()
    now: dict[str, Record] = {}
    lines: dict[str, int] = {}
    for entry, earlier in zip(entries, seen.find([entry.key for entry in entries]), strict=True):
        current = now.get(entry.key) or stored.get(entry.key)
        if current is None:
            now[entry.key] = fresh(entry)
            lines[entry.key] = entry.line
            tally.created += 1
            continue
        given = adjust(current, entry.given)
        changed = [name for name, value in given.items() if current[name] != value]
        before = lines.get(entry.key) or earlier
        if not changed:
            tally.unchanged += 1
        elif before:
            tally.rejects.append(_at_odds(entry, before, changed[0], current, given))
        else:
            now[entry.key] = {**current, **given, **stamp}
            tally.updated += 1
        if not before:
            lines[entry.key] = entry.line
    seen.add(list(lines), list(lines.values()))
    tally.write = list(now.values())
    return tally


def _at_odds(entry: Entry, before: int, name: str, current: Record, given: Mapping[str, Any]) -> Reject:
    label = name.removesuffix("_id")
    column = entry.columns.get(label, label)
    if label != name:
        # References are ids of ours here, which tell the reader nothing.
        return Reject(entry.line, column, "", f"line {before} says otherwise: another {label} there")
    there, here = shown(current[name]), shown(given[name])
    reason = f"line {before} says otherwise: {label} {there!r} there, {here!r} here"
    return Reject(entry.line, column, here, reason)
