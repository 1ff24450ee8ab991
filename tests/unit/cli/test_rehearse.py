"""`keepwell rehearse`: what it shows, and what it refuses before it plays anything."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from keepwell.db.tables import Customer, Organisation
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL

WHO = ("--customer", "acme")


@pytest.fixture
def acme(world: World) -> World:
    """Acme, well until now, with an owner and a contact."""
    world.staff("lena", role="lead", name="Lena Lead")
    world.staff("dana", name="Dana Reyes", manager_id="lena")
    world.customer("acme", name="Acme Analytics", owner_id="dana")
    world.contact("mara", "acme", name="Mara Lind")
    world.score("acme", 72, datetime.now(NOW.tzinfo) - DAY)
    return world


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("critical", *WHO, "--reply", "soon"), 2, "--reply: 'soon' is no length of time"),
        (("critical", *WHO, "--score", "5d"), 2, "--score: '5d' lacks"),
        (("critical", *WHO, "--pause", "4d..2d"), 2, "--pause: '4d..2d' ends before"),
        (("critical", *WHO, "--from-score", "lots"), 2, "--from-score: 'lots' is no score"),
        (("critical", *WHO, "--silent-csm", "--acknowledge", "3h"), 2, "a silent CSM acknowledges nothing"),
        (("critical", *WHO, "--start", "2020-01-01"), 2, "which is past"),
        (("critical", *WHO, "--skip", "1h=phonecall"), 2, "did you mean 'phone_call'"),
        (
            ("critical", *WHO, "--accept", "75h=free_beer"),
            2,
            "--accept: 'free_beer' is nothing",
        ),
        (("critical", *WHO, "--accept", "75h=billing_pause"), 2, "does not say for how many months"),
        (("usage_limit", *WHO, "--upgrade", "Business"), 2, "--upgrade: 'Business' is no length of time"),
        (("usage_limits", *WHO), 3, "did you mean 'usage_limit'"),
        (("critical", *WHO, "--html", "no/such/folder/page.html"), 2, "no file can be written there"),
        (("critical", *WHO, "--module", "no_such_module"), 7, "cannot be imported"),
        (("critical@99", *WHO), 3, "There is no playbook 'critical@99'"),
        (("critical", *WHO, "--compare", "critcal"), 3, "did you mean 'critical'"),
        (("critical", "--customer", "nobody"), 3, "There is no customer 'nobody'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_played(
    cli: Cli, acme: World, arguments: tuple[str, ...], code: int, words: str
) -> None:
    result = cli("rehearse", *arguments)
    assert result.code == code
    assert words in " ".join(result.err.split())
    assert "→" in result.err
    assert "Starting a Temporal server" not in result.err


def test_without_data_there_is_nothing_to_rehearse(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KEEPWELL_DATABASE_URL", f"sqlite:///{tmp_path / 'none.sqlite3'}")
    result = cli("rehearse", "critical", *WHO)
    assert (result.code, [*tmp_path.glob("none*")]) == (3, [])
    assert "There is no database" in result.err
    assert "keepwell demo" in result.err
    assert not (tmp_path / "home").exists()


def test_another_organisation_is_not_made(cli: Cli, acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_ORGANISATION", "elsewhere")
    result = cli("rehearse", "critical", *WHO)
    assert result.code == 3
    assert "has no organisation 'elsewhere'" in result.err


def test_a_timeline_with_every_message_and_a_page(cli: Cli, acme: World, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    result = cli("rehearse", "critical", "-c", "acme", "--reply", "3h", "--stop", "4d", "--html", str(page))
    assert result.code == 0, result.err
    for words in (
        f"Rehearsal of {CRITICAL.label} for Acme Analytics",
        "Nothing is sent",
        "the CSM acknowledges it after 30 min",
        "executive_email: email to the primary contact",
        "Mara Lind <mara@customer.example>",
        "│ Hello Mara,",
        "gate: now",
        "What is not needed any more",
        f"{CRITICAL.label}: responded",
        f"! day 4: the CSM stops it came to nothing. No intervention runs any more: {CRITICAL.label} ended",
    ):
        assert words in result.out
    assert "Playing" in result.err
    assert "The page is in" in result.err
    written = page.read_text()
    assert written.startswith("<!doctype html>")
    assert "Mara Lind" in written
    assert "srcdoc=" in written


def test_two_side_by_side_as_json_and_as_a_page(cli: Cli, acme: World, tmp_path: Path) -> None:
    page = tmp_path / "both.html"
    options = ("--reply", "26h", "--silent-csm", "--stop", "4d")
    result = cli(
        "rehearse", "critical", *WHO, *options, "--compare", "at_risk", "--html", str(page), "--json"
    )
    assert result.code == 0, result.err
    found = result.json
    assert (found["left"]["playbook"], found["right"]["playbook"]) == (CRITICAL.label, "at_risk@1")
    steps = {(pair["state"], (pair["left"] or pair["right"])["step"]) for pair in found["pairs"]}
    assert {("only_left", "executive_email"), ("only_right", "value_email")} <= steps
    sent = [one for one in found["left"]["entries"] if one["step"] == "executive_email"]
    assert sent[0]["messages"][0]["html"]
    assert sent[0]["gate"][0]["answer"] == "now"
    assert "only with at_risk@1" in page.read_text()


def test_two_side_by_side_in_a_terminal(cli: Cli, acme: World) -> None:
    result = cli("rehearse", "at_risk", *WHO, "--stop", "2d", "--compare", "at_risk@1", "--brief")
    assert result.code == 0, result.err
    assert "at_risk@1 and at_risk@1 for Acme Analytics" in result.out
    assert " the same\n" in result.out
    assert "changed" not in result.out


def test_links_to_an_offer_are_no_difference(cli: Cli, acme: World) -> None:
    """A link names the intervention, which is another one on each side."""
    acme.measure("acme", {"usage_percentage": 91.0}, datetime.now(NOW.tzinfo) - DAY)
    result = cli("rehearse", "usage_limit", *WHO, "--stop", "9d", "--compare", "usage_limit@1", "--brief")
    assert result.code == 0, result.err
    assert " the same\n" in result.out
    assert "changed" not in result.out


def test_a_campaign_with_its_offer_accepted(cli: Cli, acme: World) -> None:
    acme.measure("acme", {"usage_percentage": 91.0}, datetime.now(NOW.tzinfo) - DAY)
    result = cli("rehearse", "usage_limit", *WHO, "--accept", "2d=upgrade:Business", "--brief")
    assert result.code == 0, result.err
    for words in (
        "usage is at 91 % of the plan's limit",
        "It begins with Acme Analytics' own figures",
        "to be taken until",
        "The customer accepted: upgrade, onto Business",
        "· upgrade: The next plan, with the first month at half price.",
        "upgrade_set_up: task for the owner",
        "usage_limit@1: converted",
    ):
        assert words in " ".join(result.out.split())


def test_a_score_to_begin_with(cli: Cli, acme: World) -> None:
    result = cli("rehearse", "critical", *WHO, "--from-score", "15", "--reply", "1h", "--json")
    assert result.code == 0, result.err
    assert result.json["score"] == pytest.approx(15, abs=0.1)
    assert result.json["notes"] == [
        "The score of Acme Analytics is 72.0 (HEALTHY); for the rehearsal its figures are lowered evenly "
        "until it is 15"
    ]


def test_a_customer_without_a_score(cli: Cli, acme: World) -> None:
    acme.customer("blue", name="Blue Ltd", owner_id="dana")
    acme.contact("bo", "blue")
    result = cli("rehearse", "critical", "--customer", "blue", "--reply", "1h", "--json")
    assert result.code == 0, result.err
    assert result.json["score"] == pytest.approx(10, abs=0.1)
    assert result.json["notes"] == ["Blue Ltd has no score yet; figures that give 10 are made up for all"]


def test_a_customer_who_is_not_active(cli: Cli, acme: World) -> None:
    acme.change(Customer, "acme", active=False)
    result = cli("rehearse", "critical", *WHO)
    assert result.code == 4
    assert "Acme Analytics is not active: no playbook begins for it." in result.err
    assert "Make it active first." in result.err


DRAFT = f"""
from workflows.critical import CRITICAL, CriticalPlaybook

