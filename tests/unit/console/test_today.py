"""Today: whose work it shows, in which order, with which actions; and the search."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from keepwell.api.door import Door
from keepwell.contracts.access import Role
from keepwell.contracts.tasks import TaskOutcome
from keepwell.db.repositories.absences import add_absence
from keepwell.db.tables import Alert, Organisation, Staff
from scoring.signal import Trigger
from tests.unit.api.callers import sign_in
from tests.unit.api.desk_world import DAY, HOUR, Desk
from tests.unit.console.seen import HOSTILE, NAMES, looked, page, tags, words


def rows(html: str) -> list[str]:
    """The ids of what needs somebody, in the order of the page."""
    return [one["data-row"] or "" for one in tags(html, "li") if "data-need" in one]


def test_an_empty_day_says_what_would_be_here_and_what_to_do(desk: Desk) -> None:
    html = page(desk, "/console")
    assert "Nothing waits for you." in words(html)
    assert any(
        one.get("href") == "/console/portfolio" and one.get("class") == "button" for one in tags(html, "a")
    )
    assert rows(html) == []


def test_a_task_says_what_for_whom_by_when_and_can_be_done_here(desk: Desk) -> None:
    task = desk.task("roof", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now - 2 * HOUR)
    html = page(desk, "/console")
    assert rows(html) == [f"task:{task}"]
    said = words(html)
    assert "Call about roof" in said
    assert "overdue, 2 h ago" in said
    assert "1 overdue" in said
    buttons = {one.get("data-open"): one for one in tags(html, "button") if "data-with" in one}
    assert {"close-task", "snooze", "give", "comment"} <= set(buttons)
    assert json.loads(buttons["close-task"]["data-with"] or "")["ref"] == task
    assert buttons["close-task"]["data-key"] == "c"
    # What the dialogs send is what the API takes.
    forms = {one.get("data-act-for") for one in tags(html, "form")}
    assert "POST /api/v1/tasks/{ref}/close" in forms
    assert {one["value"] for one in tags(html, "option")} >= {one.value for one in TaskOutcome}


def test_what_costs_most_by_waiting_comes_first(desk: Desk) -> None:
    late = desk.task("late", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now - DAY)
    soon = desk.task("soon", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now + 5 * DAY)
    assert rows(page(desk, "/console")) == [f"task:{late}", f"task:{soon}"]


def test_an_escalation_says_when_it_reaches_whom_and_is_acknowledged_from_here(desk: Desk) -> None:
    run = desk.intervention("run", "acme-org-1", owner_id=desk.named("dana"), started_at=desk.now)
    html = page(desk, "/console")
    assert f"escalation:{run}" in rows(html)
    acts = [one for one in tags(html, "button") if "data-act" in one]
    assert f"POST /api/v1/interventions/{run}/acknowledge" in [one["data-act"] for one in acts]
    # What is said to the playbook names it, and not the row.
    dialog = next(one["data-with"] for one in tags(html, "button") if one.get("data-open") == "respond")
    assert json.loads(dialog or "")["title"] == "Playbook Critical"


def test_mine_my_team_and_everybody(desk: Desk) -> None:
    own = desk.task("own", "acme-org-1", owner_id=desk.named("dana"))
    lead = desk.world.staff(desk.named("lena"), role="lead")
    for one in ("dana", "omar"):
        desk.world.change(Staff, desk.named(one), manager_id=lead)
    beside = desk.task("beside", "beta-org-1", owner_id=desk.named("omar"))
    far = desk.world.staff(desk.named("far"))
    else_ = desk.task("else", "beta-org-1", owner_id=far)
    assert set(rows(page(desk, "/console"))) == {f"task:{own}"}
    assert set(rows(page(desk, "/console?whose=team"))) == {f"task:{own}", f"task:{beside}"}
    assert set(rows(page(desk, "/console?whose=all"))) == {f"task:{own}", f"task:{beside}", f"task:{else_}"}


def test_who_stands_in_sees_the_work_of_who_is_away_and_that_it_is_theirs(desk: Desk) -> None:
    omar, dana = desk.named("omar"), desk.named("dana")
    with desk.store.write() as session:
        away, cover = session.get_one(Staff, omar), session.get_one(Staff, dana)
        days = desk.now.date(), desk.now.date() + 3 * DAY
        add_absence(session, away, *days, cover=cover, reason="", by="Omar Haddad", now=desk.now)
    task = desk.task("his", "beta-org-1", owner_id=dana, for_id=omar)
    html = page(desk, "/console")
    assert rows(html) == [f"task:{task}"]
    assert "You stand in for Omar Haddad" in words(html)
    assert "for Omar Haddad" in words(html)
    assert "None runs now." in words(page(desk, "/console/today/beside"))
    desk.intervention("run", "beta-org-1", owner_id=omar, started_at=desk.now)
    assert "1 customer" in words(page(desk, "/console/today/beside"))


def test_the_kinds_are_counted_and_one_can_be_chosen(desk: Desk) -> None:
    task = desk.task("one", "acme-org-1", owner_id=desk.named("dana"))
    alert = desk.alert("acme-org-1")
    assert set(rows(page(desk, "/console"))) == {f"task:{task}", f"alert:{alert}"}
    html = page(desk, "/console?kind=alert")
    assert rows(html) == [f"alert:{alert}"]
    assert "Tasks 1" in words(html)
    assert "Alerts 1" in words(html)


def test_what_one_fall_brings_stands_together_and_the_counts_are_of_all(desk: Desk) -> None:
    desk.intervention("run", "acme-org-1", owner_id=desk.named("dana"), started_at=desk.now)
    for trigger in (Trigger.INACTIVITY, Trigger.ZERO_ACTIVITY):
        desk.alert("acme-org-1", trigger)
    task = desk.task("one", "acme-org-1", owner_id=desk.named("dana"))
    other = desk.alert("beta-org-1")
    html = page(desk, "/console?whose=all")
    said = words(html)
    assert "and 2 more of Acme" in said
    assert "Alerts 3" in said
    assert set(rows(html)) >= {f"task:{task}", f"alert:{other}"}
    before, _, folded = html.partition("<details><summary>and 2 more of Acme")
    assert 'data-row="escalation:' in before
    folded = folded.partition("</details></li>")[0]
    assert len(rows(folded)) == 2
    assert f"alert:{other}" not in rows(folded)
    assert f"task:{task}" not in rows(folded)
    # Whoever asks for alerts alone sees each of them.
    assert "more of Acme" not in words(page(desk, "/console?whose=all&kind=alert"))


def test_what_has_just_become_due_is_not_late_yet(desk: Desk) -> None:
    desk.task("just", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now - timedelta(minutes=20))
    assert "due now" in words(page(desk, "/console"))
    assert not any(
        "overdue" in (one.get("class") or "").split() for one in tags(page(desk, "/console"), "li")
    )
    assert "overdue" not in words(page(desk, "/console"))
    desk.task("late", "beta-org-1", owner_id=desk.named("dana"), due_at=desk.now - timedelta(minutes=31))
    assert "overdue, 31 min ago" in words(page(desk, "/console"))
    assert "2 things to do, 1 overdue" in words(page(desk, "/console"))


def test_what_is_late_and_folded_is_told_by_what_hides_it(desk: Desk) -> None:
    desk.intervention("run", "acme-org-1", owner_id=desk.named("dana"), started_at=desk.now)
    desk.alert("acme-org-1")
    assert "and 1 more of Acme, 1 overdue" not in words(page(desk, "/console?whose=all"))
    late = desk.alert("acme-org-1", Trigger.USAGE_FALL)
    desk.world.change(Alert, late, due_at=desk.now - HOUR)
    assert "and 2 more of Acme, 1 overdue" in words(page(desk, "/console?whose=all"))


def test_an_account_that_is_nobody_of_the_staff_sees_everybodys(
    desk: Desk, door: Door, client: TestClient
) -> None:
    task = desk.task("one", "acme-org-1", owner_id=desk.named("dana"))
    sign_in(client, door.store, desk.world.organisation, Role.ADMIN, name="Ada Admin")
    html = page(desk, "/console")
    assert rows(html) == [f"task:{task}"]
    assert "Mine" not in [one.get("href") for one in tags(html, "a")]


def test_nothing_of_another_organisation_is_shown(desk: Desk, other: Desk) -> None:
    other.task("theirs", "acme-else-where", owner_id=other.named("dana"))
    other.alert("acme-else-where")
    assert rows(page(desk, "/console?whose=all")) == []


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_whatever_they_hold(desk: Desk, name: str) -> None:
    customer = desk.world.customer("odd", name=name)
    desk.task("odd", customer, owner_id=desk.named("dana"), title=name)
    for path in ("/console", "/console/search?q=" + name[:3], "/console/search/found?q=" + name[:3]):
        html = page(desk, path)
        assert "<script>alert" not in html
        assert "49" not in words(html).replace(name, "")
    assert name in words(page(desk, "/console"))


def test_the_day_ahead_stands_beside_it(desk: Desk) -> None:
    desk.intervention("run", "acme-org-1", owner_id=desk.named("dana"), started_at=desk.now)
    desk.world.score("acme-org-1", 72, desk.now - 10 * DAY)
    desk.world.score("acme-org-1", 15, desk.now - HOUR)
    said = words(page(desk, "/console/today/beside"))
    assert "Critical 1 customer" in said
    assert "was healthy" in said
    assert "None of your customers has fallen" not in said


def test_what_comes_and_does_not_fit_beside_is_counted(desk: Desk) -> None:
    # It is about noon there, whenever this runs: Etc/GMT-3 is three hours east.
    east = 12 - desk.now.hour
    desk.world.change(Organisation, desk.world.organisation, time_zone=f"Etc/GMT{-east:+d}")
    for number in range(10):
        desk.task(f"call-{number}", "acme-org-1", owner_id=desk.named("dana"), due_at=desk.now + HOUR)
    said = words(page(desk, "/console/today/beside"))
    assert said.count("Call about call-") == 8
    assert "and 2 more today" in said


def test_what_is_new_is_counted_and_moves_nothing(desk: Desk) -> None:
    before = (desk.now - timedelta(minutes=5)).isoformat().replace("+", "%2B")
    assert "new thing" not in words(page(desk, f"/console/today/fresh?since={before}"))
    desk.task("one", "acme-org-1", owner_id=desk.named("dana"))
    assert "1 new thing" in words(page(desk, f"/console/today/fresh?since={before}"))


@pytest.mark.parametrize("role", [Role.CLIENT, Role.INGEST])
def test_who_may_not_read_gets_no_page(desk: Desk, door: Door, client: TestClient, role: Role) -> None:
    sign_in(client, door.store, desk.world.organisation, role, name="Cleo Client", customer="acme-org-1")
    for path in ("/console", "/console/search?q=ac", "/console/customers/acme-org-1"):
        assert looked(desk, path).status_code == 403


def test_a_customers_own_people_are_led_to_their_page(desk: Desk, door: Door, client: TestClient) -> None:
    sign_in(client, door.store, desk.world.organisation, Role.CLIENT, name="Cleo", customer="acme-org-1")
    first = looked(desk, "/")
    refused = looked(desk, "/console")
    assert refused.status_code == 403
    assert "/" in [one.get("href") for one in tags(refused.text, "a")]
    assert looked(desk, first.headers["location"]).headers["location"] == "/success"


def test_nobody_is_led_to_the_sign_in(desk: Desk, client: TestClient) -> None:
    client.cookies.clear()
    answer = looked(desk, "/console?whose=all")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/console%3Fwhose%3Dall"


def test_the_search_finds_by_what_people_type(desk: Desk, other: Desk) -> None:
    desk.world.contact("grace", "acme-org-1", name="Grace Brandt", phone="+1 555 0107")
    other.world.contact("grace-2", "acme-else-where", name="Grace Other")
    run = desk.intervention("run", "acme-org-1")
    for text, found in (
        ("ACM", "Acme"),
        ("grace@", "Grace Brandt"),
        ("555 01", "Grace Brandt"),
        (run[-6:], "Critical, Acme"),
        ("critical@3", "Critical, Acme"),
    ):
        said = words(page(desk, f"/console/search?q={text}"))
        assert found in said, text
        assert "Grace Other" not in said
    assert "Type two letters or more." in words(page(desk, "/console/search?q=a"))
    assert "Nothing fits." in words(page(desk, "/console/search?q=%25%25"))
    assert HOSTILE not in page(desk, "/console/search?q=" + HOSTILE.replace("&", "%26"))
