"""What Slack sends when somebody uses a button of ours: read, checked, and made a command."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from pydantic import Field, TypeAdapter, ValidationError

from keepwell.adapters.slack_blocks import BLOCKS, OF_ALERTS, PAUSE_DAYS, PREFIX
from keepwell.contracts.base import Frozen
from keepwell.contracts.commands import Acknowledge, CommandBase, Pause, Respond
from keepwell.errors import InputError

Name = Annotated[str, Field(max_length=100)]
UserId = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{1,40}$")]
Stamp = Annotated[str, Field(pattern=r"^\d{1,12}(\.\d{1,9})?$")]
Text = Annotated[str, Field(max_length=50_000)]


class _User(Frozen):
    id: UserId
    team_id: Name = ""


class _Place(Frozen):
    id: Name = ""


class _Container(Frozen):
    channel_id: Name = ""
    message_ts: Stamp = "0"


class _Message(Frozen):
    text: Text = ""
    blocks: Annotated[tuple[dict[str, Any], ...], Field(max_length=BLOCKS)] = ()


class Action(Frozen):
    """A button that was pressed; `value` is the intervention it is about, or the message that told alerts."""

    action_id: Name
    action_ts: Stamp
    value: Annotated[str, Field(max_length=100)] = ""

    @property
    def notice(self) -> str:
        """The key of the message whose alerts somebody wants to have in hand; "" for any other button."""
        return self.value if self.action_id.removeprefix(PREFIX) in OF_ALERTS else ""


class Click(Frozen):
    """A press of buttons in a message of ours, as Slack tells it; what is not used here is not read."""

    type: Literal["block_actions"]
    user: _User
    team: _Place | None = None
    enterprise: _Place | None = None
    container: _Container = _Container()
    message: _Message = _Message()
    actions: Annotated[tuple[Action, ...], Field(min_length=1, max_length=10)]
    response_url: Annotated[str, Field(max_length=500)] = ""

    @property
    def team_id(self) -> str:
        """The workspace of whoever clicked, "" where Slack does not say."""
        return self.user.team_id or (self.team.id if self.team else "")

    @property
    def enterprise_id(self) -> str:
        """The organisation of workspaces, "" where there is none."""
        return self.enterprise.id if self.enterprise else ""

    def key(self, action: Action) -> str:
        """The same click delivered again has the same key; another click another one."""
        parts = (self.team_id, self.user.id, self.container.message_ts, action.action_ts)
        whole = "\n".join((*parts, action.action_id, action.value))
        return f"slack-{hashlib.sha256(whole.encode()).hexdigest()[:40]}"

    def back(self) -> dict[str, Any]:
        """What is needed to answer afterwards."""
        return {
            "user": self.user.id,
            "team": self.team_id,
            "enterprise": self.enterprise_id,
            "channel": self.container.channel_id,
            "ts": self.container.message_ts,
            "text": self.message.text,
            "blocks": [*self.message.blocks],
            "response_url": self.response_url,
        }


class _Other(Frozen):
    type: Annotated[str, Field(max_length=40)]


_CLICK: TypeAdapter[Click] = TypeAdapter(Click)


def read_click(body: bytes) -> Click | None:
    """The click in a request's body; None for what Slack sends of other things.

    Raises:
        InputError: it is not what Slack sends.
    """
    try:
        fields = dict(parse_qsl(body.decode(), strict_parsing=True, max_num_fields=20))
        data = json.loads(fields["payload"])
        kind = _Other.model_validate(data).type
        return _CLICK.validate_python(data) if kind == "block_actions" else None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"This is no click in Slack: {first['msg']}.", place=where or "payload") from None
    except (ValueError, KeyError, RecursionError):
        raise InputError("This is no click in Slack.", hint="It holds one field, payload, in JSON.") from None


def command_of(click: Click, action: Action, by: str) -> CommandBase | None:
    """The command that a button means; None for one that asks nothing of us, as a link."""
    base: dict[str, Any] = {"id": click.key(action), "intervention": action.value, "by": by[:200]}
    match action.action_id.removeprefix(PREFIX) if action.value else "":
        case "acknowledge":
            return Acknowledge(**base)
        case "pause":
            return Pause(
                until=_clicked(action) + timedelta(days=PAUSE_DAYS), reason="A button in Slack", **base
            )
        case "respond":
            return Respond(**base)
        case _:
            return None


def _clicked(action: Action) -> datetime:
    """When the button was pressed, to the minute: two clicks in a row mean one pause."""
    at = datetime.fromtimestamp(float(action.action_ts), UTC)
    return at.replace(second=0, microsecond=0)
