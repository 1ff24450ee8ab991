"""Filling the demo's home: the portfolio, its past, and the mark that says it is complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current
from keepwell.db.repositories import organisations
from keepwell.db.tables import Organisation
from keepwell.demo.activity import store_activity
from keepwell.demo.desk import set_out
from keepwell.demo.happened import Happened, happened
from keepwell.demo.history import EVERY_DAY, score_past
from keepwell.demo.home import ORGANISATION, DemoHome
from keepwell.demo.load import load
from keepwell.demo.portfolio import DemoCustomer, portfolio
from keepwell.demo.stories import PAST
from keepwell.errors import ConfigurationError
from scoring.load import builtin

SCORECARD = "intervention"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """A store with the portfolio in it; `new` if it was filled just now."""

    store: Store
    organisation: str
    anchor: datetime
    new: bool


def prepare(home: DemoHome, say: Say) -> Prepared:
    """Open the demo's store; fill it where it is new or was left half full.

    Raises ConfigurationError where the data there is not the demo's.
    """
    home.check_own()
    mark = home.mark()
    if mark is not None and mark.ready:
        store = open_store(home)
        try:
            with store.read() as session:
                organisation = _own(session, home)
        except BaseException:
            store.dispose()
            raise
        say("Going on with the demo data of " + f"{mark.anchor:%d %b %Y %H:%M} UTC")
        home.note(mark.anchor, ready=True)
        return Prepared(store, organisation.id, mark.anchor, new=False)
    if mark is not None:
        home.clear()
    now = datetime.now(UTC)
    anchor = newest_hour(now)
    home.note(anchor, ready=False)
    store = open_store(home)
    organisation_id, customers = fill(store, anchor, EVERY_DAY)
    furnish(store, organisation_id, customers, anchor, now)
    home.note(anchor, ready=True)
    figures = sum(int(one.figures.measured.sum()) for one in customers)
    say(f"{len(customers)} made-up customers, 90 days of metrics ({figures:,} values), a month of scores")
    return Prepared(store, organisation_id, anchor, new=True)


def look(home: DemoHome) -> Happened:
    """What has happened in a demo that another process runs."""
    store = open_store(home)
    try:
        with store.read() as session:
            return happened(session, _own(session, home).id)
    finally:
        store.dispose()


def fill(store: Store, anchor: datetime, past: Sequence[int] = PAST) -> tuple[str, tuple[DemoCustomer, ...]]:
    """Store the portfolio and score these days of its past; the organisation's id and the customers."""
    card = builtin(SCORECARD)
    customers = portfolio(card, anchor.date())
    organisation = load(store, ORGANISATION, card, customers, anchor, datetime.now(UTC))
    score_past(store, organisation, anchor, past)
    return organisation, customers


def furnish(
    store: Store, organisation: str, customers: Sequence[DemoCustomer], anchor: datetime, now: datetime
) -> None:
    """What makes the console worth looking at beside scores: activity, and what lies on the team's desk."""
    card = builtin(SCORECARD)
    set_out(store, organisation, card, customers, anchor, now)
    store_activity(store, organisation, card, customers, anchor, now)


def open_store(home: DemoHome) -> Store:
    """The demo's database, made where it is missing."""
    store = Store(home.settings.database_url)
    ensure_current(store)
    return store


def newest_hour(now: datetime) -> datetime:
    """The last full hour: when the newest figures were measured."""
    return now.replace(minute=0, second=0, microsecond=0)


def _own(session: Session, home: DemoHome) -> Organisation:
    organisation = organisations.find(session, ORGANISATION)
    if organisation is None or not organisation.demo:
        raise ConfigurationError(
            f"The database in {home.folder} is not the demo's: its organisation is not marked as one.",
            hint="Set KEEPWELL_HOME to another folder: the demo then lives in its folder 'demo'.",
        )
    return organisation
