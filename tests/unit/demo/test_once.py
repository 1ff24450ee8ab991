"""When the stories begin, who plays them, and how their checks judge."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from keepwell.demo.once import cast, opening
from keepwell.demo.plays import PARTS
from keepwell.demo.plays_growth import GROWTH
from keepwell.demo.portfolio import portfolio
from keepwell.demo.told import Checks
from scoring.load import builtin


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2026-11-21T16:00", "2026-11-23T08:00"),
        ("2026-11-23T06:30", "2026-11-23T08:00"),
        ("2026-11-23T07:30", "2026-11-30T08:00"),
        ("2026-12-28T09:00", "2027-01-04T08:00"),
    ],
)
def test_stories_begin_on_a_monday_morning_to_come(now: str, begins: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = opening(moment)
    assert found == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert found.weekday() == 0
    assert timedelta(hours=1) < found - moment <= timedelta(days=7, hours=1)


def test_each_story_has_a_customer_of_its_own_who_can_be_written_to() -> None:
    customers = portfolio(builtin("intervention"), date(2026, 11, 21))
    found = cast((*PARTS, *GROWTH), customers)
    assert len({one.key for _, one in found}) == len(found) == 7
    for part, one in found:
        assert part.fits(one)
        assert one.owner is not None
        usable = [who for who in one.contacts if who.consent.value != "denied" and not who.suppressed]
        assert len(usable) >= part.contacts
    again = cast((*PARTS, *GROWTH), portfolio(builtin("intervention"), date(2027, 2, 3)))
    assert [one.name for _, one in again] == [one.name for _, one in found]


GOOD = Checks(
    changes=5, started=4, refused=1, undecided=0, accepted=9, keys=9, most_under_a_key=1, still_open=0
)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"refused": 0}, "decided"),
        ({"changes": 6, "undecided": 1}, "decided"),
        ({"accepted": 10, "most_under_a_key": 2}, "once"),
        ({"still_open": 1}, "ended"),
    ],
)
def test_checks_fail_for_what_must_not_be(change: dict[str, int], wrong: str) -> None:
    assert GOOD.hold
    bad = GOOD.model_copy(update=change)
    assert not bad.hold
    assert [name for name in ("decided", "once", "ended") if not getattr(bad, name)] == [wrong]


def test_no_message_at_all_is_no_mistake() -> None:
    assert GOOD.model_copy(update={"accepted": 0, "keys": 0, "most_under_a_key": 0}).hold
