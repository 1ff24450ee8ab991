"""`keepwell contact` and `keepwell suppressions`."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from keepwell.db.tables import Event
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import World


@pytest.fixture
def acme(world: World) -> World:
    """Two customers; Pat belongs to both."""
    world.customer("acme", name="Acme")
    world.customer("other", name="Other")
    world.contact("pat", "acme", email="Pat@acme.example", name="Pat Lee")
    world.contact("pat2", "other", email="pat@acme.example", name="Pat Lee")
    world.contact("lou", "acme", name="Lou Kim")
    return world


def lines(world: World) -> list[tuple[str, str, str]]:
    with world.store.read() as session:
        query = select(Event).where(col(Event.kind).startswith("contact.")).order_by(col(Event.id))
        return [(row.kind, row.by, row.why) for row in session.exec(query)]


def test_an_address_is_suppressed_listed_and_lifted(cli: Cli, acme: World) -> None:
    assert "No address is suppressed" in cli("suppressions").out
    told = cli("suppressions", "add", "PAT@acme.example", "--why", "asked on the phone", "--by", "Dana")
    assert told.out.strip() == "Nothing is sent to pat@acme.example any more."
    assert "is suppressed already" in cli("suppressions", "add", "pat@acme.example", "--why", "x").out
    (one,) = cli("suppressions", "--json").json["suppressions"]
    assert (one["reason"], one["detail"], one["contacts"]) == (
        "manual",
        "asked on the phone",
        ["Pat Lee"] * 2,
    )
    assert "suppressed (asked on the phone)" in cli("customer", "acme").out
    shown = cli("contact", "show", "pat@acme.example", "--json").json
    against = "Pat Lee's address is suppressed: asked on the phone"
    assert shown["purposes"][0]["against"] == {"email": against, "in_app": ""}
    lifted = cli("suppressions", "lift", "Pat@acme.example", "--why", "she asked for it", "--by", "Dana")
    assert lifted.code == 0
    assert cli("suppressions", "--json").json["total"] == 0
    assert "lifted by Dana" in cli("suppressions", "--all").out
    again = cli("suppressions", "lift", "pat@acme.example", "--why", "x")
    assert again.code == 3
    assert "pat@acme.example is not suppressed" in again.err
    kinds = ["contact.suppressed"] * 2 + ["contact.suppression_lifted"] * 2
    assert [kind for kind, _, _ in lines(acme)] == kinds
    assert {by for _, by, _ in lines(acme)} == {"Dana"}
    assert lines(acme)[-1][2] == "she asked for it"


def test_what_is_no_address_is_refused(cli: Cli, acme: World) -> None:
    wrong = cli("suppressions", "add", "pat", "--why", "x")
    assert wrong.code == 2
    assert "'pat' is no email address" in wrong.err


def test_what_a_contact_wants_is_noted_for_the_person(cli: Cli, acme: World) -> None:
    told = cli("contact", "unsubscribe", "pat@acme.example", "offers", "--why", "said so", "--by", "Dana")
    assert "Noted." in told.out
    assert "That is known already." in cli("contact", "unsubscribe", "pat2", "offers", "--why", "x").out
    shown = cli("contact", "show", "pat2", "--json").json
    offers = next(one for one in shown["purposes"] if one["purpose"] == "offers")
    assert (offers["wanted"], offers["source"]) == (False, "cli")
    assert offers["against"]["in_app"] == "Pat Lee has unsubscribed from offers"
    assert "wants no offers" in cli("customer", "acme").out
    assert cli("contact", "resubscribe", "pat", "offers", "--why", "changed her mind").code == 0
    assert lines(acme)[0] == ("contact.unsubscribed", "Dana", "said so")
    assert "may be sent" in cli("contact", "show", "pat").out


def test_consent_is_withdrawn_and_given(cli: Cli, acme: World) -> None:
    assert cli("contact", "withdraw", "lou", "--why", "a letter").code == 0
    shown = cli("contact", "show", "Lou Kim", "--json").json
    assert shown["consent"] == "denied"
    assert {one["against"]["in_app"] for one in shown["purposes"]} == {"Lou Kim has withdrawn consent"}
    assert cli("contact", "agree", "lou", "--why", "another letter").code == 0
    assert cli("contact", "show", "lou", "--json").json["consent"] == "granted"


def test_a_contact_must_be_one(cli: Cli, acme: World) -> None:
    assert cli("contact", "show", "nobody").code == 3
    acme.contact("pat3", "acme", name="Pat Lee", email="other@acme.example")
    several = cli("contact", "show", "Pat Lee")
    assert several.code == 2
    assert "fits several contacts" in several.err
    assert cli("contact", "show", "pat3", "--json").json["email"] == "other@acme.example"
