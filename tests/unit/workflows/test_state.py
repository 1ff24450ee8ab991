"""What commands change, and which are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keepwell.contracts.commands import (
    COMMAND,
    Accept,
    Acknowledge,
    Command,
    Complete,
    Pause,
    Respond,
    Resume,
    Skip,
    Stop,
)
from keepwell.contracts.events import ToldToEnd
from keepwell.contracts.intervention import (
    ENGINE_NOW,
    Carry,
    InterventionInput,
    Opened,
    Outcome,
    ScoreChange,
    StepState,
)
from keepwell.contracts.offers import OfferKind, OfferState
from scoring.levels import Level
from tests.unit.db.payments import cause
from workflows.critical import CRITICAL
from workflows.event import PRIORITY_SUPPORT
from workflows.state import RunState

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPENED = Opened(intervention="I1", customer_name="Acme", owner="s1", owner_name="Dana", started_at=NOW)


def change(transition: str, sequence: int, level: Level = Level.CRITICAL) -> ScoreChange:
    return ScoreChange(
        transition=transition, sequence=sequence, level=level, previous=None, score=12.0, at=NOW
    )


def entry(carry: Carry | None = None) -> InterventionInput:
    return InterventionInput(
        organisation="o", customer="c", start="s", change=change("t1", 1), playbook=CRITICAL, carry=carry
    )


@pytest.fixture
def state() -> RunState:
    opened = RunState.of(entry())
    opened.begin(OPENED)
    return opened


def made(kind: type[Any], identifier: str = "k1", **fields: Any) -> Command:
    command: Command = kind(id=identifier, intervention="I1", by="dana", **fields)
    return command


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (made(Resume), "not paused"),
        (made(Pause, until=NOW - HOUR), "over already"),
        (made(Pause, until=NOW + 367 * 24 * HOUR), "longer than a year"),
        (made(Skip, step="nonsense"), "has no step 'nonsense'; its steps are executive_email"),
        (made(Complete, step="nonsense"), "has no step"),
        (Acknowledge(id="k", intervention="I0", by="dana"), "names intervention I0"),
    ],
)
def test_a_command_that_cannot_be_carried_out_is_refused_in_words(
    state: RunState, command: Command, words: str
) -> None:
    refused = state.refusal(command, NOW)
    assert refused is not None
    assert words in refused


def test_refusing_changes_nothing(state: RunState) -> None:
    state.refusal(made(Stop), NOW)
    assert state.exit is None
    assert not state.seen


def test_the_same_command_again_changes_nothing(state: RunState) -> None:
    first = state.receive(made(Acknowledge), NOW)
    again = state.receive(made(Acknowledge), NOW + HOUR)
    assert again == first
    assert len(state.notes) == 1


def test_an_answer_cancels_what_waits_for_one_and_nothing_else(state: RunState) -> None:
    state.receive(made(Respond, note="call me"), NOW)
    cancelled = {name for name, value in state.steps.items() if value is StepState.CANCELLED}
    assert cancelled == {
        "csm_outreach",
        "tell_cover",
        "escalate",
        "phone_call",
        "alternative_contact",
        "retention_offer",
        "final_offer",
    }
    assert state.notes[0].changes is not None
    assert set(state.notes[0].changes.steps) == cancelled
    assert state.exit is None, "the roadmap was promised within 4 hours, answer or not"


def test_acknowledging_only_stops_the_escalation(state: RunState) -> None:
    state.receive(made(Acknowledge), NOW)
    cancelled = [name for name, value in state.steps.items() if value is StepState.CANCELLED]
    assert cancelled == ["tell_cover", "escalate"]


def test_stop_ends_and_later_commands_are_refused(state: RunState) -> None:
    state.receive(made(Stop, reason="left"), NOW)
    assert state.exit is not None
    assert state.exit.outcome is Outcome.STOPPED
    assert "has ended: left" in (state.refusal(made(Acknowledge, "k2"), NOW) or "")


def test_a_command_before_the_opening_is_kept() -> None:
    early = RunState.of(entry())
    assert "about to open" in early.receive(made(Pause), NOW)
    early.begin(OPENED)
    assert early.paused


def test_a_score_change_heard_twice_counts_once(state: RunState) -> None:
    for _ in range(3):
        state.hear(change("t2", 2))
        state.hear(change("t1", 1))
    assert [item.transition for item in state.inbox] == ["t2"]


def test_a_take_over_carries_seen_commands_unread_changes_and_the_pause() -> None:
    carry = Carry(opened=OPENED, inbox=(change("t3", 3),), seen=("k1",), paused=True, pause_reason="closed")
    state = RunState.of(entry(carry))
    assert state.paused
    assert state.pause_reason == "closed"
    assert [item.transition for item in state.inbox] == ["t3"]
    state.receive(made(Stop, "k1"), NOW)
    assert state.exit is None, "k1 was carried out by the run before"


def test_completing_a_task_step_closes_it_also_after_it_ran(state: RunState) -> None:
    state.steps["phone_call"] = StepState.DONE
    assert state.refusal(made(Complete, step="phone_call"), NOW) is None
    assert "done already" in (state.refusal(made(Skip, step="phone_call"), NOW) or "")


def test_commands_are_validated_by_kind() -> None:
    with pytest.raises(ValueError, match="until"):
        COMMAND.validate_python({"kind": "pause", "id": "k", "by": "d", "until": "yesterday"})


def test_what_comes_during_a_take_over_waits_for_the_next_run(state: RunState) -> None:
    state.handing_over = True
    assert "taking over this very moment" in (state.refusal(made(Pause), NOW) or "")
    state.receive(made(Pause), NOW)
    assert not state.paused
    assert [command.id for command in state.waiting] == ["k1"]
    carry = Carry(opened=OPENED, waiting=tuple(state.waiting))
    assert RunState.of(entry(carry)).paused


def test_what_waited_for_an_opening_that_never_came_is_refused_in_the_timeline() -> None:
    early = RunState.of(entry())
    early.receive(made(Pause), NOW)
    early.closed = True
    early.refuse_waiting("in its cooldown", NOW)
    assert [(note.kind, note.why) for note in early.notes] == [("command.refused", "in its cooldown")]
    assert early.refusal(made(Stop, "k2"), NOW) == "No intervention was opened here."


def test_a_step_that_became_a_task_can_be_completed(state: RunState) -> None:
    state.steps["executive_email"] = StepState.MISSED
    assert state.refusal(made(Complete, step="executive_email"), NOW) is None
    assert state.refusal(made(Skip, step="executive_email"), NOW) is not None


def begun(engine: int, carry: Carry | None = None) -> RunState:
    return RunState.of(entry(carry).model_copy(update={"engine": engine}))


@pytest.mark.parametrize(("engine", "held"), [(2, ""), (3, "at risk")])
def test_a_hold_that_comes_before_the_opening_counts(engine: int, held: str) -> None:
    """Runs that began before this was so replay as they were."""
    state = begun(engine)
    state.hold("at risk", NOW)
    state.begin(OPENED)
    assert (state.held, state.stands) == (held, bool(held))
    assert [note.kind for note in state.notes] == ["intervention.held"] * bool(held)


def test_a_release_before_the_opening_ends_an_early_hold() -> None:
    state = begun(3)
    state.hold("at risk", NOW)
    state.release(NOW)
    state.begin(OPENED)
    assert (state.held, state.notes) == ("", [])


@pytest.mark.parametrize(("engine", "paused"), [(2, True), (3, False)])
def test_a_resume_during_a_take_over_ends_the_pause_that_was_carried(engine: int, paused: bool) -> None:
    carry = Carry(opened=OPENED, paused=True, pause_reason="moving", waiting=(made(Resume),))
    assert begun(engine, carry).paused is paused


@pytest.mark.parametrize(("engine", "outdated"), [(2, False), (3, True)])
def test_a_change_is_outdated_where_a_newer_one_waits(engine: int, outdated: bool) -> None:
    state = begun(engine)
    state.hear(change("t3", 3))
    assert state.outdated(change("t2", 2, Level.HEALTHY)) is outdated
    assert not state.outdated(change("t4", 4))


BERLIN = OPENED.model_copy(update={"zone": "Europe/Berlin"})


def in_berlin(engine: int = ENGINE_NOW) -> RunState:
    opened = begun(engine)
    opened.begin(BERLIN)
    return opened


def test_a_step_completed_by_hand_is_done_already() -> None:
    state = in_berlin()
    state.steps["phone_call"] = StepState.DONE  # its task was made
    assert "completed by hand" in state.receive(made(Complete, step="phone_call"), NOW)
    assert state.refusal(made(Complete, "k2", step="phone_call"), NOW) == "Step phone_call is done already."
    assert state.refusal(made(Complete, "k1", step="phone_call"), NOW) is None, "delivered again"
    state.receive(made(Complete, "k3", step="roadmap"), NOW)
    assert "done already" in (state.refusal(made(Complete, "k4", step="roadmap"), NOW) or "")


@pytest.mark.parametrize(
    ("first", "again", "answer"),
    [
        (made(Acknowledge), made(Acknowledge, "k2"), "dana has acknowledged it already."),
        (made(Respond, note="yes"), made(Respond, "k2"), "The customer's answer is noted already."),
        (
            made(Pause, until=NOW + 30 * HOUR, reason="away"),
            made(Pause, "k2", until=NOW + 30 * HOUR + timedelta(seconds=20), reason="away"),
            "It is paused until 02 Mar 2026 16:00 CET already.",
        ),
        (made(Pause), made(Pause, "k2"), "It is paused until somebody resumes it already."),
    ],
)
def test_what_is_so_already_is_answered_without_another_line(
    first: Command, again: Command, answer: str
) -> None:
    """Runs that began before this was so write the line, or their histories would not replay."""
    state = in_berlin()
    state.receive(first, NOW)
    assert state.receive(again, NOW) == answer
    assert state.receive(again, NOW) == answer, "the same id gives the same answer"
    assert len(state.notes) == 1
    older = in_berlin(3)
    older.receive(first, NOW)
    older.receive(again, NOW)
    assert len(older.notes) == 2


@pytest.mark.parametrize(
    "other",
    [
        made(Pause, "k2", until=NOW + 31 * HOUR, reason="away"),
        made(Pause, "k2", until=NOW + 30 * HOUR, reason="ill"),
        made(Pause, "k2", reason="away"),
    ],
)
def test_another_pause_changes_the_one_in_force(other: Pause) -> None:
    state = in_berlin()
    state.receive(made(Pause, until=NOW + 30 * HOUR, reason="away"), NOW)
    state.receive(other, NOW + HOUR)
    assert state.clock is not None
    assert (state.clock.paused_until, state.pause_reason) == (other.until, other.reason)
    assert len(state.notes) == 2


def test_an_acknowledgement_with_a_note_is_written_for_the_note() -> None:
    state = in_berlin()
    state.receive(made(Acknowledge), NOW)
    state.receive(made(Acknowledge, "k2", note="calling at noon"), NOW)
    assert [note.why for note in state.notes] == ["", "calling at noon"]


def test_moments_are_those_of_the_organisations_clock() -> None:
    state = in_berlin()
    over = state.refusal(made(Pause, until=NOW - HOUR), NOW)
    assert over == "A pause until 01 Mar 2026 09:00 CET is over already; it is 01 Mar 2026 10:00 CET."
    state.offer.state, state.offer.until = OfferState.OFFERED, NOW
    refused = state.refusal(made(Accept, option=OfferKind.CUSTOM_SOLUTION), NOW)
    assert refused == "The offer ended on 01 Mar 2026 10:00 CET."


def test_who_takes_a_smaller_plan_says_which() -> None:
    bare = made(Accept, option=OfferKind.PLAN_DOWNGRADE)
    assert "Say onto which plan they go" in (in_berlin().refusal(bare, NOW) or "")
    named = made(Accept, option=OfferKind.PLAN_DOWNGRADE, plan="Basic")
    assert in_berlin().refusal(named, NOW) is None
    assert in_berlin(3).refusal(bare, NOW) is None, "as it was when that run began"


def failed_payment() -> RunState:
    return RunState.of(
        InterventionInput(
            organisation="o",
            customer="c",
            start="s",
            alert=cause("a1", NOW),
            playbook=PRIORITY_SUPPORT,
            engine=ENGINE_NOW,
        )
    )


def ended_as(run: RunState) -> Outcome | None:
    return run.exit.outcome if run.exit is not None else None


def test_a_word_that_comes_before_the_run_knows_its_intervention_counts_for_that_one_alone() -> None:
    """The store has opened it already, so others can know of it."""
    for named, first in ((OPENED.intervention, Outcome.RECOVERED), ("I0", None)):
        run = failed_payment()
        run.cause_gone(ToldToEnd(intervention=named, why="paid"))
        assert ended_as(run) is None
        run.begin(OPENED)
        assert ended_as(run) is first
        run.give_way(ToldToEnd(intervention=OPENED.intervention, why="too late"))
        assert ended_as(run) is (first or Outcome.SUPERSEDED)


def test_a_risk_playbook_gives_way_to_nobody(state: RunState) -> None:
    state.give_way(ToldToEnd(intervention=OPENED.intervention, why="an event"))
    assert state.exit is None


def test_it_begins_acknowledged_where_its_alert_was() -> None:
    run = failed_payment()
    run.begin(OPENED.model_copy(update={"acknowledged_by": "Dana"}))
    assert run.acknowledged == "Dana"
    assert {name for name, step in run.steps.items() if step is StepState.CANCELLED} == {
        "payment_email",
        "escalate",
    }
    assert run.notes == [], "the store has written it with the opening"
