"""An organisation in which there is one of everything, played by the real thing; and another like it.

The other one is a copy of all its rows under ids of its own, each of which begins with `MARK`: whatever of
them shows up in an answer to the first organisation has leaked.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, select

from keepwell.contracts.access import Permission
from keepwell.contracts.drafts import Mode
from keepwell.contracts.people import SuppressionReason
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.db.repositories import absences, alert_channels, closed_days, suppressing, webhook_desk
from keepwell.db.repositories.commands_kept import command_key
from keepwell.db.repositories.keys_and_sessions import make_key
from keepwell.db.repositories.modes import set_mode
from keepwell.db.tables import (
    Account,
    EngagementEvent,
    InboundMessage,
    Intervention,
    PendingCommand,
    SavedView,
    Staff,
)
from scoring.signal import Signal
from tests.workflows.scenarios_events import USAGE, noticed
from tests.workflows.stage import DAY, HOUR, Stage, stage

MARK: Final = "zzlu"
"""In nothing that is made by chance: neither ids nor hashes have an l or a u."""

KEPT: Final = "kept"
"""The id of a command that no run was told yet."""

CUSTOMERS: Final = ("acme", "bravo", "carol", "delta", "quiet")


@dataclass(frozen=True)
class House:
    """Both organisations: `own` is who asks, `other` must stay unseen."""

    store: Store
    own: str
    other: str

    def ids(self, table: str, organisation: str | None = None) -> list[str]:
        """The ids of a table's rows, oldest first: of the own organisation, unless another is named."""
        rows = self.rows(table, organisation or self.own)
        return [str(row["id"]) for row in rows]

    @cached_property
    def tables(self) -> dict[str, sa.Table]:
        """The tables that know their organisation."""
        with self.store.read() as session:
            known = _reflected(session).tables
        return {name: table for name, table in known.items() if "organisation_id" in table.columns}

    def everything(self, organisation: str) -> dict[str, list[dict[str, Any]]]:
        """All rows of an organisation, by table."""
        return {name: self.rows(name, organisation) for name in self.tables}

    def rows(self, table: str, organisation: str) -> list[dict[str, Any]]:
        """A table's rows of an organisation."""
        with self.store.read() as session:
            known = self.tables[table]
            query = (
                sa.select(known).where(known.c.organisation_id == organisation).order_by(*known.primary_key)
            )
            return [dict(row) for row in session.connection().execute(query).mappings()]


def build(folder: Path, address: str) -> House:
    """Play it; `address` is where the test server is."""
    store = Store(f"sqlite:///{folder / 'everything.sqlite3'}")
    ensure_current(store)
    own = asyncio.run(_play(store, address))
    return House(store, own, _copy(store, own))


async def _play(store: Store, address: str) -> str:
    async with stage(store, address) as opened:
        for key in CUSTOMERS:
            opened.customer(key)
        _switch(opened, "high_risk", Mode.DRAFT)
        await opened.score("acme", 12)
        await opened.opened("acme")
        await opened.forward("acme", 30 * HOUR)
        await opened.score("bravo", 30)
        await opened.opened("bravo")
        await opened.forward("bravo", 5 * HOUR)
        await opened.eventually(lambda: House(store, opened.world.organisation, "").ids("draft"), bool)
        await opened.expand("carol", Signal.USAGE_LIMIT_APPROACHING, usage_percentage=88.0)
        await opened.opened("carol")
        await opened.forward("carol", 4 * DAY, "expansion")
        await opened.alert("delta", noticed(USAGE))
        await opened.opened("delta")
        _put(opened)
        return opened.world.organisation


def _switch(opened: Stage, playbook: str, mode: Mode) -> None:
    with opened.store.write() as session:
        set_mode(session, opened.world.organisation, playbook, mode, "Dana Reyes", datetime.now(UTC))


