"""Drafts and the modes of playbooks in the store, on both engines."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError
from sqlmodel import select, text

from keepwell.contracts.alerts import MonitorCall
from keepwell.contracts.delivery import Accepted, DeliveryState, LedgerRow, Recipient
from keepwell.contracts.drafts import Approved, Frame, Mode, NoApproval, Proposal, TooLate, Undrafted, Waits
from keepwell.contracts.intervention import Miss, Outcome, StepCall, StepState
from keepwell.contracts.playbook import Channel, Send
from keepwell.contracts.rendering import Rendered
from keepwell.db.engine import Store
from keepwell.db.repositories import deciding, modes
from keepwell.db.repositories.closing import close
from keepwell.db.repositories.drafts import DraftRepository
from keepwell.db.repositories.drafts_ending import give_more_time
from keepwell.db.repositories.enrolment import candidates
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.repositories.monitor import MonitorRepository
from keepwell.db.repositories.organisations import get_or_create
from keepwell.db.repositories.steps import StepRepository
from keepwell.db.repositories.views_drafts import draft_detail, drafts
from keepwell.db.tables import (
    Alert,
    Delivery,
    Draft,
    Event,
    Intervention,
    InterventionStep,
    Organisation,
    PendingCommand,
    Task,
)
from keepwell.errors import InputError, RefusedError
from keepwell.rendering.edited import MARK
from scoring.levels import Level
from tests.unit.db.world import NOW, World
from workflows.critical import CRITICAL

HOUR = timedelta(hours=1)
STEP = Send(
    name="executive_email",
    within=HOUR,
    channel=Channel.EMAIL,
    template="email/critical/executive_email",
    why="w",
)
KEY = "org-1/i-1/critical@3/executive_email/ann/email"
ANN = Recipient(id="ann", kind="contact", name="Ann Lee", address="ann@acme.example", time_zone="UTC")
FOOTER = "--\nYou get this because. https://k.example/u/abc1"
PROPOSAL = Proposal(
    text=Rendered(subject="Hello", text=f"Dear Ann,\n\nhow are you?\n\n{FOOTER}", html="<p>laid out</p>"),
    frame=Frame(
        text=f"{MARK}\n\n{FOOTER}2", html=f"<div>{MARK}</div><footer>https://k.example/u/abc2</footer>"
    ),
)


def call(at: timedelta = timedelta()) -> StepCall:
    """The step's call, so long after the start."""
    return StepCall(
        organisation="org-1",
        customer="acme",
        intervention="i-1",
        playbook="critical@3",
        step=STEP,
        templates={},
        now=NOW + at,
    )


class Scene:
    """An intervention whose first message is planned."""

    def __init__(self, world: World) -> None:
        self.world, self.store = world, world.store
        self.drafts, self.ledger = DraftRepository(world.store), LedgerRepository(world.store)
        self.row = self.ledger.plan(call(), KEY, ANN, "email")

    def seen(self) -> LedgerRow:
        """The row in the ledger as an attempt sees it."""
        return self.ledger.rows_of(call())[0]

    def keep(self) -> str:
        """Keep a draft; its id."""
        assert isinstance(self.drafts.keep(call(), self.row, PROPOSAL), Waits)
        kept: Draft = self.one(Draft)
        return kept.id

    def one(self, model: Any) -> Any:
        """The only row of a table."""
        with self.store.read() as session:
            return session.exec(select(model)).one()

    def kinds(self) -> list[str]:
        """The kinds of the journal's lines about drafts."""
        with self.store.read() as session:
            found = session.exec(select(Event.kind).order_by(Event.id)).all()
        return [kind for kind in found if kind.startswith("draft.")]

    def do(self, what: Any, draft: str, **more: Any) -> Any:
        """Edit, approve or reject as Dana."""
        with self.store.write() as session:
            return what(session, draft, **{"by": "Dana Reyes", "now": NOW, **more})


@pytest.fixture
def scene(store: Store) -> Scene:
    world = World(store)
    world.staff("dana", name="Dana Reyes")
    world.customer("acme", owner_id="dana")
    world.contact("ann", "acme", name="Ann Lee", consent="granted")
    world.score("acme", 12, NOW)
    world.intervention("i-1", "acme", owner_id="dana")
    world.change(Intervention, "i-1", definition=CRITICAL.model_dump(mode="json"))
    world.add(
        InterventionStep(
            intervention_id="i-1",
            name=STEP.name,
            position=0,
            kind="send",
            offset=timedelta(),
            state=StepState.PLANNED,
            planned_at=NOW,
        )
    )
    world.change(Organisation, "org-1", new_playbooks="draft")
    return Scene(world)


