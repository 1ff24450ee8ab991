"""SendGrid's inbound parse: letters that come in for the reply domain."""

from __future__ import annotations

import hmac
import json
import logging
from datetime import UTC, datetime
from email.parser import HeaderParser
from email.utils import getaddresses
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from keepwell.api.access import ForbiddenError
from keepwell.api.door import AtDoor, Door
from keepwell.api.letter_form import fields_of, words_of_page
from keepwell.api.problems import problems
from keepwell.api.sendgrid_events import NOT_ACCEPTED, whole_body
from keepwell.contracts.lines import one_line
from keepwell.db.repositories.inbound import take_letter
from keepwell.letters import Letter, dkim_results, known_id

router = APIRouter(tags=["webhooks"], responses=problems(413))
log = logging.getLogger("keepwell.inbound")

LONGEST_TEXT = 100_000
LONGEST_LINE = 500
LONGEST_ADDRESS = 320
MOST_ADDRESSES = 100
"""What is kept of a letter: characters of its text, of a line of its head, of an address; addresses."""


@router.post("/webhooks/sendgrid/inbound/{token}", status_code=204)
def take_inbound(
    token: Annotated[str, Path(description="KEEPWELL_INBOUND_TOKEN: by it SendGrid is known.")],
    request: Request,
    body: Annotated[bytes, Depends(whole_body)],
    door: AtDoor,
) -> Response:
    """Take a letter. Without a 2xx SendGrid brings it again; what is known by then changes nothing."""
    check_token(door, token)
    letter = letter_of(request.headers.get("content-type", ""), body, datetime.now(UTC))
    effect = take_letter(door.store, letter, door.settings.reply_domain)
    log.info("A letter came in: %s", effect.partition(" (")[0])
    return Response(status_code=204)


def check_token(door: Door, token: str) -> None:
    """Make sure that it is SendGrid that brings a letter. Raises ForbiddenError."""
    wanted = door.settings.inbound_token
    given = token.encode(errors="replace")
    if wanted is None or not hmac.compare_digest(wanted.get_secret_value().encode(), given):
        log.warning(
            "A letter was refused: %s",
            "KEEPWELL_INBOUND_TOKEN is not set" if wanted is None else "its address has another token",
        )
        raise ForbiddenError(NOT_ACCEPTED)


def letter_of(content_type: str, body: bytes, now: datetime) -> Letter:
    """The letter in a request of SendGrid's.

    Raises:
        InputError: the body is no form of SendGrid's.
    """
    form = fields_of(content_type, body)
    head = _head(form["headers"])
    name, address = _sender(form["from"])
    return_path, reached = _envelope(form["envelope"])
    others = [one for _, one in getaddresses([form["to"], form["cc"]])]
    text = _lines(form["text"] or words_of_page(form["html"]))
    return Letter(
        message_id=known_id(next(iter(head.get("message-id", ())), "").strip(), form["headers"], text),
        from_address=address,
        from_name=name,
        subject=one_line(form["subject"])[:LONGEST_LINE],
        text=text,
        received_at=now,
        to=tuple(one[:LONGEST_ADDRESS] for one in [*reached, *others][:MOST_ADDRESSES]),
        return_path=return_path,
        headers=head,
        spf=one_line(form["SPF"]).lower()[:20],
        dkim=dkim_results(form["dkim"][:LONGEST_TEXT]),
    )


def _head(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in HeaderParser().parsestr(text[:LONGEST_TEXT], headersonly=True).items():
        key = name.lower()
        found[key] = (*found.get(key, ()), one_line(str(value))[: 20 * LONGEST_LINE])
    return found


def _sender(text: str) -> tuple[str, str]:
    """Name and address of whoever stands first in `From`; an address that is none is empty."""
    pairs = getaddresses([one_line(text)[:LONGEST_LINE]])
    name, address = pairs[0] if pairs else ("", "")
    usable = "@" in address and len(address) <= LONGEST_ADDRESS and " " not in address
    return one_line(name)[:200], address if usable else ""


def _envelope(text: str) -> tuple[str | None, list[str]]:
    """The envelope's sender and recipients; the sender is None where nobody says."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None, []
    if not isinstance(found, dict):
        return None, []
    sender, to = found.get("from"), found.get("to")
    reached = [one for one in to if isinstance(one, str)] if isinstance(to, list) else []
    return (one_line(sender) if isinstance(sender, str) else None), [one_line(one) for one in reached]


def _lines(text: str) -> str:
    """A text of several lines without what databases and terminals cannot take."""
    lines = text[:LONGEST_TEXT].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    plain = ("".join(char for char in line if char.isprintable() or char == "\t") for line in lines)
    return "\n".join(line.rstrip() for line in plain).strip()
