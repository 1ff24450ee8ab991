"""What the run does with the gate's answers: it waits, goes on with the rest, and is told to look again.

Every run here begins on a Friday evening at half past seven: quiet hours begin at eight, and the days after
it are no business days.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select
from temporalio.client import Client

from keepwell.contracts.commands import Pause, Respond, Resume, Stop
from keepwell.db.engine import Store
from keepwell.db.repositories import switches
from keepwell.db.repositories.absences import add_absence
from keepwell.db.repositories.views_interventions import interventions
from keepwell.db.tables import (
    Contact,
    Delivery,
    Event,
    InterventionStep,
    Organisation,
    OutboxMessage,
    PendingCommand,
    Staff,
)
from keepwell.rehearsal.theatre import LateStarts
from keepwell.temporal.connect import connect_to
from tests.databases import ENGINES
from tests.workflows import stage as stages
from tests.workflows.recording import record
from tests.workflows.stage import DAY, HOUR, Stage

MINUTE = timedelta(minutes=1)
KEY = "acme"


def friday_evening() -> datetime:
    """Half past seven on the first Friday evening that is a day ahead or more."""
    moment = datetime.now(UTC).replace(hour=19, minute=30, second=0, microsecond=0) + 2 * DAY
    return moment + (4 - moment.weekday()) % 7 * DAY


@dataclass
class Evening:
    """A stage on which runs begin on a Friday evening."""

    stage: Stage
    began: datetime
    ahead: dict[str, timedelta]

    @property
    def monday(self) -> datetime:
        """When it is decent again to write."""
        return self.began + 2 * DAY + 12 * HOUR + 30 * MINUTE

    async def falls(self, key: str = KEY, points: float = 12) -> str:
        """A customer falls to `points`, and its playbook begins; the intervention."""
        stage = self.stage
        stage.customer(key)
        stage.clocks[key] = self.began
        self.ahead[stage.handle(key).id] = self.began - datetime.now(UTC)
        await stage.score(key, points)
        await stage.clock.forward_to(stage.handle(key), self.began)
        return (await stage.opened(key)).id

    async def forward_to(self, moment: datetime, key: str = KEY) -> None:
        """Let time pass until a moment and a minute, in two skips: at the moment itself runs are at work."""
        await self.stage.forward(key, moment + MINUTE - self.stage.clocks[key])

    def manners(self, **fields: object) -> None:
        """Quiet hours and the like of the organisation."""
        self.stage.world.change(Organisation, self.stage.world.organisation, **fields)

    def sent(self, step: str, key: str = KEY) -> Delivery:
        """The row of a step's message."""
        (row,) = self.stage.rows(Delivery, customer_id=key, step=step)
        assert isinstance(row, Delivery)
        return row

    def gone(self, step: str, key: str = KEY) -> datetime | None:
        """When a step's message went out, to the minute; None if it did not."""
        at = self.sent(step, key).accepted_at
        return at and at.replace(second=0, microsecond=0)

    async def now(self, key: str = KEY) -> datetime:
        """The time on the clock of a customer's run, which goes on with the real one between skips."""
        return await self.stage.clock.now(self.stage.handle(key))

    def went_at(self, step: str, since: datetime) -> bool:
        """Whether a step's message went out at once after a moment."""
        at = self.sent(step).accepted_at
        return at is not None and since <= at < since + MINUTE

    def step(self, intervention: str, name: str) -> InterventionStep:
        """A step as it stands."""
        (row,) = self.stage.rows(InterventionStep, intervention_id=intervention, name=name)
        assert isinstance(row, InterventionStep)
        return row


@pytest.fixture(params=["sqlite"])
def evening_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """SQLite, or what a test asks for where the engine makes a difference."""
    store = Store(request.getfixturevalue(f"{request.param}_url"))
    yield store
    store.dispose()


@pytest.fixture
async def evening(
    evening_store: Store, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Evening]:
    ahead: dict[str, timedelta] = {}

    async def late(address: str) -> Client:
        config = (await connect_to(address)).config()
        config["interceptors"] = [*config["interceptors"], LateStarts(ahead)]
        return Client(**config)

    monkeypatch.setattr(stages, "connect_to", late)
    async with stages.stage(evening_store, temporal_address) as opened:
        made = Evening(opened, friday_evening(), ahead)
        made.manners(quiet_from="20:00", quiet_until="08:00", business_days="12345")
        yield made


async def look_again(evening: Evening, key: str = KEY) -> None:
    """What the teller does with a pending command that says no more than this."""
    await evening.stage.handle(key).signal("look_again")


