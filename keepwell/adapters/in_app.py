"""In-app notifications: the row in our own table is the message."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import select

from keepwell.contracts.delivery import Absent, Accepted, Found, Message
from keepwell.db.engine import Store
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.tables import InAppNotification
from keepwell.keys import new_id


class InApp:
    """Implements the port `ChannelAdapter` for in-app notifications."""

    provider = "in_app"

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, message: Message) -> Accepted:
        """Put the notification into the contact's feed, once per key."""
        values = {
            "id": new_id(),
            "key": message.key,
            "organisation_id": message.organisation,
            "customer_id": message.customer,
            "contact_id": message.recipient.id,
            "title": message.subject,
            "body": message.text,
            "action_label": message.action_label,
            "action_url": message.action_url,
            "state": "unseen",
            "created_at": datetime.now(UTC),
        }
        with self._store.write() as session:
            insert_if_absent(session, "in_app_notification", values)
        found = self.find(message.key, message.recipient.address)
        assert isinstance(found, Accepted)  # noqa: S101  (we have just put it there)
        return found

    def find(self, key: str, address: str) -> Found:  # noqa: ARG002  (the key is enough)
        """Whether the notification is in the feed."""
        query = select(InAppNotification).where(InAppNotification.key == key)
        with self._store.read() as session:
            row = session.exec(query).first()
        return Absent() if row is None else Accepted(provider=self.provider, provider_id=row.id)
