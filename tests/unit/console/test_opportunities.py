"""The page of opportunities: which it lists, what it says of each, and the campaign that it begins."""

from __future__ import annotations

import pytest

from keepwell.console.lists import SIGNALS, URGENCIES, said
from keepwell.console.opportunities import STATE_WORDS
from keepwell.db.repositories.views_opportunities import STATES
from keepwell.db.tables import Customer
from scoring.signal import Signal, Urgency
from tests.unit.api.desk_world import Desk
from tests.unit.api.test_v1_customer_work import opportunity
from tests.unit.console.seen import NAMES, looked, page, tags, words

PATH = "/console/opportunities"


def rows(html: str) -> list[str]:
    """The ids of the opportunities, in the order of the page."""
    return [one["data-row"] or "" for one in tags(html, "tr") if "data-row" in one]


def test_none_says_where_they_come_from(desk: Desk) -> None:
    assert "No opportunities now." in words(page(desk, PATH))


def test_every_signal_urgency_and_state_has_words() -> None:
    assert set(SIGNALS) == set(Signal)
    assert set(URGENCIES) == set(Urgency)
    assert set(STATE_WORDS) == set(STATES)
    assert said("ROI_BASED_UPGRADE_PRESENTATION") == "ROI based upgrade presentation"


def test_one_says_what_it_may_bring_why_and_what_to_do(desk: Desk) -> None:
    desk.world.change(Customer, desk.named("acme"), monthly_revenue=500.0)
    run = desk.intervention("run", desk.named("acme"))
    more = {"state": "running", "intervention_id": run, "monthly_revenue": 500.0}
    opportunity(desk, "a", "acme", value=12_000.0, action="PROACTIVE_UPGRADE_OUTREACH", **more)
    found = words(page(desk, PATH))
    for one in ("1 opportunity", "Acme", "500 EUR a month", "Near the plan's limit", "At 92 % of the limit"):
        assert one in found, one
    for one in ("High", "12,000 EUR", "Campaign runs", "“ Critical ” began 1 h ago"):
        assert one in found, one
    assert "Proactive upgrade outreach" in found


def test_the_campaign_of_a_baseline_can_be_begun_and_no_other(desk: Desk) -> None:
    base = opportunity(desk, "a", "acme")
    opportunity(desk, "b", "beta", state="open")
    html = page(desk, PATH)
    acts = [one["data-act"] for one in tags(html, "button") if "data-act" in one]
    assert acts == [f"POST /api/v1/opportunities/{base}/enrol"]
    begun = desk.client.post(f"/api/v1/opportunities/{base}/enrol", json={}, headers=desk.headers)
    assert begun.status_code in (200, 202), begun.text
    assert not [one for one in tags(page(desk, PATH), "button") if "data-act" in one]


def test_the_list_is_narrowed_by_state_sign_and_customer(desk: Desk) -> None:
    first = opportunity(desk, "a", "acme", state="open")
    second = opportunity(desk, "b", "beta", signal="POWER_USER_BEHAVIOR", urgency="LOW")
    gone = opportunity(desk, "c", "beta", state="gone", reason="usage is low again", closed_at=desk.now)
    for query, expected in (
        ("", [first, second]),
        ("state=gone", [gone]),
        ("state=all", [first, second, gone]),
        ("signal=POWER_USER_BEHAVIOR", [second]),
        (f"customer={desk.named('beta')}&signal=", [second]),
        ("state=lost", []),
    ):
        assert rows(page(desk, f"{PATH}?{query}")) == expected, query
    assert "usage is low again" in words(page(desk, f"{PATH}?state=gone"))
    assert "No opportunity fits this." in words(page(desk, f"{PATH}?state=lost"))
    assert looked(desk, f"{PATH}?signal=odd").status_code == 422


def test_nothing_of_another_organisation_is_shown(desk: Desk, other: Desk) -> None:
    opportunity(other, "theirs", "acme")
    assert rows(page(desk, f"{PATH}?state=all")) == []
    assert looked(desk, f"{PATH}?customer={other.named('acme')}").status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_whatever_they_hold(desk: Desk, name: str) -> None:
    desk.world.change(Customer, desk.named("acme"), name=name)
    one = opportunity(desk, "a", "acme", words=name, reason=name)
    html = page(desk, PATH)
    assert "<script>alert" not in html
    assert rows(html) == [one]
