"""Caps on messages to contacts: how many, who goes first, and that two at once do not make one too many."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Barrier

import pytest

from keepwell.contracts.delivery import Accepted, DeliveryState, DoNotGo, GoAt, Recipient, WaitsFor
from keepwell.contracts.intervention import StepCall
from keepwell.db.engine import Store
from keepwell.db.repositories.caps import ASK_AGAIN, LAPSES, no_room
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.tables import Customer, Delivery, Intervention, InterventionStep, Organisation
from keepwell.keys import new_id
from tests.unit.db.world import DAY, NOW, World
from workflows.critical import CRITICAL

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
STEP = CRITICAL.steps[0]


@dataclass
class Post:
    """Messages of interventions, each step a message."""

    world: World

    @property
    def ledger(self) -> LedgerRepository:
        return LedgerRepository(self.world.store)

    def intervention(
        self, customer: str, family: str = "risk", level: str | None = "CRITICAL", **more: object
    ) -> str:
        """An open intervention, of a customer that is made where it is new."""
        with self.world.store.read() as session:
            new = session.get(Customer, customer) is None
        if new:
            self.world.customer(customer)
            self.world.contact(f"pat-{customer}", customer, consent="granted")
            self.world.score(customer, 50, NOW - DAY)
        key = f"{customer}-{new_id()[-8:]}"
        playbook = (level or family).lower()
        self.world.intervention(key, customer, family=family, playbook=playbook)
        self.world.change(Intervention, key, level=level, **more)
        return key

    def message(self, intervention: str, now: datetime = NOW, kind: str = "contact") -> tuple[StepCall, str]:
        """A planned message of an intervention, as a step of its own; its call and its key."""
        name = f"step_{new_id()[-8:].lower()}"
        with self.world.store.write() as session:
            row = session.get_one(Intervention, intervention)
            session.add(
                InterventionStep(
                    intervention_id=intervention,
                    name=name,
                    position=0,
                    kind="send",
                    offset=timedelta(),
                    state="planned",
                    planned_at=now,
                )
            )
        call = StepCall(
            organisation=self.world.organisation,
            customer=row.customer_id,
            intervention=intervention,
            playbook="mine@1",
            step=STEP.model_copy(update={"name": name}),
            templates={},
            now=now,
        )
        to = Recipient.model_validate(
            {
                "id": f"pat-{call.customer}",
                "kind": kind,
                "name": "Pat",
                "address": "pat@a.example",
                "time_zone": "UTC",
            }
        )
        key = f"{intervention}/{name}"
        self.ledger.plan(call, key, to, "email")
        return call, key

    def begin(self, message: tuple[StepCall, str], now: datetime = NOW) -> bool | GoAt | DoNotGo:
        """Try to take the row."""
        call, key = message
        at = call.model_copy(update={"now": now})
        return self.ledger.begin(at, key, new_id(), now + MINUTE)

    def send(self, intervention: str, now: datetime = NOW) -> None:
        """A message that goes out."""
        message = self.message(intervention, now)
        assert self.begin(message, now) is True
        self.ledger.accept(
            message[0].model_copy(update={"now": now}),
            message[1],
            None,
            Accepted(provider="p", provider_id="1"),
        )

    def wait(self, message: tuple[StepCall, str], until: datetime, why: WaitsFor = WaitsFor.ROOM) -> None:
        """A message that the gate has put off."""
        call, _ = message
        seen = self.ledger.rows_of(call)[0]
        assert self.ledger.settle(
            call, seen, DeliveryState.DEFERRED, "later", deferred_until=until, waits_for=why
        )

    def caps(self, **caps: int | None) -> None:
        self.world.change(Organisation, self.world.organisation, **caps)


@pytest.fixture
def post(store: Store) -> Post:
    return Post(World(store))


def test_without_caps_there_is_always_room(post: Post) -> None:
    acme = post.intervention("acme")
    for _ in range(5):
        post.send(acme)


def test_a_customer_gets_as_many_as_the_cap_says_and_the_next_when_the_first_is_a_day_old(post: Post) -> None:
    post.caps(customer_cap_day=2)
    acme, other = post.intervention("acme"), post.intervention("other")
    post.send(acme, NOW)
    post.send(acme, NOW + HOUR)
    third = post.message(acme)
    answer = post.begin(third, NOW + 2 * HOUR)
    words = "Acme has had 2 of 2 messages within 24 hours"
    assert answer == GoAt(at=NOW + DAY, reason=words, waits_for=WaitsFor.ROOM)
    assert post.begin(third, NOW + DAY - MINUTE) == answer
    post.send(other, NOW + 2 * HOUR)
    assert post.begin(third, NOW + DAY) is True


def test_the_longest_wait_of_several_caps_counts(post: Post) -> None:
    post.caps(customer_cap_day=1, customer_cap_week=2, daily_cap=5)
    acme = post.intervention("acme")
    post.send(acme, NOW - 3 * DAY)
    post.send(acme, NOW)
    answer = post.begin(post.message(acme), NOW + HOUR)
    assert isinstance(answer, GoAt)
    assert (answer.at, answer.reason) == (NOW + 4 * DAY, "Acme has had 2 of 2 messages within 7 days")


def test_the_organisation_has_a_cap_over_all_customers(post: Post) -> None:
    post.caps(daily_cap=2)
    for name in ("acme", "other"):
        post.send(post.intervention(name))
    third = post.message(post.intervention("third"))
    answer = post.begin(third, NOW + HOUR)
    assert isinstance(answer, GoAt)
    assert answer.reason == "Brightdesk Ltd has sent 2 of 2 messages within 24 hours"


def test_messages_to_staff_neither_count_nor_wait(post: Post) -> None:
    post.caps(customer_cap_day=1, daily_cap=1)
    acme = post.intervention("acme")
    for _ in range(3):
        assert post.begin(post.message(acme, kind="staff")) is True
    post.send(acme)
    assert post.begin(post.message(acme, kind="staff")) is True


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        (DeliveryState.UNKNOWN, True),
        (DeliveryState.SENDING, True),
        (DeliveryState.FAILED, False),
        (DeliveryState.PLANNED, False),
    ],
)
def test_what_may_have_gone_out_counts(post: Post, state: DeliveryState, counts: bool) -> None:
    post.caps(customer_cap_day=1)
    acme = post.intervention("acme")
    first = post.message(acme)
    assert post.begin(first) is True
    post.world.change(Delivery, first[1], state=state)
    assert isinstance(post.begin(post.message(acme)), GoAt) is counts


def test_an_own_earlier_attempt_takes_no_room_from_the_next(post: Post) -> None:
    post.caps(customer_cap_day=1)
    message = post.message(post.intervention("acme"))
    assert post.begin(message) is True
    post.world.change(Delivery, message[1], state=DeliveryState.UNKNOWN)
    assert post.begin(message) is True


LOWER = [("risk", "HIGH_RISK"), ("risk", "AT_RISK"), ("event", None), ("expansion", None)]


@pytest.mark.parametrize("above", range(len(LOWER)))
def test_the_higher_playbook_gets_the_room(post: Post, above: int) -> None:
    post.caps(customer_cap_day=1)
    high = post.intervention("acme", *([("risk", "CRITICAL"), *LOWER][above]))
    low = post.intervention("acme", *LOWER[above])
    waiting = post.message(high)
    post.wait(waiting, NOW)
    lower = post.message(low)
    answer = post.begin(lower)
    assert isinstance(answer, GoAt)
    assert answer.at == NOW + ASK_AGAIN
    assert "waits behind" in answer.reason
    assert post.begin(waiting) is True, "the lower one does not keep the higher one"
    full = post.begin(lower, NOW + HOUR)
    assert isinstance(full, GoAt)
    assert full.at == NOW + DAY


def test_room_is_kept_for_who_waits_for_the_morning_too(post: Post) -> None:
    """Taken now, it would not be free again when the higher one's hour has come."""
    post.caps(customer_cap_day=1)
    high, low = post.intervention("acme"), post.intervention("acme", "expansion", None)
    post.wait(post.message(high), NOW + 10 * HOUR, WaitsFor.HOURS)
    answer = post.begin(post.message(low))
    assert isinstance(answer, GoAt)
    assert answer.at == NOW + 10 * HOUR + MINUTE
    post.caps(customer_cap_day=2)
    assert post.begin(post.message(low)) is True, "there is room for both"


