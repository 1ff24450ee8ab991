"""`keepwell sending`, `keepwell closed-days`, and an organisation's hours and caps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from keepwell.contracts.delivery import DeliveryState, Recipient, WaitsFor
from keepwell.db.engine import Store
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.tables import KillSwitch, PendingCommand
from tests.unit.cli.conftest import Begun, Cli
from tests.unit.db.world import World

HOUR = timedelta(hours=1)


def put_off(begun: Begun, waits_for: WaitsFor) -> None:
    """The gate has put a message of the intervention off."""
    call = begun.call("csm_outreach", begun.started)
    recipient = Recipient(id="mara", kind="contact", name="Mara", address="m@a.example", time_zone="UTC")
    ledger = LedgerRepository(begun.world.store)
    row = ledger.plan(call, "key", recipient, "email")
    until = begun.started + 50 * HOUR
    assert ledger.settle(
        call, row, DeliveryState.DEFERRED, "later", deferred_until=until, waits_for=waits_for
    )


def waiting(store: Store) -> list[tuple[str, dict[str, object]]]:
    """Commands that wait to be told to a run, and by whom they are."""
    with store.read() as session:
        rows = session.exec(select(PendingCommand).order_by(col(PendingCommand.id))).all()
    return [(row.by, row.command) for row in rows]


def test_a_stop_is_thrown_shown_and_lifted(cli: Cli, begun: Begun) -> None:
    put_off(begun, WaitsFor.SWITCH)
    for options in ((), ("--playbook", "critical"), ("--customer", "acme")):
        stopped = cli("sending", "stop", *options, "--reason", "wrong figures", "--by", "Dana")
        assert (stopped.code, "Stopped. Messages wait." in stopped.out) == (0, True)
        assert "It is stopped already." in cli("sending", "stop", *options).out
    shown = cli("sending")
    for words in ("of everything by Dana", "of critical by Dana", "to Acme"):
        assert words in shown.out
    assert "wrong figures" in shown.out
    found = cli("sending", "--json").json
    assert [one["scope"] for one in found["stops"]] == ["all", "playbook", "customer"]
    assert found["waiting"] == {"switch": 1}
    assert waiting(begun.world.store) == []
    lifted = cli("sending", "resume", "--by", "Lena")
    assert "1 intervention that waited will try again at once" in lifted.out
    assert waiting(begun.world.store) == [("Lena", {})], "the run is asked to look again"
    again = cli("sending", "resume")
    assert (again.code, "is not stopped" in again.err) == (3, True)
    kinds = [one["kind"] for one in cli("events", "--kind", "sending", "--json").json["events"]]
    assert sorted(kinds) == ["sending.resumed", *["sending.stopped"] * 3]


def test_only_what_was_stopped_is_asked_to_go_on(cli: Cli, begun: Begun) -> None:
    put_off(begun, WaitsFor.HOURS)
    cli("sending", "stop", "--playbook", "high_risk")
    assert "0 interventions" in cli("sending", "resume", "--playbook", "high_risk").out
    assert waiting(begun.world.store) == []


def test_what_two_people_stopped_at_the_same_moment_goes_on_for_both(cli: Cli, begun: Begun) -> None:
    cli("sending", "stop", "--by", "Dana")
    with begun.world.store.write() as session:
        twice = session.exec(select(KillSwitch)).one().model_dump()
        session.add(KillSwitch(**{**twice, "id": "second", "thrown_by": "Lena"}))
    assert len(cli("sending", "--json").json["stops"]) == 2
    assert cli("sending", "resume").code == 0
    assert cli("sending", "--json").json["stops"] == []


def test_what_cannot_be_stopped(cli: Cli, begun: Begun) -> None:
    both = cli("sending", "stop", "--customer", "acme", "--playbook", "critical")
    assert (both.code, "not both" in both.err) == (2, True)
    unknown = cli("sending", "stop", "--playbook", "critcal")
    assert (unknown.code, "did you mean" in unknown.err) == (3, True)
    assert cli("sending", "stop", "--customer", "nobody").code == 3
    assert cli("sending", "--json").json["stops"] == []


def test_days_are_entered_changed_and_removed(cli: Cli, begun: Begun) -> None:
    put_off(begun, WaitsFor.HOURS)
    cli("organisation", "set", "country=DE")
    assert cli("closed-days", "add", "2099-12-24", "--name", "Christmas Eve").code == 0
    holiday = cli("closed-days", "add", "2099-12-25", "--open")
    assert "Fri 25 Dec 2099 is open (Christmas Day)." in holiday.out
    assert cli("closed-days", "add", "2099-12-24", "--name", "At home").code == 0
    listed = cli("closed-days", "list", "--json").json["days"]
    assert [(one["day"], one["name"], one["open"]) for one in listed] == [
        ("2099-12-24", "At home", False),
        ("2099-12-25", "", True),
    ]
    assert "At home" in cli("closed-days").out
    assert cli("closed-days", "remove", "2099-12-25").code == 0
    missing = cli("closed-days", "remove", "2099-12-25")
    assert (missing.code, "Entered are: 2099-12-24." in missing.err) == (3, True)
    assert len(waiting(begun.world.store)) == 5, "the country and each day: what waits asks again"
    assert cli("closed-days", "add", "24.12.").code == 2


def test_hours_days_country_and_caps_are_set(cli: Cli, world: World) -> None:
    fields = (
        "country=Germany",
        "subdivision=Bayern",
        "quiet_from=9:00",
        "quiet_until=17:30",
        "business_days=sun-thu",
        "customer_cap_day=2",
        "customer_cap_week=none",
    )
    changed = cli("organisation", "set", *fields, "--json").json
    expected = {
        "country": "DE",
        "subdivision": "BY",
        "quiet_from": "09:00",
        "quiet_until": "17:30",
        "business_days": "12347",
        "customer_cap_day": 2,
        "customer_cap_week": None,
        "daily_cap": None,
    }
    assert {name: changed[name] for name in expected} == expected
    shown = cli("sending").out
    for words in ("09:00 to 17:30", "Mon, Tue, Wed, Thu, Sun", "DE-BY", "2 a day, no cap a week"):
        assert words in shown


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("country=Atlantis",), "a country, as a code"),
        (("country=DE", "subdivision=XX"), "DE has: "),
        (("subdivision=BY",), "without a country"),
        (("quiet_from=20:00",), "Quiet hours need a beginning and an end"),
        (("quiet_from=8pm", "quiet_until=08:00"), "HH:MM"),
        (("business_days=weekdays",), "such as mon-fri"),
        (("daily_cap=0",), "from 1; none"),
        (("customer_cap_day=many",), "from 1; none"),
    ],
)
def test_what_does_not_fit_is_refused_whole(
    cli: Cli, world: World, fields: tuple[str, ...], message: str
) -> None:
    before = cli("organisation", "--json").json
    refused = cli("organisation", "set", "name=Another", *fields)
    assert (refused.code, message in refused.err) == (2, True), refused.err
    assert cli("organisation", "--json").json == before


def test_a_higher_cap_is_used_at_once(cli: Cli, begun: Begun) -> None:
    put_off(begun, WaitsFor.ROOM)
    cli("organisation", "set", "customer_cap_day=2", "--by", "Lena")
    assert waiting(begun.world.store) == [("Lena", {})]


def test_a_new_organisation_has_decent_hours(cli: Cli) -> None:
    found = cli("sending", "--json").json
    assert (found["quiet_from"], found["quiet_until"], found["business_days"]) == ("20:00", "08:00", "12345")
    assert (found["daily_cap"], found["customer_cap_day"], found["customer_cap_week"]) == (None, None, None)
