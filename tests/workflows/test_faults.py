"""Every fault of docs/faults.md in a whole run: one message, or a held one and somebody told; never two."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from keepwell.db.engine import Store
from tests.fakes.faults import FAULTS, End, Fault
from tests.workflows.faulty import Seen, played

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def seen(
    sqlite_template: Path, temporal_address: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Seen]:
    """What became of each fault's message. All are played at once: the waiting is the longest part of it."""
    folder = tmp_path_factory.mktemp("faults")
    shutil.copyfile(sqlite_template, folder / "keepwell.sqlite3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEEPWELL_HOME", str(folder / "home"))
        store = Store(f"sqlite:///{folder / 'keepwell.sqlite3'}")
        try:
            return asyncio.run(played(FAULTS, store, temporal_address))
        finally:
            store.dispose()


TOLD = (End.HELD, End.REFUSED, End.TOO_LATE)
"""Ends that somebody must hear of."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_a_fault(fault: Fault, seen: dict[str, Seen]) -> None:
    found, end = seen[fault.id], fault.end
    assert found.taken == fault.taken <= 1, found
    assert (found.delivery, found.step) == (end.delivery, end.step), found
    assert found.instead == (1 if end is End.BY_EMAIL else 0), found
    assert found.tasks == (("fallback",) if end in (*TOLD, End.BY_EMAIL) else ()), found
    assert len(found.alerts) == (1 if end in TOLD else 0), found
    told = "\n".join(found.lines)
    assert fault.tells in told
    accepted = [line for line in found.lines if line.startswith("delivery.accepted: ")]
    sent = end in (End.ONCE, End.SANDBOX, End.AGAIN, End.FOUND, End.BY_EMAIL)
    assert len(accepted) == (1 if sent else 0), told
    assert ("delivery.planned: " in told) == (end is End.AGAIN or end is End.TOO_LATE), told
    if end is End.HELD:
        assert "may or may not have been sent" in found.alerts[0]
        assert "delivery.unknown: " in told
