"""Commands that read the store: what they show, in text and as JSON, without any Temporal server."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keepwell.db.tables import Health, Task
from tests.unit.cli.conftest import Begun, Cli
from tests.unit.db.world import NOW, World
from workflows.critical import CRITICAL

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("customers", "keepwell import customers FILE"),
        ("interventions", "keepwell enrol"),
        ("tasks", "No open tasks"),
        ("outbox", "No messages yet"),
        ("events", "Nothing has happened"),
    ],
)
def test_an_empty_store_says_what_to_do(cli: Cli, world: World, command: str, hint: str) -> None:
    result = cli(command)
    assert result.code == 0
    assert hint in result.out


def test_a_new_installation_gets_its_organisation(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_DATABASE_URL", "")
    monkeypatch.setenv("KEEPWELL_ORGANISATION", "new-one")
    assert cli("organisation", "--json").json["key"] == "new-one"
    assert Path("home", "keepwell.sqlite3").exists()


def test_customers_worst_first_with_counts(cli: Cli, world: World) -> None:
    for name, points in (("fine", 90), ("worst", 5), ("middling", 50)):
        world.customer(name)
        world.score(name, points, NOW)
    world.customer("blank")
    world.customer("scant")
    world.measure("scant", {"payment_health": 90})
    assert cli("customers", "--json").json["customers"][-1]["level"] is None
    found = cli("customers", "--json").json
    assert [one["external_id"] for one in found["customers"][:3]] == ["worst", "middling", "fine"]
    assert found["counts"]["levels"]["CRITICAL"] == 1
    assert found["counts"]["unscored"] == 2
    assert found["customers"][0]["since"] == "2026-11-21T09:00:00Z"
    text = cli("customers").out
    assert text.index("Worst") < text.index("Middling") < text.index("Fine")
    assert "1 CRITICAL" in text
    assert "2 not scored yet" in text


def test_customers_with_where_they_head(cli: Cli, world: World) -> None:
    for name, before, now in (("Sinking", 80, 60), ("Steady", 70, 71), ("New", None, 65)):
        world.customer(name.lower(), name=name)
        if before is not None:
            world.score(name.lower(), before, NOW - timedelta(days=10))
        world.score(name.lower(), now, NOW)
    text = cli("customers").out
    lines = {line.split()[1]: line for line in text.splitlines() if "HEALTHY" in line}
    assert "Trend" in text
    assert "declining" in lines["Sinking"]
    assert "stable" in lines["Steady"]
    assert not any(word in lines["New"] for word in ("declining", "stable", "rising", "unknown"))


def test_customers_filters(cli: Cli, world: World) -> None:
    world.staff("dana", name="Dana Reyes")
    world.customer("acme", name="Acme", owner_id="dana")
    world.customer("100%", name="100% Pure")
    world.customer("scant")
    world.score("acme", 5, NOW)
    world.score("100%", 50, NOW)
    world.measure("scant", {"payment_health": 90})
    from keepwell.db.repositories.scores import ScoreRepository

    ScoreRepository(world.store).score_customer(world.organisation, "scant", NOW)

    def names(*options: str) -> list[str]:
        return [one["external_id"] for one in cli("customers", "--json", *options).json["customers"]]

    assert names("--level", "critical") == ["acme"]
    assert names("--level", "At risk") == ["100%"]
    assert names("--owner", "dana@brightdesk.example") == ["acme"]
    assert names("--owner", "dana re") == ["acme"]
    assert names("--insufficient") == ["scant"]
    assert names("--search", "%") == ["100%"]
    assert names("--search", "ACM") == ["acme"]
    assert len(names("--limit", "2")) == 2
    assert "too little data" in cli("customers", "--insufficient").out
    assert cli("customers", "--search", "nobody").out.strip() == "No customer fits."
    wrong = cli("customers", "--level", "bad")
    assert wrong.code == 2
    assert "'bad' is no level; there are THRIVING, HEALTHY" in wrong.err
    unknown = cli("customers", "--owner", "dona reyes")
    assert unknown.code == 3
    assert "did you mean 'Dana Reyes'?" in unknown.err


def test_a_customer_by_id_name_or_beginning(cli: Cli, world: World) -> None:
    world.customer("c1", external_id="x-1", name="Acme Analytics")
    world.customer("c2", external_id="x-2", name="Acme Robotics")
    world.customer("c3", external_id="x-3", name="Borealis")
    for text in ("c3", "x-3", "borealis", "bor"):
        assert cli("customer", text, "--json").json["customer"]["id"] == "c3"
    several = cli("customer", "acme")
    assert several.code == 2
    assert "Acme Analytics (x-1)" in several.err
    assert "Acme Robotics (x-2)" in several.err
    missing = cli("customer", "Borialis")
    assert missing.code == 3
    assert "did you mean 'Borealis'?" in missing.err


def test_a_customer_in_full(cli: Cli, begun: Begun) -> None:
    begun.world.change(Health, "acme", coverage=1.0)
    found = cli("customer", "acme", "--json").json
    assert found["score"]["score"] == pytest.approx(12)
    assert found["score"]["level"] == "CRITICAL"
    assert {one["name"]: one["points"] for one in found["score"]["categories"]}["usage"] == pytest.approx(12)
    assert found["trend"]["change"] == pytest.approx(-58)
    assert found["trend"]["direction"] == "declining"
    assert len(found["score"]["costs"]) == 3
    costliest = found["score"]["costs"][0]
    assert costliest["metric"] == "daily_active_rate"
    assert costliest["lost"] == pytest.approx(15 * 0.88)
    assert costliest["words"] == "Daily active rate is 7.2 % and costs 13.2 points"
    assert found["contacts"][0]["name"] == "Mara Lind"
    assert found["interventions"][0]["id"] == begun.id
    assert found["transitions"][0]["decision"] == "started"
    text = cli("customer", "acme").out
    for part in ("Acme Analytics", "12.0 CRITICAL", "declining, -58.0", "HEALTHY → CRITICAL", CRITICAL.label):
        assert part in text


def test_text_from_outside_is_neither_markup_nor_control(cli: Cli, world: World) -> None:
    world.customer("c1", external_id="x", name="[red]Evil[/red] \x1b[31mCorp")
    text = cli("customer", "x").out
    assert "[red]Evil[/red]  [31mCorp" in text
    assert "\x1b" not in text


def test_a_timeline_of_past_and_planned(cli: Cli, begun: Begun) -> None:
    begun.send("executive_email", begun.started + timedelta(minutes=1))
    found = cli("intervention", begun.id, "--json").json
    lines = {line["step"]: line for line in found["timeline"] if line["source"] == "step"}
    sent = lines["executive_email"]
    assert (sent["planned"], sent["state"]) == (False, "done")
    assert sent["deliveries"][0]["recipient"] == "Mara Lind"
    assert sent["deliveries"][0]["subject"] == "About executive_email"
    assert sent["deliveries"][0]["message"] == "message-executive_email"
    ahead = lines["phone_call"]
    assert ahead["planned"] is True
    assert datetime.fromisoformat(ahead["at"]) == begun.started + 24 * HOUR
    assert ahead["why"] == "No answer for 24 hours: a call reaches people whom emails don't"
    moments = [(line["planned"], line["at"]) for line in found["timeline"]]
    assert moments == sorted(moments)
    assert found["timeline"][-1]["kind"] == "close"
    # What a step's own line says is not said twice.
    assert not [line for line in found["timeline"] if line["kind"] == "delivery.accepted"]
    text = cli("intervention", begun.id[-8:]).out
    assert "“About executive_email”, accepted" in text
    assert text.index("executive_email") < text.index("— now") < text.index("phone_call")


def test_a_pause_moves_what_is_planned(cli: Cli, begun: Begun) -> None:
    from keepwell.db.tables import Intervention

    now = datetime.now(NOW.tzinfo)
    begun.world.change(
        Intervention,
        begun.id,
        paused=True,
        paused_at=now - HOUR,
        paused_until=now + HOUR,
        pause_reason="on holiday",
        shift=3 * HOUR,
    )
    found = cli("intervention", "acme", "--json").json
    lines = {line["step"] or line["kind"]: line for line in found["timeline"] if line["planned"]}
    assert datetime.fromisoformat(lines["phone_call"]["at"]) == begun.started + (24 + 3 + 2) * HOUR
    assert lines["resume"]["why"] == "on holiday"
    assert found["intervention"]["state"] == "paused"
    assert cli("interventions", "--state", "paused", "--json").json["interventions"][0]["id"] == begun.id
    assert cli("interventions", "--state", "open", "--json").json["interventions"] == []
    begun.world.change(Intervention, begun.id, paused_until=None)
    open_ended = cli("intervention", "acme", "--json").json["timeline"]
    at = next(line["at"] for line in open_ended if line["step"] == "phone_call")
    assert datetime.fromisoformat(at) == pytest.approx(begun.started + (24 + 3 + 1) * HOUR, abs=HOUR / 60)


def test_a_pause_until_the_end_of_the_calendar(cli: Cli, begun: Begun) -> None:
    from keepwell.db.tables import Intervention

    # The command refuses it; a signal from the Temporal UI may bring it.
    last = datetime(9999, 12, 31, 23, 30, tzinfo=NOW.tzinfo)
    begun.world.change(Intervention, begun.id, paused=True, paused_at=begun.started, paused_until=last)
    cli("organisation", "set", "time_zone=Europe/Berlin")
    assert cli("interventions").code == 0
    shown = cli("intervention", "acme")
    assert (shown.code, "31 Dec 9999" in shown.out) == (0, True)


def test_a_deferral_counts_for_its_step(cli: Cli, begun: Begun) -> None:
    from keepwell.contracts.delivery import DeliveryState, Recipient
    from keepwell.db.repositories.ledger import LedgerRepository

    call, until = begun.call("csm_outreach", begun.started + HOUR), begun.started + 50 * HOUR
    recipient = Recipient(id="mara", kind="contact", name="Mara", address="m@a.example", time_zone="UTC")
    ledger = LedgerRepository(begun.world.store)
    row = ledger.plan(call, "key", recipient, "email")
    assert ledger.settle(call, row, DeliveryState.DEFERRED, "quiet hours", deferred_until=until)
    found = cli("intervention", "acme", "--json").json["timeline"]
    line = next(line for line in found if line["step"] == "csm_outreach" and line["source"] == "step")
    assert (line["planned"], line["state"]) == (True, "deferred")
    assert datetime.fromisoformat(line["at"]) == until
    assert "deferred: quiet hours" in line["why"]
    assert [line for line in found if line["kind"] == "delivery.deferred"]


def test_interventions_in_a_list(cli: Cli, begun: Begun) -> None:
    for options in ((), ("--level", "critical"), ("--playbook", CRITICAL.label), ("--owner", "dana")):
        assert [one["id"] for one in cli("interventions", "--json", *options).json["interventions"]] == [
            begun.id
        ]
    for options in (("--level", "at_risk"), ("--playbook", "critical@1"), ("--state", "ended")):
        assert cli("interventions", "--json", *options).json["interventions"] == []
    text = cli("interventions").out
    assert f"…{begun.id[-8:]}" in text
    assert "executive_email due" in text


def test_an_unknown_intervention(cli: Cli, begun: Begun) -> None:
    begun.world.customer("calm", name="Calm Ltd")
    assert "no intervention 'zzzzzz'" in cli("intervention", "zzzzzz").err
    assert "Calm Ltd has had no intervention yet" in cli("intervention", "calm").err
    assert cli("intervention", "calm").code == 3


def test_a_document(cli: Cli, begun: Begun) -> None:
    begun.document("roadmap", begun.started + 2 * HOUR)
    assert cli("intervention", "acme", "--document", "roadmap").out == "<h1>Do this</h1>\n"
    assert cli("intervention", "acme", "--document", "roadmap", "--out", "map.html").code == 0
    assert Path("map.html").read_text() == "<h1>Do this</h1>"
    missing = cli("intervention", "acme", "--document", "road")
    assert missing.code == 3
    assert "It has: roadmap." in missing.err
    nowhere = cli("intervention", "acme", "--document", "roadmap", "--out", "no/such/place.html")
    assert nowhere.code == 2
    assert "cannot be written" in nowhere.err


def test_tasks_with_those_overdue(cli: Cli, begun: Begun) -> None:
    now = datetime.now(NOW.tzinfo)
    for number, due in enumerate((now - 3 * HOUR, now + 3 * HOUR)):
        task = Task(
            key=f"t{number}",
            organisation_id="org-1",
            customer_id="acme",
            intervention_id=begun.id,
            kind="call",
            title=f"Task {number}",
            owner_id="dana",
            due_at=due,
            created_at=now - 5 * HOUR,
            state="open",
        )
        begun.world.add(task)
    begun.world.add(
        Task(
            key="t2",
            organisation_id="org-1",
            customer_id="acme",
            kind="call",
            title="Task 2",
            due_at=now - 9 * HOUR,
            created_at=now,
            state="done",
            closed_by="dana",
        )
    )
    found = cli("tasks", "--json").json
    assert [(one["title"], one["overdue"]) for one in found["tasks"]] == [("Task 0", True), ("Task 1", False)]
    assert len(cli("tasks", "--all", "--json").json["tasks"]) == 3
    assert found["total"] == 2
    text = cli("tasks", "--owner", "dana").out
    assert "3 h overdue" in text
    assert "2 of 2 tasks, 1 overdue" in text


def test_the_outbox(cli: Cli, begun: Begun) -> None:
    identifier = begun.send("executive_email", begun.started)
    found = cli("outbox", "--json").json["messages"]
    assert [(one["id"], one["recipient"]) for one in found] == [(identifier, "Mara Lind")]
    assert cli("outbox", "list", "--channel", "slack", "--json").json["messages"] == []
    assert len(cli("outbox", "--customer", "acme", "--json").json["messages"]) == 1
    text = cli("outbox", "show", identifier).out
    for part in ("Dear Mara,\nhow are you?", "Vera <vera@brightdesk.example>", "plan.html"):
        assert part in text
    assert cli("outbox", "show", "ive_email", "--html", "mail.html").code == 0
    assert Path("mail.html").read_text() == "<p>Dear Mara</p>"
    assert cli("outbox", "show", identifier, "--attachments", "files").code == 0
    assert Path("files", "plan.html").read_text() == "<p>plan</p>"
    assert cli("outbox", "show", "nonsense").code == 3


def test_events(cli: Cli, begun: Begun) -> None:
    begun.send("executive_email", begun.started)
    kinds = [one["kind"] for one in cli("events", "--json").json["events"]]
    # The fall has raised alerts: below 20, how far, and two categories.
    assert kinds[:4] == ["alert.raised"] * 4
    assert kinds[4:] == ["intervention.began", "transition.started", "delivery.accepted"]
    of_kind = cli("events", "--kind", "delivery", "--json").json["events"]
    assert [one["kind"] for one in of_kind] == ["delivery.accepted"]
    assert [one["kind"] for one in cli("events", "--limit", "1", "--json").json["events"]] == kinds[-1:]
    assert cli("events", "--customer", "acme", "--intervention", begun.id, "--kind", "deliv").out.startswith(
        "Nothing has happened"
    )


def test_narrow_terminals(cli: Cli, begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    begun.send("executive_email", begun.started)
    monkeypatch.setenv("COLUMNS", "80")
    for command, seen in (("customers", "Acme"), ("interventions", "Acme"), ("outbox", "Mara Lind")):
        table = cli(command).out.split("\n\n")[0].splitlines()
        assert any(seen in line for line in table), command
        assert max(map(len, table)) <= 80, command
    timeline = cli("intervention", "acme").out.split("\n\n")[1].splitlines()
    assert max(map(len, timeline)) <= 80
    assert max(len(line) for line in cli("playbooks", "critical").out.splitlines()[3:20]) <= 80
