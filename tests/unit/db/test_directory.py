"""Who gets a message, in whose name it goes out, and the reason where there is nobody."""

from __future__ import annotations

import pytest

from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import Audience, Channel, Send, Sender
from keepwell.db.engine import Store
from keepwell.db.repositories.directory import DirectoryRepository
from keepwell.db.tables import Contact, Customer, Delivery, Intervention, Organisation, Staff
from keepwell.errors import NotFoundError
from tests.unit.db.world import NOW, World

FIRST, OTHER = Audience.PRIMARY_CONTACT, Audience.ALTERNATE_CONTACT
EMAIL = "email"


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.customer("acme")
    made.score("acme", 10, NOW)
    made.intervention("i-1", "acme")
    return made


def call_of(step: str = "alternative_contact", intervention: str = "i-1") -> StepCall:
    return StepCall(
        organisation="org-1",
        customer="acme",
        intervention=intervention,
        playbook="critical@1",
        step=Send(name=step, channel=Channel.EMAIL, template="email/critical/x", why="to test"),
        templates={},
        now=NOW,
    )


def ids(
    world: World, audience: Audience, channel: str = EMAIL, step: str = "alternative_contact"
) -> list[str]:
    found = DirectoryRepository(world.store).recipients(call_of(step), audience, channel)
    assert not isinstance(found, str), found
    return [recipient.id for recipient in found]


def reason(world: World, audience: Audience, channel: str = EMAIL) -> str:
    found = DirectoryRepository(world.store).recipients(call_of(), audience, channel)
    assert isinstance(found, str)
    return found


def delivered(
    world: World, contact: str, state: str, step: str = "csm_outreach", channel: str = EMAIL
) -> None:
    world.add(
        Delivery(
            key=f"{contact}/{step}/{channel}",
            organisation_id="org-1",
            customer_id="acme",
            intervention_id="i-1",
            step=step,
            channel=channel,
            recipient_id=contact,
            recipient_kind="contact",
            state=state,
            planned_at=NOW,
            updated_at=NOW,
        )
    )


def test_contacts_come_by_role_then_name(world: World) -> None:
    world.contact("zoe", "acme", role="champion")
    world.contact("bob", "acme", role="billing")
    world.contact("amy", "acme", role="champion")
    world.contact("dan", "acme", role="decision_maker")
    assert ids(world, FIRST) == ["dan", "amy", "zoe", "bob"]


def test_a_recipient_has_address_and_time_zone(world: World) -> None:
    world.contact("dan", "acme", time_zone="Europe/Lisbon")
    directory = DirectoryRepository(world.store)

    def zone() -> str:
        found = directory.recipients(call_of(), FIRST, EMAIL)
        assert not isinstance(found, str)
        assert (found[0].name, found[0].address, found[0].kind) == (
            "Dan Person",
            "dan@customer.example",
            "contact",
        )
        return found[0].time_zone

    assert zone() == "Europe/Lisbon"
    world.change(Contact, "dan", time_zone="")
    world.change(Customer, "acme", time_zone="Asia/Tokyo")
    assert zone() == "Asia/Tokyo"
    world.change(Customer, "acme", time_zone="Middle/Earth")
    world.change(Organisation, "org-1", time_zone="America/Lima")
    assert zone() == "America/Lima"


def test_only_who_may_and_can_be_written_to(world: World) -> None:
    assert reason(world, FIRST) == "Acme has no contact"
    world.contact("gone", "acme", active=False)
    assert reason(world, FIRST) == "Acme has no active contact"
    world.contact("dumb", "acme", email="")
    assert reason(world, FIRST) == "no contact at Acme has an email address"
    assert ids(world, FIRST, "in_app") == ["dumb"]
    assert reason(world, FIRST, "slack") == "contacts cannot be reached by Slack"
    world.change(Contact, "dumb", email="d@customer.example", consent="denied")
    assert reason(world, FIRST) == "the only contact at Acme withdrew consent"
    world.contact("two", "acme", consent="denied")
    assert reason(world, FIRST) == "all 2 contacts at Acme withdrew consent"
    world.contact("three", "acme")
    world.suppress("three@customer.example")
    assert reason(world, FIRST) == (
        "none of the 3 contacts at Acme can be written to: 2 withdrew consent, 1 suppressed (bounced)"
    )
    world.contact("four", "acme")
    assert ids(world, FIRST) == ["four"]
    world.change(Organisation, "org-1", consent_required=True)
    assert "2 gave no consent, which the organisation requires" in reason(world, FIRST)
    world.change(Contact, "four", consent="granted")
    assert ids(world, FIRST) == ["four"]


