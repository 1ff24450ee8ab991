"""What is asked of Slack after somebody has used a button: who that is, and to show what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import Request

from pydantic import SecretStr

from keepwell.adapters.deadline import Deadline, fetch
from keepwell.adapters.slack_blocks import Block
from keepwell.adapters.slack_client import UPDATE, WHO, SlackClient
from keepwell.contracts.base import Frozen
from keepwell.errors import RefusedError, SendRefusedError

PATIENCE: Final = timedelta(seconds=10)


class Team(Frozen):
    """The workspace, or the organisation of workspaces, that our token is for."""

    team_id: str = ""
    enterprise_id: str | None = None

    def has(self, team: str, enterprise: str) -> bool:
        """Whether a request that names these comes from there."""
        same_team = team != "" and team == self.team_id
        return same_team or (enterprise != "" and enterprise == self.enterprise_id)


class _Profile(Frozen):
    email: str = ""


class Member(Frozen):
    """A member of the workspace; `email` is empty where Slack does not give it away."""

    id: str
    team_id: str = ""
    deleted: bool = False
    is_bot: bool = False
    is_stranger: bool = False
    profile: _Profile = _Profile()

    @property
    def email(self) -> str:
        """Their address in lower case; "" for who has left, is no person, or is of another company."""
        outside = self.deleted or self.is_bot or self.is_stranger
        return "" if outside else self.profile.email.strip().lower()


class _Answer(Frozen):
    user: Member


class SlackDesk:
    """Asks and tells Slack. Errors are those of `SlackClient.ask`."""

    def __init__(self, token: SecretStr, url: str, *, deadline: timedelta = PATIENCE) -> None:
        self._slack = SlackClient(token, url)
        self._deadline = deadline

    def team(self) -> Team:
        """Whose token ours is."""
        client = self._slack.within(self._deadline)
        return self._slack.ask(WHO, lambda: Team.model_validate(client.auth_test().data))

    def member(self, user: str) -> Member:
        """Who somebody is, by their Slack id."""
        client = self._slack.within(self._deadline)
        return self._slack.ask(WHO, lambda: _Answer.model_validate(client.users_info(user=user).data)).user

    def update(self, channel: str, ts: str, text: str, blocks: Sequence[Block]) -> None:
        """Put these blocks in the place of a message of ours; again changes nothing."""
        client = self._slack.within(self._deadline)
        self._slack.ask(UPDATE, lambda: client.chat_update(channel=channel, ts=ts, text=text, blocks=blocks))

    def whisper(self, response_url: str, text: str) -> None:
        """Say something to whoever clicked, and to nobody else.

        Raises:
            RefusedError: the address is not one of Slack's.
            SendRefusedError: Slack said no.
            OSError: it did not answer.
        """
        check_response_url(response_url, self._slack.url)
        body: dict[str, Any] = {"response_type": "ephemeral", "replace_original": False, "text": text}
        headers = {"Content-Type": "application/json; charset=utf-8"}
        # Checked above to be Slack's; no redirect is followed, and no key goes along.
        request = Request(response_url, json.dumps(body).encode(), headers, method="POST")  # noqa: S310
        answer = fetch(request, Deadline(self._deadline))
        if answer.status != 200:
            raise SendRefusedError(
                f"Slack did not take a word back (status {answer.status}).", retryable=False
            )


def check_response_url(address: str, api: str) -> None:
    """Refuse an address for answers that is not on Slack's own host.

    `api` is the address of the Web API: answers go to `hooks.` beside it (hooks.slack.com), or to itself
    where it stands in for Slack.
    """
    try:
        given, known = urlsplit(address), urlsplit(api)
        hooks = given.scheme == "https" and given.netloc == f"hooks.{known.netloc}"
    except ValueError:
        raise RefusedError("That is no address to answer to.") from None
    stand_in = known.netloc != "slack.com" and (given.scheme, given.netloc) == (known.scheme, known.netloc)
    if not hooks and not stand_in:
        raise RefusedError("That is no address of Slack's to answer to.")
