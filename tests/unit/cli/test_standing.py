"""What lists and timelines say of where an intervention stands, after what its run was told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keepwell.contracts.commands import Accept, Acknowledge, Command, Complete, Pause, Respond
from keepwell.contracts.intervention import ENGINE_NOW, InterventionInput, Opened, Record, ScoreChange
from keepwell.contracts.offers import OfferKind
from keepwell.contracts.playbook import Audience
from keepwell.contracts.playbook import Offer as OfferStep
from keepwell.contracts.rendering import Rendered
from keepwell.db.repositories.interventions import InterventionRepository
from keepwell.db.repositories.steps import StepRepository
from keepwell.db.tables import Intervention, Opportunity
from scoring.levels import Level
from tests.unit.cli.conftest import Begun, Cli
from tests.unit.db.world import DAY, World
from workflows.critical import CRITICAL
from workflows.state import RunState

HOUR = timedelta(hours=1)
Told = Callable[..., str]


@pytest.fixture
def told(begun: Begun) -> Told:
    """Tells the intervention a command, as its run takes it and writes it down; gives the answer."""
    change = ScoreChange(
        transition="t", sequence=1, level=Level.CRITICAL, previous=None, score=12.0, at=begun.started
    )
    state = RunState.of(
        InterventionInput(
            organisation=begun.world.organisation,
            customer=begun.customer,
            start="start-1",
            change=change,
            playbook=CRITICAL,
            engine=ENGINE_NOW,
        )
    )
    state.begin(
        Opened(
            intervention=begun.id,
            customer_name="Acme Analytics",
            owner="dana",
            owner_name="Dana Reyes",
            started_at=begun.started,
        )
    )

    def tell(kind: type[Any], **fields: Any) -> str:
        command: Command = kind(id=f"k{len(state.seen)}", intervention=begun.id, by="root", **fields)
        answer = state.receive(command, begun.started + HOUR)
        record = Record(
            organisation=begun.world.organisation,
            customer=begun.customer,
            intervention=begun.id,
            notes=tuple(state.notes),
        )
        InterventionRepository(begun.world.store).record(record)
        state.notes = []
        return answer

    return tell


def ahead(cli: Cli) -> list[dict[str, Any]]:
    return [line for line in cli("intervention", "acme", "--json").json["timeline"] if line["planned"]]


def test_an_answer_ends_it_after_what_was_promised(cli: Cli, told: Told, begun: Begun) -> None:
    assert "ends, if nobody has answered" in cli("intervention", "acme").out
    told(Respond, note="call me")
    last = ahead(cli)[-1]
    assert last["title"] == "ends as responded, when what was promised is done"
    # What is left was due by now, so it ends now; without an answer it would have waited for days.
    assert datetime.fromisoformat(last["at"]) < begun.started + 3 * HOUR
    text = cli("intervention", "acme").out
    assert "nobody has answered" not in text
    assert "The customer answered (logged by root)" in text


def test_nothing_left_after_the_answer(cli: Cli, told: Told, begun: Begun) -> None:
    for step in ("executive_email", "assign_csm", "alert_csm", "roadmap", "roadmap_email"):
        told(Complete, step=step)
    told(Respond)
    assert [line["title"] for line in ahead(cli)] == ["ends as responded, now: nothing is left to do"]


def test_an_accepted_offer_ends_it_as_accepted(cli: Cli, told: Told) -> None:
    told(Accept, option=OfferKind.DEDICATED_SUPPORT)
    lines = ahead(cli)
    assert lines[-1]["title"] == "ends as accepted, when what was promised is done"
    assert lines[-1]["why"] == "The customer has accepted: dedicated support"
    assert lines[-1]["at"] == max(line["at"] for line in lines)
    assert "The customer accepted: dedicated support (logged by root)" in cli("intervention", "acme").out


def test_where_it_stands_is_one_word_in_all_views(cli: Cli, told: Told, begun: Begun) -> None:
    def seen() -> set[str]:
        (line,) = cli("interventions", "--json").json["interventions"]
        word = line["standing"]
        return {word for view in ("interventions", "intervention", "customer") if word in shown(view)} or {""}

    def shown(view: str) -> str:
        return cli(view, *([] if view == "interventions" else ["acme"])).out

    assert seen() == {"open"}
    told(Acknowledge)
    assert seen() == {"acknowledged"}
    told(Respond)
    assert seen() == {"answered"}
    for view in ("interventions", "customer"):
        assert "answered" in shown(view)
        assert "acknowledged" not in shown(view)
    begun.world.change(Intervention, begun.id, held_why="The level is AT_RISK", held_at=begun.started)
    assert "held: The level is AT_RISK" in shown("intervention")
    assert "once the customer is well" in shown("interventions")
    told(Pause)
    assert seen() == {"paused"}


def test_what_was_agreed_on_the_phone_was_never_offered(cli: Cli, told: Told, begun: Begun) -> None:
    told(Accept, option=OfferKind.BILLING_PAUSE, months=2)
    row = next(line for line in cli("offer", "list").out.splitlines() if line.startswith("Acme"))
    assert row.split()[2:6] == ["accepted", "–", "–", "billing"]
    assert cli("offer", "list", "--json").json["offers"][0]["early"]


def test_offers_of_one_customer(cli: Cli, told: Told, begun: Begun) -> None:
    offer(begun)
    begun.world.customer("calm", name="Calm Ltd")
    assert len(cli("offer", "list", "--customer", "acme", "--json").json["offers"]) == 1
    assert "No offer fits." in cli("offer", "list", "--customer", "Calm").out
    assert cli("offer", "list", "--customer", "nobody").code == 3


def offer(begun: Begun) -> None:
    step = CRITICAL.offer
    assert isinstance(step, OfferStep)
    StepRepository(begun.world.store).add_offer(begun.call(step.name, begun.started + 72 * HOUR), step)


def test_a_downgrade_needs_its_plan(cli: Cli, begun: Begun) -> None:
    refused = cli("offer", "accept", "acme", "plan_downgrade")
    assert (refused.code, "--plan: A downgrade needs the plan" in refused.err) == (2, True)
    assert cli("offer", "accept", "acme", "plan_downgrade", "--plan", " ").code == 2
    # With a plan, it is the server that is missing here.
    assert cli("offer", "accept", "acme", "plan_downgrade", "--plan", "Basic").code == 5


def test_a_timeline_says_once_that_it_began(cli: Cli, begun: Begun) -> None:
    found = cli("intervention", "acme", "--json").json["timeline"]
    (began,) = [line for line in found if line["source"] == "event"]
    assert began["title"] == f"{CRITICAL.label} began for Acme Analytics"
    assert began["why"] == "The level went from HEALTHY to CRITICAL, score 12.0"


def test_moments_are_in_the_organisations_zone(cli: Cli, begun: Begun) -> None:
    cli("organisation", "set", "time_zone=Asia/Tokyo")
    steps = StepRepository(begun.world.store)
    due = begun.started + 25 * HOUR
    text = Rendered(subject="Call them", text="now")
    steps.add_task(begun.call("phone_call", begun.started), "step", Audience.OWNER, due, text)
    offer(begun)
    assert CRITICAL.offer is not None
    until = begun.started + 72 * HOUR + CRITICAL.offer.valid_for + 9 * HOUR
    shown = cli("intervention", "acme").out
    assert f"offered until {until:%d %b %Y %H:%M} JST: billing pause" in shown
    assert shown.count(f"due {due + 9 * HOUR:%d %b %H:%M}") == 1
    assert "UTC" not in shown


def test_the_worst_come_first_and_campaigns_after_them(cli: Cli, begun: Begun) -> None:
    world, now = begun.world, begun.started + HOUR
    stands = (
        ("thriving", "expansion", "THRIVING", 90.0),
        ("mild", "risk", "AT_RISK", 55.0),
        ("worse", "risk", "CRITICAL", 3.0),
        ("low", "risk", "AT_RISK", 41.0),
    )
    for number, (key, family, level, score) in enumerate(stands):
        world.customer(key)
        world.score(key, 70, now - DAY)
        world.intervention(f"i-{key}", key, family=family, started_at=now + number * HOUR)
        world.change(Intervention, f"i-{key}", level=level, score=score)
    found = cli("interventions", "--json").json["interventions"]
    assert [one["customer_id"] for one in found] == ["worse", "acme", "low", "mild", "thriving"]


def test_a_running_opportunity_names_its_campaign(cli: Cli, world: World) -> None:
    now = datetime.now(UTC)
    world.customer("acme", name="Acme")
    world.score("acme", 70, now - DAY)
    world.intervention("i-1", "acme", family="expansion", playbook="usage_limit", started_at=now)
    world.add(
        Opportunity(
            id="p-1",
            organisation_id=world.organisation,
            customer_id="acme",
            signal="USAGE_LIMIT_APPROACHING",
            urgency="HIGH",
            value=None,
            currency="EUR",
            action="PROACTIVE_UPGRADE_OUTREACH",
            words="usage is at 84 %",
            evidence={},
            state="running",
            detected_at=now,
            seen_at=now,
            intervention_id="i-1",
        )
    )
    assert f"usage_limit@1 runs since {now:%d %b %Y}" in cli("opportunities").out


NARROW = (
    ("interventions", ("Customer", "Level", "Score", "State", "Next")),
    ("customers", ("Customer", "Score", "Level", "Owner", "Playbook")),
    ("outbox", ("When", "Customer", "To", "Subject")),
)


@pytest.mark.parametrize(("command", "kept"), NARROW)
def test_a_narrow_terminal_keeps_what_matters_and_names_the_rest(
    cli: Cli, begun: Begun, monkeypatch: pytest.MonkeyPatch, command: str, kept: tuple[str, ...]
) -> None:
    begun.send("executive_email", begun.started)
    wide = cli(command).out.splitlines()[0].split()
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli(command).out.split("\n\n")[0].splitlines()
    assert max(map(len, lines)) <= 80
    assert set(kept) <= set(lines[0].split())
    foot = lines[-1] if lines[-1].startswith("A wider terminal or --json shows: ") else ""
    named = foot.removeprefix("A wider terminal or --json shows: ").rstrip(".")
    assert set(wide) == {*lines[0].split(), *(named.split(", ") if named else ())}


def test_words_are_not_broken_at_80_columns(cli: Cli, begun: Begun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = cli("interventions").out
    assert "executive_email" in table
    assert "CRITICAL" in table
    assert "A wider terminal or --json shows: " in table
