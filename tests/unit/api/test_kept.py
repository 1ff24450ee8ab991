"""Figures that are kept for a moment: never another organisation's, and never older than what was told of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from keepwell.api import kept as kept_module
from keepwell.api.kept import Kept
from keepwell.db.engine import Store
from keepwell.db.repositories.live import About, tell
from tests.unit.api.desk_world import Desk


@pytest.fixture
def kept() -> Kept:
    """Nothing is kept yet."""
    return Kept()


def _ask(store: Store, kept: Kept, compute: Callable[[], int], organisation: str = "org-1") -> int:
    with store.read() as session:
        return kept.of(session, organisation, "figures", compute)


def _numbers() -> Iterator[int]:
    return count(1)


def test_what_is_asked_again_at_once_is_not_computed_again(store: Store, kept: Kept) -> None:
    numbers = _numbers()
    assert [_ask(store, kept, lambda: next(numbers)) for _ in range(3)] == [1, 1, 1]


def test_another_organisation_has_its_own(store: Store, kept: Kept) -> None:
    assert _ask(store, kept, lambda: 1) == 1
    assert _ask(store, kept, lambda: 2, "org-2") == 2


def test_what_was_told_of_since_makes_it_anew(store: Store, kept: Kept) -> None:
    numbers = _numbers()
    assert _ask(store, kept, lambda: next(numbers)) == 1
    with store.write() as session:
        tell(session, "org-1", About.SCORE, ["acme"])
    assert _ask(store, kept, lambda: next(numbers)) == 2


def test_it_is_made_anew_after_a_while(store: Store, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers, clock = _numbers(), [100.0]
    monkeypatch.setattr("keepwell.api.kept.time.monotonic", lambda: clock[0])
    assert _ask(store, kept, lambda: next(numbers)) == 1
    clock[0] += kept_module.SECONDS - 0.1
    assert _ask(store, kept, lambda: next(numbers)) == 1
    clock[0] += 0.2
    assert _ask(store, kept, lambda: next(numbers)) == 2


def test_who_asks_meanwhile_waits_for_the_one_answer(store: Store, kept: Kept) -> None:
    numbers = _numbers()

    def slow() -> int:
        time.sleep(0.3)
        return next(numbers)

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(lambda _: _ask(store, kept, slow), range(8)))
    # Who asked before the first began to compute may have it computed once more.
    assert answers <= {1, 2}
    assert next(numbers) <= 3


def test_a_failure_is_nobodys_answer(store: Store, kept: Kept) -> None:
    with pytest.raises(ZeroDivisionError):
        _ask(store, kept, lambda: 1 // 0)
    assert _ask(store, kept, lambda: 1) == 1


def test_whoever_changes_something_finds_it_in_the_next_answer(desks: tuple[Desk, Desk]) -> None:
    ours, others = desks
    before = ours.get("/dashboard/stats").json()["stats"]["totalAccounts"]
    theirs = others.get("/dashboard/stats").json()["stats"]["totalAccounts"]
    ours.world.customer("new-one")
    assert ours.get("/dashboard/stats").json()["stats"]["totalAccounts"] in (before, before + 1)
    assert ours.client.post("/api/v1/nothing").status_code == 404
    assert ours.get("/dashboard/stats").json()["stats"]["totalAccounts"] == before + 1
    assert others.get("/dashboard/stats").json()["stats"]["totalAccounts"] == theirs