def test_of_equals_the_first_to_wait_goes_first(post: Post) -> None:
    post.caps(customer_cap_day=1)
    one, other = post.intervention("acme"), post.intervention("acme")
    first, second = post.message(one, NOW - HOUR), post.message(other, NOW)
    post.wait(first, NOW)
    post.wait(second, NOW)
    assert isinstance(post.begin(second), GoAt)
    assert post.begin(first) is True


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "stopped"},
        {"paused": True},
        {"held_why": "at risk"},
    ],
)
def test_no_room_is_kept_for_who_does_not_come(post: Post, change: dict[str, object]) -> None:
    post.caps(customer_cap_day=1)
    high, low = post.intervention("acme"), post.intervention("acme", "expansion", None)
    post.wait(post.message(high), NOW)
    post.world.change(Intervention, high, **change)
    assert post.begin(post.message(low)) is True


def test_room_that_was_kept_lapses(post: Post) -> None:
    """The run of the higher one may be down."""
    post.caps(customer_cap_day=1)
    high, low = post.intervention("acme"), post.intervention("acme", "expansion", None)
    post.wait(post.message(high), NOW)
    message = post.message(low)
    assert isinstance(post.begin(message, NOW + LAPSES), GoAt)
    assert post.begin(message, NOW + LAPSES + MINUTE) is True


def test_another_customers_message_waits_for_the_organisations_room_alone(post: Post) -> None:
    post.caps(customer_cap_day=1)
    post.wait(post.message(post.intervention("acme")), NOW)
    low = post.intervention("other", "expansion", None)
    assert post.begin(post.message(low)) is True
    post.caps(customer_cap_day=None, daily_cap=2)
    answer = post.begin(post.message(low))
    assert isinstance(answer, GoAt)
    assert answer.reason == "Brightdesk Ltd has sent 1 of 2 messages within 24 hours; waits behind critical"


@pytest.mark.parametrize("cap", ["customer_cap_day", "daily_cap"])
def test_many_at_once_do_not_exceed_a_cap(post: Post, cap: str) -> None:
    many, limit = 8, 3
    post.caps(**{cap: limit})
    acme = post.intervention("acme")
    messages = [post.message(acme) for _ in range(many)]
    barrier = Barrier(many)

    def attempt(message: tuple[StepCall, str]) -> bool | GoAt | DoNotGo:
        barrier.wait(30)
        return post.begin(message)

    with ThreadPoolExecutor(many) as threads:
        answers = list(threads.map(attempt, messages))
    assert answers.count(True) == limit
    assert sum(isinstance(answer, GoAt) for answer in answers) == many - limit


def test_looking_takes_nothing(post: Post) -> None:
    post.caps(customer_cap_day=1)
    _, key = post.message(post.intervention("acme"))
    for _ in range(3):
        with post.world.store.read() as session:
            assert no_room(session, session.get_one(Delivery, key), NOW) is None
