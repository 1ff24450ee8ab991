"""The offer's page: who may see it, what it says, and what an answer leads to."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import select

from keepwell.api.door import Door
from keepwell.contracts.commands import COMMAND, Accept
from keepwell.contracts.offers import OfferKind, OfferOption, Terms
from keepwell.db.repositories import offer_refused, pending
from keepwell.db.tables import ClosedDay, Contact, Customer, Event, Intervention, Offer, PendingCommand, Task
from keepwell.links import Use
from tests.unit.db.world import World
from workflows.critical import CRITICAL, OPTIONS

SCRIPT = "<img src=x onerror=alert(1)>\"'</textarea><script>alert(2)</script>"
DAY = timedelta(days=1)


@pytest.fixture
def world(door: Door) -> World:
    """Harbour Foods got the critical playbook's offer a day ago; the link went to Lena."""
    world = World(door.store)
    world.staff("priya", name="Priya Raman")
    world.customer("harbour", name="Harbour Foods", owner_id="priya")
    world.contact("lena", "harbour", name="Lena Hoffmann", first_name="Lena", time_zone="Europe/Berlin")
    world.score("harbour", 12, world.began - 5 * DAY)
    world.intervention("one", "harbour", owner_id="priya", started_at=world.began - 4 * DAY)
    world.change(Intervention, "one", definition=CRITICAL.model_dump(mode="json"))
    offer(world)
    return world


def offer(world: World, key: str = "offer-1", **values: Any) -> None:
    """An offer with all options of the critical playbook."""
    row = {
        "step": "retention_offer",
        "options": {option.kind.value: option.model_dump(mode="json") for option in OPTIONS},
        "valid_for": 4 * DAY,
        "state": "offered",
        "offered_at": world.began - DAY,
        "valid_until": world.began + 3 * DAY,
    }
    own = {"organisation_id": world.organisation, "customer_id": "harbour", "intervention_id": "one"}
    world.add(Offer(**{"id": key, **own, **row, **values}))


def link(door: Door, key: str = "offer-1", contact: str = "lena", days: float = 60) -> str:
    """The path of the offer's page, as an email holds it."""
    data = {"offer": key, "contact": contact}
    return f"/offers/{door.links.token(Use.OFFER, data, until=datetime.now(UTC) + days * DAY)}"


def words(answer: Response) -> str:
    """What a page says, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def kept(door: Door) -> list[PendingCommand]:
    """The commands that wait for their run."""
    with door.store.read() as session:
        return list(session.exec(select(PendingCommand)))


def tasks(door: Door) -> list[Task]:
    """Everybody's tasks."""
    with door.store.read() as session:
        return list(session.exec(select(Task)))


@pytest.mark.usefixtures("world")
def test_the_page_says_what_is_offered_and_until_when_and_changes_nothing(
    client: TestClient, door: Door
) -> None:
    answer = client.get(link(door))
    assert answer.status_code == 200
    said = words(answer)
    for expected in (
        "An offer for Harbour Foods",
        "Pause the billing for up to 3 months",
        "From 1 to 3 months.",
        "A smaller plan, with 30 days of grace",
        "Setup and training, free of charge",
        "A solution of your own",
        "(Berlin time)",
        "I would rather talk about it",
        "No, thank you",
    ):
        assert expected in said
    assert kept(door) == []
    with door.store.read() as session:
        assert session.get_one(Offer, "offer-1").seen_at is None


@pytest.mark.usefixtures("world")
def test_nobody_may_frame_it_script_it_keep_it_or_pass_its_address_on(client: TestClient, door: Door) -> None:
    headers = client.get(link(door)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["x-frame-options"], headers["referrer-policy"]) == ("DENY", "no-referrer")
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert "set-cookie" not in headers
    page = client.get(link(door)).text
    assert not re.search(r"<script>|style=|<style| on\w+=", page)
    for name, kind in (("page.css", "text/css"), ("offer.js", "text/javascript")):
        assert f"../static/{name}" in page
        assert client.get(f"/static/{name}").headers["content-type"].startswith(kind)
    for name in ("../app.py", "widget.js", "..%2fapp.py", "nothing"):
        assert client.get(f"/static/{name}").status_code == 404


