"""A reaction as one line, as the command line's options say it: `reply 30h`, `pause 2d..4d`."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import timedelta
from typing import Any

from keepwell.db.repositories.views import did_you_mean
from keepwell.errors import InputError
from keepwell.rehearsal.parse import Typed, reactions_of
from keepwell.rehearsal.reactions import (
    AcceptOffer,
    CompleteStep,
    PauseFor,
    Reaction,
    ReassignTo,
    ScoreTo,
    SkipStep,
    Upgrade,
)

KINDS = tuple(one.name for one in fields(Typed) if one.name not in ("acknowledge", "silent"))
"""What a line may begin with: the options' names, which are the reactions' kinds."""
_LINE = re.compile(r"(?:--)?([A-Za-z_]+)(?:\s*=\s*|\s+)(\S.*)")


def reaction_of(line: str, *, place: str) -> Reaction:
    """The reaction that a line names; dashes before it do no harm.

    Raises:
        InputError: it names none; `place` says which line it is.
    """
    found = _LINE.fullmatch(line.strip())
    kind = found[1].lower() if found else line.strip().lstrip("-").lower()
    if found is None or kind not in KINDS:
        known = f"{line!r} lacks its time" if kind in KINDS else f"{line!r} is no reaction"
        raise InputError(
            f"{known}{did_you_mean(kind, KINDS) if kind not in KINDS else ''}.",
            place=place,
            hint=f"A reaction is a word and when: reply 30h, score 5d=65. The words are: {', '.join(KINDS)}.",
        )
    typed: dict[str, Any] = {kind: (found[2].strip(),)}
    try:
        (reaction,) = reactions_of(Typed(**typed))
    except InputError as error:
        raise InputError(error.message, place=place, hint=error.hint) from error
    return reaction


def line_of(reaction: Reaction) -> str:
    """The line that names a reaction; a note does not stand in it."""
    at = typed_span(reaction.at)
    match reaction:
        case ScoreTo(points=points):
            what = f"={points:g}"
        case PauseFor(until=until):
            what = f"..{typed_span(until) if until is not None else ''}"
        case SkipStep(step=step) | CompleteStep(step=step):
            what = f"={step}"
        case ReassignTo(to=to):
            what = f"={to}"
        case AcceptOffer(option=option, months=months, plan=plan):
            terms = str(months) if months is not None else plan
            what = f"={option.value}" + (f":{terms}" if terms else "")
        case Upgrade(plan=plan) if plan:
            what = f"={plan}"
        case _:
            what = ""
    return f"{reaction.kind} {at}{what}"


def typed_span(span: timedelta) -> str:
    """A length of time as it is typed: "1d6h", "45m", "0m"; to the minute."""
    minutes = round(span.total_seconds() / 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0m"