def test_a_playbook_goes_as_new_ones_do_until_somebody_switches_it(scene: Scene) -> None:
    assert scene.drafts.stand(call(), scene.row) == Undrafted()
    for mode, wanted in (
        (Mode.AUTOMATIC, NoApproval()),
        # What runs goes on as before, also when its playbook is switched off.
        (Mode.OFF, NoApproval()),
        (Mode.DRAFT, Undrafted()),
        (Mode.OFF, Undrafted()),
    ):
        with scene.store.write() as session:
            modes.set_mode(session, "org-1", "critical", mode, "Dana Reyes", NOW)
        assert scene.drafts.stand(call(), scene.row) == wanted
    with scene.store.read() as session:
        assert modes.modes(session, "org-1", ["critical", "at_risk"]) == {
            "critical": Mode.OFF,
            "at_risk": Mode.DRAFT,
        }
        lines = session.exec(select(Event).where(Event.kind == "playbook.mode").order_by(Event.id)).all()
    assert [line.text for line in lines][:2] == ["critical: draft → automatic", "critical: automatic → off"]
    assert {line.by for line in lines} == {"Dana Reyes"}


def test_the_same_mode_again_is_no_line(scene: Scene) -> None:
    for _ in range(2):
        with scene.store.write() as session:
            modes.set_mode(session, "org-1", "critical", Mode.OFF, "Dana Reyes", NOW)
    with scene.store.read() as session:
        assert len(session.exec(select(Event).where(Event.kind == "playbook.mode")).all()) == 1


def test_a_careful_organisation_begins_with_drafts_and_a_demo_does_not(scene: Scene) -> None:
    with scene.store.write() as session:
        assert get_or_create(session, "new", now=NOW, careful=True).new_playbooks == "draft"
        assert get_or_create(session, "demo", now=NOW, demo=True).new_playbooks == "automatic"


def test_whoever_is_switched_off_enrols_nobody(scene: Scene) -> None:
    scene.world.customer("other")
    scene.world.score("other", 12, NOW)

    def found() -> list[str]:
        rest = timedelta(days=30)
        rows = candidates(scene.store, "org-1", Level.CRITICAL, 9, NOW, playbook="critical", cooldown=rest)
        return [one.refusal for one in rows]

    assert "" in found()
    with scene.store.write() as session:
        modes.set_mode(session, "org-1", "critical", Mode.OFF, "Dana Reyes", NOW)
    assert {*found()} == {"critical is switched off since 21 Nov 2026 (Dana Reyes)"}


def test_a_draft_is_kept_once_with_a_task_before_its_time_is_over(scene: Scene) -> None:
    scene.keep()
    again = scene.drafts.keep(call(), scene.row, PROPOSAL)
    assert again.reason == "Another attempt was faster"
    draft, task, row = scene.one(Draft), scene.one(Task), scene.one(Delivery)
    assert (draft.subject, draft.decide_by) == ("Hello", NOW + HOUR)
    assert (task.kind, task.owner_id, task.due_at) == ("approval", "dana", NOW + HOUR / 2)
    assert (row.state, row.deferred_until, row.subject) == ("draft", NOW + HOUR, "Hello")
    assert scene.one(InterventionStep).state == "deferred"
    assert scene.kinds() == ["draft.written"]
    waits = scene.drafts.stand(call(), scene.seen())
    assert waits == Waits(
        until=NOW + HOUR, reason="It waits for Dana Reyes' approval, until 21 Nov 2026 10:00 UTC"
    )


def test_it_is_too_late_when_the_time_is_over_and_the_miss_withdraws_it(scene: Scene) -> None:
    draft = scene.keep()
    late = scene.drafts.stand(call(HOUR), scene.seen())
    assert isinstance(late, TooLate)
    miss = Miss(call=call(HOUR), reason=late.reason)
    StepRepository(scene.store).fall_back(miss, Rendered(subject="By hand", text="do it"))
    assert scene.one(Draft).state == "withdrawn"
    assert scene.one(Delivery).state == "cancelled"
    assert scene.kinds() == ["draft.written", "draft.withdrawn"]
    with pytest.raises(RefusedError, match="was withdrawn and cannot be approved"):
        scene.do(deciding.approve, draft)