@pytest.mark.usefixtures("world")
def test_accepting_keeps_a_command_in_the_name_of_who_got_the_link(client: TestClient, door: Door) -> None:
    form = {"do": "accept", "option": "billing_pause", "months": "2", "note": "from\r\nJanuary"}
    sent = client.post(link(door), data=form)
    assert sent.status_code == 303
    after = client.get(sent.headers["location"].replace("..", ""))
    assert "You have accepted: billing pause, 2 months." in words(after)
    assert "Priya Raman will arrange the pause" in words(after)
    (row,) = kept(door)
    command = COMMAND.validate_python(row.command)
    assert isinstance(command, Accept)
    assert (command.option, command.months, command.note) == (OfferKind.BILLING_PAUSE, 2, "from January")
    assert (command.by, command.intervention, row.state) == ("Lena Hoffmann", "one", "waiting")
    with door.store.read() as session:
        line = session.exec(select(Event)).one()
    assert (line.kind, line.by, line.data) == (
        "offer.answered",
        "customer",
        {"contact": "lena", "offer": "offer-1"},
    )


@pytest.mark.usefixtures("world")
def test_the_same_form_again_counts_once_and_another_answer_is_told_of_the_first(
    client: TestClient, door: Door
) -> None:
    form = {"do": "accept", "option": "dedicated_support"}
    assert client.post(link(door), data=form).status_code == 303
    for again in (form, {"do": "decline"}, {"do": "accept", "option": "custom_solution"}, {"do": "call"}):
        answer = client.post(link(door), data=again)
        assert answer.status_code == 409
        assert "Your answer was not needed any more" in words(answer)
        assert "You have accepted: dedicated support." in words(answer)
    assert [row.command["option"] for row in kept(door)] == ["dedicated_support"]


@pytest.mark.usefixtures("world")
def test_of_two_tabs_at_the_same_moment_one_counts(client: TestClient, door: Door) -> None:
    forms = [
        {"do": "accept", "option": "dedicated_support"},
        {"do": "accept", "option": "custom_solution"},
    ] * 4
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda form: client.post(link(door), data=form).status_code, forms))
    assert sorted(codes) == [303, *[409] * 7]
    assert len(kept(door)) == 1


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "choose one of the options"),
        ({"do": "accept"}, "choose one of the options"),
        ({"do": "accept", "option": "upgrade"}, "choose one of the options"),
        ({"do": "accept", "option": "billing_pause"}, "for how many months, 1 to 3"),
        ({"do": "accept", "option": "billing_pause", "months": "4"}, "for how many months, 1 to 3"),
        ({"do": "accept", "option": "billing_pause", "months": "²"}, "for how many months, 1 to 3"),
        ({"do": "accept", "option": "billing_pause", "months": "-1"}, "for how many months, 1 to 3"),
        ({"do": "accept", "option": "billing_pause", "months": "9" * 5_000}, "for how many months, 1 to 3"),
        ({"do": "accept", "option": "plan_downgrade", "plan": " \u200b "}, "which plan"),
        ({"do": "accept", "option": "plan_downgrade", "plan": "x" * 101}, "up to 100 characters"),
        ({"do": "decline", "note": "x" * 501}, "up to 500 characters"),
        ({"do": "call", "phone": "call me"}, "number on which we can reach you"),
        ({"do": "call", "phone": "+49 30 1234567", "when": "x" * 101}, "up to 100 characters"),
        ({"do": "explode"}, "choose one of the options"),
    ],
)
def test_a_mistake_is_said_at_its_place_and_keeps_nothing(
    client: TestClient, door: Door, form: dict[str, str], said: str
) -> None:
    answer = client.post(link(door), data=form)
    assert answer.status_code == 422
    assert said in words(answer)
    assert kept(door) == []
    assert tasks(door) == []


