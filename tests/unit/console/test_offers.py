"""The page of offers: which it lists, what it says of each, rates, and what customers say by phone."""

from __future__ import annotations

import json

import pytest

from keepwell.console.lists import OFFER_STATES
from keepwell.contracts.offers import OfferState
from keepwell.db.tables import Customer, Offer
from tests.unit.api.desk_world import DAY, Desk
from tests.unit.api.test_v1_messages import offer
from tests.unit.console.seen import NAMES, looked, page, tags, words

PATH = "/console/offers"


def rows(html: str) -> list[str]:
    """The ids of the offers, in the order of the page."""
    return [one["data-row"] or "" for one in tags(html, "li") if "data-row" in one]


def test_no_offer_says_where_they_come_from(desk: Desk) -> None:
    said = words(page(desk, PATH))
    assert "No offer is open." in said
    assert "Rates show after the first offer." in said


def test_every_state_has_words() -> None:
    assert set(OFFER_STATES) == set(OfferState)


def test_an_open_offer_says_what_until_when_and_whether_it_was_seen(desk: Desk) -> None:
    one = offer(desk, "one")
    html = page(desk, PATH)
    assert rows(html) == [one]
    said = words(html)
    for part in ("Acme", "Offered", "Billing pause of up to 3 months", "in 14 days"):
        assert part in said, part
    assert "Not seen yet." in said
    desk.world.change(Offer, one, state="seen", seen_at=desk.now - DAY)
    assert "Seen 24 h ago" in words(page(desk, PATH))


def test_accepting_and_declining_go_through_the_api(desk: Desk) -> None:
    one = offer(desk, "one")
    html = page(desk, PATH)
    panel = next(each["data-panel"] for each in tags(html, "button") if "data-panel" in each)
    opened = page(desk, panel or "")
    form = next(each for each in tags(opened, "form") if "data-act" in each)
    assert form["data-act"] == f"POST /api/v1/offers/{one}/accept"
    options = [each["value"] for each in tags(opened, "input") if each.get("name") == "option"]
    assert options == ["billing_pause"]
    decline = next(each for each in tags(html, "button") if each.get("data-open") == "decline")
    assert json.loads(decline["data-with"] or "")["ref"] == one
    assert "POST /api/v1/offers/{ref}/decline" in [each.get("data-act-for") for each in tags(html, "form")]


def test_what_is_over_says_what_was_agreed_or_how_it_ended(desk: Desk) -> None:
    terms = {"kind": "billing_pause", "months": 2, "plan": "", "note": ""}
    over = {"decided_at": desk.now - 2 * DAY, "decided_by": "Acme-0"}
    yes = offer(desk, "yes", state="accepted", terms=terms, **over)
    no = offer(desk, "no", state="declined", note="too dear", **over)
    expired = offer(desk, "late", state="expired")
    assert rows(page(desk, PATH)) == []
    html = page(desk, f"{PATH}?state=accepted")
    assert rows(html) == [yes]
    assert "Agreed: billing pause, 2 months." in words(html)
    assert "Accepted 2 days ago by Acme-0" in words(html)
    assert "too dear" in words(page(desk, f"{PATH}?state=declined"))
    assert rows(page(desk, f"{PATH}?state=expired")) == [expired]
    assert set(rows(page(desk, f"{PATH}?state=all"))) == {yes, no, expired}
    assert looked(desk, f"{PATH}?state=odd").status_code == 422
    # One of three that are over was accepted.
    assert "33 % 1 of 3" in words(html)
    assert "2 months of billing pauses" in words(html)


def test_nothing_of_another_organisation_is_shown(desk: Desk, other: Desk) -> None:
    offer(other, "theirs")
    assert rows(page(desk, f"{PATH}?state=all")) == []
    assert looked(desk, f"{PATH}?customer={other.named('acme')}").status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_whatever_they_hold(desk: Desk, name: str) -> None:
    desk.world.change(Customer, desk.named("acme"), name=name)
    one = offer(desk, "one", note=name)
    html = page(desk, PATH)
    assert "<script>alert" not in html
    assert rows(html) == [one]
