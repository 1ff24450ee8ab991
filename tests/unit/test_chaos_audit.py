"""The audit after the chaos finds what is wrong: each check, on books that are broken on purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

import pytest
from sqlmodel import SQLModel
from temporalio.client import WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import TypedSearchAttributes
from ulid import ULID

from keepwell.db.tables import Delivery, Event, Intervention, InterventionStep, Transition
from tests.e2e import chaos_audit as audit
from tests.e2e.chaos_audit import Books

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
Row = TypeVar("Row", bound=SQLModel)
KEY = "org/one/critical/mail/pat/email"


class Run:
    """As much of a run as the audit looks at."""

    def __init__(self, name: str) -> None:
        self.id, self.run_id, self.status = name, "run", WorkflowExecutionStatus.RUNNING
        self.typed_search_attributes = TypedSearchAttributes([])


def row(model: type[Row], **fields: object) -> Row:
    """A row with the fields that the audit looks at."""
    return model(**fields)


def good() -> Books:
    """One intervention that has ended, with one message."""
    intervention = row(
        Intervention,
        id="one",
        family="risk",
        transition_id="t",
        workflow_id="risk/org/acme",
        started_at=NOW,
        outcome="done",
    )
    step = row(
        InterventionStep,
        intervention_id="one",
        name="mail",
        offset=timedelta(hours=1),
        state="done",
        why="in time",
    )
    delivery = row(
        Delivery,
        key=KEY,
        intervention_id="one",
        step="mail",
        channel="email",
        state="delivered",
    )
    accepted = row(
        Event,
        id="e",
        key=f"{KEY}/delivery.accepted/1",
        kind="delivery.accepted",
        at=NOW + timedelta(hours=1),
        data={"delivery": KEY},
    )
    transition = row(Transition, id="t", decision="started", reason="it fell")
    return Books(
        interventions={"one": intervention},
        steps={("one", "mail"): step},
        deliveries=[delivery],
        transitions=[transition],
        events=[accepted],
        tasks=[],
        accepted=Counter({KEY: 1}),
        taken=[(KEY, NOW)],
        runs=[],
        reported={KEY: ["open", "delivered"]},
        kept=Counter({"1": 1, "2": 1}),
        said=frozenset({"1", "2"}),
    )


CHECKS: tuple[Callable[[Books], Iterator[str]], ...] = (
    audit.wrong_in_ledger,
    audit.wrong_in_reports,
    audit.wrong_in_tasks,
    audit.wrong_in_transitions,
    audit.wrong_in_time,
    audit.wrong_in_voice,
    audit.wrong_in_open,
)


def lines(books: Books) -> list[str]:
    return [line for check in CHECKS for line in check(books)]


def sent_twice(books: Books) -> None:
    books.accepted[KEY] = 2


def sent_in_the_dark(books: Books) -> None:
    books.accepted["org/one/critical/other/pat/email"] = 1


def never_sent(books: Books) -> None:
    books.accepted.clear()


def left_sending(books: Books) -> None:
    books.deliveries[0].state = "sending"


def unknown_to_all(books: Books) -> None:
    books.deliveries[0].state = "unknown"


def dropped_unsaid(books: Books) -> None:
    books.deliveries[0].state = "failed"


def event_lost(books: Books) -> None:
    del books.kept["2"]


def event_kept_twice(books: Books) -> None:
    books.kept["2"] = 2


def event_of_nobody(books: Books) -> None:
    books.kept["3"] = 1


def out_of_order(books: Books) -> None:
    books.deliveries[0].state = "accepted"


def left_planned(books: Books) -> None:
    books.deliveries[0].state = "planned"


def missed(books: Books) -> None:
    books.steps["one", "mail"].state = "missed"


def not_wanted(books: Books) -> None:
    books.deliveries[0].state, books.deliveries[0].reason = "skipped", "Pat has unsubscribed from offers"


def undecided(books: Books) -> None:
    books.transitions.append(row(Transition, id="u", reason="why"))


def started_nothing(books: Books) -> None:
    books.transitions.append(row(Transition, id="u", decision="started", reason="why"))


def opened_twice(books: Books) -> None:
    books.interventions["two"] = row(Intervention, id="two", family="risk", transition_id="t", outcome="done")


def without_reason(books: Books) -> None:
    books.transitions[0].reason = ""


def too_early(books: Books) -> None:
    books.events[0].at = NOW


def too_late(books: Books) -> None:
    books.events[0].at = NOW + timedelta(days=3)


def two_voices(books: Books, after: timedelta = timedelta(minutes=1), kind: str = "contact") -> None:
    """The one intervention becomes a campaign; a risk playbook has begun now, and ends in two minutes."""
    risk, end = str(ULID.from_datetime(NOW)), str(ULID.from_datetime(NOW + timedelta(minutes=2)))
    books.interventions["one"].family = "expansion"
    books.interventions["one"].customer_id = books.deliveries[0].customer_id = "acme"
    books.deliveries[0].recipient_kind = kind
    books.interventions[risk] = row(
        Intervention, id=risk, family="risk", customer_id="acme", transition_id="t", outcome="done"
    )
    books.events.append(row(Event, id=end, intervention_id=risk, kind="intervention.recovered"))
    books.taken = [(KEY, NOW + after)]


def two_voices_for_good(books: Books) -> None:
    two_voices(books, timedelta(minutes=3))
    books.events.clear()


def run_is_gone(books: Books) -> None:
    books.interventions["one"].outcome = None


def run_is_left(books: Books) -> None:
    books.runs.append(cast(WorkflowExecution, Run("risk/org/acme")))


def waits_for_nothing(books: Books) -> None:
    run_is_gone(books)
    run_is_left(books)


BROKEN: dict[Callable[[Books], None], str] = {
    sent_twice: "was accepted 2 times",
    sent_in_the_dark: "the ledger says nothing",
    never_sent: "knows nothing of it",
    left_sending: "is still sending",
    unknown_to_all: "nobody was told",
    dropped_unsaid: "the ledger says failed",
    event_lost: "is kept 0 times",
    event_kept_twice: "is kept 2 times",
    event_of_nobody: "is kept 1 times",
    out_of_order: "should be delivered",
    left_planned: "its intervention has ended",
    missed: "nobody has a task",
    not_wanted: "was not wanted",
    undecided: "2 transitions, but",
    started_nothing: "there are 1 interventions",
    opened_twice: "has opened two interventions",
    without_reason: "has no reason",
    too_early: "before its moment",
    too_late: "long after",
    two_voices: "0:01:00 into risk intervention",
    two_voices_for_good: "0:03:00 into risk intervention",
    run_is_gone: "run gone",
    run_is_left: "no intervention is open",
    waits_for_nothing: "does not say what it waits for",
}


def test_good_books_are_good() -> None:
    assert lines(good()) == []


@pytest.mark.parametrize("breaks", BROKEN, ids=lambda breaks: breaks.__name__)
def test_what_is_wrong_is_found(breaks: Callable[[Books], None]) -> None:
    books = good()
    breaks(books)
    assert any(BROKEN[breaks] in line for line in lines(books)), lines(books)


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (timedelta(minutes=-1), "contact"),
        (timedelta(seconds=5), "contact"),
        (timedelta(minutes=3), "contact"),
        (timedelta(minutes=1), "staff"),
    ],
    ids=("before", "under way", "after the end", "to the owner"),
)
def test_what_a_campaign_may_say_is_good(after: timedelta, kind: str) -> None:
    books = good()
    two_voices(books, after, kind)
    assert lines(books) == []