@pytest.mark.usefixtures("world")
def test_declining_and_its_words(client: TestClient, door: Door) -> None:
    client.post(link(door), data={"do": "decline", "note": "we have moved on"})
    assert "You have declined the offer" in words(client.get(link(door)))
    (row,) = kept(door)
    assert (row.command["kind"], row.command["note"]) == ("decline", "we have moved on")


@pytest.mark.usefixtures("world")
def test_asking_for_a_call_gives_the_owner_a_task_once_and_leaves_the_offer_open(
    client: TestClient, door: Door
) -> None:
    form = {"do": "call", "phone": "+49 (30) 23125-104", "when": "mornings", "note": "the invoices"}
    for _ in range(2):
        assert client.post(link(door), data=form).status_code == 303
    (task,) = tasks(door)
    assert (task.owner_id, task.customer_id, task.intervention_id) == ("priya", "harbour", None)
    assert "Lena Hoffmann of Harbour Foods" in task.title
    for part in ("+49 (30) 23125-104", "mornings (Europe/Berlin)", "the invoices"):
        assert part in task.detail
    assert task.due_at > datetime.now(UTC)
    page = words(client.get(link(door)))
    assert "We have noted that you would like a call" in page
    assert "Choose this" in page
    assert kept(door) == []
    assert client.post(link(door), data={"do": "decline"}).status_code == 303


def test_a_call_is_due_on_a_day_on_which_somebody_works(client: TestClient, door: Door, world: World) -> None:
    days = [world.began.date() + number * DAY for number in range(1, 15)]
    first = next(day for day in days if day.weekday() < 5)
    second = next(day for day in days if day.weekday() < 5 and day > first)
    world.add(ClosedDay(organisation_id=world.organisation, day=first, name="a day off"))
    form = {"do": "call", "phone": "+49 30 23125-104"}
    assert client.post(link(door), data=form).status_code == 303
    (task,) = tasks(door)
    assert task.due_at == datetime.combine(second, time(17), UTC)


@pytest.mark.usefixtures("world")
def test_seen_is_what_a_person_does_and_is_told_once(client: TestClient, door: Door) -> None:
    for _ in range(2):
        assert client.post(f"{link(door)}/seen").status_code == 204
    (row,) = kept(door)
    assert row.command["kind"] == "seen"
    assert client.post(link(door), data={"do": "decline"}).status_code == 303
    assert client.post("/offers/nonsense/seen").status_code == 404


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"state": "expired", "valid_until": -DAY}, "This offer has ended"),
        ({"valid_until": timedelta(seconds=-1)}, "This offer has ended"),
        ({"state": "withdrawn"}, "This offer is over"),
        ({"state": "declined", "decided_at": timedelta(0)}, "You have declined the offer"),
        (
            {"state": "accepted", "terms": Terms(kind=OfferKind.PLAN_DOWNGRADE, plan="Basic").model_dump()},
            "You have accepted: plan downgrade, onto Basic.",
        ),
    ],
)
def test_an_offer_that_is_over_says_how_and_takes_no_answer(
    client: TestClient, door: Door, world: World, values: dict[str, Any], said: str
) -> None:
    moments = {name: world.began + one for name, one in values.items() if isinstance(one, timedelta)}
    world.change(Offer, "offer-1", **{**values, **moments})
    assert said in words(client.get(link(door)))
    assert "<form" not in client.get(link(door)).text
    for form in ({"do": "accept", "option": "dedicated_support"}, {"do": "call", "phone": "030 1234567"}):
        answer = client.post(link(door), data=form)
        assert (answer.status_code, said in words(answer)) == (409, True)
    assert (kept(door), tasks(door)) == ([], [])