async def test_a_weekend_puts_messages_off_and_nothing_else(evening: Evening) -> None:
    one = await evening.falls()
    await evening.forward_to(evening.began + 27 * HOUR)
    assert evening.gone("executive_email") == evening.began, "half an hour before the quiet hours"
    outreach = evening.sent("csm_outreach")
    assert (outreach.state, outreach.waits_for, outreach.deferred_until) == (
        "deferred",
        "hours",
        evening.monday,
    )
    words = f"Quiet hours, Saturday, Sunday until {evening.monday:%a %d %b} 08:00 in UTC"
    assert outreach.reason == words
    (task,) = [row for row in evening.stage.tasks(KEY) if row.step == "phone_call"]
    saturday = evening.began + DAY
    assert task.created_at.replace(second=0, microsecond=0) == saturday, "people have the task at its time"
    assert evening.gone("alert_csm") == evening.began, "urgent, to staff"
    with evening.stage.store.read() as session:
        (line,) = interventions(session, evening.stage.world.organisation, evening.began + 27 * HOUR)
    assert line.next_step == "alternative_contact", "the first to come, whatever was put off"

    await evening.forward_to(evening.monday)
    assert [evening.gone(name) for name in ("csm_outreach", "roadmap_email", "alternative_contact")] == [
        evening.monday
    ] * 3
    mails = [row for row in evening.stage.outbox(KEY) if row.channel == "email"]
    assert [row.key.split("/")[3] for row in mails] == [
        "executive_email",
        "csm_outreach",
        "roadmap_email",
        "alternative_contact",
    ], "of those that go together the first planned goes first"
    assert mails[2].attachments, "the document was there on Friday"
    told = [line for line in evening.stage.timeline(one) if "missed" in line]
    assert told == [], "a deferral by quiet hours is no miss"
    await evening.stage.command(KEY, Stop)
    await record(evening.stage, "put_off")


async def test_an_answer_cancels_what_was_put_off(evening: Evening) -> None:
    one = await evening.falls()
    await evening.forward_to(evening.began + 3 * HOUR)
    await evening.stage.command(KEY, Respond, note="They will call")
    await evening.stage.eventually(
        lambda: evening.stage.steps(one)["csm_outreach"], lambda s: s == "cancelled"
    )
    await evening.forward_to(evening.monday)
    assert evening.gone("csm_outreach") is None
    assert evening.gone("roadmap_email") == evening.monday, "it was promised, answer or not"


async def test_who_opts_out_while_a_message_waits_hears_nothing(evening: Evening) -> None:
    one = await evening.falls()
    await evening.forward_to(evening.began + 3 * HOUR)
    evening.stage.world.change(Contact, f"{KEY}-0", consent="denied")
    await evening.forward_to(evening.monday)
    assert [evening.sent(name).state for name in ("csm_outreach", "roadmap_email")] == ["skipped"] * 2
    assert "withdrawn consent" in evening.step(one, "csm_outreach").why
    await evening.stage.command(KEY, Stop)


async def test_a_pause_keeps_what_is_left_of_a_wait(evening: Evening) -> None:
    one = await evening.falls()
    await evening.forward_to(evening.began + 3 * HOUR)
    await evening.stage.command(KEY, Pause, reason="They are moving office")
    await evening.forward_to(evening.began + 9 * HOUR)
    await evening.stage.command(KEY, Resume)
    later = evening.monday + 6 * HOUR
    shown = await evening.stage.eventually(
        lambda: evening.step(one, "csm_outreach").deferred_until, lambda at: at != evening.monday
    )
    assert shown is not None
    assert abs(shown - later) < MINUTE
    await evening.forward_to(evening.monday)
    assert evening.gone("csm_outreach") is None
    await evening.forward_to(later)
    assert evening.gone("csm_outreach") is not None
    await evening.stage.command(KEY, Stop)
    await record(evening.stage, "put_off_and_paused")


async def test_told_to_look_again_it_tries_at_once(evening: Evening) -> None:
    await evening.falls()
    await evening.forward_to(evening.began + 3 * HOUR)
    evening.manners(quiet_from="", quiet_until="", business_days="")
    assert evening.gone("csm_outreach") is None
    before = await evening.now()
    await look_again(evening)
    await evening.stage.eventually(lambda: evening.gone("roadmap_email"), bool)
    assert evening.went_at("csm_outreach", before)
    await evening.stage.command(KEY, Stop)
    await record(evening.stage, "looked_again")


async def test_told_in_vain_it_goes_on_waiting(evening: Evening) -> None:
    await evening.falls()
    await evening.forward_to(evening.began + 3 * HOUR)
    asked = evening.sent("csm_outreach").updated_at
    await look_again(evening)
    again = await evening.stage.eventually(
        lambda: evening.sent("csm_outreach"), lambda row: row.updated_at > asked
    )
    assert (again.state, again.deferred_until) == ("deferred", evening.monday)
    await evening.forward_to(evening.monday)
    assert evening.gone("csm_outreach") == evening.monday
    await evening.stage.command(KEY, Stop)


