"""The calendar: whose it is, what it shows on which day, loads, and what stands still."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.console.calendar_shown import heat_of, shown_days
from keepwell.contracts.access import Role
from keepwell.db.repositories.views_calendar import calendar
from keepwell.db.tables import Absence, ClosedDay, Customer, Intervention, Organisation, Task
from tests.unit.api.desk_world import DAY, HOUR, Desk
from tests.unit.console.seen import HOSTILE, NAMES, looked, page, tags, words
from tests.unit.console.signed import as_role


def entries(html: str) -> list[str]:
    """The classes of the entries that a page shows."""
    return [one["class"] or "" for one in tags(html, "li") if (one.get("class") or "").startswith("entry ")]


def test_an_empty_calendar_says_what_would_be_here(desk: Desk) -> None:
    said = words(page(desk, "/console/calendar"))
    assert "Nothing lies ahead in these 14 days." in said
    assert "Nothing is paused or held without an end." in said


def test_a_task_stands_on_its_day_with_its_customer_and_owner(desk: Desk) -> None:
    desk.task("roof", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now + 2 * DAY)
    html = page(desk, "/console/calendar")
    assert entries(html) == ["entry tasks"]
    day = desk.now.date() + timedelta(days=2)
    assert f"{day:%a}" in words(html)
    assert {"/console/customers/acme-org-1"} <= {one.get("href") for one in tags(html, "a")}
    one_day = words(page(desk, f"/console/calendar?day={day.isoformat()}"))
    assert "Call about roof to Dana Reyes" in one_day
    assert "A task is due" in one_day


def test_it_is_ones_own_unless_everybodys_or_anothers_is_asked_for(desk: Desk) -> None:
    desk.task("own", "acme-org-1", owner_id=desk.named("dana"))
    desk.task("his", "beta-org-1", owner_id=desk.named("omar"))
    assert "Call about own" in words(page(desk, "/console/calendar"))
    assert "Call about his" not in words(page(desk, "/console/calendar"))
    his = words(page(desk, f"/console/calendar?owner={desk.named('omar')}"))
    assert "Call about his" in his
    assert "Call about own" not in his
    both = words(page(desk, "/console/calendar/days?owner=all"))
    assert "Call about own" in both
    assert "Call about his" in both


def test_everybodys_comes_by_itself_after_the_page(desk: Desk) -> None:
    desk.task("own", "acme-org-1", owner_id=desk.named("dana"))
    html = page(desk, "/console/calendar?owner=all&kind=tasks")
    assert entries(html) == []
    loads = [one["hx-get"] for one in tags(html, "div") if "hx-get" in one and one.get("id") == "days"]
    assert loads == ["/console/calendar/days?owner=all&kind=tasks"]
    assert entries(page(desk, loads[0] or "")) == ["entry tasks"]


def test_kinds_narrow_it_and_the_counts_of_days(desk: Desk) -> None:
    desk.task("roof", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now + DAY)
    desk.intervention("run", "acme-org-1", owner_id=desk.named("dana"), started_at=desk.now)
    every = set(entries(page(desk, "/console/calendar")))
    assert {"entry tasks", "entry messages", "entry escalations"} <= {
        one.removesuffix(" off") for one in every
    }
    assert set(entries(page(desk, "/console/calendar?kind=tasks"))) == {"entry tasks"}
    only = page(desk, "/console/calendar?kind=drafts")
    assert entries(only) == []
    strip = [
        one["aria-label"] or "" for one in tags(only, "a") if (one.get("aria-label") or "").endswith(": 0")
    ]
    assert len(strip) == 14


def test_the_second_week_and_a_day_beyond(desk: Desk) -> None:
    desk.task("late", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now + 9 * DAY)
    assert entries(page(desk, "/console/calendar")) == []
    assert entries(page(desk, "/console/calendar?week=2")) == ["entry tasks"]
    assert looked(desk, f"/console/calendar?day={desk.now.date() + timedelta(days=14)}").status_code == 404
    assert looked(desk, "/console/calendar?week=3").status_code == 422


def test_closed_days_and_absences_are_said(desk: Desk) -> None:
    day = desk.now.date() + timedelta(days=1)
    own = desk.world.organisation
    desk.world.add(ClosedDay(organisation_id=own, day=day, name="Founders' day"))
    desk.world.add(
        Absence(
            organisation_id=own,
            staff_id=desk.named("omar"),
            from_on=day,
            until_on=day,
            entered_by="Omar",
            entered_at=desk.now,
        )
    )
    desk.task("roof", "acme-org-1", owner_id=desk.named("dana"))
    said = words(page(desk, "/console/calendar"))
    assert "closed: Founders' day" in said
    assert "away: Omar Haddad" in said


def test_the_load_marks_the_busiest(desk: Desk) -> None:
    for number in range(3):
        desk.task(f"d{number}", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now + DAY)
    desk.task("o", "beta-org-1", owner_id=desk.named("omar"), due_at=desk.now + DAY)
    desk.task("past", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now - DAY)
    with desk.store.read() as session:
        found = calendar(session, desk.world.organisation, desk.now)
    heat = heat_of(found, None)
    shown = {person.name: days for person, days in heat.rows}
    assert [(one.total, one.shade, one.busiest) for one in shown["Dana Reyes"]][1] == (3, 4, True)
    assert [(one.total, one.shade, one.busiest) for one in shown["Omar Haddad"]][1] == (1, 2, False)
    html = page(desk, "/console/calendar/load")
    assert [one["title"] for one in tags(html, "td") if "busiest" in (one.get("class") or "")] == ["3 tasks"]
    # Overdue work is in no day, and still said.
    assert "late" in " ".join(one.get("class") or "" for one in tags(html, "td"))


def test_a_full_day_shows_its_first_and_says_how_many_there_are(desk: Desk) -> None:
    for number in range(13):
        desk.task(f"t{number}", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now + DAY)
    html = page(desk, "/console/calendar")
    assert len(entries(html)) == 10
    assert "All 13" in words(html)
    day = (desk.now + DAY).date().isoformat()
    assert len(entries(page(desk, f"/console/calendar?day={day}"))) == 13


def test_what_is_not_shown_is_counted(desk: Desk) -> None:
    for number in range(3):
        desk.task(f"t{number}", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now + DAY)
    with desk.store.read() as session:
        found = calendar(session, desk.world.organisation, desk.now, limit=2)
    (day,) = [one for one in shown_days(found, (), found.from_day, 14, most=50) if one.total]
    assert (len(day.entries), day.left_out) == (2, 1)


def test_what_stands_still_is_apart_with_why(desk: Desk) -> None:
    run = desk.intervention("run", "acme-org-1", owner_id=desk.named("dana"), started_at=desk.now - HOUR)
    desk.world.change(
        Intervention, run, paused=True, paused_at=desk.now - HOUR, pause_reason="Their office is closed"
    )
    html = page(desk, "/console/calendar")
    assert entries(html) == []
    assert "Their office is closed" in words(html)
    assert any(one.get("href") == "/console/customers/acme-org-1" for one in tags(html, "a"))


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_customer_is_called_is_text(desk: Desk, name: str) -> None:
    desk.world.change(Customer, "acme-org-1", name=name)
    task = desk.task("roof", "acme-org-1", owner_id=desk.named("dana"))
    desk.world.change(Task, task, title=HOSTILE)
    html = page(desk, "/console/calendar")
    assert "<script>alert" not in html
    assert " ".join(name.split()) in words(html)


def test_nothing_of_another_organisation_is_shown(desk: Desk, other: Desk) -> None:
    other.task("theirs", other.named("acme"), owner_id=other.named("dana"), title="Secret of theirs")
    run = other.intervention("paused", other.named("acme"), owner_id=other.named("dana"))
    other.world.change(Intervention, run, paused=True, pause_reason="Secret of theirs")
    for path in ("/console/calendar/days?owner=all", "/console/calendar/load"):
        html = page(desk, path)
        assert "Secret of theirs" not in html
        assert other.world.organisation not in html
    assert looked(desk, f"/console/calendar?owner={other.named('dana')}").status_code == 404


def test_who_may_see_it(desk: Desk) -> None:
    assert looked(as_role(desk, Role.INGEST), "/console/calendar").status_code == 403
    # An admin who is nobody of the staff sees everybody's.
    html = page(as_role(desk, Role.ADMIN), "/console/calendar")
    assert any(one.get("id") == "days" and "hx-get" in one for one in tags(html, "div"))


def test_days_are_those_of_the_organisations_zone(desk: Desk) -> None:
    desk.world.change(Organisation, desk.world.organisation, time_zone="Pacific/Kiritimati")
    desk.task("roof", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now + DAY)
    html = page(desk, "/console/calendar")
    assert "Pacific/Kiritimati" in words(html)
    day = (desk.now + DAY + 14 * HOUR).date().isoformat()
    assert entries(page(desk, f"/console/calendar?day={day}")) == ["entry tasks"]
