"""One look at the store for all listeners: what changed, in words."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from keepwell.api.shapes import dashboard_stats
from keepwell.api.sockets.messages import RESET_LONG, Message, Said, message, ready
from keepwell.api.sockets.topics import Topic
from keepwell.db.engine import Store
from keepwell.db.repositories.views_live import Changes, LiveChange, Position, changes, where_now
from keepwell.db.repositories.views_stats import totals
from keepwell.errors import KeepwellError

log = logging.getLogger("keepwell.live")

FIGURES = 5.0
"""Seconds between two countings of an organisation's portfolio, where it changes all the time."""


class Listens(Protocol):
    """What a look must know of a listener."""

    organisation: str
    topic: Topic
    customer: str | None
    since: Position | None


@dataclass(frozen=True, slots=True)
class Told:
    """What to say: to those who listen by organisation and topic, and to each who has just come."""

    cursor: str
    messages: Mapping[tuple[str, Topic], Sequence[Message]]
    first: Mapping[Listens, Sequence[Message]]


class Look:
    """Looks again and again, from where the last look ended. One thread at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._position: Position | None = None
        self._figures: dict[str, float] = {}
        """When the figures of an organisation may be counted (again), where they may have changed."""
        self._counted: dict[str, float] = {}

    def figures_in(self, clock: float) -> float | None:
        """Seconds until figures are due; None where none are."""
        return max(0.0, min(self._figures.values()) - clock) if self._figures else None

    def read(self, listening: Sequence[Listens], joining: Sequence[Listens], clock: float) -> Told:
        """What changed since the last look; for those who join, since they were last there.

        Raises:
            KeepwellError: the database does not answer. The next look tells what this one should have.
        """
        now = datetime.now(UTC)
        with self._store.read() as session:
            here = where_now(session, self._position)
            shown = {one.organisation for one in listening if one.topic is Topic.DASHBOARD}
            self._figures = {key: due for key, due in self._figures.items() if key in shown}
            told: dict[tuple[str, Topic], Sequence[Message]] = {}
            for organisation in sorted({one.organisation for one in listening}):
                ours = [one for one in listening if one.organisation == organisation]
                missed = self._missed(session, self._position or here, here, organisation)
                if missed.rows != () and organisation in shown:
                    due = max(clock, self._counted.get(organisation, clock - FIGURES) + FIGURES)
                    self._figures.setdefault(organisation, due)
                told |= _words(session, organisation, ours, missed, now)
                told |= self._counts(session, organisation, told, clock, now)
            first = {one: self._first(session, one, here, now) for one in joining}
        self._position = here
        return Told(here.cursor, told, first)

    def _missed(self, session: Session, before: Position, here: Position, organisation: str) -> Changes:
        if before.end == here.end and before.open == here.open:
            return Changes(here, ())
        return changes(session, before, here, (organisation,))

    def _first(self, session: Session, one: Listens, here: Position, now: datetime) -> list[Message]:
        if one.since is None:
            return [ready(resumed=False)]
        if not one.since.comes_before(here):
            return [RESET_LONG]
        missed = self._missed(session, one.since, here, one.organisation)
        if missed.rows is None:
            return [RESET_LONG]
        told = _words(session, one.organisation, [one], missed, now)
        return [ready(resumed=True), *told.get((one.organisation, one.topic), ())]

    def _counts(
        self,
        session: Session,
        organisation: str,
        told: Mapping[tuple[str, Topic], Sequence[Message]],
        clock: float,
        now: datetime,
    ) -> dict[tuple[str, Topic], Sequence[Message]]:
        if self._figures.get(organisation, clock + 1) > clock:
            return {}
        figures = dashboard_stats(totals(session, organisation, now=now))
        del self._figures[organisation]
        self._counted[organisation] = clock
        key = (organisation, Topic.DASHBOARD)
        return {key: [*told.get(key, ()), message(figures)]}


def _words(
    session: Session, organisation: str, ours: Collection[Listens], missed: Changes, now: datetime
) -> dict[tuple[str, Topic], Sequence[Message]]:
    """What the listeners of one organisation are told."""
    topics = {one.topic for one in ours}
    if missed.rows is None:
        return {(organisation, topic): [RESET_LONG] for topic in topics}
    rows: Sequence[LiveChange] = missed.rows
    if not rows:
        return {}
    try:
        said = Said(session, organisation, rows, {one.customer for one in ours if one.customer}, now)
        return {(organisation, topic): said.of(topic) for topic in topics}
    except (SQLAlchemyError, KeepwellError):
        raise
    except Exception:
        # What cannot be put into words must not be tried again for ever, nor keep others waiting.
        log.exception("Changes of the organisation %s could not be put into words", organisation)
        return {(organisation, topic): [RESET_LONG] for topic in topics}
