"""What is known of the organisation and its people: senders and time zones."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from sqlmodel import col, func, select

from keepwell.db.repositories.zones import known_zone
from keepwell.db.tables import Contact, Customer, Staff
from keepwell.doctor.findings import Note, ok, problem, warning
from keepwell.doctor.scene import Scene

SET = "keepwell organisation set"


def addresses(scene: Scene) -> Sequence[Note]:
    """What every email needs: a sender, and the postal address that the law asks for."""
    row, live = scene.ours, scene.settings.sending == "live"
    missing = [
        (name, example, why)
        for name, value, example, why in (
            (
                "sender_address",
                row.sender_address,
                "team@example.com",
                "email without an own sender has none",
            ),
            ("sender_name", row.sender_name, '"The Acme team"', "recipients see the address alone"),
            ("postal_address", row.postal_address, '"1 Main Street, Springfield"', "the law asks for it"),
        )
        if not value.strip()
    ]
    if not missing:
        return [ok(f"email comes from {row.sender_name} <{row.sender_address}>; the postal address is set")]
    note = problem if live else warning
    return [
        (warning if name == "sender_name" else note)(
            f"{name} is not set: {why}", f"Set it: {SET} {name}={example}", "user"
        )
        for name, example, why in missing
    ]


def owners(scene: Scene) -> Sequence[Note]:
    """Every active customer has an owner who is still there, and every deputy is somebody."""
    with scene.session() as session:
        left = session.exec(
            select(col(Staff.name), func.count())
            .join(Customer, col(Customer.owner_id) == col(Staff.id))
            .where(Staff.organisation_id == scene.ours.id, col(Staff.active).is_(False), col(Customer.active))
            .group_by(col(Staff.id), col(Staff.name))
            .order_by(col(Staff.name))
        ).all()
        staff = session.exec(select(Staff).where(Staff.organisation_id == scene.ours.id)).all()
    active = {one.external_id for one in staff if one.active}
    lost = sorted(one.name for one in staff if one.active and one.deputy and one.deputy not in active)
    notes = [
        warning(
            f"{name} has left, and is still the owner of {count} active customer{'' if count == 1 else 's'}",
            f'Hand them over: keepwell reassign --from "{name}" --to STAFF',
            "user",
        )
        for name, count in left
    ]
    if lost:
        named = ", ".join(lost[:5])
        text = f"the deputy of {named} is no active member of staff: the lead covers instead"
        notes.append(warning(text, "Name another in the staff file, and import it again.", "user"))
    return notes or [ok("every active customer's owner is there")]


def zones(scene: Scene) -> Sequence[Note]:
    """Every time zone that anybody has can be computed with."""
    if known_zone("Europe/Berlin") is None:
        return [problem("this machine has no time zone data", "Install the Python package tzdata.")]
    notes, used = [], set[str]()
    if known_zone(scene.ours.time_zone) is None:
        notes.append(
            problem(
                f"the organisation's time zone {scene.ours.time_zone!r} does not exist: no daily run",
                f"Set an IANA name: {SET} time_zone=Europe/Berlin",
                "user",
            )
        )
    for table in (Staff, Customer, Contact):
        zone, owner = col(table.time_zone), col(table.organisation_id)
        query = select(zone, func.count()).where(owner == scene.ours.id, zone != "").group_by(zone)
        with scene.session() as session:
            found = session.exec(query).all()
        used |= {name for name, _ in found}
        notes += [
            warning(
                f"{count} {_many(table.__name__, count)} the time zone {name!r}, which does not exist; "
                "another is used instead",
                "Correct it in the file it came from, and import that again.",
                "user",
            )
            for name, count in found
            if known_zone(name) is None
        ]
    return notes or [ok(f"every time zone of people exists, {len(used)} in use (data {_data()})")]


def _many(table: str, count: int) -> str:
    who = {"Staff": "member of staff", "Customer": "customer", "Contact": "contact"}[table]
    if count == 1:
        return f"{who} has"
    return f"{'members of staff' if table == 'Staff' else who + 's'} have"


def _data() -> str:
    """Which data zoneinfo reads: the system's comes first."""
    if any((Path(folder) / "UTC").is_file() for folder in zoneinfo.TZPATH):
        return "of the system"
    return f"tzdata {version('tzdata')}"
