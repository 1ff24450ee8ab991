"""`keepwell offer …` and `keepwell upgraded`, without a Temporal server."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from keepwell.cli import engine
from keepwell.contracts.commands import Answer
from keepwell.db.tables import Intervention, Offer
from tests.unit.cli.conftest import Begun, Cli
from tests.unit.db.world import DAY, NOW
from workflows.critical import CRITICAL

MADE = (
    ("first", "declined", 5),
    ("second", "offered", 4),
    ("third", "accepted", 3),
    ("fourth", "seen", 2),
    ("fifth", "expired", 1),
)
"""Step, state, and how many days ago it was made."""
ORDER = ["fourth", "second", "fifth", "third", "first"]
"""Open ones first, then the newest."""


@pytest.fixture
def offered(begun: Begun) -> datetime:
    """Five offers of one intervention, and what time it is."""
    step, now = CRITICAL.offer, datetime.now(NOW.tzinfo)
    assert step is not None
    for name, state, days in MADE:
        decided: dict[str, Any] = {}
        if state == "accepted":
            terms = {"kind": "billing_pause", "months": 2, "plan": "", "note": ""}
            decided = {"terms": terms, "decided_by": "dana", "decided_at": now - DAY, "note": "Budget freeze"}
        begun.world.add(
            Offer(
                id=f"offer-{name}",
                organisation_id=begun.world.organisation,
                customer_id=begun.customer,
                intervention_id=begun.id,
                step=name,
                options={one.kind.value: one.model_dump(mode="json") for one in step.options},
                valid_for=step.valid_for,
                state=state,
                offered_at=now - days * DAY,
                valid_until=now + (4 - days) * DAY,
                **decided,
            )
        )
    return now


def test_without_offers_the_list_says_what_makes_them(cli: Cli, begun: Begun) -> None:
    assert cli("offer", "list").out == "No offers. Playbooks make them: keepwell playbooks\n"
    assert cli("offer", "list", "--json").json == {"offers": []}


def listed(cli: Cli, *arguments: str) -> list[str]:
    found = cli("offer", "list", *arguments, "--json").json["offers"]
    return [one["id"].removeprefix("offer-") for one in found]


def test_open_ones_come_first_then_the_newest(cli: Cli, offered: datetime) -> None:
    assert listed(cli) == ORDER
    assert listed(cli, "--limit", "3") == ORDER[:3]
    assert {state: listed(cli, "--state", state) for _, state, _ in MADE} == {
        state: [name] for name, state, _ in MADE
    }
    assert listed(cli, "--state", "withdrawn") == []


def test_what_a_program_reads_of_an_offer(cli: Cli, begun: Begun, offered: datetime) -> None:
    (one,) = cli("offer", "list", "--state", "accepted", "--json").json["offers"]
    assert (one["customer"], one["intervention_id"]) == ("Acme Analytics", begun.id)
    assert (one["playbook"], one["state"]) == (CRITICAL.label, "accepted")
    assert (one["agreed"], one["note"]) == ("billing pause, 2 months", "Budget freeze")
    assert (one["decided_by"], one["seen_at"]) == ("dana", None)
    assert datetime.fromisoformat(one["valid_until"]) - datetime.fromisoformat(one["offered_at"]) == 4 * DAY
    assert {option["kind"]: option["months"] for option in one["options"]} == {
        "billing_pause": 3,
        "plan_downgrade": None,
        "dedicated_support": None,
        "custom_solution": None,
    }


def test_what_a_person_reads_of_offers(cli: Cli, offered: datetime) -> None:
    text = cli("offer", "list").out
    assert "5 offers, 2 open. Times are UTC." in text
    row = next(line for line in text.splitlines() if "accepted" in line)
    for part in ("Acme Analytics", "billing pause, 2 months: Budget freeze", CRITICAL.label):
        assert part in row
    row = next(line for line in text.splitlines() if "seen" in line)
    for option in ("billing pause", "plan downgrade", "dedicated support", "custom solution"):
        assert option in text
    assert "Budget freeze" not in row


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (("offer", "seen", "acme"), {"kind": "seen"}),
        (("offer", "decline", "acme", "--note", "Too late"), {"kind": "decline", "note": "Too late"}),
        (
            ("upgraded", "acme", "--plan", "Business", "--note", "By phone"),
            {"kind": "upgraded", "plan": "Business", "note": "By phone"},
        ),
        (
            ("offer", "accept", "acme", "billing_pause", "--months", "3", "--note", "Budget freeze"),
            {
                "kind": "accept",
                "option": "billing_pause",
                "months": 3,
                "plan": "",
                "note": "Budget freeze",
            },
        ),
        (
            ("offer", "accept", "acme", "plan_downgrade", "--plan", "Starter"),
            {"kind": "accept", "option": "plan_downgrade", "months": None, "plan": "Starter", "note": ""},
        ),
    ],
)
def test_what_the_run_is_told(
    cli: Cli,
    begun: Begun,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    fields: dict[str, Any],
) -> None:
    answer = Answer(command="c", text="Noted.", noted_at=NOW)
    monkeypatch.setattr(engine, "with_client", lambda *_: answer)
    told = cli(*arguments, "--by", "lee", "--json").json
    command = told["command"]
    assert command.pop("id")
    assert command == {"intervention": begun.id, "by": "lee", **fields}
    assert (told["sent_as"], told["answer"]["text"]) == ("update", "Noted.")
    assert cli(*arguments).out == f"Acme Analytics, {CRITICAL.label}: Noted.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("offer", "list", "--state", "lost"), 2, "'lost' is not one of"),
        (("offer", "list", "--limit", "0"), 2, "--limit"),
        (("offer", "accept", "acme"), 2, "Missing argument 'OPTION'"),
        (("offer", "accept", "acme", "half_price"), 2, "'half_price' is not one of"),
        (("offer", "accept", "acme", "billing_pause", "--months", "4"), 2, "'--months'"),
        (("offer", "accept", "acme", "billing_pause", "--months", "0"), 2, "'--months'"),
        (("offer", "accept", "acme", "plan_downgrade"), 2, "A downgrade needs the plan they go onto"),
        (("offer", "decline", "acme", "--note", "x" * 501), 2, "at most 500 letters"),
        (("offer", "seen", "nobody"), 3, "no intervention 'nobody'"),
        (("offer", "seen", "acme"), 5, "No Temporal server runs"),
        (("offer", "decline", "acme", "--signal"), 5, "No Temporal server runs"),
        (("upgraded", "acme"), 5, "No Temporal server runs"),
    ],
)
def test_refused_here(cli: Cli, begun: Begun, arguments: tuple[str, ...], code: int, message: str) -> None:
    result = cli(*arguments)
    assert result.code == code
    assert message in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("offer", "seen", "acme"),
        ("offer", "accept", "acme", "dedicated_support"),
        ("offer", "decline", "acme"),
        ("upgraded", "acme"),
    ],
)
def test_one_that_has_ended_takes_no_answer(cli: Cli, begun: Begun, arguments: tuple[str, ...]) -> None:
    begun.world.change(Intervention, begun.id, outcome="completed", outcome_why="over", ended_at=NOW)
    result = cli(*arguments)
    assert result.code == 4
    assert f"Intervention {begun.id} of Acme Analytics has ended: completed (over)" in result.err


def test_an_offer_is_withdrawn_and_stands_again(cli: Cli, begun: Begun, offered: datetime) -> None:
    assert cli("offer", "withdraw", begun.id, "--reason", " ").code == 2
    assert cli("offer", "restore", begun.id).code == 3
    done = cli("offer", "withdraw", begun.id, "--reason", "The wrong plan", "--by", "dana", "--json").json
    assert (done["id"], done["state"], done["note"]) == ("offer-fourth", "withdrawn", "The wrong plan")
    begun.world.change(Offer, "offer-second", state="declined", offered_at=offered - 9 * DAY)
    refused = cli("offer", "accept", begun.id, "billing_pause", "--months", "1")
    assert (refused.code, "withdrawn by dana: The wrong plan" in refused.err) == (4, True)
    assert cli("offer", "withdraw", begun.id, "--reason", "again").code == 3
    assert "stands again" in cli("offer", "restore", begun.id).out
    with begun.world.store.read() as session:
        row = session.get_one(Offer, "offer-fourth")
        assert (row.state, row.decided_at, row.note) == ("offered", None, "")