async def test_a_message_put_off_past_the_end_still_goes(evening: Evening) -> None:
    """It goes out on Mondays alone, until seven; the playbook closes after a week, on a Friday."""
    evening.manners(business_days="1", quiet_from="19:00")
    one = await evening.falls()
    await evening.forward_to(evening.monday)
    assert evening.gone("csm_outreach") == evening.monday
    await evening.forward_to(evening.began + 8 * DAY)
    assert evening.sent("final_offer").state == "deferred", "it came at half past seven on Monday"
    assert evening.stage.interventions(KEY)[0].outcome is None, "its week is over, and it waits"
    result = await evening.stage.until_end(KEY)
    assert result["outcome"] == "completed"
    assert evening.gone("final_offer") == evening.monday + 7 * DAY
    assert evening.stage.steps(one)["final_offer"] == "done"
    await record(evening.stage, "put_off_past_the_end")


async def test_a_stop_holds_messages_until_it_is_lifted(evening: Evening) -> None:
    """Thrown for its playbook before that begins, lifted two hours later."""
    evening.manners(quiet_from="", quiet_until="", business_days="")
    stage, organisation = evening.stage, evening.stage.world.organisation
    stage.customer("other")
    what = switches.Stop(organisation, "playbook", "critical")
    with stage.store.write() as session:
        assert switches.throw(session, what, reason="a wrong figure", by="Dana", now=evening.began)
    await evening.falls()
    await evening.forward_to(evening.began + 2 * HOUR)
    first = evening.sent("executive_email")
    assert (first.state, first.waits_for) == ("deferred", "switch")
    assert first.reason == "Sending of critical was stopped by Dana: a wrong figure"
    assert evening.sent("alert_csm").state == "deferred", "urgent or not"
    with stage.store.write() as session:
        assert switches.lift(session, what, reason="", by="Lena", now=stage.clocks[KEY]) == 1
    (waiting,) = stage.rows(PendingCommand, customer_id=KEY)
    assert waiting.command == {}
    before = await evening.now()
    await look_again(evening)
    await stage.eventually(lambda: evening.gone("executive_email"), bool)
    assert evening.went_at("executive_email", before)
    await stage.command(KEY, Stop)
    await record(stage, "stopped_and_lifted")


@pytest.mark.parametrize("evening_store", ENGINES, indirect=True)
async def test_of_two_playbooks_under_a_cap_the_graver_goes_first(evening: Evening) -> None:
    """One message may go out in 24 hours; a high-risk playbook's waits behind a critical one's."""
    evening.manners(quiet_from="", quiet_until="", business_days="", daily_cap=1)
    stage = evening.stage
    await evening.falls("grave")
    await evening.forward_to(evening.began + 90 * MINUTE, "grave")
    assert evening.gone("executive_email", "grave") == evening.began
    full = evening.sent("csm_outreach", "grave")
    assert full.reason == "Brightdesk Ltd has sent 1 of 1 messages within 24 hours"
    assert full.waits_for == "room"
    await evening.falls("mild", 30)
    await evening.forward_to(evening.began + 90 * MINUTE, "mild")
    mild = [row for row in stage.deliveries("mild") if row.recipient_kind == "contact"]
    assert {row.state for row in mild} == {"deferred"}
    until = evening.began + DAY
    for key in ("mild", "grave"):
        # The milder one's run is the first to come to the moment at which there is room.
        await evening.forward_to(until + 10 * MINUTE, key)
    assert evening.gone("csm_outreach", "grave") is not None
    mild = [row for row in stage.deliveries("mild") if row.recipient_kind == "contact"]
    assert {row.state for row in mild} == {"deferred"}
    assert "waits behind critical" in mild[0].reason
    await asyncio.gather(*(stage.command(key, Stop) for key in ("mild", "grave")))


async def test_who_is_away_by_the_time_a_message_may_go_does_not_get_it(evening: Evening) -> None:
    one = await evening.falls(points=30)
    await evening.forward_to(evening.began + 12 * HOUR)
    waiting = evening.sent("tell_cover")
    assert (waiting.state, waiting.recipient_name) == ("deferred", "Omar Haddad")
    with evening.stage.store.write() as session:
        omar, dana = session.get_one(Staff, "omar"), session.get_one(Staff, "dana")
        days = evening.began.date(), evening.monday.date()
        now = evening.began + 12 * HOUR
        add_absence(session, omar, *days, cover=dana, reason="", by="lena", now=now)
    await evening.forward_to(evening.monday)
    gone = evening.sent("tell_cover")
    assert (gone.state, gone.key) == ("accepted", waiting.key)
    assert gone.recipient_name != "Omar Haddad"
    (mail,) = [row for row in evening.stage.rows(OutboxMessage) if row.key == gone.key]
    assert mail.address == gone.address
    with evening.stage.store.read() as session:
        query = select(Event).where(Event.kind == "delivery.readdressed", Event.intervention_id == one)
        (line,) = session.exec(query).all()
    assert line.text == f"tell_cover: slack goes to {gone.recipient_name} instead of Omar Haddad"
