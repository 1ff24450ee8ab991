"""The outbox: what went to whom, or why it did not; addresses that nothing is sent to."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from keepwell.api.v1.asked import Text
from keepwell.console import doing
from keepwell.console.addresses import Address
from keepwell.console.playbooks import in_force
from keepwell.console.view import AtConsole, View
from keepwell.contracts.delivery import DeliveryState, WaitsFor
from keepwell.contracts.people import SuppressionReason
from keepwell.contracts.playbook import Channel
from keepwell.db.repositories.views import find_customer
from keepwell.db.repositories.views_deliveries import DeliveryFilter, delivery_page
from keepwell.db.repositories.views_messages import message_page
from keepwell.db.repositories.views_wishes import suppression_page, suppressions
from keepwell.db.tables import Customer
from keepwell.errors import InputError, NotFoundError

router = APIRouter(include_in_schema=False)

PATH: Final = "/console/outbox"
PAGE: Final = 50
NOBODY: Final = ""
"""An id that no customer has."""
MANY: Final = 99
"""More unknown messages than that are "99+"."""

STATES: Final[dict[DeliveryState, tuple[str, str, str]]] = {
    DeliveryState.PLANNED: ("Planned", "info", "its step has not come yet"),
    DeliveryState.DRAFT: ("Waits for approval", "info", "somebody decides on the draft first"),
    DeliveryState.DEFERRED: ("Put off", "warn", "it waits for a decent hour, for room, or for a stop to end"),
    DeliveryState.SENDING: ("Being sent", "info", "it is on its way to the provider"),
    DeliveryState.ACCEPTED: ("Sent", "good", "the provider, or the outbox, has it"),
    DeliveryState.DELIVERED: ("Delivered", "good", "it has reached the mailbox"),
    DeliveryState.BOUNCED: ("Bounced", "bad", "the mailbox would not take it"),
    DeliveryState.FAILED: ("Failed", "bad", "it could not be sent"),
    DeliveryState.SKIPPED: ("Skipped", "", "there was a reason not to send it"),
    DeliveryState.CANCELLED: ("Cancelled", "", "its playbook ended before"),
    DeliveryState.UNKNOWN: ("Unknown", "bad", "nobody knows whether it went out; it is not sent again"),
}
"""Each state in words, the tone of its mark, and what it means."""
CHANNELS: Final = {Channel.EMAIL: "Email", Channel.SLACK: "Slack", Channel.IN_APP: "In the app"}
WAITS: Final = {
    WaitsFor.HOURS: "for a decent hour",
    WaitsFor.ROOM: "for room below a cap",
    WaitsFor.SWITCH: "until sending is let go on",
    WaitsFor.VOICE: "for another message to come first",
    WaitsFor.DRAFT: "for approval",
}
"""What a message that is put off waits for."""
REASONS: Final = {
    SuppressionReason.BOUNCED: "The mailbox bounced",
    SuppressionReason.INVALID: "The address is none",
    SuppressionReason.COMPLAINED: "They reported spam",
    SuppressionReason.UNSUBSCRIBED: "They unsubscribed",
    SuppressionReason.MANUAL: "Somebody entered it",
}
"""Why an address is suppressed."""

Asked = Annotated[Text, Query(max_length=200)]
Key = Annotated[str, Query(max_length=1000)]


@router.get(PATH)
def outbox_page(
    view: AtConsole,
    state: DeliveryState | None = None,
    channel: Channel | None = None,
    customer: Asked = "",
    playbook: Asked = "",
    cursor: Key = "",
) -> HTMLResponse:
    """Messages of playbooks, those planned last first."""
    with view.door.store.read() as session:
        of, wrong = named_customer(session, view, customer)
        wanted = DeliveryFilter(state=state, channel=channel, customer=of, playbook=playbook)
        found = delivery_page(session, view.organisation.id, wanted, cursor=cursor, limit=PAGE)
        values = _around(session, view, "messages")
        name = session.get_one(Customer, of).name if of else customer
    query = {"state": state or "", "channel": channel or "", "customer": customer, "playbook": playbook}
    return view.page(
        "outbox.html.j2",
        {
            **values,
            "found": found,
            "address": Address(PATH, query),
            "asked": query,
            "customer_name": name,
            "wrong": wrong,
            "live": not cursor,
            "playbooks": {one.name: one.title for one in in_force(view).values()},
        },
    )


@router.get(f"{PATH}/written")
def written_page(
    view: AtConsole, channel: Channel | None = None, customer: Asked = "", cursor: Key = ""
) -> HTMLResponse:
    """What the outbox has taken, notices to staff and tests too, and notifications in the app."""
    with view.door.store.read() as session:
        of, wrong = named_customer(session, view, customer)
        found = message_page(
            session, view.organisation.id, customer=of, channel=channel or "", cursor=cursor, limit=PAGE
        )
        values = _around(session, view, "written")
        name = session.get_one(Customer, of).name if of else customer
    query = {"channel": channel or "", "customer": customer}
    return view.page(
        "outbox_written.html.j2",
        {
            **values,
            "found": found,
            "address": Address(f"{PATH}/written", query),
            "asked": query,
            "customer_name": name,
            "wrong": wrong,
        },
    )


@router.get(f"{PATH}/suppressions")
def suppressions_page(view: AtConsole, lifted: bool = False, cursor: Key = "") -> HTMLResponse:
    """Addresses that nothing is sent to, with why, and who has them."""
    with view.door.store.read() as session:
        found = suppression_page(session, view.organisation.id, lifted=lifted, cursor=cursor, limit=PAGE)
        values = _around(session, view, "suppressions")
    address = Address(f"{PATH}/suppressions", {"lifted": "true" if lifted else ""})
    return view.page(
        "outbox_suppressions.html.j2",
        {**values, "found": found, "lifted": lifted, "address": address, "reasons": REASONS},
    )


def named_customer(session: Session, view: View, text: str) -> tuple[str | None, str]:
    """Our id of the customer that somebody has typed, and what is wrong with it. It narrows to nobody then.

    It is an id, ours or theirs, or else a name or the beginning of one.
    """
    if not text.strip():
        return None, ""
    try:
        return find_customer(session, view.organisation.id, text), ""
    except (NotFoundError, InputError) as error:
        return NOBODY, f"{error.message} {error.hint}".strip()


def _around(session: Session, view: View, tab: str) -> dict[str, Any]:
    """What all three pages have."""
    unknown = DeliveryFilter(state=DeliveryState.UNKNOWN)
    missing = len(delivery_page(session, view.organisation.id, unknown, limit=MANY + 1).items)
    return {
        "tab": tab,
        "states": STATES,
        "channels": CHANNELS,
        "waits": WAITS,
        "unknown": f"{MANY}+" if missing > MANY else missing,
        "suppressed": suppressions(session, view.organisation.id, lifted=False, limit=1).total,
        "doing": doing,
    }
