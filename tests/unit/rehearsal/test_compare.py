"""Two timelines side by side."""

from __future__ import annotations

from datetime import timedelta

from keepwell.rehearsal.compare import Pair, compare
from tests.unit.rehearsal.made import email, entry, task, timeline


def by_title(pairs: tuple[Pair, ...]) -> dict[str, Pair]:
    return {pair.title: pair for pair in pairs}


def test_the_same_twice_has_no_differences() -> None:
    one = timeline(entry("begin", 0, "critical@1 began for Acme"), email(0, "hello"), task(24, "call"))
    found = compare(one, one)
    assert [pair.state for pair in found.pairs] == ["same", "same", "same"]
    assert found.summary == "3 the same"


def test_another_label_or_id_is_no_difference() -> None:
    text = "Take it in hand with `keepwell acknowledge {}`"
    left = timeline(
        entry("begin", 0, "critical@1 began for Acme"),
        email(0, "hello", text=text.format("01M7ZAADQ7VQF0E68FXBT5JGNN")),
    )
    right = timeline(
        entry("begin", 0, "critical@2 began for Acme"),
        email(0, "hello", text=text.format("01M7ZAADQ7VQF0E68FXBT5JGNA")),
        playbook="critical@2",
    )
    assert compare(left, right).summary == "2 the same"


def test_what_has_changed_is_named_with_both_sides() -> None:
    left = timeline(email(0, "hello"), task(24, "call"))
    right = timeline(
        email(1, "hello", subject="Anew", text="Dear Mara,\nall well?"),
        task(24, "call", owner="Omar"),
        playbook="critical@2",
    )
    pairs = by_title(compare(left, right).pairs)
    assert {change.what: (change.left, change.right) for change in pairs["hello"].changes} == {
        "time": ("at once", "+1 h"),
        "subject": ("About hello", "Anew"),
        "text": ("Dear Mara,\nhow are you?", "Dear Mara,\nall well?"),
    }
    (text,) = [change for change in pairs["hello"].changes if change.what == "text"]
    assert text.lines == ("-how are you?", "+all well?")
    assert [change.what for change in pairs["call"].changes] == ["task"]
    assert pairs["hello"].offset == timedelta()


def test_what_only_one_side_has_stands_in_the_order_of_time() -> None:
    left = timeline(email(0, "hello"), email(5, "gone"))
    right = timeline(email(0, "hello"), email(2, "new"), playbook="critical@2")
    found = compare(left, right)
    assert [(pair.title, pair.state) for pair in found.pairs] == [
        ("hello", "same"),
        ("new", "only_right"),
        ("gone", "only_left"),
    ]
    assert found.summary == "1 the same, 1 only with critical@1, 1 only with critical@2"


def test_a_step_that_one_side_leaves_out_has_another_state() -> None:
    left = timeline(task(24, "call"))
    cancelled = entry("task", 24, "task for the owner", step="call", state="cancelled")
    right = timeline(left_out=(cancelled,), playbook="critical@2")
    (pair,) = compare(left, right).pairs
    assert ("state", "done", "cancelled") in [(one.what, one.left, one.right) for one in pair.changes]


def test_the_same_step_twice_is_paired_in_order() -> None:
    # After a take-over, the same playbook may run again in one timeline.
    left = timeline(email(0, "hello"), email(50, "hello"))
    right = timeline(email(0, "hello"), playbook="critical@2")
    assert [pair.state for pair in compare(left, right).pairs] == ["same", "only_left"]
