"""From the scratch store of a play to the timeline: every step, message, task, gate's answer and person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from keepwell.contracts.delivery import DoNotGo, GoAt, GoNow
from keepwell.contracts.playbook import Offer as OfferStep
from keepwell.contracts.playbook import Playbook
from keepwell.db.engine import Store
from keepwell.db.repositories.views_timeline import (
    InterventionDetail,
    TimelineLine,
    intervention_detail,
)
from keepwell.db.repositories.wording import money
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import (
    Alert,
    Customer,
    Intervention,
    Opportunity,
    Organisation,
)
from keepwell.rehearsal.commanding import playbook_of
from keepwell.rehearsal.entry_parts import Tale, document_of, message_of, offered, offers_over, work_of
from keepwell.rehearsal.gate import Asked
from keepwell.rehearsal.play import Played, Refused, ScoreLine, wants_acknowledgement
from keepwell.rehearsal.reactions import Script
from keepwell.rehearsal.timeline import Ending, Entry, EntryKind, GateLine, Timeline

_OF_STEPS: dict[str, EntryKind] = {
    "send": "message",
    "assign": "assignment",
    "task": "task",
    "document": "document",
    "escalate": "escalation",
    "offer": "offer",
}
_LEFT_OUT = ("cancelled",)
_STOPS = ("command.pause", "intervention.held")
"""Kinds of events that stop a playbook's clock."""
_TOLD_ELSEWHERE = ("transition.", "delivery.", "step.", "offer.made")
"""Kinds of events that the line of their step, or of the score, says already."""


def tell(
    store: Store, customer: str, played: Played, asked: Sequence[Asked], script: Script, notes: Sequence[str]
) -> Timeline:
    """The timeline of a play that is over."""
    with store.read() as session:
        row = session.get_one(Customer, customer)
        organisation = session.get_one(Organisation, row.organisation_id)
        zone = ZoneInfo(first_zone(organisation.time_zone))
        query = select(Intervention).where(Intervention.customer_id == customer)
        chain = sorted(session.exec(query).all(), key=lambda one: (one.started_at, one.id))
        until = _end(chain, zone) or played.now
        entries: list[Entry] = []
        for one in chain:
            label = f"{one.playbook}@{one.version}"
            tale = Tale(session, played, asked, zone, one.id, label, until)
            entries += _entries(tale, intervention_detail(session, one.id, played.now))
        tale = Tale(session, played, asked, zone, chain[0].id, "", until)
        entries += [_score(tale, line) for line in played.scores]
        entries += [_refused(tale, one) for one in played.refused]
        entries.sort(key=lambda entry: entry.at)
        first = playbook_of(chain[0])
        detail = intervention_detail(session, chain[0].id, played.now)
        return Timeline(
            playbook=first.label,
            title=first.title,
            purpose=first.purpose,
            level=first.level,
            opportunity=_opportunity(session, chain[0]),
            score=chain[0].score,
            customer=row.name,
            customer_id=row.external_id,
            organisation=organisation.name,
            demo=organisation.demo,
            owner=detail.intervention.owner,
            zone=zone.key,
            started_at=played.started_at.astimezone(zone),
            ended_at=_end(chain, zone),
            script=script.words(
                acknowledgeable=any(wants_acknowledgement(playbook_of(one)) for one in chain)
            ),
            notes=tuple(notes),
            endings=tuple(_ending(one) for one in chain),
            entries=tuple(one for one in entries if one.state not in ("planned", "deferred", *_LEFT_OUT)),
            left_out=tuple(one for one in entries if one.state in _LEFT_OUT),
            ahead=tuple(one for one in entries if one.state in ("planned", "deferred")),
        )


def _end(chain: Sequence[Intervention], zone: ZoneInfo) -> datetime | None:
    """When the last of them ended; None where one is still open."""
    ends = [row.ended_at for row in chain if row.ended_at is not None]
    return max(ends).astimezone(zone) if len(ends) == len(chain) else None


def _opportunity(session: Session, row: Intervention) -> str:
    """What opened a campaign, with what it may bring in a year where that is known, or an event playbook."""
    alert = session.get(Alert, row.alert_id) if row.alert_id else None
    if alert is not None:
        return alert.words
    found = session.get(Opportunity, row.opportunity_id) if row.opportunity_id else None
    if found is None:
        return ""
    value = money(found.value, found.currency) if found.value else ""
    return f"{found.words}, worth about {value} a year" if value else found.words


def _ending(row: Intervention) -> Ending:
    playbook = playbook_of(row)
    return Ending(
        family=playbook.family,
        playbook=playbook.label,
        title=playbook.title,
        outcome=row.outcome or "",
        why=row.outcome_why,
    )


