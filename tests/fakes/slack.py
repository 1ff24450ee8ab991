"""A fake Slack: posting, changing, history, direct messages, people, words back; in the real shapes.

    python -m tests.fakes.slack --port 8026 --log accepted.jsonl

Channels are all ids that begin with C; everybody with an id U… exists; by email only who is in `members`.
Blocks are checked as Slack does, `clicked` is what Slack would send for a button of a message.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.fakes.blocks import wrong_blocks
from tests.fakes.remote import serve
from tests.fakes.server import Call, Fake, Reply, Taken

TOKEN = "xoxb-a-token-for-tests"
LONGEST_TEXT = 40_000
TEAM = "T0BRIGHT"
HOOK = "/actions/T0BRIGHT/1/"


def _no(error: str) -> Reply:
    return Reply(200, {"ok": False, "error": error})


class FakeSlack(Fake):
    """KEEPWELL_SLACK_URL is `url`, the valid token is `TOKEN`."""

    def __init__(self, port: int = 0, log: Path | None = None) -> None:
        super().__init__(port, log)
        self.members = {
            f"{name}@brightdesk.example": f"U0{name.upper()}" for name in ("dana", "lena", "omar")
        }
        self.archived = {"C0OLD"}
        self.outsiders: dict[str, dict[str, Any]] = {}
        """What `users.info` says besides of some people: that they are strangers, or have left."""
        self.updates: list[dict[str, Any]] = []
        self.whispers: list[dict[str, Any]] = []
        self.revoked = False

    @property
    def url(self) -> str:
        """The base address for an adapter."""
        return f"{self.address}/api/"

    def key_of(self, call: Call) -> str:
        """The key in the metadata of a message, or the conversation or person that is asked about."""
        fields = call.fields()
        metadata = fields.get("metadata")
        metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
        if isinstance(metadata, dict):
            return str(metadata["event_payload"].get("key", ""))
        return "" if "text" in fields else str(fields.get("channel") or fields.get("users") or "")

    def no(self, status: int) -> Reply:
        """Slack's own answers with a status; what comes with another one is not from Slack itself."""
        if status == 429:
            return Reply(429, {"ok": False, "error": "ratelimited"})
        if status == 500:
            return Reply(500, {"ok": False, "error": "internal_error"})
        return Reply(status)

    def refusal(self, call: Call) -> Reply | None:  # noqa: C901  (a case each)
        """What Slack checks before it does something."""
        if call.path.startswith(HOOK):
            return None if "text" in call.fields() else Reply(400, "no_text")
        given = call.headers.get("authorization", "")
        if self.revoked:
            return _no("token_revoked")
        if given != f"Bearer {TOKEN}":
            return _no("invalid_auth" if given else "not_authed")
        fields = call.fields()
        match call.path.removeprefix("/api/"):
            case "auth.test":
                return None
            case "chat.postMessage":
                return self._unpostable(fields)
            case "chat.update":
                return self._unchangeable(fields)
            case "users.info":
                known = re.fullmatch(r"U\w+", fields.get("user", ""))
                return None if known else _no("user_not_found")
            case "conversations.history":
                known = re.fullmatch(r"[CDG]\w+", fields.get("channel", ""))
                return None if known else _no("channel_not_found")
            case "conversations.open":
                return None if re.fullmatch(r"U\w+", fields.get("users", "")) else _no("user_not_found")
            case "users.lookupByEmail":
                return None if fields.get("email") in self.members else _no("users_not_found")
        return _no("unknown_method")

    def take(self, call: Call) -> Reply:
        """Do it."""
        fields = call.fields()
        if call.path.startswith(HOOK):
            self.whispers.append(fields)
            return Reply(200, "ok")
        match call.path.removeprefix("/api/"):
            case "chat.postMessage":
                return self._post(call, fields)
            case "chat.update":
                self.updates.append(fields)
                return Reply(200, {"ok": True, "channel": fields["channel"], "ts": fields["ts"]})
            case "users.info":
                return Reply(200, {"ok": True, "user": self._member(fields["user"])})
            case "conversations.history":
                return self._history(fields)
            case "conversations.open":
                return Reply(200, {"ok": True, "channel": {"id": _place(fields["users"])}})
            case "users.lookupByEmail":
                return Reply(200, {"ok": True, "user": {"id": self.members[fields["email"]]}})
        who = {"team": "Tests", "team_id": TEAM, "user": "keepwell", "bot_id": "B0KEEPWELL"}
        return Reply(200, {"ok": True, **who}, {"X-OAuth-Scopes": self.scopes})

    scopes = "chat:write,im:write,im:history,channels:history,users:read,users:read.email"

    def _member(self, user: str) -> dict[str, Any]:
        email = next((email for email, one in self.members.items() if one == user), "")
        profile = {"email": email} if email else {}
        return {
            "id": user,
            "team_id": TEAM,
            "deleted": False,
            "profile": profile,
            **self.outsiders.get(user, {}),
        }

    def _unchangeable(self, fields: dict[str, Any]) -> Reply | None:
        known = any(
            _place(one.content["channel"]) == fields.get("channel") and one.identifier == fields.get("ts")
            for one in self.accepted
        )
        if not known:
            return _no("message_not_found")
        return _no("invalid_blocks") if wrong_blocks(_list(fields.get("blocks"))) else None

    def clicked(
        self, taken: Taken, user: str, action: str, *, at: str = "1795340000.000100"
    ) -> dict[str, Any]:
        """What Slack sends when somebody presses a button of a message."""
        blocks = _list(taken.content["blocks"])
        buttons = [one for block in blocks if block["type"] == "actions" for one in block["elements"]]
        button = next(one for one in buttons if one["action_id"] == action)
        channel = _place(taken.content["channel"])
        return {
            "type": "block_actions",
            "api_app_id": "A0KEEPWELL",
            "token": "not used any more",
            "user": {"id": user, "username": "somebody", "name": "somebody", "team_id": TEAM},
            "team": {"id": TEAM, "domain": "tests"},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": channel, "name": "directmessage"},
            "container": {
                "type": "message",
                "message_ts": taken.identifier,
                "channel_id": channel,
                "is_ephemeral": False,
            },
            "trigger_id": "1.2.3",
            "message": {
                "type": "message",
                "bot_id": "B0KEEPWELL",
                "ts": taken.identifier,
                "text": taken.content["text"],
                "blocks": blocks,
            },
            "state": {"values": {}},
            "response_url": f"{self.address}{HOOK}{user}",
            "actions": [{**button, "block_id": "keepwell_actions", "action_ts": at}],
        }

    def _unpostable(self, fields: dict[str, Any]) -> Reply | None:
        channel, text = fields.get("channel", ""), fields.get("text", "")
        if not re.fullmatch(r"[CDGU]\w+", channel):
            return _no("channel_not_found")
        if channel in self.archived:
            return _no("is_archived")
        if not text and not fields.get("blocks"):
            return _no("no_text")
        if wrong_blocks(_list(fields.get("blocks"))):
            return _no("invalid_blocks")
        return _no("msg_too_long") if len(text) > LONGEST_TEXT else None

    def _post(self, call: Call, fields: dict[str, Any]) -> Reply:
        stamp = f"17637{len(self.accepted):05}.000100"
        self.accept(self.key_of(call), fields, stamp)
        message = {"type": "message", "bot_id": "B0KEEPWELL", "text": fields["text"], "ts": stamp}
        return Reply(200, {"ok": True, "channel": _place(fields["channel"]), "ts": stamp, "message": message})

    def _history(self, fields: dict[str, Any]) -> Reply:
        """A page, the newest message first; the cursor is the number of messages before it."""
        oldest, limit = float(fields.get("oldest") or 0), min(int(fields.get("limit") or 100), 999)
        found = [
            one
            for one in reversed(self.accepted)
            if _place(one.content["channel"]) == fields["channel"] and one.at > oldest
        ]
        start = int(fields.get("cursor") or 0)
        rest = found[start + limit :]
        shows = fields.get("include_all_metadata") in ("1", "true", True)
        return Reply(
            200,
            {
                "ok": True,
                "messages": [_shown(one, shows) for one in found[start : start + limit]],
                "has_more": bool(rest),
                "pin_count": 0,
                "response_metadata": {"next_cursor": str(start + limit) if rest else ""},
            },
        )


def _list(value: Any) -> list[dict[str, Any]]:
    """Blocks, which a form carries as JSON."""
    found = json.loads(value) if isinstance(value, str) and value else value or []
    return found if isinstance(found, list) else [{}]


def _place(channel: str) -> str:
    """Where messages to an id appear: a person's in the direct messages with that person."""
    return f"D{channel[1:]}" if channel.startswith("U") else channel


def _shown(taken: Taken, with_metadata: bool) -> dict[str, Any]:
    message: dict[str, Any] = {
        "type": "message",
        "bot_id": "B0KEEPWELL",
        "text": taken.content["text"],
        "ts": taken.identifier,
    }
    if with_metadata and "metadata" in taken.content:
        message["metadata"] = taken.content["metadata"]
    return message


def make(port: int = 0, log: Path | None = None) -> Fake:
    """A fake, not started yet."""
    return FakeSlack(port, log)


if __name__ == "__main__":
    serve(make)
