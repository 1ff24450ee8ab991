"""The portfolio: filters and order in the address, figures, what stands beside, views, and who sees what."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from keepwell.api.door import Door
from keepwell.console.portfolio_asked import Asked
from keepwell.contracts.access import Role
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.tables import Customer
from scoring.levels import Level
from tests.unit.api.callers import sign_in
from tests.unit.api.desk_world import DAY, Desk
from tests.unit.console.seen import HOSTILE, NAMES, looked, page, tags, words
from tests.unit.db.world import run_all

PATH = "/console/portfolio"


def rows(html: str) -> list[str]:
    """The ids of the customers, in the order of the page."""
    return [one["data-row"] or "" for one in tags(html, "tr") if "data-row" in one]


def links(html: str) -> list[str]:
    """Where the page leads to."""
    return [one.get("href") or "" for one in tags(html, "a")]


def scored(desk: Desk, **points: float) -> None:
    """Let a daily run score these customers."""
    for key, value in points.items():
        desk.world.at_points(desk.named(key), value, desk.now)
    plan, _ = run_all(desk.world, desk.now)
    ScoreRepository(desk.store).finish_run(plan, plan.as_of)


@pytest.fixture
def full(desk: Desk) -> Desk:
    """Acme is critical and Dana's, Beta healthy and nobody's, Coal not scored, Dust has left."""
    scored(desk, acme=12, beta=70)
    desk.customer("coal", segment="mid", plan="Pro", renews_on=desk.now.date() + timedelta(days=40))
    desk.customer("dust", active=False)
    return desk


def test_nobody_yet_says_how_customers_come(desk: Desk) -> None:
    for one in ("acme", "beta"):
        desk.world.change(Customer, desk.named(one), active=False)
    html = page(desk, PATH)
    assert "There are no customers yet." in words(html)
    assert rows(html) == []
    assert "Customers 0" in words(page(desk, f"{PATH}/figures"))
    assert "Nobody is at risk." in words(page(desk, f"{PATH}/beside"))


def test_the_worst_come_first_each_with_what_one_has_to_know(full: Desk) -> None:
    full.intervention("run", full.named("acme"), paused=True)
    full.world.change(
        Customer, full.named("acme"), monthly_revenue=1500.0, renews_on=full.now.date() - 2 * DAY
    )
    html = page(full, PATH)
    assert rows(html) == [full.named(one) for one in ("acme", "beta", "coal")]
    said = words(html)
    for one in ("3 customers", "Critical 12", "1,500 USD", "2 days ago", "paused", "in 40 days"):
        assert one in said, one
    assert "Dust" not in said


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("level=CRITICAL", "acme"),
        ("level=CRITICAL&level=HEALTHY", "acme beta"),
        ("search=BET", "beta"),
        ("owner=me", "acme"),
        ("owner=none", "beta coal"),
        ("owner=me&owner=none", "acme beta coal"),
        ("segment=mid", "coal"),
        ("segment=", "acme beta"),
        ("plan=Pro", "coal"),
        ("trend=unknown", "acme beta coal"),
        ("at_risk=true", "acme"),
        ("at_risk=false", "beta coal"),
        ("unscored=true", "coal"),
        ("intervention=true", ""),
        ("renews_in=40", "coal"),
        ("renews_in=39", ""),
        ("renews_before={in_60_days}", "coal"),
        ("inactive=true", "dust"),
        ("sort=name&descending=true", "coal beta acme"),
        ("trend=&at_risk=&search=&renews_in=&renews_before=&sort=&inactive=", "acme beta coal"),
    ],
)
def test_the_address_narrows_and_sorts_and_the_page_says_so(full: Desk, query: str, expected: str) -> None:
    html = page(full, f"{PATH}?{query}".format(in_60_days=full.now.date() + timedelta(days=60)))
    assert rows(html) == [full.named(one) for one in expected.split()]
    if not expected:
        assert "No customer fits all of this." in words(html)
        assert PATH in links(html), "everybody is one click away"


def test_what_narrows_is_told_and_can_be_taken_away_one_by_one(full: Desk) -> None:
    html = page(full, f"{PATH}?owner=me&level=CRITICAL&renews_in=30&period=90d")
    chips = {one.get("aria-label"): one.get("href") for one in tags(html, "a") if one.get("aria-label")}
    assert chips["Without Owner: me"] == f"{PATH}?level=CRITICAL&renews_in=30&period=90d"
    assert chips["Without Renews within 30 days"] == f"{PATH}?level=CRITICAL&owner=me&period=90d"
    critical = next(one for one in tags(html, "a") if one.get("id") == "level-CRITICAL")
    assert critical["aria-current"] == "true"
    assert critical["href"] == f"{PATH}?owner=me&renews_in=30&period=90d"
    boxes = [one for one in tags(html, "input") if one.get("name") == "owner" and "checked" in one]
    assert [one["value"] for one in boxes] == ["me"]


def test_a_column_sorts_and_says_that_it_does(full: Desk) -> None:
    html = page(full, f"{PATH}?sort=revenue&descending=true")
    sorted_by = [one for one in tags(html, "th") if "aria-sort" in one]
    assert [one["aria-sort"] for one in sorted_by] == ["descending"]
    heads = {one["id"]: one["href"] for one in tags(html, "a") if (one.get("id") or "").startswith("sort-")}
    assert heads["sort-revenue"] == f"{PATH}?sort=revenue"
    assert heads["sort-churn"] == f"{PATH}?sort=churn&descending=true"
    assert heads["sort-score"] == PATH


def test_one_turns_the_pages_there_and_back(full: Desk) -> None:
    for number in range(120):
        full.customer(f"more-{number:03}")
    first = page(full, f"{PATH}?sort=name")
    assert "1 to 50 of 123" in words(first)
    second = page(full, relative(first, "next"))
    assert "51 to 100 of 123" in words(second)
    third = page(full, relative(second, "next"))
    assert "101 to 123 of 123" in words(third)
    assert len({*rows(first), *rows(second), *rows(third)}) == 123
    back = page(full, relative(third, "prev"))
    assert rows(back) == rows(second)
    assert "51 to 100 of 123" in words(back)
    assert rows(page(full, relative(back, "prev"))) == rows(first)


def relative(html: str, kind: str) -> str:
    """The address of the page after this one, or before it."""
    return next(one["href"] or "" for one in tags(html, "a") if one.get("rel") == kind)


@pytest.mark.parametrize(
    "query",
    [
        *("level=BAD", "sort=luck", "renews_in=0", "renews_in=many", "cursor=x", "owner=nobody-such"),
        *("period=2y", "churn_above=7", "at=-1", "cursor=x&back=true"),
    ],
)
def test_an_address_that_makes_no_sense_is_told_not_guessed(full: Desk, query: str) -> None:
    for path in (PATH, f"{PATH}/beside", f"{PATH}/customers.csv"):
        if "cursor" in query and path != PATH:
            continue
        assert looked(full, f"{path}?{query}").status_code in (404, 422), path


def test_the_figures_are_of_all_or_of_one_segment(full: Desk) -> None:
    full.world.change(Customer, full.named("acme"), monthly_revenue=300.0)
    full.world.change(Customer, full.named("beta"), monthly_revenue=100.0)
    said = words(page(full, f"{PATH}/figures"))
    assert "Customers 3" in said
    assert "At risk or worse 1" in said
    assert "Average score 41" in said
    assert "Revenue a month 400 USD" in said
    assert "Of it at risk 300 USD 75 %" in said
    assert "1 customer not scored yet" in said
    said = words(page(full, f"{PATH}/figures?segment=mid"))
    assert "Figures of the segment mid" in said
    assert "Customers 1" in said
    assert "Levels come with the first scores." in said


def test_levels_stand_beside_those_of_then(full: Desk) -> None:
    full.world.at_points(full.named("acme"), 70, full.now - 31 * DAY)
    for days in (30, 10):
        plan, _ = run_all(full.world, full.now - days * DAY)
        ScoreRepository(full.store).finish_run(plan, plan.as_of)
    html = page(full, f"{PATH}/figures")
    assert "Then" in words(html)
    assert len([one for one in tags(html, "svg") if one.get("class") == "stacked"]) == 2
    assert any("data-chart" in one for one in tags(html, "div"))


def test_beside_it_are_those_at_risk_with_their_reasons(full: Desk) -> None:
    html = page(full, f"{PATH}/beside")
    said = words(html)
    assert "Acme Critical 12" in said
    assert "costs" in said
    assert "Dana Reyes, no playbook" in said
    assert "Beta" not in said
    assert "Nobody of those who are listed is at risk." in words(page(full, f"{PATH}/beside?owner=none"))


def test_what_many_are_told_goes_through_the_api(full: Desk) -> None:
    html = page(full, f"{PATH}?renews_in=90&owner=me&period=7d")
    bar = next(one for one in tags(html, "div") if one.get("id") == "bulk")
    all_of_them = urlsplit(bar["data-all"] or "")
    assert all_of_them.path == "/api/v1/customers"
    asked = parse_qs(all_of_them.query)
    assert asked == {
        "owner": ["me"],
        "renews_before": [f"{full.now.date() + timedelta(days=91)}"],
        "limit": ["200"],
    }
    answer = full.client.get(bar["data-all"] or "")
    assert answer.status_code == 200, answer.text


def test_only_staff_see_it(full: Desk, door: Door, client: TestClient) -> None:
    for role in (Role.CLIENT, Role.INGEST):
        whose = full.named("acme") if role is Role.CLIENT else None
        sign_in(client, door.store, full.world.organisation, role, customer=whose)
        for path in (PATH, f"{PATH}/figures", f"{PATH}/beside", f"{PATH}/customers.csv"):
            assert looked(full, path).status_code == 403, (role, path)
    client.cookies.clear()
    gone = looked(full, PATH)
    assert (gone.status_code, gone.headers["location"]) == (303, "/sign-in?next=/console/portfolio")


def test_nothing_of_another_organisation_is_shown(full: Desk, other: Desk) -> None:
    other.world.change(Customer, other.named("acme"), name="Stranger", segment="secret", plan="platinum")
    for path in (PATH, f"{PATH}/figures", f"{PATH}/beside", f"{PATH}/customers.csv"):
        text = page(full, path)
        assert "Stranger" not in text
        assert "secret" not in text
        assert "platinum" not in text
    assert looked(full, f"{PATH}?owner={other.named('dana')}").status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_whatever_they_hold(full: Desk, name: str) -> None:
    for path in (PATH, f"{PATH}?segment=x", f"{PATH}/figures", f"{PATH}/beside"):
        full.world.change(Customer, full.named("acme"), name=name, segment=name[:50], plan=name[:50])
        html = page(full, path)
        assert "<script>alert" not in html
        assert "49" not in [one.strip() for one in html.split(">")], "a template in a name is no template"
    assert name in words(page(full, PATH)).replace("  ", " ") or name == HOSTILE


def test_views_are_kept_shared_and_found_again(full: Desk) -> None:
    made = full.client.put(
        "/api/v1/views/Mine%20at%20risk",
        json={"query": "at_risk=true&owner=me"},
        headers=full.headers,
    )
    assert made.status_code == 200, made.text
    shared = {"query": "renews_in=90&sort=renewal", "shared": True}
    assert full.client.put("/api/v1/views/Renewals", json=shared, headers=full.headers).status_code == 200
    bad = {"query": "level=NOT_A_LEVEL"}
    assert full.client.put("/api/v1/views/Broken", json=bad, headers=full.headers).status_code == 200
    html = page(full, f"{PATH}?owner=me&at_risk=true")
    views = {one["href"]: one for one in tags(html, "a") if "at_risk=true" in (one.get("href") or "")}
    # The words of the address may stand in any order: it is the same view.
    assert views[f"{PATH}?owner=me&at_risk=true"].get("aria-current") == "true"
    assert f"{PATH}?renews_in=90&sort=renewal" in links(html)
    said = words(html)
    assert "Mine at risk" in said
    assert "Renewals shared" in said


def test_a_table_for_a_spreadsheet_holds_all_that_fit_and_is_harmless(full: Desk) -> None:
    for number in range(700):
        full.customer(f"more-{number:03}")
    for number, name in enumerate(("=1+1", "+1", "-1", "@x", "\tx", 'a "b", c')):
        full.world.change(Customer, full.named(f"more-{number:03}"), name=name)
    answer = looked(full, f"{PATH}/customers.csv?sort=name")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment; filename=customers-")
    assert answer.headers["cache-control"] == "no-store"
    table = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(table) == 703
    by_id = {one["external_id"]: one for one in table}
    assert [by_id[f"more-{number:03}"]["name"] for number in range(6)] == [
        *("'=1+1", "'+1", "'-1", "'@x", "'\tx", 'a "b", c')
    ]
    assert (by_id["acme"]["level"], by_id["acme"]["score"], by_id["acme"]["owner"]) == (
        *("Critical", "12.0"),
        "Dana Reyes",
    )
    narrowed = looked(full, f"{PATH}/customers.csv?level=CRITICAL").text
    found = csv.DictReader(io.StringIO(narrowed.removeprefix("\ufeff")))
    assert [one["external_id"] for one in found] == ["acme"]


def test_an_address_reads_back_as_what_it_was_made_of() -> None:
    chosen = {"level": (Level.CRITICAL,), "owner": ("me",), "segment": ("",), "at_risk": False}
    asked = Asked(**chosen, descending=True, at=50)
    read = Asked.read(asked.query)
    assert read is not None
    assert read.choice == asked.choice
    assert read.at == 0, "where in the list one was is no part of what was asked for"
    assert Asked.read("sort=luck") is None
    assert asked.with_level(Level.CRITICAL).count("CRITICAL") == 0
    assert Asked().query == ""