def test_more_time_after_a_pause_ends_the_alert_of_the_deadline(scene: Scene) -> None:
    scene.keep()
    late = NOW + timedelta(minutes=40)
    MonitorRepository(scene.store).look(MonitorCall(organisation="org-1", as_of=late))
    assert (scene.one(Alert).trigger, scene.one(Alert).state) == ("deadline_missed", "open")
    with scene.store.write() as session:
        give_more_time(session, "i-1", timedelta(hours=5), late)
    assert scene.one(Alert).state == "closed"
    assert scene.one(Task).overdue_alert is None
    MonitorRepository(scene.store).look(MonitorCall(organisation="org-1", as_of=NOW + timedelta(hours=6)))
    with scene.store.read() as session:
        assert sorted(session.exec(select(Alert.state)).all()) == ["closed", "open"]


def test_an_edited_text_keeps_the_footer_and_what_was_written_first(scene: Scene) -> None:
    draft = scene.keep()
    with scene.store.read() as session:
        assert draft_detail(session, "org-1", draft[-8:]).own_text == "Dear Ann,\n\nhow are you?"
    scene.do(deciding.edit, draft, subject=" A\r\nlonger  one ", text="Hi <Ann> &\r\n\r\n\r\nbye\x07")
    row = scene.one(Draft)
    assert row.subject == "A longer one"
    assert row.text == f"Hi <Ann> &\n\n\nbye\n\n{FOOTER}2"
    assert "Hi &lt;Ann&gt; &amp;</p>" in row.html
    assert row.html.endswith("<footer>https://k.example/u/abc2</footer>")
    assert row.original["text"]["subject"] == "Hello"
    scene.do(deciding.edit, draft, by="Lena Lead", text="Hi again")
    with scene.store.read() as session:
        found = draft_detail(session, "org-1", draft)
    assert (found.own_text, found.draft.edited_by) == ("Hi again", "Lena Lead")
    assert {"-Dear Ann,", "+Hi again", "-Hello", "+A longer one"} <= set(found.changes)
    assert scene.kinds() == ["draft.written", "draft.edited", "draft.edited"]
    scene.do(deciding.edit, draft, text="Hi again")
    assert len(scene.kinds()) == 3, "nothing has changed"


@pytest.mark.parametrize(
    "wrong", [{"subject": " "}, {"subject": "x" * 151}, {"text": "\n"}, {"text": "x" * 20_001}]
)
def test_what_cannot_be_sent_is_refused_and_nothing_is_changed(scene: Scene, wrong: dict[str, str]) -> None:
    draft = scene.keep()
    with pytest.raises(InputError):
        scene.do(deciding.edit, draft, **wrong)
    assert scene.one(Draft).subject == "Hello"
    assert scene.kinds() == ["draft.written"]


def test_the_approved_text_is_what_is_sent_and_the_run_is_told(scene: Scene) -> None:
    draft = scene.keep()
    scene.do(deciding.edit, draft, subject="Other")
    scene.do(deciding.approve, draft)
    stand = scene.drafts.stand(call(5 * HOUR), scene.seen())
    assert isinstance(stand, Approved)
    assert (stand.text.subject, stand.text.html, stand.by) == ("Other", "<p>laid out</p>", "Dana Reyes")
    pending = scene.one(PendingCommand)
    assert (pending.intervention_id, pending.command, pending.by) == ("i-1", {}, "Dana Reyes")
    assert scene.one(Task).state == "done"
    for what in (deciding.edit, deciding.approve, deciding.reject):
        more = {"reason": "no"} if what is deciding.reject else {}
        with pytest.raises(
            RefusedError, match="Dana Reyes has approved the draft for Ann Lee on 21 Nov 2026"
        ):
            scene.do(what, draft, **more)


def test_what_was_rejected_is_skipped_and_no_second_task_is_made(scene: Scene) -> None:
    draft = scene.keep()
    scene.do(deciding.reject, draft, reason="wrong moment")
    row = scene.seen()
    assert (row.state, row.reason) == (DeliveryState.SKIPPED, "Rejected by Dana Reyes: wrong moment")
    miss = Miss(call=call(), reason=row.reason, state=StepState.SKIPPED)
    StepRepository(scene.store).fall_back(miss, Rendered(subject="By hand", text="do it"))
    assert scene.one(Task).kind == "approval"
    assert scene.one(InterventionStep).state == "skipped"