def _entries(tale: Tale, detail: InterventionDetail) -> list[Entry]:
    row = tale.session.get_one(Intervention, tale.intervention)
    playbook = playbook_of(row)
    stops = [line.at for line in detail.timeline if line.kind in _STOPS]
    found = []
    for line in detail.timeline:
        if line.source == "step":
            entry = _step(tale, playbook, line)
            found.append(_at_its_due(tale, row, playbook, entry, stops) if line.state in _LEFT_OUT else entry)
        elif line.source == "task":
            found.append(tale.entry(line.at, "task", line.title, why=line.why, tasks=work_of(tale, line)))
        elif line.source == "event" and not line.kind.startswith(_TOLD_ELSEWHERE):
            who = "" if line.by == "engine" else line.by
            found.append(
                tale.entry(line.at, _of_event(line.kind), line.title, step=line.step, who=who, why=line.why)
            )
    return found + offers_over(tale, row.outcome or "")


def _of_event(kind: str) -> EntryKind:
    """What kind of line an event of the journal is."""
    if kind == "intervention.began":
        return "begin"
    if kind in ("command.pause", "command.resume", "intervention.held", "intervention.released"):
        return "pause"
    if kind == "command.refused":
        return "refused"
    if kind.startswith("command."):
        return "person"
    return "end" if kind.startswith("intervention.") else "alert"


def _step(tale: Tale, playbook: Playbook, line: TimelineLine) -> Entry:
    step = playbook.step(line.step)
    why = step.why if step is not None else ""
    told = line.state not in ("done", "planned") or line.kind == "assign"
    document = document_of(tale, line) if line.document else None
    return tale.entry(
        line.at,
        _OF_STEPS.get(line.kind, "task"),
        line.document or line.title,
        step=line.step,
        state=line.state,
        who=_who(line),
        why=why,
        reason=line.why if told and line.why != why else "",
        gate=tuple(_gate(tale, one) for one in tale.asked if _is_of(tale, one, line.step)),
        messages=tuple(message_of(tale, one) for one in line.deliveries),
        tasks=work_of(tale, line),
        offer=offered(tale, line.step) if isinstance(step, OfferStep) else None,
        text=document.text if document else "",
        html=document.html if document else "",
    )


def _at_its_due(
    tale: Tale, row: Intervention, playbook: Playbook, entry: Entry, stops: Sequence[datetime]
) -> Entry:
    """A step that was called off, at the moment when it would have come by what was known then.

    How long the clock had stood still by then is known before the first stop and at the end; between them
    the moment when it was called off stands. `stops` are the moments of pauses and holds.
    """
    step, called_off = playbook.step(entry.step), entry.at
    if step is None:
        return entry
    if row.ended_at is not None and called_off >= row.ended_at:
        stood = row.shift
    elif not row.shift or (stops and called_off < min(stops)):
        stood = timedelta()
    else:
        return entry
    due = max(row.started_at + step.at + stood, called_off)
    return entry.model_copy(update={"at": due.astimezone(tale.zone), "offset": due - tale.played.started_at})


def _who(line: TimelineLine) -> str:
    names = [delivery.recipient for delivery in line.deliveries] or [task.owner for task in line.tasks]
    return ", ".join(dict.fromkeys(name for name in names if name))


def _is_of(tale: Tale, asked: Asked, step: str) -> bool:
    return asked.intervention == tale.intervention and asked.step == step


def _gate(tale: Tale, asked: Asked) -> GateLine:
    at = asked.at.astimezone(tale.zone)
    match asked.answer:
        case GoNow():
            return GateLine(at=at, recipient=asked.recipient, answer="now")
        case GoAt(at=until, reason=reason):
            until = until.astimezone(tale.zone)
            return GateLine(at=at, recipient=asked.recipient, answer="later", until=until, reason=reason)
        case DoNotGo(reason=reason):
            return GateLine(at=at, recipient=asked.recipient, answer="no", reason=reason)


def _score(tale: Tale, line: ScoreLine) -> Entry:
    scored = line.scored
    level = scored.level.value if scored.level else "no level"
    score = "unknown" if scored.score is None else f"{scored.score:.1f}"
    if line.transition is None:
        why = "The level does not change" if scored.level is scored.previous else ""
    else:
        # Ids say nothing to a reader, and are others in every rehearsal.
        reason = re.sub(r"; intervention \S+ ended", "", line.transition.reason)
        why = f"{line.transition.previous} → {level}: {reason}"
    return tale.entry(line.at, "score", f"The score is {score}: {level}", why=why)


def _refused(tale: Tale, one: Refused) -> Entry:
    title = f"{one.words[:1].upper()}{one.words[1:]}"
    return tale.entry(one.at, "refused", title, why=one.reason, state="refused")
