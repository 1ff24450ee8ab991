"""Read models of playbooks: who is in them now and where, and what came of them in the last months."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func
from sqlmodel import Session, col, select

from keepwell.contracts.base import Frozen
from keepwell.contracts.delivery import DeliveryState
from keepwell.contracts.drafts import Mode
from keepwell.contracts.playbook import Family, Playbook
from keepwell.db.repositories.modes import modes
from keepwell.db.repositories.switches import thrown
from keepwell.db.repositories.views_interventions import OPEN
from keepwell.db.tables import Delivery, Intervention, InterventionStep, KillSwitch

WINDOWS = (30, 90)
"""Days over which results are counted."""


class StepCount(Frozen):
    """How many open interventions come to this step next; those with an empty name have none left."""

    step: str
    count: int


class VersionCount(Frozen):
    """How many open interventions run a version."""

    version: int
    count: int


class Results(Frozen):
    """What came of a playbook in the last `days`.

    `outcomes` counts the interventions that ended by how they did, `answered` those in which the customer has
    answered. Of the messages to contacts: how many providers took (`sent`), and of these how many were
    opened, clicked or came back (`bounced`); `failed` were not taken.
    """

    days: int
    ended: int
    outcomes: dict[str, int]
    answered: int
    sent: int
    opened: int
    clicked: int
    bounced: int
    failed: int


class Stopped(Frozen):
    """A stop for sending that is in force: for everything (`all`), or for this playbook."""

    scope: str
    reason: str
    by: str
    at: datetime


class PlaybookStanding(Frozen):
    """A playbook in force, how it goes, and how it goes with it.

    Of the open interventions, `paused` and `held` ones stand still. `steps` and `versions` count the open
    ones by the step that comes next and by the version they run, the most frequent first.
    """

    name: str
    version: int
    label: str
    title: str
    purpose: str
    family: Family
    cause: str
    mode: Mode
    stops: tuple[Stopped, ...]
    open: int
    paused: int
    held: int
    steps: tuple[StepCount, ...]
    versions: tuple[VersionCount, ...]
    results: tuple[Results, ...]

    @property
    def stopped(self) -> bool:
        """Whether its messages are kept back by a stop of its own."""
        return any(one.scope == "playbook" for one in self.stops)


class Retired(Frozen):
    """A playbook that is in no module any more, and still runs for somebody."""

    name: str
    open: int
    versions: tuple[VersionCount, ...]


def retired_playbooks(session: Session, organisation: str, known: Collection[str]) -> tuple[Retired, ...]:
    """The playbooks of open interventions that are not among the `known` ones, by name."""
    query = (
        select(Intervention.playbook, Intervention.version, func.count())
        .where(
            col(Intervention.organisation_id) == organisation,
            col(Intervention.outcome).is_(None),
            col(Intervention.playbook).not_in(known),
        )
        .group_by(col(Intervention.playbook), col(Intervention.version))
        .order_by(col(Intervention.playbook), col(Intervention.version).desc())
    )
    found: dict[str, list[VersionCount]] = defaultdict(list)
    for name, version, count in session.exec(query).all():
        found[name].append(VersionCount(version=version, count=count))
    return tuple(
        Retired(name=name, open=sum(one.count for one in lines), versions=tuple(lines))
        for name, lines in found.items()
    )


def playbook_standings(
    session: Session, organisation: str, playbooks: Mapping[str, Playbook], now: datetime
) -> tuple[PlaybookStanding, ...]:
    """Where each of these playbooks stands in an organisation, in their order. A few statements for all."""
    going = modes(session, organisation, playbooks)
    stops = thrown(session, organisation)
    versions = _versions(session, organisation, playbooks)
    steps = _steps(session, organisation, playbooks)
    results = _results(session, organisation, playbooks, now)
    return tuple(
        PlaybookStanding(
            **playbook.model_dump(include={"name", "version", "title", "purpose"}),
            label=playbook.label,
            family=playbook.family,
            cause=cause_of(playbook),
            mode=going[name],
            stops=_stops(stops, name),
            open=sum(count for _, count, _, _ in versions[name]),
            paused=sum(paused for _, _, paused, _ in versions[name]),
            held=sum(held for _, _, _, held in versions[name]),
            steps=tuple(StepCount(step=step, count=count) for step, count in steps[name]),
            versions=tuple(
                VersionCount(version=version, count=count) for version, count, _, _ in versions[name]
            ),
            results=tuple(results[name][days] for days in WINDOWS),
        )
        for name, playbook in playbooks.items()
    )


def cause_of(playbook: Playbook) -> str:
    """What it begins from: a level, a signal or triggers, by their names."""
    if playbook.level is not None:
        return playbook.level.value
    return playbook.signal.value if playbook.signal else ", ".join(one.value for one in playbook.triggers)


def _stops(stops: Collection[KillSwitch], playbook: str) -> tuple[Stopped, ...]:
    return tuple(
        Stopped(scope=one.scope, reason=one.reason, by=one.thrown_by, at=one.thrown_at)
        for one in stops
        if one.scope == "all" or (one.scope == "playbook" and one.subject == playbook)
    )


def _running(organisation: str, names: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Intervention.organisation_id) == organisation,
        col(Intervention.outcome).is_(None),
        col(Intervention.playbook).in_(names),
    )


def _versions(
    session: Session, organisation: str, names: Collection[str]
) -> dict[str, list[tuple[int, int, int, int]]]:
    """By playbook: version, how many are open, and of these how many are paused, and held."""
    held = case((col(Intervention.paused), 0), (col(Intervention.held_why) != "", 1), else_=0)
    paused = case((col(Intervention.paused), 1), else_=0)
    counts: list[Any] = [func.count(), func.sum(paused), func.sum(held)]
    query = (
        select(Intervention.playbook, Intervention.version, *counts)
        .where(*_running(organisation, names))
        .group_by(col(Intervention.playbook), col(Intervention.version))
    )
    found: dict[str, list[tuple[int, int, int, int]]] = defaultdict(list)
    for name, version, *numbers in session.exec(query).all():
        found[name].append((version, *numbers))
    for lines in found.values():
        lines.sort(key=lambda line: (-line[1], -line[0]))
    return found


def _steps(session: Session, organisation: str, names: Collection[str]) -> dict[str, list[tuple[str, int]]]:
    """By playbook: the step that comes next, and for how many; "" for those with none left."""
    first = (
        select(InterventionStep.intervention_id, func.min(InterventionStep.position).label("position"))
        .join(Intervention, col(Intervention.id) == InterventionStep.intervention_id)
        .where(*_running(organisation, names), col(InterventionStep.state).in_(OPEN))
        .group_by(col(InterventionStep.intervention_id))
        .subquery()
    )
    name = func.coalesce(InterventionStep.name, "")
    query = (
        select(Intervention.playbook, name, func.count())
        .join(first, first.c.intervention_id == col(Intervention.id), isouter=True)
        .join(
            InterventionStep,
            (col(InterventionStep.intervention_id) == Intervention.id)
            & (col(InterventionStep.position) == first.c.position),
            isouter=True,
        )
        .where(*_running(organisation, names))
        .group_by(col(Intervention.playbook), name)
    )
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for playbook, step, count in session.exec(query).all():
        found[playbook].append((step, count))
    for lines in found.values():
        lines.sort(key=lambda line: (-line[1], line[0]))
    return found


def _results(
    session: Session, organisation: str, names: Collection[str], now: datetime
) -> dict[str, dict[int, Results]]:
    outcomes = _outcomes(session, organisation, names, now)
    answered = _answered(session, organisation, names, now)
    sent = _sent(session, organisation, names, now)
    return {
        name: {
            days: Results(
                days=days,
                ended=sum(outcomes[name][days].values()),
                outcomes=outcomes[name][days],
                answered=answered[name][days],
                **sent[name][days],
            )
            for days in WINDOWS
        }
        for name in names
    }


def _within(column: Any, days: int, now: datetime, also: ColumnElement[bool] | None = None) -> Any:
    """How many rows of a group have this moment in the last days."""
    recent = column >= now - timedelta(days=days)
    return func.sum(case((recent if also is None else recent & also, 1), else_=0))


def _outcomes(
    session: Session, organisation: str, names: Collection[str], now: datetime
) -> dict[str, dict[int, dict[str, int]]]:
    ended = col(Intervention.ended_at)
    query = (
        select(Intervention.playbook, Intervention.outcome, *(_within(ended, days, now) for days in WINDOWS))
        .where(
            Intervention.organisation_id == organisation,
            ended >= now - timedelta(days=max(WINDOWS)),
            col(Intervention.playbook).in_(names),
        )
        .group_by(col(Intervention.playbook), col(Intervention.outcome))
        .order_by(func.count().desc(), col(Intervention.outcome))
    )
    found: dict[str, dict[int, dict[str, int]]] = {name: {days: {} for days in WINDOWS} for name in names}
    for name, outcome, *counts in session.exec(query).all():
        for days, count in zip(WINDOWS, counts, strict=True):
            if count:
                found[name][days][outcome] = count
    return found


def _answered(
    session: Session, organisation: str, names: Collection[str], now: datetime
) -> dict[str, dict[int, int]]:
    at = col(Intervention.responded_at)
    query = (
        select(Intervention.playbook, *(_within(at, days, now) for days in WINDOWS))
        .where(
            Intervention.organisation_id == organisation,
            at >= now - timedelta(days=max(WINDOWS)),
            col(Intervention.playbook).in_(names),
        )
        .group_by(col(Intervention.playbook))
    )
    found = {name: dict.fromkeys(WINDOWS, 0) for name in names}
    for name, *counts in session.exec(query).all():
        found[name] = dict(zip(WINDOWS, counts, strict=True))
    return found


def _sent(
    session: Session, organisation: str, names: Collection[str], now: datetime
) -> dict[str, dict[int, dict[str, int]]]:
    """What became of the messages to contacts, by when their last attempt began."""
    at, state = col(Delivery.begun_at), col(Delivery.state)
    kinds: dict[str, ColumnElement[bool]] = {
        "sent": col(Delivery.accepted_at).is_not(None),
        "opened": col(Delivery.opened_at).is_not(None),
        "clicked": col(Delivery.clicked_at).is_not(None),
        "bounced": state == DeliveryState.BOUNCED.value,
        "failed": state == DeliveryState.FAILED.value,
    }
    wanted = [(days, kind, also) for days in WINDOWS for kind, also in kinds.items()]
    query = (
        select(Intervention.playbook, *(_within(at, days, now, also) for days, _, also in wanted))
        .join(Intervention, col(Intervention.id) == Delivery.intervention_id)
        .where(
            Delivery.organisation_id == organisation,
            at >= now - timedelta(days=max(WINDOWS)),
            Delivery.recipient_kind == "contact",
            col(Intervention.playbook).in_(names),
        )
        .group_by(col(Intervention.playbook))
    )
    found = {name: {days: dict.fromkeys(kinds, 0) for days in WINDOWS} for name in names}
    for name, *counts in session.exec(query).all():
        for (days, kind, _), count in zip(wanted, counts, strict=True):
            found[name][days][kind] = count
    return found
