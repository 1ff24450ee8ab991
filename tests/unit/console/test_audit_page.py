"""The audit log: who may read it, filters in the address, pages, and the export."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from keepwell.contracts.access import Role
from keepwell.db.repositories import journal
from tests.unit.api.desk_world import DAY, Desk
from tests.unit.console.seen import NAMES, looked, page, tags, words
from tests.unit.console.signed import as_role


@pytest.fixture
def ops(desk: Desk) -> Desk:
    """Somebody who may read it."""
    return as_role(desk, Role.OPS)


def note(desk: Desk, key: str, kind: str = "task.closed", by: str = "Dana Reyes", **values: object) -> None:
    """A line of the journal."""
    with desk.store.write() as session:
        journal.write(
            session,
            key=desk.named(key),
            organisation=desk.world.organisation,
            kind=kind,
            by=by,
            **{"text": f"Line {key}", "at": desk.now, **values},  # type: ignore[arg-type]
        )


def lines(html: str) -> int:
    """How many lines a page shows."""
    return len([one for one in tags(html, "tr") if "data-row" in one])


def test_only_operations_may_read_it(desk: Desk) -> None:
    assert looked(desk, "/console/audit").status_code == 403
    assert looked(as_role(desk, Role.ADMIN), "/console/audit").status_code == 200


def test_an_empty_log_teaches(ops: Desk) -> None:
    assert "No line fits." in words(page(ops, "/console/audit?kind=nothing.such"))


def test_a_line_says_who_what_when_to_what_and_why(ops: Desk) -> None:
    note(ops, "one", customer=ops.named("acme"), why="They asked for it", data={"task": "t-1"})
    html = page(ops, "/console/audit")
    said = words(html)
    for part in ("Line one", "Task closed", "Dana Reyes", "They asked for it", "Acme", "task: t-1"):
        assert part in said


def test_filters_are_in_the_address(ops: Desk) -> None:
    note(ops, "a", customer=ops.named("acme"))
    note(ops, "b", kind="draft.approved", by="Omar Haddad", customer=ops.named("beta"))
    both = page(ops, "/console/audit")
    assert lines(both) == 2
    assert "Line b" in words(page(ops, "/console/audit?by=omar+haddad"))
    assert lines(page(ops, "/console/audit?by=omar+haddad")) == 1
    assert lines(page(ops, "/console/audit?by=Nobody")) == 0
    assert lines(page(ops, "/console/audit?kind=task")) == 1
    assert lines(page(ops, "/console/audit?kind=draft.approved")) == 1
    assert lines(page(ops, "/console/audit?customer=Acme")) == 1
    assert lines(page(ops, f"/console/audit?since={ops.now.date() + timedelta(days=2)}")) == 0
    assert (
        lines(page(ops, f"/console/audit?since={(ops.now - DAY).date()}&until={(ops.now + DAY).date()}")) == 2
    )
    assert lines(page(ops, f"/console/audit?until={(ops.now - 2 * DAY).date()}")) == 0
    odd = words(page(ops, "/console/audit?since=soon"))
    assert "'soon' is no day" in odd
    assert "It ends before it begins" in words(page(ops, "/console/audit?since=2026-03-02&until=2026-03-01"))


def test_older_lines_are_on_the_next_page(ops: Desk) -> None:
    for number in range(53):
        note(ops, f"n{number}")
    html = page(ops, "/console/audit?kind=task")
    assert lines(html) == 50
    (older,) = [one["href"] or "" for one in tags(html, "a") if one.get("rel") == "next"]
    second = page(ops, older)
    assert lines(second) == 3
    assert "Back to the newest" in words(second)


def test_the_export_has_the_same_lines(ops: Desk) -> None:
    note(ops, "a", customer=ops.named("acme"))
    note(ops, "b", kind="draft.approved")
    html = page(ops, f"/console/audit?kind=task&customer=Acme&since={(ops.now - DAY).date()}&by=dana+reyes")
    (export,) = [one["href"] or "" for one in tags(html, "a") if "download" in one]
    answer = ops.client.get(export, headers=ops.headers)
    assert answer.status_code == 200, answer.text
    assert [json.loads(line)["text"] for line in answer.text.splitlines()] == ["Line a"]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_written_is_text(ops: Desk, name: str) -> None:
    note(ops, "odd", by=name[:120], why=name, text=name, data={name[:50]: name})
    html = page(ops, "/console/audit")
    assert "<script>alert" not in html
    assert " ".join(name.split()) in words(html)


def test_nothing_of_another_organisation_is_shown(ops: Desk, other: Desk) -> None:
    note(other, "theirs", kind="secret.kind", by="Their Person", customer=other.named("acme"))
    html = page(ops, "/console/audit")
    for part in ("Line theirs", "secret.kind", "Their Person"):
        assert part not in html
    by_id = page(ops, f"/console/audit?customer={other.named('acme')}")
    assert "no customer" in words(by_id)
    assert lines(by_id) == 0
