"""Both providers in processes of their own, and the settings that lead a worker to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes import sendgrid, slack
from tests.fakes.remote import Remote, spawned


@dataclass(frozen=True)
class Providers:
    """The two fakes; `log` gets a line of JSON for each email that is accepted."""

    email: Remote
    slack: Remote
    log: Path

    def variables(self, *, activity: bool = False) -> dict[str, str]:
        """The settings that lead to them; `activity` where SendGrid can say what it took."""
        return {
            "KEEPWELL_SENDING": "live",
            "KEEPWELL_SENDGRID_API_KEY": sendgrid.KEY,
            "KEEPWELL_SENDGRID_URL": self.email.url,
            "KEEPWELL_SENDGRID_ACTIVITY": "true" if activity else "false",
            "KEEPWELL_SLACK_TOKEN": slack.TOKEN,
            "KEEPWELL_SLACK_URL": self.slack.url,
        }

    def most(self) -> int:
        """How often the message that was accepted most often was accepted."""
        return max([*self.email.counts().values(), *self.slack.counts().values()], default=0)


@contextmanager
def spawned_providers(folder: Path) -> Iterator[Providers]:
    """Both, until the block ends; their logs are in the folder."""
    log = folder / "sendgrid.jsonl"
    with spawned("sendgrid", log) as email, spawned("slack", folder / "slack.jsonl") as messages:
        yield Providers(email, messages, log)
