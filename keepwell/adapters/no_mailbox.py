"""What follows when a provider says at once that there is no such mailbox."""

from __future__ import annotations

from datetime import UTC, datetime

from keepwell.contracts.delivery import Accepted, Found, Message
from keepwell.contracts.people import SuppressionReason
from keepwell.db.engine import Store
from keepwell.db.repositories import suppressing
from keepwell.errors import NoMailboxError
from keepwell.ports import ChannelAdapter


class NoMailboxes:
    """A channel for email that suppresses the address of a contact who has no mailbox."""

    def __init__(self, store: Store, live: ChannelAdapter) -> None:
        self._store = store
        self._live = live

    def send(self, message: Message) -> Accepted:
        """Hand the message over; a refusal stays one."""
        try:
            return self._live.send(message)
        except NoMailboxError as error:
            if message.recipient.kind == "contact":
                with self._store.write() as session:
                    suppressing.suppress(
                        session,
                        message.organisation,
                        message.recipient.address,
                        SuppressionReason.INVALID,
                        detail=error.message,
                        source="smtp",
                        by="smtp",
                        now=datetime.now(UTC),
                    )
            raise

    def find(self, key: str, address: str) -> Found:
        """Ask the channel."""
        return self._live.find(key, address)
