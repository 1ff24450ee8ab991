"""`keepwell inbox`, and what the timeline shows of what became of a message."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from keepwell.contracts.arrivals import Report, ReportKind
from keepwell.contracts.delivery import SANDBOX
from keepwell.db.repositories.inbound import take_letter
from keepwell.db.repositories.provider_events import take
from keepwell.db.tables import Delivery
from keepwell.letters import Letter
from tests.unit.cli.conftest import Begun, Cli
from tests.unit.db.world import NOW, World


def came(world: World, number: int, **fields: object) -> str:
    """A letter of Pat's that came in; what was made of it."""
    given: dict[str, object] = {
        "message_id": f"<{number}@customer.example>",
        "from_address": "pat@customer.example",
        "from_name": "Pat Person",
        "subject": f"Letter {number}",
        "text": "Yes, on Monday.\n\nOn Friday Erin wrote:\n> Dear Pat",
        "received_at": NOW + timedelta(minutes=number),
        "spf": "pass",
        "return_path": "pat@customer.example",
    }
    return take_letter(world.store, Letter(**{**given, **fields}), "")  # type: ignore[arg-type]


@pytest.fixture
def letters(world: World) -> World:
    world.customer("acme")
    world.contact("pat", "acme")
    world.score("acme", 12, NOW)
    world.intervention("one", "acme")
    came(world, 1)
    came(world, 2, subject="Automatic reply: away", headers={"auto-submitted": ("auto-replied",)})
    came(world, 3, from_address="who@elsewhere.example", from_name="", subject="Buy now")
    return world


def test_nothing_has_come_in(cli: Cli, world: World) -> None:
    world.customer("acme")
    result = cli("inbox")
    assert (result.code, result.out.startswith("No letters.")) == (0, True)


def test_letters_of_people_are_listed_the_newest_first(cli: Cli, letters: World) -> None:
    came(letters, 4)
    result = cli("inbox")
    assert result.code == 0
    assert result.out.index("Letter 4") < result.out.index("Letter 1")
    assert "Buy now" not in result.out
    assert "away" not in result.out
    everything = cli("inbox", "--all", "--json").json["letters"]
    assert [one["subject"] for one in everything] == [
        "Letter 4",
        "Buy now",
        "Automatic reply: away",
        "Letter 1",
    ]
    assert [one["effect"] for one in everything] == [
        "answer",
        "from nobody we know",
        "automatic (Auto-Submitted: auto-replied)",
        "answer",
    ]


def test_one_letter_in_full(cli: Cli, letters: World) -> None:
    [one] = cli("inbox", "list", "--customer", "acme", "--json").json["letters"]
    result = cli("inbox", "show", one["id"][-8:])
    assert result.code == 0
    assert "Pat Person <pat@customer.example>" in result.out
    assert "> Dear Pat" in result.out
    assert cli("inbox", "show", one["id"], "--json").json["message_id"] == "<1@customer.example>"
    assert cli("inbox", "show", "nothing-like-it").code == 3


def test_what_a_terminal_would_obey_is_only_shown(cli: Cli, letters: World) -> None:
    came(letters, 5, text="\x1b[2J[red]<script>alert(1)</script>", subject="\x1b]0;title\x07")
    found = cli("inbox", "--json").json["letters"][0]
    for command in (("inbox",), ("inbox", "show", found["id"]), ("tasks",)):
        printed = cli(*command).out
        assert "\x1b" not in printed
        assert "\x07" not in printed
    assert "[red]<script>alert(1)</script>" in cli("inbox", "show", found["id"]).out


def test_another_organisation_reads_nothing_of_it(
    cli: Cli, letters: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    [one] = cli("inbox", "--json").json["letters"]
    monkeypatch.setenv("KEEPWELL_ORGANISATION", "other")
    assert cli("inbox", "--json").json["letters"] == []
    assert cli("inbox", "show", one["id"]).code == 3


def reported(begun: Begun, key: str, kind: ReportKind, at: datetime, why: str = "") -> None:
    event = f"{kind.value}-{at:%H%M}"
    take(
        begun.world.store,
        [Report(provider="sendgrid", event_id=event, kind=kind, key=key, at=at, why=why)],
        at,
    )


def test_the_timeline_says_what_became_of_a_message(cli: Cli, begun: Begun) -> None:
    begun.send("executive_email", begun.started + timedelta(minutes=5))
    first = f"{begun.id}/executive_email"
    for minutes, kind in enumerate((ReportKind.DELIVERED, ReportKind.OPENED, ReportKind.CLICKED)):
        reported(begun, first, kind, NOW + timedelta(minutes=minutes))
    shown = " ".join(cli("intervention", begun.id).out.split())
    assert "delivered 21 Nov 09:00, opened 21 Nov 09:01, clicked 21 Nov 09:02" in shown
    assert "was opened" not in shown, "the message's own line says so already"
    reported(begun, first, ReportKind.BOUNCED, NOW + timedelta(minutes=9), "550 gone")
    shown = " ".join(cli("intervention", begun.id).out.split())
    assert "bounced: the address takes no mail (sendgrid) 550 gone" in shown
    begun.world.change(Delivery, first, provider=SANDBOX, state="accepted")
    assert "NOT sent (SendGrid's sandbox)" in " ".join(cli("intervention", begun.id).out.split())
