"""Whether the process answers, and whether it can work."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from keepwell import __version__
from keepwell.api.door import Door
from keepwell.errors import StoreError


def test_it_says_that_it_runs_and_that_it_can_work(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok", "version": __version__}
    assert client.get("/ready").json() == {"status": "ready"}


def test_a_database_that_does_not_answer_is_a_problem_in_words(
    client: TestClient, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise StoreError("The database does not answer.", hint="Start it.", retryable=True)

    monkeypatch.setattr(door.store, "read", broken)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "title": "The database does not answer.",
        "status": 503,
        "detail": "Start it.",
        "retryable": True,
        "request_id": answer.headers["x-request-id"],
    }
    assert client.get("/health").status_code == 200
