"""What a process keeps of rehearsals is bounded, and what is gone says so, to its own organisation alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keepwell.errors import KeepwellError, NotFoundError
from keepwell.rehearsal.asked import Checked
from keepwell.rehearsal.kept import (
    GONE_KNOWN,
    KEPT_ALL,
    KEPT_EACH,
    KEPT_FOR,
    WAITING_ALL,
    WAITING_EACH,
    Job,
    Kept,
)
from keepwell.rehearsal.reactions import Script
from keepwell.rehearsal.told import RehearsalState
from workflows.critical import CRITICAL

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
CHECKED = Checked(customer="acme", customer_name="Acme", playbooks=(CRITICAL,), script=Script())


def add(kept: Kept, key: str, organisation: str = "org-1", ended: datetime | None = NOW) -> Job:
    """A job that is over, or waits."""
    state = RehearsalState.DONE if ended else RehearsalState.WAITING
    job = Job(key, organisation, "Dana", CHECKED, NOW, state=state, ended_at=ended)
    kept.add(job)
    return job


def known(kept: Kept, organisation: str = "org-1") -> list[str]:
    return [job.id for job in kept.of(organisation)]


def test_the_last_of_an_organisation_are_kept() -> None:
    kept = Kept()
    for number in range(KEPT_EACH + 2):
        add(kept, f"one-{number}")
    add(kept, "theirs", "org-2")
    kept.forget_old(NOW)
    assert known(kept) == [f"one-{number}" for number in range(KEPT_EACH + 1, 1, -1)]
    assert known(kept, "org-2") == ["theirs"]
    with pytest.raises(NotFoundError, match=f"This rehearsal is gone: only the last {KEPT_EACH} are kept"):
        kept.job("org-1", "one-0")
    # To another organisation it was never there.
    with pytest.raises(NotFoundError, match="There is no such rehearsal here"):
        kept.job("org-2", "one-0")


def test_of_all_organisations_so_many_are_kept() -> None:
    kept = Kept()
    for number in range(KEPT_ALL + 5):
        add(kept, f"one-{number}", f"org-{number}")
    kept.forget_old(NOW)
    assert sum(len(known(kept, f"org-{number}")) for number in range(KEPT_ALL + 5)) == KEPT_ALL
    assert known(kept, "org-0") == []


def test_they_are_kept_for_some_hours() -> None:
    kept = Kept()
    add(kept, "old", ended=NOW - KEPT_FOR - timedelta(minutes=1))
    add(kept, "new", ended=NOW - KEPT_FOR + timedelta(minutes=1))
    kept.forget_old(NOW)
    assert known(kept) == ["new"]
    with pytest.raises(NotFoundError, match="kept for 12 hours"):
        kept.job("org-1", "old")


def test_who_waits_has_a_place_and_not_too_many_may() -> None:
    kept = Kept()
    for number in range(WAITING_ALL):
        add(kept, f"one-{number}", f"org-{number // WAITING_EACH}", ended=None)
    assert kept.line(kept.job("org-1", f"one-{WAITING_EACH}")).place == WAITING_EACH + 1
    with pytest.raises(KeepwellError, match=f"{WAITING_EACH} rehearsals wait already") as own:
        add(kept, "more", ended=None)
    with pytest.raises(KeepwellError, match=f"{WAITING_ALL} rehearsals wait already") as others:
        add(kept, "more", "org-new", ended=None)
    assert own.value.retryable
    assert others.value.retryable


def test_why_they_are_gone_is_known_of_a_bounded_number() -> None:
    kept = Kept()
    for number in range(GONE_KNOWN + 1):
        kept.forget(add(kept, f"one-{number}"), "Dana has removed it")
    with pytest.raises(NotFoundError, match="no such rehearsal"):
        kept.job("org-1", "one-0")
    with pytest.raises(NotFoundError, match="Dana has removed it"):
        kept.job("org-1", "one-1")