def test_the_alternate_has_not_been_written_to(world: World) -> None:
    for name in ("amy", "ben", "cay"):
        world.contact(name, "acme")
    assert ids(world, OTHER) == ["ben", "cay"]
    delivered(world, "amy", "accepted")
    delivered(world, "ben", "skipped")
    delivered(world, "ben", "accepted", step="hint", channel="in_app")
    assert ids(world, OTHER) == ["ben", "cay"]
    # Who the step itself has written to stays its recipient when it is tried again.
    delivered(world, "ben", "unknown", step="alternative_contact")
    assert ids(world, OTHER) == ["ben", "cay"]
    assert ids(world, OTHER, step="later") == ["cay"]
    delivered(world, "cay", "bounced")
    assert ids(world, OTHER, step="alternative_contact") == ["ben"]
    delivered(world, "ben", "delivered", step="again")
    assert reason(world, OTHER) == "there is no other contact at Acme than the one already written to"


def test_after_a_bounce_the_next_one_is_the_alternate(world: World) -> None:
    world.contact("amy", "acme")
    world.suppress("amy@customer.example")
    world.contact("ben", "acme")
    delivered(world, "amy", "bounced")
    assert ids(world, OTHER) == ["ben"]


def test_owner_gives_way_to_the_lead(world: World) -> None:
    assert reason(world, Audience.OWNER) == (
        "Brightdesk Ltd has neither an owner, a lead nor an executive among its active staff"
    )
    world.staff("eve", role="executive")
    assert ids(world, Audience.OWNER) == ["eve"]
    world.staff("lou", role="lead")
    assert ids(world, Audience.OWNER) == ["lou"]
    world.staff("mia")
    world.staff("ola", manager_id="mia")
    world.change(Intervention, "i-1", owner_id="ola")
    assert ids(world, Audience.OWNER) == ["ola"]
    world.change(Staff, "ola", active=False)
    assert ids(world, Audience.OWNER) == ["mia"]
    world.change(Staff, "mia", active=False)
    assert ids(world, Audience.OWNER) == ["lou"]


def test_the_lead_is_somebody_else_than_the_owner_if_possible(world: World) -> None:
    world.staff("lou", role="lead")
    world.change(Intervention, "i-1", owner_id="lou")
    assert ids(world, Audience.LEAD) == ["lou"]
    world.staff("eve", role="executive")
    assert ids(world, Audience.LEAD) == ["eve"]
    world.staff("max", role="lead")
    assert ids(world, Audience.LEAD) == ["max"]


def test_staff_are_found_on_slack_by_id_or_email(world: World) -> None:
    world.staff("lou", role="lead", slack="U123", time_zone="Europe/Paris")
    directory = DirectoryRepository(world.store)
    found = directory.recipients(call_of(), Audience.LEAD, "slack")
    assert not isinstance(found, str)
    assert (found[0].address, found[0].kind, found[0].time_zone) == ("U123", "staff", "Europe/Paris")
    world.change(Staff, "lou", slack="")
    found = directory.recipients(call_of(), Audience.LEAD, "slack")
    assert not isinstance(found, str)
    assert found[0].address == "lou@brightdesk.example"
    world.change(Staff, "lou", email="")
    assert reason(world, Audience.LEAD, "slack") == "Lou Staff has no address for slack"


def test_senders_fall_back_to_the_organisation(world: World) -> None:
    directory = DirectoryRepository(world.store)
    assert directory.sender(call_of(), Sender.EXECUTIVE) == ("Brightdesk Ltd", "")
    world.change(Organisation, "org-1", sender_name="Brightdesk", sender_address="hi@brightdesk.example")
    company = ("Brightdesk", "hi@brightdesk.example")
    assert [directory.sender(call_of(), sender) for sender in Sender] == [company] * 3
    world.staff("lou", role="lead")
    lou = ("Lou Staff", "lou@brightdesk.example")
    assert directory.sender(call_of(), Sender.EXECUTIVE) == lou
    assert directory.sender(call_of(), Sender.OWNER) == lou
    assert directory.sender(call_of(), Sender.COMPANY) == company
    world.staff("eve", role="executive")
    world.staff("ola")
    world.change(Intervention, "i-1", owner_id="ola")
    assert directory.sender(call_of(), Sender.EXECUTIVE)[0] == "Eve Staff"
    assert directory.sender(call_of(), Sender.OWNER)[0] == "Ola Staff"


def test_an_unknown_intervention_is_named(world: World) -> None:
    with pytest.raises(NotFoundError, match="no intervention 'x'"):
        DirectoryRepository(world.store).recipients(call_of(intervention="x"), FIRST, EMAIL)
