"""Slack's way in: buttons. A click is kept before it is answered, and carried out afterwards."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import SecretStr
from slack_sdk.signature import SignatureVerifier

from keepwell.adapters.slack_desk import SlackDesk
from keepwell.api.access import ForbiddenError
from keepwell.api.door import AtDoor, Door
from keepwell.api.problems import problems
from keepwell.api.slack_click import Action, Click, command_of, read_click
from keepwell.db.repositories import clicks, pending, taking
from keepwell.db.tables import Intervention
from keepwell.errors import KeepwellError, StoreError

router = APIRouter(tags=["webhooks"], responses=problems(413))
log = logging.getLogger("keepwell.slack")

ANSWER_WITHIN: Final = 2.0
"""Seconds. Slack waits for three, and then tells whoever clicked that it failed."""

KEEP_TRYING: Final = 20.0
"""Seconds in which a click that the database does not take is tried again; then the person hears of it."""

PAUSE: Final = 0.5
AT_ONCE: Final = 8
"""Clicks being kept at once; more wait for a thread, and are answered in time all the same."""

_keepers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="slack")


@router.post("/webhooks/slack/actions")
async def actions(request: Request, door: AtDoor) -> Response:
    """A button in Slack was pressed: keep what it means, and answer at once."""
    body = await request.body()
    verify(
        door, body, request.headers.get("x-slack-request-timestamp"), request.headers.get("x-slack-signature")
    )
    click = read_click(body)
    if click is not None:
        kept = asyncio.get_running_loop().run_in_executor(_keepers, keep, door, click)
        await asyncio.wait({kept}, timeout=ANSWER_WITHIN)
        kept.add_done_callback(_note_failure)
    return Response(status_code=200)


def verify(door: Door, body: bytes, stamp: str | None, signature: str | None) -> None:
    """Refuse what Slack has not signed, or has signed more than five minutes ago.

    Raises:
        ForbiddenError: it is not Slack's, or Slack is not set up here.
    """
    secret, token = door.settings.slack_signing_secret, door.settings.slack_token
    if secret is None or token is None:
        raise ForbiddenError("Buttons in Slack are not set up here.")
    try:
        valid = SignatureVerifier(secret.get_secret_value()).is_valid(body, stamp, signature)
    except (ValueError, TypeError, OverflowError):
        # No number where the time should be, or no text where text should be.
        valid = False
    if not valid:
        raise ForbiddenError("This request is not signed by Slack, or is too old.")


def keep(door: Door, click: Click) -> None:
    """Keep the commands of a click, again and again while the database does not take them."""
    end = time.monotonic() + KEEP_TRYING
    while True:
        try:
            unknown = [action for action in click.actions if not _kept(door, click, action)]
        except StoreError as error:
            if error.retryable and time.monotonic() < end:
                time.sleep(PAUSE)
                continue
            _whisper(door, click, "This could not be noted just now. Please click again in a minute.")
            raise
        if unknown:
            _whisper(door, click, "This is about something that Keepwell does not know any more.")
        return


def _kept(door: Door, click: Click, action: Action) -> bool:
    """Keep what one button means; False where there is nothing that it could be about."""
    if action.notice:
        with door.store.write() as session:
            return taking.keep_taking(
                session,
                action.notice,
                key=click.key(action),
                source=clicks.SOURCE,
                by=click.user.id,
                now=datetime.now(UTC),
                back=click.back(),
            )
    command = command_of(click, action, click.user.id)
    if command is None:
        return True
    with door.store.write() as session:
        row = session.get(Intervention, action.value)
        if row is None:
            return False
        # Who that is, Slack has to be asked: its ids count within a workspace only.
        pending.put(
            session,
            row,
            key=command.id,
            source=clicks.SOURCE,
            by=click.user.id,
            command=command,
            now=datetime.now(UTC),
            back=click.back(),
            known=False,
        )
    return True


def _whisper(door: Door, click: Click, text: str) -> None:
    try:
        desk(door).whisper(click.response_url, text)
    except (KeepwellError, OSError) as error:
        log.warning("Slack could not be told: %s", error)


def desk(door: Door) -> SlackDesk:
    """Slack, for answers."""
    token = door.settings.slack_token or SecretStr("")
    return SlackDesk(token, door.settings.slack_url)


def _note_failure(kept: asyncio.Future[None]) -> None:
    if not kept.cancelled() and kept.exception() is not None:
        log.error("A click in Slack was not kept", exc_info=kept.exception())