def test_an_offer_whose_playbook_another_has_replaced_is_over(
    client: TestClient, door: Door, world: World
) -> None:
    world.change(Intervention, "one", outcome="superseded", ended_at=world.began)
    assert "This offer is over" in words(client.get(link(door)))
    assert client.post(link(door), data={"do": "decline"}).status_code == 409


def test_links_that_are_guessed_cut_swapped_or_over_show_nothing(
    client: TestClient, door: Door, world: World
) -> None:
    world.customer("other", name="Other Ltd")
    world.contact("otto", "other")
    good = link(door)
    token = good.rpartition("/")[2]
    swapped = door.links.token(Use.PREFERENCES, {"offer": "offer-1", "contact": "lena"})
    paths = [
        "/offers/offer-1",
        good[:-1],
        good + "A",
        f"/offers/{token.partition('.')[0]}",
        f"/offers/{swapped}",
        "/offers/" + "x" * 5000,
        link(door, days=-1),
        link(door, contact="otto"),
        link(door, contact="nobody"),
        link(door, key="offer-2"),
    ]
    for path in paths:
        for answer in (client.get(path), client.post(path, data={"do": "decline"})):
            assert answer.status_code == 404, path
            assert "This offer cannot be shown" in words(answer)
            assert "Harbour" not in answer.text
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    world.change(Contact, "lena", active=False)
    assert client.get(good).status_code == 404
    assert kept(door) == []


def test_script_in_every_field_is_shown_as_text(client: TestClient, door: Door, world: World) -> None:
    world.change(Customer, "harbour", name=SCRIPT)
    world.change(Contact, "lena", first_name=SCRIPT, name=SCRIPT)
    world.change(
        Offer,
        "offer-1",
        options={
            "custom_solution": OfferOption(kind=OfferKind.CUSTOM_SOLUTION, summary=SCRIPT).model_dump(
                mode="json"
            )
        },
    )
    shown = client.get(link(door))
    form = {"do": "call", "phone": SCRIPT[:30], "when": SCRIPT[:60], "note": SCRIPT}
    back = client.post(link(door), data=form)
    assert back.status_code == 422
    for answer in (shown, back):
        assert "<img" not in answer.text
        assert "<script>" not in answer.text
        assert "</textarea><script" not in answer.text
    assert SCRIPT in unescape(back.text)


@pytest.mark.usefixtures("world")
def test_more_than_a_form_is_refused_before_it_is_read(client: TestClient, door: Door) -> None:
    assert client.post(link(door), data={"do": "decline", "note": "x" * 20_000}).status_code == 413
    assert kept(door) == []


def test_an_answer_that_its_run_did_not_take_becomes_a_task_and_the_page_says_so(
    client: TestClient, door: Door, world: World
) -> None:
    client.post(link(door), data={"do": "accept", "option": "billing_pause", "months": "3"})
    (row,) = kept(door)
    with door.store.write() as session:
        pending.settle(session, row.id, "refused", "The offer ended.", world.began)
    (task,) = tasks(door)
    assert "Harbour Foods has accepted billing pause" in task.title
    assert "for 3 months" in task.detail
    assert task.owner_id == "priya"
    # As long as it stands it may be answered again.
    assert "Choose this" in words(client.get(link(door)))
    world.change(Offer, "offer-1", state="expired")
    assert "Priya Raman will get in touch" in words(client.get(link(door)))


def test_a_run_that_refuses_what_it_was_told_is_heard(client: TestClient, door: Door, world: World) -> None:
    client.post(link(door), data={"do": "decline"})
    (row,) = kept(door)
    for _ in range(2):
        with door.store.write() as session:
            pending.settle(session, row.id, "told", "", world.began)
            offer_refused.by_run(session, row.id, "The offer is accepted already.", world.began)
    assert len(tasks(door)) == 1
    assert kept(door)[0].state == "refused"
    assert client.post(link(door), data={"do": "accept", "option": "dedicated_support"}).status_code == 303