def _put(opened: Stage) -> None:
    """What no playbook makes: who is away, closed days, channels, endpoints, letters, views, activity."""
    now, own = datetime.now(UTC), opened.world.organisation
    today = now.date()
    with opened.store.write() as session:
        dana = session.get_one(Staff, "dana")
        first, last = today + timedelta(30), today + timedelta(37)
        absences.add_absence(session, dana, first, last, cover=None, reason="Holidays", by="a test", now=now)
        eve = date(today.year, 12, 24)
        closed_days.enter(session, own, eve, name="Christmas Eve", open_=False, by="a test", now=now)
        alert_channels.set_channel(
            session, own, "email", enabled=True, severity=None, target=None, by="a test", now=now
        )
        endpoint = webhook_desk.add_endpoint(
            session,
            own,
            url="https://hooks.example.com/keepwell",
            kinds=["*"],
            secret="whsec_" + "A" * 32,
            description="",
            by="a test",
            now=now,
        )
        webhook_desk.plan_test(session, endpoint, "a test", now)
        suppressing.suppress(
            session,
            own,
            "gone@customer.example",
            SuppressionReason.MANUAL,
            detail="asked by phone",
            source="test",
            by="a test",
            now=now,
        )
        session.add(_letter(own, now))
        session.add(_kept(session, own, now))
        account = Account(
            organisation_id=own, email="dana@brightdesk.example", name="Dana", role="csm", created_at=now
        )
        session.add(account)
        make_key(session, own, name="of the house", scopes=[Permission.READ], by="a test", now=now)
        session.add(
            SavedView(organisation_id=own, name="Mine at risk", query="level=CRITICAL", created_at=now)
        )
        for number in range(40):
            session.add(_activity(own, number, now))


def _letter(own: str, now: datetime) -> InboundMessage:
    return InboundMessage(
        organisation_id=own,
        customer_id="acme",
        contact_id="acme-0",
        message_id="<answer-1@customer.example>",
        from_address="acme-0@customer.example",
        from_name="Pat Person",
        subject="Re: Your plan",
        text="Let us talk on Monday.",
        received_at=now,
    )


def _kept(session: Session, own: str, now: datetime) -> PendingCommand:
    run = session.exec(select(Intervention.id).where(Intervention.customer_id == "acme")).one()
    return PendingCommand(
        id=command_key(run, KEPT),
        organisation_id=own,
        customer_id="acme",
        intervention_id=run,
        source="api",
        by="a test",
        command={"kind": "acknowledge", "id": KEPT, "intervention": run, "by": "a test"},
        received_at=now,
        retry_at=now,
    )


def _activity(own: str, number: int, now: datetime) -> EngagementEvent:
    at = now - timedelta(hours=9 * number)
    return EngagementEvent(
        organisation_id=own, customer_id="quiet", key=f"login-{number}", kind="login", at=at, received_at=at
    )


def _copy(store: Store, own: str) -> str:
    """All rows once more, under marked ids, as another organisation's."""
    with store.write(references=False) as session:
        known = _reflected(session)
        connection = session.connection()
        rows = {
            table: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in known.sorted_tables
            if table.name not in SHARED
        }
        marked = {
            value
            for table, found in rows.items()
            for row in found
            for column in table.primary_key
            if isinstance(value := row[column.name], str) and column.name in ("id", "key", "customer_id")
        }
        for table, found in rows.items():
            unique = _unique(table)
            for row in found:
                copied = {name: _as_other(value, name, marked, unique) for name, value in row.items()}
                connection.execute(sa.insert(table).prefix_with("OR REPLACE").values(copied))
    return MARK + own


SHARED: Final = {"alembic_version", "scorecard", "template"}
"""Tables that belong to nobody: contents by their hash."""


def _unique(table: sa.Table) -> set[str]:
    named = {tuple(one.columns.keys()) for one in table.constraints if isinstance(one, sa.UniqueConstraint)}
    return {columns[0] for columns in named if len(columns) == 1}


def _as_other(value: object, name: str, marked: set[str], unique: set[str]) -> object:
    if not isinstance(value, str):
        return value
    return MARK + value if value in marked or name in unique else value


def _reflected(session: Session) -> sa.MetaData:
    known = sa.MetaData()
    known.reflect(session.connection())
    return known
