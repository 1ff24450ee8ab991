"""The gate of production: who may be written to at this moment, and why others may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from keepwell.adapters.gate import ASK_AGAIN, StoreGate
from keepwell.contracts.delivery import DoNotGo, GateAnswer, GoAt, GoNow, Recipient, WaitsFor
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.people import Purpose
from keepwell.db.engine import Store
from keepwell.db.repositories.wishes import set_preference
from keepwell.db.tables import Contact, Customer, Health, Intervention, Organisation, Staff
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL

PAT = Recipient(id="pat", kind="contact", name="Pat Person", address="pat@acme.example", time_zone="UTC")
DANA = Recipient(id="dana", kind="staff", name="Dana Reyes", address="U1", time_zone="UTC")
RISK, CAMPAIGN = "risk", "campaign"


@pytest.fixture
def world(sqlite_store: Store) -> World:
    """A customer who is well, with a risk playbook that ended a month ago, and a campaign that runs."""
    made = World(sqlite_store)
    made.staff("dana")
    made.customer("acme")
    made.contact("pat", "acme", consent="granted")
    made.score("acme", 72, NOW - DAY)
    made.intervention("over", "acme", outcome="completed", outcome_why="All is done", ended_at=NOW - 30 * DAY)
    made.intervention(CAMPAIGN, "acme", family="expansion", playbook="usage_limit")
    return made


def ask(
    world: World, recipient: Recipient = PAT, channel: str = "email", intervention: str = CAMPAIGN
) -> GateAnswer:
    call = StepCall(
        organisation=world.organisation,
        customer="acme",
        intervention=intervention,
        playbook="mine@1",
        step=CRITICAL.steps[0],
        templates={},
        now=NOW,
    )
    return StoreGate(world.store).ask(call, recipient, channel)


@pytest.mark.parametrize("channel", ["email", "in_app", "slack"])
def test_who_is_fine_hears_from_us_now(world: World, channel: str) -> None:
    assert ask(world, channel=channel) == GoNow()
    assert ask(world, DANA, channel) == GoNow()


def test_a_suppressed_address_gets_no_email_and_other_channels_stay_open(world: World) -> None:
    world.suppress(PAT.address)
    assert ask(world) == DoNotGo(reason="Pat Person's address is suppressed: bounced")
    assert ask(world, channel="in_app") == GoNow()
    world.change(Contact, "pat", name="Jo Ames", email="other@acme.example")
    assert ask(world) == DoNotGo(reason="Jo Ames' address is suppressed: bounced"), "it goes where it went"


def test_who_has_unsubscribed_from_a_purpose_hears_of_others(world: World) -> None:
    with world.store.write() as session:
        pat = session.get_one(Contact, "pat")
        set_preference(session, pat, Purpose.OFFERS, False, source="page", by="customer", now=NOW)
    assert ask(world) == DoNotGo(reason="Pat Person has unsubscribed from offers")
    assert ask(world, channel="in_app") == DoNotGo(reason="Pat Person has unsubscribed from offers")
    assert ask(world, DANA) == GoNow()
    world.change(Intervention, CAMPAIGN, family="risk")
    assert ask(world) == GoNow()


Change = Callable[[World], None]


def no_consent(world: World) -> None:
    world.change(Contact, "pat", consent="denied")


def consent_asked(world: World) -> None:
    world.change(Organisation, world.organisation, consent_required=True)
    world.change(Contact, "pat", consent="unknown")


def contact_left(world: World) -> None:
    world.change(Contact, "pat", active=False)


@pytest.mark.parametrize("channel", ["email", "in_app"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (no_consent, "Pat Person has withdrawn consent"),
        (consent_asked, "Pat Person has not given consent, and Brightdesk Ltd asks for it"),
        (contact_left, "Pat Person is not a contact any more"),
    ],
)
def test_a_contact_who_may_not_be_written_to(world: World, change: Change, reason: str, channel: str) -> None:
    change(world)
    assert ask(world, channel=channel) == DoNotGo(reason=reason)
    assert ask(world, DANA, channel) == GoNow(), "staff need no consent"


def test_consent_that_nobody_asks_for_may_be_unknown(world: World) -> None:
    world.change(Contact, "pat", consent="unknown")
    assert ask(world) == GoNow()
    world.change(Organisation, world.organisation, consent_required=True)
    world.change(Contact, "pat", consent="granted")
    assert ask(world) == GoNow()


def test_somebody_unknown_gets_nothing(world: World) -> None:
    nobody = {"id": "nobody", "name": "Who Ever"}
    assert ask(world, PAT.model_copy(update=nobody)) == DoNotGo(reason="Who Ever is not a contact any more")
    assert ask(world, DANA.model_copy(update=nobody)) == DoNotGo(
        reason="Who Ever does not work here any more"
    )


def test_staff_who_left_get_nothing(world: World) -> None:
    world.change(Staff, "dana", active=False)
    assert ask(world, DANA, "slack") == DoNotGo(reason="Dana Reyes does not work here any more")
    assert ask(world) == GoNow()


def test_nothing_goes_out_for_an_intervention_that_is_over(world: World) -> None:
    refused = DoNotGo(reason="The intervention has ended: All is done")
    assert ask(world, intervention="over") == refused
    assert ask(world, DANA, "slack", "over") == refused


def test_nothing_goes_out_about_a_customer_who_is_not_active(world: World) -> None:
    world.change(Customer, "acme", active=False)
    refused = DoNotGo(reason="The customer is not active any more")
    assert ask(world) == refused
    assert ask(world, DANA, "slack") == refused


def test_a_campaign_waits_while_the_customer_is_at_risk_and_a_risk_playbook_does_not(world: World) -> None:
    """Whether or not the campaign's run was told; what the staff read goes out."""
    world.intervention(RISK, "acme", version=2)
    world.change(Health, "acme", level="CRITICAL")
    wait = GoAt(at=NOW + ASK_AGAIN, reason="critical@2 runs: the level is CRITICAL", waits_for=WaitsFor.VOICE)
    assert ask(world) == ask(world, channel="in_app") == wait
    assert ask(world, DANA, "slack") == GoNow()
    assert ask(world, intervention=RISK) == GoNow()
    world.change(Intervention, RISK, outcome="responded", outcome_why="They answered", ended_at=NOW)
    assert ask(world) == GoAt(
        at=NOW + ASK_AGAIN, reason="No playbook runs, but the level is CRITICAL", waits_for=WaitsFor.VOICE
    )
    world.change(Health, "acme", level="HEALTHY")
    assert ask(world) == GoNow()


def test_a_customer_at_risk_who_may_not_be_written_to_is_asked_about_again(world: World) -> None:
    """Consent is looked at when the message may go, not before."""
    world.change(Health, "acme", level="AT_RISK")
    no_consent(world)
    assert ask(world) == GoAt(
        at=NOW + ASK_AGAIN, reason="No playbook runs, but the level is AT_RISK", waits_for=WaitsFor.VOICE
    )
