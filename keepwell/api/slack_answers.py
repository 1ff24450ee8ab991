"""After a click in Slack: find out who that was, and show in the message what came of it.

Everything it needs is in the store, so that it goes on where a process before it stopped. Nothing in here
can lose a command: who sent it is found out before it is told, the rest happens after.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from keepwell.adapters.slack_blocks import after, cut
from keepwell.adapters.slack_desk import SlackDesk, Team
from keepwell.api.slack_shown import lines_of, subject_of, used
from keepwell.db.engine import Store
from keepwell.db.repositories import clicks
from keepwell.db.repositories.clicks import Effect
from keepwell.db.tables import Organisation, PendingCommand
from keepwell.errors import KeepwellError
from keepwell.rendering.mrkdwn import escaped

log = logging.getLogger("keepwell.slack")

SOON: Final = timedelta(seconds=1)
"""Between two looks at what came of a command that was just told."""

PATIENCE: Final = timedelta(seconds=10)
"""After this long without a word, whoever clicked hears that it is noted and will be done."""

LATER: Final = timedelta(seconds=30)
"""Between two looks after that, and between two tries to reach Slack, by the number of tries."""

LONGEST: Final = timedelta(days=1)
"""After this nobody waits for the answer any more; the command itself waits on."""

LONGEST_ASKING: Final = timedelta(hours=1)
"""A click of somebody whom Slack does not name for so long is turned away."""

STRANGER: Final = (
    "Keepwell does not know you, so nothing was done. "
    "Your Slack id, or the email address of your Slack profile, has to be in its list of staff."
)
NOTED: Final = "Noted. It is carried out as soon as Keepwell's engine answers; you need not click again."


class SlackAnswers:
    """Works off what is due. `identified` is called when a command may be told now."""

    def __init__(self, store: Store, desk: SlackDesk, identified: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._desk = desk
        self._identified = identified
        self._team: Team | None = None

    def step(self, now: datetime) -> int:
        """Look at every answer that is due; how many there were."""
        with self._store.read() as session:
            due = clicks.due_answers(session, now)
        for row in due:
            with self._store.write() as session:
                mine = clicks.claim(session, row, now)
            if mine:
                self._one(row, now)
        return len(due)

    def _one(self, row: PendingCommand, now: datetime) -> None:
        failed = False
        try:
            again = self._look(row, now)
        except (KeepwellError, OSError) as error:
            log.warning("Slack could not be asked or told: %s", error, extra={"command": row.id})
            failed, again = True, self._after_failure(row, error, now)
        if again is not None and now - row.received_at > LONGEST:
            again = None
        with self._store.write() as session:
            clicks.answer_again(session, row.id, again, tried=failed)

    def _after_failure(self, row: PendingCommand, error: Exception, now: datetime) -> datetime | None:
        final = not getattr(error, "retryable", True)
        if row.state == "asking" and (final or now - row.received_at > LONGEST_ASKING):
            # Others of the intervention wait behind it.
            why = f"Nobody could tell who clicked: {getattr(error, 'message', str(error))}"
            with self._store.write() as session:
                clicks.turn_away(session, row.id, why, now)
            self._whisper(row, escaped(f"Nothing was done. {why}"))
            return None
        return None if final else now + LATER * min(row.answer_tries + 1, 10)

    def _look(self, row: PendingCommand, now: datetime) -> datetime | None:
        """Do what can be done now; when to look again, None where all is said."""
        if row.state == "asking":
            return self._identify(row, now)
        with self._store.read() as session:
            effect = clicks.effect_of(session, row)
            if effect is None and row.told_at is not None and now - row.told_at > 2 * SOON:
                effect = clicks.already(session, row)
            over = subject_of(session, row).over
        if effect is None:
            return self._not_yet(row, now)
        if effect.refused or not row.back.get("ts"):
            self._whisper(row, _words(effect))
        if not effect.refused or over:
            self._show(row)
        return None

    def _identify(self, row: PendingCommand, now: datetime) -> datetime | None:
        """Find the member of staff behind a Slack id; a stranger's click is turned away."""
        self._team = self._team or self._desk.team()
        user, person = str(row.back["user"]), None
        if self._team.has(str(row.back.get("team", "")), str(row.back.get("enterprise", ""))):
            with self._store.read() as session:
                person = clicks.staff_by_slack(session, row.organisation_id, user)
            if person is None:
                email = self._desk.member(user).email
                with self._store.read() as session:
                    person = clicks.staff_by_email(session, row.organisation_id, email)
        with self._store.write() as session:
            if person is None:
                clicks.turn_away(session, row.id, STRANGER, now)
            else:
                clicks.identify(session, row.id, person, now)
        if person is None:
            self._whisper(row, STRANGER)
            return None
        self._identified()
        return now + SOON

    def _not_yet(self, row: PendingCommand, now: datetime) -> datetime:
        if now - row.received_at < PATIENCE:
            return now + SOON
        if not row.back.get("noted"):
            with self._store.write() as session:
                clicks.mark(session, row.id, noted=True)
            self._whisper(row, NOTED)
        return now + min(LATER, now - row.received_at)

    def _show(self, row: PendingCommand) -> None:
        """Put what came of all clicks on a message beneath it, and take away the buttons that are used up."""
        with self._store.read() as session:
            subject = subject_of(session, row)
            zone = session.get_one(Organisation, row.organisation_id).time_zone
            lines = lines_of(session, row, subject, zone)
        back: dict[str, Any] = row.back
        blocks = after(back["blocks"], lines, used(subject))
        self._desk.update(back["channel"], back["ts"], "\n".join([cut(back["text"], 3_000), *lines]), blocks)

    def _whisper(self, row: PendingCommand, text: str) -> None:
        """Tell whoever clicked, as long as Slack lets us: half an hour, five times."""
        try:
            self._desk.whisper(str(row.back.get("response_url", "")), text)
        except (KeepwellError, OSError) as error:
            log.warning("Slack could not be told: %s", error, extra={"command": row.id})


def _words(effect: Effect) -> str:
    """A refusal in a sentence."""
    return escaped(f"{effect.text}: {effect.why}" if effect.why else effect.text)
