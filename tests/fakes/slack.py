"""A fake Slack: posting, history, opening a direct message and looking people up, in the real shapes.

    python -m tests.fakes.slack --port 8026 --log accepted.jsonl

Channels are all ids that begin with C; everybody with an id U… exists; by email only who is in `members`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.fakes.remote import serve
from tests.fakes.server import Call, Fake, Reply, Taken

TOKEN = "xoxb-a-token-for-tests"
LONGEST_TEXT = 40_000


def _no(error: str) -> Reply:
    return Reply(200, {"ok": False, "error": error})


class FakeSlack(Fake):
    """KEEPWELL_SLACK_URL is `url`, the valid token is `TOKEN`."""

    def __init__(self, port: int = 0, log: Path | None = None) -> None:
        super().__init__(port, log)
        self.members = {"dana@brightdesk.example": "U0DANA", "lena@brightdesk.example": "U0LENA"}
        self.archived = {"C0OLD"}

    @property
    def url(self) -> str:
        """The base address for an adapter."""
        return f"{self.address}/api/"

    def key_of(self, call: Call) -> str:
        """The key in the metadata of a message."""
        metadata = call.fields().get("metadata")
        metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
        return str(metadata["event_payload"].get("key", "")) if isinstance(metadata, dict) else ""

    def refusal(self, call: Call) -> Reply | None:
        """What Slack checks before it does something."""
        given = call.headers.get("authorization", "")
        if given != f"Bearer {TOKEN}":
            return _no("invalid_auth" if given else "not_authed")
        fields = call.fields()
        match call.path.removeprefix("/api/"):
            case "auth.test":
                return None
            case "chat.postMessage":
                return self._unpostable(fields)
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
        match call.path.removeprefix("/api/"):
            case "chat.postMessage":
                return self._post(call, fields)
            case "conversations.history":
                return self._history(fields)
            case "conversations.open":
                return Reply(200, {"ok": True, "channel": {"id": _place(fields["users"])}})
            case "users.lookupByEmail":
                return Reply(200, {"ok": True, "user": {"id": self.members[fields["email"]]}})
        return Reply(200, {"ok": True, "team": "Tests", "user": "keepwell", "bot_id": "B0KEEPWELL"})

    def _unpostable(self, fields: dict[str, Any]) -> Reply | None:
        channel, text = fields.get("channel", ""), fields.get("text", "")
        if not re.fullmatch(r"[CDGU]\w+", channel):
            return _no("channel_not_found")
        if channel in self.archived:
            return _no("is_archived")
        if not text and not fields.get("blocks"):
            return _no("no_text")
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
