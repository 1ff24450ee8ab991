"""The entries of the forward calendar: items with their names, for those that are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from keepwell.contracts.offers import OfferOption
from keepwell.db.repositories.views_ahead import Coming
from keepwell.db.repositories.views_calendar_items import Item
from keepwell.db.repositories.views_calendar_lines import CalendarEntry
from keepwell.db.repositories.views_outlines import (
    ContactOutline,
    CustomerOutline,
    TaskOutline,
    customers_of,
    outlines_of,
    parts,
)
from keepwell.db.repositories.views_people import People
from keepwell.db.repositories.views_timeline import AUDIENCES, step_words
from keepwell.db.tables import Draft, Health, Intervention, Offer
from scoring.levels import Level


@dataclass(frozen=True)
class _Names:
    """What entries need beside their own rows."""

    people: People
    customers: Mapping[str, CustomerOutline]
    levels: Mapping[str, Level]
    runs: Mapping[str, Intervention]


def entries_of(session: Session, items: Sequence[Item], people: People) -> list[CalendarEntry]:
    """The entries of these items, in their order."""
    ids = {item.customer for item in items}
    names = _Names(
        people=people,
        customers=customers_of(session, ids),
        levels=levels_of(session, ids),
        runs=outlines_of(session, [item.intervention for item in items if item.intervention]),
    )
    return [_entry(item, names) for item in items]


def levels_of(session: Session, customers: set[str]) -> dict[str, Level]:
    """The levels of these customers, of those that have one."""
    found: dict[str, Level] = {}
    for part in parts(sorted(customers)):
        query = select(Health.customer_id, Health.level).where(col(Health.customer_id).in_(part))
        found.update({one: Level(level) for one, level in session.exec(query) if level})
    return found


def _entry(item: Item, names: _Names) -> CalendarEntry:
    run = names.runs.get(item.intervention or "")
    source = item.source
    owner = source.owner_id if isinstance(source, TaskOutline) else run.owner_id if run else None
    bare = CalendarEntry(
        id=item.id,
        at=item.at,
        kind=item.kind,
        title="",
        planned_at=item.at,
        customer_id=item.customer,
        customer=names.customers[item.customer].name,
        level=names.levels.get(item.customer),
        intervention=item.intervention,
        playbook=f"{run.playbook}@{run.version}" if run else "",
        step=item.step,
        owner_id=owner,
        owner=names.people.name(owner),
    )
    match source:
        case Coming():
            return bare.model_copy(update=_of_step(source))
        case Draft():
            return bare.model_copy(update=_of_draft(source, item, names))
        case TaskOutline():
            return bare.model_copy(update=_of_task(source, names))
        case Offer():
            return bare.model_copy(update=_of_offer(source))


def _of_step(one: Coming) -> dict[str, object]:
    reaches = one.reaches
    kind = "" if reaches is None else "contact" if isinstance(reaches, ContactOutline) else "staff"
    return {
        "title": step_words(one.step) if one.step is not None else one.kind,
        "why": one.step.why if one.step is not None else one.why,
        "channel": one.channel.value if one.channel is not None else "",
        "to": AUDIENCES[one.audience] if one.audience is not None else "",
        "recipient": reaches.name if reaches is not None else "",
        "recipient_kind": kind,
        "state": one.state,
        "unless": (one.step.unless or "") if one.step is not None else "",
        "paused": one.run.paused,
        "planned_at": one.planned_at,
        "moved_why": one.moved_why,
        "hindered": one.hindered,
        "approval": one.approval,
    }


def _of_draft(row: Draft, item: Item, names: _Names) -> dict[str, object]:
    return {
        "title": f"decide: {row.channel.replace('_', '-')} to {row.recipient_name}, “{row.subject}”",
        "why": "what nobody has approved by then is not sent",
        "channel": row.channel,
        "recipient": names.people.name(item.has),
        "recipient_kind": "staff" if item.has else "",
        "state": row.state,
        "ref": row.id,
    }


def _of_task(row: TaskOutline, names: _Names) -> dict[str, object]:
    return {
        "title": row.title,
        "why": "a task is due",
        "recipient": names.people.name(row.owner_id),
        "recipient_kind": "staff" if row.owner_id else "",
        "state": row.state,
        "ref": row.id,
    }


def _of_offer(row: Offer) -> dict[str, object]:
    options = (OfferOption.model_validate(option) for option in row.options.values())
    return {
        "title": f"the offer ends: {', '.join(option.words for option in options)}",
        "why": "the customer has seen it" if row.seen_at else "the customer has not seen it yet",
        "state": row.state,
        "ref": row.id,
    }
