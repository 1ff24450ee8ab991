"""What every command works with: the settings, the store, the organisation and the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlmodel import Session

from keepwell.cli.output import tell
from keepwell.cli.words import Clock
from keepwell.db.engine import Store
from keepwell.db.migrate import ensure_current, require_current
from keepwell.db.repositories import organisations
from keepwell.db.repositories.views import find_customer, find_person
from keepwell.db.repositories.zones import first_zone
from keepwell.db.tables import Organisation
from keepwell.errors import NotFoundError
from keepwell.settings import Settings, load_settings, unknown_variables

NO_DATA = "Import customers first (keepwell import), or look around with: keepwell demo"
READ_ELSEWHERE = ("KEEPWELL_TEST_POSTGRES_URL",)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="Show at most this many.")]
By = Annotated[
    str | None, typer.Option("--by", help="Who does it, for the timeline (unset: your user name).")
]


def no_longer(most: int) -> Callable[[str], str]:
    """The check of a text that is stored: a longer one is refused, and never cut without a word."""

    def check(text: str) -> str:
        if len(text) > most:
            raise typer.BadParameter(f"{len(text):,} characters are too many: at most {most:,}.")
        return text

    return check


@dataclass(frozen=True)
class Desk:
    """Open for one command. `organisation` is the row as it was when the command began."""

    settings: Settings
    store: Store
    organisation: Organisation
    now: datetime

    @property
    def clock(self) -> Clock:
        """Says moments in the organisation's zone."""
        return Clock(self.now, self.zone)

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's zone; UTC where what is stored is none."""
        return ZoneInfo(first_zone(self.organisation.time_zone))

    @property
    def times(self) -> str:
        """A line that says in which zone moments are shown."""
        return f"Times are {self.zone.key}."

    def person(self, session: Session, text: str | None) -> str | None:
        """Our id of the member of staff meant; None for None."""
        return None if text is None else find_person(session, self.organisation.id, text).id

    def customer(self, session: Session, text: str | None) -> str | None:
        """Our id of the customer meant; None for None."""
        return None if text is None else find_customer(session, self.organisation.id, text)


@contextmanager
def bare_store() -> Iterator[tuple[Settings, Store]]:
    """Settings and the store, whatever revision it is at."""
    settings = load_settings()
    for warning in unknown_variables(also_known=READ_ELSEWHERE):
        tell(f"Warning: {warning}", style="yellow")
    settings.ensure_home()
    store = Store(settings.database_url)
    try:
        yield settings, store
    finally:
        store.dispose()


@contextmanager
def open_desk() -> Iterator[Desk]:
    """Everything a command needs; a new installation gets its database and its organisation here."""
    with bare_store() as (settings, store):
        ensure_current(store)
        now = datetime.now(UTC)
        with store.read() as session:
            organisation = organisations.find(session, settings.organisation)
        if organisation is None:
            with store.write() as session:
                organisation = organisations.get_or_create(
                    session, settings.organisation, now=now, careful=True
                )
        yield Desk(settings=settings, store=store, organisation=organisation, now=now)


@contextmanager
def reading_desk() -> Iterator[Desk]:
    """A desk whose store refuses every write, and that makes nothing: there must be data already.

    Raises NotFoundError where there is no database or no such organisation.
    """
    settings = load_settings()
    for warning in unknown_variables(also_known=READ_ELSEWHERE):
        tell(f"Warning: {warning}", style="yellow")
    store = Store(settings.database_url, read_only=True)
    try:
        file = store.url.database if store.url.get_backend_name() == "sqlite" else None
        if file and not Path(file).is_file():
            raise NotFoundError(f"There is no database {settings.safe_database_url} yet.", hint=NO_DATA)
        require_current(store)
        with store.read() as session:
            organisation = organisations.find(session, settings.organisation)
        if organisation is None:
            raise NotFoundError(
                f"{settings.safe_database_url} has no organisation {settings.organisation!r}.", hint=NO_DATA
            )
        yield Desk(settings=settings, store=store, organisation=organisation, now=datetime.now(UTC))
    finally:
        store.dispose()


def who(by: str | None) -> str:
    """The person behind a command."""
    if by and by.strip():
        return by.strip()
    try:
        return getuser()
    except (OSError, KeyError):
        # A container may run under a user id that has no name.
        return "somebody"
