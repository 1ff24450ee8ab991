"""From what changed to what is said of it: one look's messages for each socket."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session

from keepwell.api.shapes import OUTCOMES, counted_churn, customer_health, percent, rounded
from keepwell.api.sockets.topics import (
    SHAPES,
    DashboardUpdate,
    EngagementUpdate,
    HealthScoreUpdate,
    ManyUpdates,
    Ready,
    Reset,
    Topic,
)
from keepwell.contracts.base import Frozen
from keepwell.db.repositories.live import NAMED, About
from keepwell.db.repositories.views_engagement import OF_CHANNELS, OF_EVENTS, OF_TASKS
from keepwell.db.repositories.views_engagement_lines import EngagementOutcome, EngagementType
from keepwell.db.repositories.views_live import LiveChange, LiveLine, engagements, lines
from keepwell.db.repositories.views_portfolio import customers_shown
from keepwell.db.repositories.views_portfolio_lines import PortfolioLine

OF_CUSTOMERS: Final = frozenset({About.SCORE, About.CHURN})
Met = tuple[EngagementType, EngagementOutcome]
_NAMES = {shape: name for name, shape in SHAPES.items()}


@dataclass(frozen=True, slots=True)
class Message:
    """Something to say, without its cursor; `customer` is whom it is about.

    None: it is for everybody. "": for those who do not listen to one customer alone.
    """

    text: str
    customer: str | None = None

    def at(self, cursor: str) -> str:
        """The whole message, with the cursor to come back with."""
        return f'{{"cursor":"{cursor}",{self.text[1:]}'


def message(data: Frozen, customer: str | None = None) -> Message:
    """A message with these data; their shape says its type."""
    whole = {"type": _NAMES[type(data)], "data": data.model_dump(mode="json")}
    return Message(json.dumps(whole, separators=(",", ":"), ensure_ascii=False), customer)


PING: Final = Message('{"type":"ping"}')
RESET_LONG: Final = message(Reset(why="Too much has changed, or it is too long ago."))


def ready(*, resumed: bool) -> Message:
    """The first message."""
    return message(Ready(resumed=resumed))


class Said:
    """What one organisation's changes come to, read once for all of its listeners.

    watched: customers of whom a listener wants to hear even where too many changed to name each.
    """

    def __init__(
        self,
        session: Session,
        organisation: str,
        changes: Sequence[LiveChange],
        watched: Collection[str],
        now: datetime,
    ) -> None:
        self._session, self._organisation, self._now = session, organisation, now
        self._changes = changes
        self._scores = [one for one in changes if one.about in OF_CUSTOMERS]
        self._named, self._many = _named(self._scores)
        self._shown = self._customers(watched if self._many else self._named)

    def of(self, topic: Topic) -> list[Message]:
        """What the listeners of a socket are told."""
        match topic:
            case Topic.DASHBOARD:
                return self._dashboard()
            case Topic.ENGAGEMENT_UPDATES:
                return self._engagements()
            case Topic.CUSTOMER_HEALTH:
                told = [message(customer_health(line), line.id) for line in self._shown.values()]
            case Topic.HEALTH_UPDATES:
                told = [message(_score(line), line.id) for line in self._shown.values()]
        # Those who watch one customer hear of it by itself, everybody else that it was many.
        return [*told, message(ManyUpdates(number=self._many), "")] if self._many else told

    def _customers(self, ids: Iterable[str]) -> dict[str, PortfolioLine]:
        wanted = sorted(set(ids))
        return customers_shown(self._session, self._organisation, wanted, self._now) if wanted else {}

    def _dashboard(self) -> list[Message]:
        if not self._changes:
            return []
        words = {one.about.value for one in self._changes if one.about is not About.EVENT}
        words |= {kind.partition(".")[0] for one in self._changes for kind in one.kinds}
        told = [*self._lines(About.EVENT), *self._lines(About.ENGAGEMENT)]
        about = {line.customer for line in told if line.customer} | {*self._named}
        many = len(about) > NAMED or any(not one.ids for one in self._changes)
        customers = () if many else tuple(sorted(about))
        return [message(DashboardUpdate(changed=tuple(sorted(words)), customers=customers, many=many))]

    def _engagements(self) -> list[Message]:
        ours = [one for one in self._changes if one.about in (About.ENGAGEMENT, About.EVENT)]
        unnamed = sum(one.number_of for one in ours if one.about is About.ENGAGEMENT and not one.ids)
        found = [(line, met) for about in (About.ENGAGEMENT, About.EVENT) for line in self._lines(about)
                 if (met := _met(line, about)) is not None]  # fmt: skip
        if unnamed or len(found) > NAMED:
            return [message(ManyUpdates(number=unnamed + len(found)), "")]
        names = self._customers(line.customer for line, _ in found if line.customer)
        return [
            message(_engagement(line, met, names[line.customer].name), line.customer)
            for line, met in found
            if line.customer in names
        ]

    def _lines(self, about: About) -> tuple[LiveLine, ...]:
        ids = [one for change in self._changes if change.about is about for one in change.ids]
        if not ids:
            return ()
        read = lines if about is About.EVENT else engagements
        return read(self._session, self._organisation, ids)


def _named(changes: Sequence[LiveChange]) -> tuple[tuple[str, ...], int]:
    """The customers by their ids; or none, and how many they are, where they are too many."""
    named = tuple(dict.fromkeys(one for change in changes for one in change.ids))
    unnamed = sum(change.number_of for change in changes if not change.ids)
    return ((), unnamed + len(named)) if unnamed or len(named) > NAMED else (named, 0)


def _score(line: PortfolioLine) -> HealthScoreUpdate:
    known = [one for one in line.points if one is not None]
    return HealthScoreUpdate(
        account_id=line.id,
        account_name=line.name,
        health_score=rounded(line.score),
        previous_score=rounded(known[-2]) if len(known) > 1 else None,
        level=line.level,
        trend=line.trend,
        churn_risk=percent(counted_churn(line)),
        scored_at=line.scored_at,
    )


def _engagement(line: LiveLine, met: Met, name: str) -> EngagementUpdate:
    return EngagementUpdate(
        engagement_id=line.id,
        account_id=line.customer or "",
        account_name=name,
        engagement_type=met[0].value,
        outcome=OUTCOMES[met[1]],
        kind=line.kind,
        text=line.text,
        by=line.by,
        at=line.at,
    )


def _met(line: LiveLine, about: About) -> Met | None:
    """How we met, and what came of it, as the analytics count it; None where a line says nothing of that."""
    unknown = EngagementOutcome.NONE
    if about is About.ENGAGEMENT:
        return OF_EVENTS.get(line.kind, (EngagementType.OTHER, unknown))
    if line.kind == "contact.replied":
        return EngagementType.EMAIL, EngagementOutcome.POSITIVE
    if line.kind == "task.closed":
        return OF_TASKS.get(str(line.data.get("outcome", "")))
    first = line.kind.partition(".")[0]
    # A delivery's key ends with its channel; Slack reaches staff, not customers.
    channel = str(line.data.get("delivery", "")).rpartition("/")[2] if first == "delivery" else first
    kind = OF_CHANNELS.get(channel)
    return None if kind is None else (kind, unknown)
