"""The token with which a contact's browser reads its notifications.

The host's backend asks for one whenever it renders a page for somebody who is signed in, and again when
the widget says that the old one has ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from keepwell.db.engine import Store
from keepwell.db.repositories.views_wishes import find_contact
from keepwell.errors import InputError, NotFoundError
from keepwell.links import Links, Use

LASTS = timedelta(hours=1)
LONGEST = timedelta(hours=24)


def feed_token(
    store: Store,
    links: Links,
    organisation: str,
    contact: str,
    *,
    now: datetime,
    lasts: timedelta = LASTS,
) -> str:
    """A token for the feed of one contact, named as in `keepwell contact`; it ends after `lasts`.

    Raises:
        NotFoundError: there is no such active contact.
        InputError: several are meant, or `lasts` is not above 0 and up to 24 hours.
    """
    if not timedelta() < lasts <= LONGEST:
        raise InputError(
            f"A token cannot last {lasts}.", hint="Name up to 24 hours; the widget asks for a new one."
        )
    with store.read() as session:
        row = find_contact(session, organisation, contact)
        if not row.active:
            raise NotFoundError(f"{row.name} is no active contact any more.")
        return links.token(Use.FEED, {"contact": row.id}, until=now + lasts)
