"""The outbox: a provider that keeps every message where people can see it, and sends none."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import col, select

from keepwell.contracts.delivery import Absent, Accepted, Found, Message
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.tables import OutboxMessage
from keepwell.keys import new_id
from keepwell.mail import checked_address, headers_of


class Outbox:
    """Implements the port `ChannelAdapter` for email and Slack.

    It keeps what it is given, twice if it is given twice, like any other provider. Since a message is
    in its table or is not, it can always answer for a key.
    """

    provider = "outbox"

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, message: Message) -> Accepted:
        """Keep the message.

        Raises:
            SendRefusedError: no provider could send it to that address either.
        """
        email = message.channel is Channel.EMAIL
        row = OutboxMessage(
            id=new_id(),
            organisation_id=message.organisation,
            customer_id=message.customer or None,
            key=message.key,
            channel=message.channel.value,
            recipient_name=message.recipient.name,
            address=checked_address(message.recipient.address) if email else message.recipient.address,
            sender_name=message.sender_name,
            sender_address=message.sender_address,
            subject=message.subject,
            text=message.text,
            html=message.html,
            attachments={one.filename: one.content for one in message.attachments},
            headers=_headers(message) if email else {},
            accepted_at=datetime.now(UTC),
        )
        identifier = row.id
        with self._store.write() as session:
            session.add(row)
        return Accepted(provider=self.provider, provider_id=identifier)

    def find(self, key: str, address: str) -> Found:  # noqa: ARG002  (the key is enough)
        """Whether the message is here; the outbox always knows."""
        query = select(OutboxMessage).where(OutboxMessage.key == key).order_by(col(OutboxMessage.id))
        with self._store.read() as session:
            row = session.exec(query).first()
        return Absent() if row is None else Accepted(provider=self.provider, provider_id=row.id)


def _headers(message: Message) -> dict[str, str]:
    """The headers of an email that stand in no column of their own."""
    replies = {"Reply-To": checked_address(message.reply_to)} if message.reply_to else {}
    return replies | headers_of(message)