def test_a_message_that_went_out_is_not_withdrawn_when_its_intervention_ends(scene: Scene) -> None:
    draft = scene.keep()
    scene.do(deciding.approve, draft)
    assert scene.ledger.begin(call(), KEY, "lease", NOW + HOUR) is True
    accepted = Accepted(provider="outbox", provider_id="m1")
    scene.ledger.accept(call(), KEY, None, accepted)
    with scene.store.write() as session:
        close(session, session.get_one(Intervention, "i-1"), Outcome.STOPPED, "enough", "dana", NOW)
    assert (scene.one(Draft).state, scene.one(Delivery).state) == ("approved", "accepted")


def test_of_two_who_decide_at_once_one_counts_and_the_other_is_told(scene: Scene) -> None:
    draft = scene.keep()
    people = [f"Person {number}" for number in range(6)]

    def decide(person: str) -> str:
        what = deciding.approve if person < "Person 3" else deciding.reject
        more = {} if what is deciding.approve else {"reason": "no"}
        try:
            scene.do(what, draft, by=person, **more)
        except RefusedError as refused:
            return refused.message
        return "counted"

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(decide, people))
    assert answers.count("counted") == 1
    winner = people[answers.index("counted")]
    assert scene.one(Draft).decided_by == winner
    assert all(f"{winner} has" in answer for answer in answers if answer != "counted")
    assert len(scene.kinds()) == 2


def test_of_two_who_decide_upon_all_at_once_each_draft_has_one_decision(scene: Scene) -> None:
    for number in range(8):
        person = ANN.model_copy(update={"id": f"ann{number}"})
        key = KEY.replace("/ann/", f"/{person.id}/")
        assert isinstance(
            scene.drafts.keep(call(), scene.ledger.plan(call(), key, person, "email"), PROPOSAL), Waits
        )
    with scene.store.read() as session:
        chosen = [one.id for one in drafts(session, "org-1")]
    assert len(chosen) == 8
    barrier = Barrier(2)

    def decide(person: str, what: Any, order: list[str], more: dict[str, str]) -> set[str]:
        """All of them one after the other, as `--all` does."""
        barrier.wait()
        counted = set()
        for draft in order:
            with suppress(RefusedError):
                scene.do(what, draft, by=person, **more)
                counted.add(draft)
        return counted

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(decide, "Ann", deciding.approve, chosen, {})
        second = pool.submit(decide, "Ben", deciding.reject, chosen[::-1], {"reason": "no"})
        approved, rejected = first.result(timeout=60), second.result(timeout=60)
    assert approved | rejected == set(chosen)
    assert not approved & rejected
    with scene.store.read() as session:
        states = {row.id: (row.state, row.decided_by) for row in session.exec(select(Draft)).all()}
        sent = Counter(row.state for row in session.exec(select(Delivery)).all())
        asked = {row.state for row in session.exec(select(Task)).all()}
    assert states == {one: ("approved", "Ann") if one in approved else ("rejected", "Ben") for one in chosen}
    assert (sent["draft"], sent["skipped"]) == (len(approved), len(rejected))
    assert asked == {"done"}


def test_lists_show_what_waits_the_most_urgent_first(scene: Scene) -> None:
    draft = scene.keep()
    with scene.store.read() as session:
        (line,) = drafts(session, "org-1")
        assert (line.id, line.customer, line.owner, line.playbook) == (
            draft,
            "Acme",
            "Dana Reyes",
            "critical@1",
        )
        assert drafts(session, "org-1", playbook="at_risk") == ()
        assert drafts(session, "org-1", owner="nobody") == ()
    scene.do(deciding.approve, draft)
    with scene.store.read() as session:
        assert drafts(session, "org-1") == ()
        assert [one.state for one in drafts(session, "org-1", everything=True)] == ["approved"]


@pytest.mark.parametrize("statement", ["UPDATE event SET by = 'somebody else'", "DELETE FROM event"])
def test_nothing_changes_or_removes_a_line_of_the_journal(scene: Scene, statement: str) -> None:
    scene.keep()
    with pytest.raises(DatabaseError, match="only ever appended"), scene.store.write() as session:
        session.connection().execute(text(statement))
    assert scene.kinds() == ["draft.written"]
