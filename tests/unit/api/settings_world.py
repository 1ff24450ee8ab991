"""An organisation whose settings are asked for and changed over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from keepwell.contracts.access import Permission
from tests.unit.api.callers import key_for
from tests.unit.db.world import World

EVERYTHING = tuple(one for one in Permission if one is not Permission.OWN)


@dataclass
class Asked:
    """Somebody with all permissions, unless others are given, who asks below /api/v1."""

    client: TestClient
    world: World
    headers: dict[str, str]

    def __call__(self, method: str, path: str, body: Any = None, **given: Any) -> Response:
        """One request; `body` is its JSON."""
        headers = {**self.headers, **given.pop("headers", {})}
        answer: Any = self.client.request(method, f"/api/v1{path}", json=body, headers=headers, **given)
        return answer  # type: ignore[no-any-return]

    def ok(self, method: str, path: str, body: Any = None, **given: Any) -> Any:
        """The JSON of an answer that is no refusal."""
        answer = self(method, path, body, **given)
        assert answer.status_code < 300, answer.text
        return answer.json()


def asked(client: TestClient, world: World, *scopes: Permission) -> Asked:
    """Somebody of the world's organisation with a key."""
    return Asked(client, world, key_for(world.store, world.organisation, *(scopes or EVERYTHING)))