NEWER = CRITICAL.model_copy(update={{"version": {CRITICAL.version + 7}, "title": "A draft of mine"}})
PLAYBOOKS = ((NEWER, CriticalPlaybook),)
"""


def test_a_draft_of_a_module_at_a_moment_to_come(
    cli: Cli, acme: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment is one of the organisation's time zone; without the module there is no such draft."""
    (tmp_path / "draft_to_rehearse.py").write_text(DRAFT)
    monkeypatch.syspath_prepend(str(tmp_path))
    acme.change(Organisation, acme.organisation, time_zone="Asia/Tokyo")
    label = f"critical@{CRITICAL.version + 7}"
    assert cli("rehearse", label, *WHO).code == 3
    day = (datetime.now(ZoneInfo("Asia/Tokyo")) + 3 * DAY).date()
    module, start = ("--module", "draft_to_rehearse"), ("--start", f"{day}T09:00")
    result = cli("rehearse", label, *WHO, *module, *start, "--reply", "1h", "--json")
    assert result.code == 0, result.err
    assert (result.json["playbook"], result.json["title"]) == (label, "A draft of mine")
    assert result.json["started_at"][:16] == f"{day}T09:00"
    assert result.json["started_at"].endswith("+09:00")


def test_a_campaign_is_for_customers_who_are_well(cli: Cli, acme: World) -> None:
    result = cli("rehearse", "team", *WHO, "--from-score", "12")
    assert result.code == 2
    assert "--from-score: 12 is CRITICAL; team@1 is for customers who are well" in " ".join(
        result.err.split()
    )
    assert "Name a score of at least 60" in result.err
