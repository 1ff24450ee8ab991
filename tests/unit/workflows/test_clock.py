"""The playbook's own clock."""

from datetime import UTC, datetime, timedelta

import pytest

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


def test_paused_then_held_it_goes_on_when_both_are_over() -> None:
    clock = Clock(START)
    clock.pause(START + 2 * HOUR, START + 90 * HOUR)
    clock.hold(START + 5 * HOUR)
    assert (clock.stopped_at, clock.elapsed(START + 9 * HOUR)) == (START + 2 * HOUR, 2 * HOUR)
    assert clock.resume(START + 10 * HOUR) == 8 * HOUR
    assert (clock.paused_at, clock.paused_until, clock.held_at) == (None, None, START + 5 * HOUR)
    assert (clock.shift, clock.elapsed(START + 20 * HOUR)) == (timedelta(), 2 * HOUR), "it is held still"
    assert clock.release(START + 20 * HOUR) == 15 * HOUR
    assert (clock.held_at, clock.stopped_at, clock.shift) == (None, None, 18 * HOUR)
    assert clock.elapsed(START + 21 * HOUR) == 3 * HOUR
    assert clock.moment(24 * HOUR, START + 21 * HOUR) == START + 42 * HOUR


def test_held_then_paused_it_goes_on_when_both_are_over() -> None:
    clock = Clock(START)
    clock.hold(START + 2 * HOUR)
    clock.pause(START + 5 * HOUR, None)
    assert (clock.stopped_at, clock.elapsed(START + 9 * HOUR)) == (START + 2 * HOUR, 2 * HOUR)
    assert clock.release(START + 10 * HOUR) == 8 * HOUR
    assert (clock.held_at, clock.paused_at) == (None, START + 5 * HOUR)
    assert (clock.shift, clock.elapsed(START + 20 * HOUR)) == (timedelta(), 2 * HOUR), "it is paused still"
    assert clock.resume(START + 20 * HOUR) == 15 * HOUR
    assert (clock.paused_at, clock.stopped_at, clock.shift) == (None, None, 18 * HOUR)
    assert clock.elapsed(START + 21 * HOUR) == 3 * HOUR
    assert clock.moment(24 * HOUR, START + 21 * HOUR) == START + 42 * HOUR


def test_a_pause_within_a_hold_adds_nothing() -> None:
    clock = Clock(START)
    clock.hold(START + 2 * HOUR)
    clock.pause(START + 5 * HOUR, None)
    assert clock.resume(START + 10 * HOUR) == 5 * HOUR
    assert clock.release(START + 20 * HOUR) == 18 * HOUR
    assert clock.shift == 18 * HOUR


def test_a_second_hold_counts_from_the_first_and_releasing_what_runs_changes_nothing() -> None:
    clock = Clock(START)
    assert clock.release(START + HOUR) == timedelta()
    clock.hold(START + 2 * HOUR)
    clock.hold(START + 4 * HOUR)
    assert clock.held_at == START + 2 * HOUR
    assert clock.release(START + 5 * HOUR) == 3 * HOUR
    assert clock.elapsed(START + 6 * HOUR) == 3 * HOUR


def test_what_the_store_knows_of_a_hold_counts() -> None:
    """After a reset a hold is applied again, later than it was."""
    clock = Clock(START)
    clock.hold(START + 50 * HOUR)
    clock.adopt(2 * HOUR, None, START + 10 * HOUR)
    assert (clock.held_at, clock.stopped_at) == (START + 10 * HOUR, START + 10 * HOUR)
    assert clock.elapsed(START + 60 * HOUR) == 8 * HOUR
    assert clock.release(START + 60 * HOUR) == 50 * HOUR
    assert clock.shift == 52 * HOUR


def test_what_the_store_has_of_a_later_moment_changes_nothing() -> None:
    clock = Clock(START)
    clock.hold(START + 10 * HOUR)
    clock.pause(START + 12 * HOUR, None)
    clock.adopt(timedelta(), START + 14 * HOUR, START + 11 * HOUR)
    assert (clock.held_at, clock.paused_at) == (START + 10 * HOUR, START + 12 * HOUR)
    assert clock.stopped_at == START + 10 * HOUR


@pytest.mark.parametrize(("paused", "held", "stopped"), [(10, 5, 5), (5, 10, 5), (10, 60, 10), (60, 10, 10)])
def test_of_a_pause_and_a_hold_in_the_store_the_earlier_one_stops_it(
    paused: int, held: int, stopped: int
) -> None:
    clock = Clock(START)
    clock.pause(START + 50 * HOUR, None)
    clock.hold(START + 52 * HOUR)
    clock.adopt(HOUR, START + paused * HOUR, START + held * HOUR)
    assert clock.elapsed(START + 70 * HOUR) == (stopped - 1) * HOUR
    assert clock.resume(START + 80 * HOUR) == (80 - min(paused, 50)) * HOUR
    assert clock.release(START + 90 * HOUR) == (90 - min(held, 52)) * HOUR
    assert clock.shift == (90 - stopped + 1) * HOUR
