"""Templates of the playbooks in force and of what runs, stops, and messages that nobody saw end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import col, func, select

from keepwell.adapters.template_check import check_templates
from keepwell.contracts.delivery import DeliveryState, WaitsFor
from keepwell.db.repositories.views_sending import StopLine, sending
from keepwell.db.tables import Delivery, Intervention, Template
from keepwell.doctor.findings import Note, ok, problem, warning
from keepwell.doctor.scene import Scene
from keepwell.moments import minute_words
from keepwell.playbooks import BUILT_IN, PlaybookRegistry

STUCK_AFTER = timedelta(minutes=15)
"""Past the lease. The next attempt or the sweep (every 10 minutes) settles a message before that."""

SHOWN = 5


def templates(scene: Scene) -> Sequence[Note]:
    """Every template of a playbook in force, of alerts and of edited emails works with every sample."""
    own = scene.settings.templates
    if own is not None and not own.is_dir():
        return [
            problem(
                f"there is no templates folder {own}",
                "Correct KEEPWELL_TEMPLATES, or unset it: Keepwell brings templates of its own.",
            )
        ]
    registry = PlaybookRegistry((*BUILT_IN, *scene.settings.playbooks))
    found = check_templates(registry.playbooks.values(), own)
    notes = [
        problem(f"{one.of}: {one.error.message}", one.error.hint, "developer") for one in found.faults[:SHOWN]
    ]
    if len(found.faults) > SHOWN:
        more = f"{len(found.faults) - SHOWN} more templates have faults"
        notes.append(problem(more, "All of them: keepwell playbooks check", "developer"))
    if found.unused:
        todo = "Look at their names: of two files with one name, the one in your folder wins."
        notes.append(warning(f"nothing uses {', '.join(found.unused[:SHOWN])} of your templates", todo))
    labels = ", ".join(one.label for one in registry.playbooks.values())
    return notes or [ok(f"{found.count} templates render; playbooks in force: {labels}")]


def pinned(scene: Scene) -> Sequence[Note]:
    """Every template that an open intervention has pinned is in the store."""
    with scene.session() as session:
        rows = session.exec(
            select(Intervention.id, Intervention.definition).where(
                col(Intervention.organisation_id) == scene.ours.id, col(Intervention.outcome).is_(None)
            )
        ).all()
        stored = set(session.exec(select(Template.hash)).all())
    lost = {
        (name, content)
        for _, definition in rows
        for name, content in (definition.get("templates") or {}).items()
        if content not in stored
    }
    if not lost:
        return [ok(f"the store has every template that open interventions have pinned ({len(rows)} open)")]
    return [
        problem(
            f"the store lacks the template {name} ({content[:12]}), which open interventions have pinned",
            "The database was restored from an older copy, or is another one: check KEEPWELL_DATABASE_URL.",
        )
        for name, content in sorted(lost)[:SHOWN]
    ]


def stops(scene: Scene) -> Sequence[Note]:
    """No stop is in force that somebody may have forgotten."""
    with scene.session() as session:
        found = sending(session, scene.ours.id, scene.now)
    waiting = found.waiting.get(WaitsFor.SWITCH, 0)
    notes = [_stopped(one, scene.ours.time_zone, waiting) for one in found.stops[:SHOWN]]
    if len(found.stops) > SHOWN:
        more = f"{len(found.stops) - SHOWN} more stops are in force"
        notes.append(warning(more, "All of them: keepwell sending", "user"))
    return notes or [ok("nobody has stopped sending")]


def _stopped(stop: StopLine, zone: str, waiting: int) -> Note:
    what, option = {
        "customer": (f"sending to {stop.subject}", f" --customer {stop.subject!r}"),
        "playbook": (f"sending of {stop.subject}", f" --playbook {stop.subject}"),
    }.get(stop.scope, ("all sending", ""))
    why = f": {stop.reason}" if stop.reason else ""
    return warning(
        f"{what} was stopped by {stop.thrown_by}, {minute_words(stop.thrown_at, zone)}{why}; "
        f"messages that wait: {waiting:,}",
        f"When they may go: keepwell sending resume{option}",
        "user",
    )


def deliveries(scene: Scene) -> Sequence[Note]:
    """No message under way for too long, and none whose fate nobody knows."""
    stuck = (
        col(Delivery.state) == DeliveryState.SENDING.value,
        col(Delivery.leased_until) < scene.now - STUCK_AFTER,
    )
    unknown = (col(Delivery.state) == DeliveryState.UNKNOWN.value,)
    notes: list[Note] = []
    for where, note in ((stuck, _stuck), (unknown, _unknown)):
        here = (col(Delivery.organisation_id) == scene.ours.id, *where)
        with scene.session() as session:
            count = session.exec(select(func.count()).select_from(Delivery).where(*here)).one()
            newest = session.exec(
                select(Delivery.key).where(*here).order_by(col(Delivery.updated_at).desc()).limit(SHOWN)
            ).all()
        if count:
            notes.append(note(count, ", ".join(newest) + (" …" if count > len(newest) else "")))
    return notes or [ok("no message is stuck, and none is unknown")]


def _stuck(count: int, keys: str) -> Note:
    return problem(
        f"{count} under way (sending) for more than {STUCK_AFTER.total_seconds() / 60:.0f} minutes "
        f"past the lease: {keys}",
        "Their step or the sweep settles them: look whether a worker runs, and at the sweep's Schedule.",
    )


def _unknown(count: int, keys: str) -> Note:
    return warning(
        f"{count} unknown (nobody can say whether they were sent): {keys}",
        "Look in the provider's log for these keys. The owners have a task; nothing is sent again.",
        "user",
    )
