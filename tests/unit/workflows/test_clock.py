"""The playbook's own clock."""

from datetime import UTC, datetime, timedelta

from workflows.clock import Clock

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_it_runs_from_the_start() -> None:
    assert Clock(START).elapsed(START + 5 * HOUR) == 5 * HOUR


def test_it_stands_still_in_a_pause_and_keeps_what_was_left() -> None:
    clock = Clock(START)
    clock.pause(START + 2 * HOUR, None)
    assert clock.elapsed(START + 50 * HOUR) == 2 * HOUR
    assert clock.resume(START + 50 * HOUR) == 48 * HOUR
    assert clock.elapsed(START + 51 * HOUR) == 3 * HOUR
    # 24 h on the playbook's clock come 48 h later than planned.
    assert clock.moment(24 * HOUR, START + 51 * HOUR) == START + 72 * HOUR


def test_a_second_pause_only_moves_its_end() -> None:
    clock = Clock(START)
    clock.pause(START + HOUR, START + 2 * HOUR)
    clock.pause(START + 2 * HOUR, START + 9 * HOUR)
    assert (clock.paused_at, clock.paused_until) == (START + HOUR, START + 9 * HOUR)


def test_resuming_what_runs_changes_nothing() -> None:
    clock = Clock(START)
    assert clock.resume(START + HOUR) == timedelta()
    assert clock.elapsed(START + HOUR) == HOUR


def test_what_the_store_knows_of_standing_still_counts() -> None:
    """After a reset a pause is applied again, later than it was."""
    clock = Clock(START)
    clock.pause(START + 50 * HOUR, None)
    clock.adopt(2 * HOUR, START + 10 * HOUR, None)
    assert clock.elapsed(START + 60 * HOUR) == 8 * HOUR
    clock.resume(START + 60 * HOUR)
    assert clock.shift == 52 * HOUR
    clock.adopt(52 * HOUR + timedelta(milliseconds=3), None, None)
    assert clock.shift == 52 * HOUR, "the store's rounding is no news"
    clock.adopt(20 * HOUR, START, START)
    assert (clock.shift, clock.stopped_at) == (20 * HOUR, None), "what is over stays over"
