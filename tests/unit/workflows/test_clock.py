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
