"""A step that is put off: what comes next, and when, on the playbook's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keepwell.contracts.intervention import InterventionInput, Opened, ScoreChange, StepState
from scoring.levels import Level
from workflows.critical import CRITICAL
from workflows.details import details
from workflows.state import RunState

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST, SECOND = CRITICAL.steps[:2]


def begun(engine: int = 5) -> RunState:
    change = ScoreChange(transition="t1", sequence=1, level=Level.CRITICAL, previous=None, score=12.0, at=NOW)
    state = RunState.of(
        InterventionInput(
            organisation="o", customer="c", start="s", change=change, playbook=CRITICAL, engine=engine
        )
    )
    state.begin(
        Opened(intervention="I1", customer_name="Acme", owner="s1", owner_name="Dana", started_at=NOW)
    )
    return state


def test_what_is_put_off_holds_back_nothing() -> None:
    state = begun()
    assert state.next_step() is FIRST
    state.put_off(FIRST, NOW + 30 * HOUR, "Quiet hours", NOW)
    assert state.next_step() is SECOND
    assert (state.due(FIRST), state.steps[FIRST.name]) == (30 * HOUR, StepState.DEFERRED)
    for step in CRITICAL.steps:
        if step is not FIRST and step.at < 30 * HOUR:
            state.steps[step.name] = StepState.DONE
    assert state.next_step() is FIRST, "what comes after it waits for its own time"


def test_of_what_comes_together_the_first_planned_is_next() -> None:
    state = begun()
    state.put_off(SECOND, NOW + 5 * HOUR, "later", NOW)
    state.put_off(FIRST, NOW + 5 * HOUR, "later", NOW)
    for step in CRITICAL.steps[2:]:
        state.steps[step.name] = StepState.DONE
    assert state.next_step() is FIRST


def test_before_engine_5_it_held_back_the_others() -> None:
    state = begun(engine=4)
    state.deferred = begun_with_deferral().deferred
    assert state.next_step() is FIRST
    state.look_again(NOW)
    assert not state.looks


def begun_with_deferral() -> RunState:
    state = begun()
    state.put_off(FIRST, NOW + 30 * HOUR, "Quiet hours until tomorrow", NOW)
    return state


@pytest.mark.parametrize("paused_at", [NOW, NOW + HOUR])
def test_a_pause_keeps_what_is_left_of_the_wait(paused_at: datetime) -> None:
    """Also where the answer of the gate comes when the clock stands still already."""
    state = begun()
    assert state.clock is not None
    if paused_at > NOW:
        state.put_off(FIRST, NOW + 3 * HOUR, "later", NOW)
    state.clock.pause(paused_at, None)
    if paused_at == NOW:
        state.put_off(FIRST, NOW + 4 * HOUR, "later", NOW + HOUR)
        # Three hours were left when it was said, and none of them has passed.
        assert state.due(FIRST) == 3 * HOUR
    state.clock.resume(paused_at + 10 * HOUR)
    assert state.clock.moment(state.due(FIRST), paused_at + 10 * HOUR) == NOW + 13 * HOUR


def test_looking_again_tries_at_once_and_delays_nothing() -> None:
    state = begun_with_deferral()
    state.put_off(SECOND, NOW + HOUR, "soon", NOW)
    state.look_again(NOW + 2 * HOUR)
    assert (state.due(FIRST), state.due(SECOND)) == (2 * HOUR, HOUR)
    assert state.looks


def test_people_read_what_is_put_off_until_when_and_why() -> None:
    state = begun_with_deferral()
    text = details(state, state.next_step(), NOW)
    assert f"**Next:** {SECOND.name}" in text
    assert f"**Put off:** {FIRST.name} at Mon 02 Mar 2026 15:00 UTC: Quiet hours until tomorrow" in text
    state.steps[FIRST.name] = StepState.DONE
    assert "Put off" not in details(state, state.next_step(), NOW)
