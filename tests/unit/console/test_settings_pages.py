"""The settings' pages: what they show to whom, and that what they send is what the API takes."""

from __future__ import annotations

from typing import Any

import pytest

from keepwell.console.settings_tabs import TABS
from keepwell.contracts.access import Permission, Role
from keepwell.db.repositories.absences import add_absence
from keepwell.db.repositories.keys_and_sessions import make_key
from keepwell.db.repositories.organisation_fields import OrganisationFields
from keepwell.db.repositories.switches import Stop, throw
from keepwell.db.repositories.webhook_desk import add_endpoint
from keepwell.db.tables import ClosedDay, Customer, Organisation, Staff
from tests.unit.api.desk_world import DAY, Desk
from tests.unit.console.seen import NAMES, looked, page, tags, words
from tests.unit.console.signed import as_role

READABLE = [one.name for one in TABS if one.needs is Permission.READ]
EVERY = [one.name for one in TABS]


@pytest.fixture
def admin(desk: Desk) -> Desk:
    """Somebody who may change them."""
    return as_role(desk, Role.ADMIN, "Ada Admin")


def forms(html: str) -> list[str]:
    """What the forms of a page call."""
    return [
        one.get("data-act") or one.get("data-act-for") or ""
        for one in tags(html, "form")
        if "action" not in one
    ]


def fields(html: str) -> dict[str, dict[str, str | None]]:
    """The named fields of a page."""
    return {
        str(one["name"]): one
        for tag in ("input", "select", "textarea")
        for one in tags(html, tag)
        if "name" in one
    }


def change(desk: Desk, method: str, path: str, body: dict[str, Any], **headers: str) -> Any:
    """What a form of the page sends."""
    return desk.client.request(method, f"/api/v1{path}", json=body, headers={**desk.headers, **headers})


@pytest.mark.parametrize("tab", EVERY)
def test_an_admin_sees_each_group_and_may_change_it(admin: Desk, tab: str) -> None:
    html = page(admin, f"/console/settings/{tab}")
    shown = {one.get("href") for one in tags(html, "a")}
    assert {f"/console/settings/{one}" for one in EVERY} <= shown
    assert "An admin can change them." not in words(html)
    assert not [one for one in tags(html, "fieldset") if "disabled" in one]


@pytest.mark.parametrize("tab", READABLE)
def test_staff_reads_and_cannot_change(desk: Desk, tab: str) -> None:
    html = page(desk, f"/console/settings/{tab}")
    saves = [one for one in forms(html) if one.startswith(("PATCH", "PUT"))]
    assert not saves or tab == "days" or [one for one in tags(html, "fieldset") if "disabled" in one]
    assert "/console/settings/access" not in {one.get("href") for one in tags(html, "a")}


@pytest.mark.parametrize(
    ("role", "tab"), [(Role.CSM, "access"), (Role.CSM, "webhooks"), (Role.OPS, "access")]
)
def test_what_is_not_for_a_role_is_refused(desk: Desk, role: Role, tab: str) -> None:
    assert looked(as_role(desk, role), f"/console/settings/{tab}").status_code == 403


def test_the_front_leads_to_the_first(desk: Desk) -> None:
    answer = looked(desk, "/console/settings")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/settings/organisation")


def test_each_field_of_the_organisation_has_a_place(admin: Desk) -> None:
    there = {
        **fields(page(admin, "/console/settings/organisation")),
        **fields(page(admin, "/console/settings/hours")),
    }
    assert set(OrganisationFields.model_fields) <= set(there)


def test_the_page_names_the_state_that_a_change_is_of(admin: Desk) -> None:
    html = page(admin, "/console/settings/organisation")
    (match,) = [one["data-match"] or "" for one in tags(html, "form") if "data-match" in one]
    first = change(admin, "PATCH", "/organisation", {"product": "Desk"}, **{"If-Match": match})
    assert first.status_code == 200, first.text
    second = change(admin, "PATCH", "/organisation", {"product": "Table"}, **{"If-Match": match})
    assert second.status_code == 412


def test_hours_say_what_they_mean(admin: Desk) -> None:
    asked = "quiet_from=20:00&quiet_until=08:00&business_days=12345&customer_cap_day=2"
    said = words(page(admin, f"/console/settings/hours/means?{asked}"))
    assert "Nothing goes out from 20:00 to 08:00" in said
    assert "Messages go out on Mon, Tue, Wed, Thu, Fri." in said
    assert "An email due Saturday" in said
    assert "goes Monday" in said
    assert "at 08:00." in said
    assert "A customer gets at most 2 in 24 hours." in said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("quiet_from=20:00", "Quiet hours need a beginning and an end"),
        ("quiet_from=late&quiet_until=08:00", "'late' is no time of day"),
        ("business_days=someday", "is no day of the week"),
        ("", "goes at once."),
        ("quiet_from=20:00&quiet_until=08:00", "goes Wednesday"),
    ],
)
def test_hours_that_somebody_is_entering(admin: Desk, asked: str, said: str) -> None:
    assert said in words(page(admin, f"/console/settings/hours/means?{asked}"))


def test_a_holiday_of_the_country_is_named(admin: Desk) -> None:
    admin.world.change(Organisation, admin.world.organisation, country="DE", business_days="12345")
    html = page(admin, "/console/settings/days?year=2027")
    assert "Christmas Day" in words(html)
    own = [
        one["data-act"] or "" for one in tags(html, "button") if (one.get("data-act") or "").startswith("PUT")
    ]
    assert "PUT /api/v1/closed-days/2027-12-24" not in own
    assert any(one.startswith("PUT /api/v1/closed-days/2027-") for one in own)
    assert looked(admin, "/console/settings/days?year=1").status_code == 422


def test_a_day_of_ones_own_is_listed_and_can_be_taken_back(admin: Desk) -> None:
    day = (admin.now + 3 * DAY).date()
    admin.world.add(ClosedDay(organisation_id=admin.world.organisation, day=day, name="Founders' day"))
    html = page(admin, "/console/settings/days")
    assert "Founders' day" in words(html)
    (remove,) = [one for one in tags(html, "button") if (one.get("data-act") or "").startswith("DELETE")]
    assert remove["data-undo"] == f"PUT /api/v1/closed-days/{day.isoformat()}"


def test_rules_and_channels_are_there_as_they_are(admin: Desk) -> None:
    assert (
        change(admin, "PATCH", "/alert-rules", {"inactivity": "off", "engagement": "55"}).status_code == 200
    )
    html = page(admin, "/console/settings/alerts")
    there = fields(html)
    assert {"inactivity", "engagement", "core_features", "usage_metric"} <= set(there)
    assert there["engagement"]["value"] == "55"
    assert (
        change(
            admin, "PUT", "/alert-channels/email", {"enabled": True, "target": "team@x.example"}
        ).status_code
        == 200
    )
    channels = page(admin, "/console/settings/channels")
    assert "on, from warning" in words(channels)
    assert {f"POST /api/v1/alert-channels/{one}/test" for one in ("email", "slack", "webhook")} <= set(
        forms(channels)
    )


def test_webhooks_with_their_deliveries(admin: Desk) -> None:
    with admin.store.write() as session:
        add_endpoint(
            session,
            admin.world.organisation,
            url="https://hooks.x.example/in",
            kinds=["alert."],
            secret="whsec_" + "s" * 40,
            description="Ours",
            by="Ada",
            now=admin.now,
        )
    html = page(admin, "/console/settings/webhooks")
    assert "https://hooks.x.example/in" in words(html)
    assert "whsec_" not in html
    acts = " ".join(one.get("data-act") or "" for one in tags(html, "button"))
    for part in ("/test", "/rotate", "/stop", "DELETE"):
        assert part in acts
    ops = page(as_role(admin, Role.OPS), "/console/settings/webhooks")
    assert "https://hooks.x.example/in" in words(ops)
    assert "/rotate" not in " ".join(one.get("data-act") or "" for one in tags(ops, "button"))


def test_staff_with_who_is_away(desk: Desk) -> None:
    with desk.store.write() as session:
        omar = session.get_one(Staff, desk.named("omar"))
        add_absence(
            session,
            omar,
            desk.now.date(),
            desk.now.date() + DAY,
            cover=None,
            reason="Holiday",
            by="Omar",
            now=desk.now,
        )
    said = words(page(desk, "/console/settings/staff"))
    assert "Omar Haddad" in said
    assert "Holiday" in said
    assert "away until" in said


def test_scorecards_and_one_in_words(desk: Desk) -> None:
    html = page(desk, "/console/settings/scorecards")
    assert "in use" in words(html)
    assert not [one for one in tags(html, "button") if "/use" in (one.get("data-act") or "")]
    said = words(page(desk, "/console/settings/scorecards/momentum"))
    assert "Momentum" in said
    assert "How values become points" in said
    assert looked(desk, "/console/settings/scorecards/none").status_code == 404


def test_keys_and_accounts_without_their_secrets(admin: Desk) -> None:
    with admin.store.write() as session:
        _, text = make_key(
            session,
            admin.world.organisation,
            name="Warehouse",
            scopes=[Permission.INGEST],
            by="Ada",
            now=admin.now,
            customer=None,
        )
    html = page(admin, "/console/settings/access")
    assert "Warehouse" in words(html)
    assert "Ada Admin" in words(html)
    assert text not in html
    assert "POST /api/v1/keys" in forms(html)
    # How a program asks, at the address that the browser has used; the document it names is there.
    assert 'curl https://keepwell.example/api/v1/customers -H "Authorization: Bearer THE_KEY"' in words(html)
    assert any(one.get("href") == "/openapi.json" for one in tags(html, "a"))
    assert admin.client.get("/openapi.json").status_code == 200


def test_sending_is_told_plainly(desk: Desk) -> None:
    assert "Nothing is sent. Each message is kept" in words(page(desk, "/console/settings/sending"))
    with desk.store.write() as session:
        throw(session, Stop(desk.world.organisation), reason="A wrong template", by="Ada", now=desk.now)
    html = page(desk, "/console/settings/sending")
    assert "A wrong template" in words(html)
    assert not [one for one in tags(html, "button") if "switches" in (one.get("data-act") or "")]
    ops = page(as_role(desk, Role.OPS), "/console/settings/sending")
    assert "DELETE /api/v1/switches" in [one.get("data-act") for one in tags(ops, "button")]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_was_entered_is_text(admin: Desk, name: str) -> None:
    own = admin.world.organisation
    admin.world.change(Organisation, own, name=name, postal_address=name)
    admin.world.change(Staff, admin.named("omar"), name=name, title=name)
    admin.world.change(Customer, admin.named("acme"), name=name)
    admin.world.add(ClosedDay(organisation_id=own, day=admin.now.date() + DAY, name=name))
    with admin.store.write() as session:
        throw(session, Stop(own, "customer", admin.named("acme")), reason=name, by=name, now=admin.now)
    for tab in EVERY:
        html = page(admin, f"/console/settings/{tab}")
        assert "<script>alert" not in html
        assert "49}" not in html
    assert " ".join(name.split()) in words(page(admin, "/console/settings/sending"))


def test_nothing_of_another_organisation_is_shown(admin: Desk, other: Desk) -> None:
    theirs = other.world.organisation
    other.world.change(Organisation, theirs, name="Secret of theirs")
    other.world.change(Staff, other.named("omar"), name="Secret of theirs")
    other.world.add(ClosedDay(organisation_id=theirs, day=admin.now.date() + DAY, name="Secret of theirs"))
    with other.store.write() as session:
        throw(session, Stop(theirs), reason="Secret of theirs", by="them", now=admin.now)
        make_key(
            session,
            theirs,
            name="Secret of theirs",
            scopes=[Permission.READ],
            by="them",
            now=admin.now,
            customer=None,
        )
        row = add_endpoint(
            session,
            theirs,
            url="https://secret.x.example",
            kinds=["*"],
            secret="s" * 40,
            description="Secret of theirs",
            by="them",
            now=admin.now,
        )
        endpoint = row.id
    for tab in EVERY:
        html = page(admin, f"/console/settings/{tab}")
        assert "Secret of theirs" not in html
        assert "secret.x.example" not in html
    assert "secret.x" not in page(admin, f"/console/settings/webhooks?endpoint={endpoint}")
