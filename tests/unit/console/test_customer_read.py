"""How often a customer's page asks the database: it is what the page takes longest over."""

from __future__ import annotations

from collections import Counter

from keepwell.db.tables import Offer
from tests.databases import statements
from tests.unit.api.desk_world import DAY, Desk
from tests.unit.console.seen import page, words

ACME = "acme-org-1"
URL = f"/console/customers/{ACME}"
MOST = 80
"""Statements of a page on which there is something of each kind."""

AGAIN = 4
"""What each further intervention adds: whether its own purpose may be written of, and its own steps."""

AT_REST = 40
"""The same of a customer with scores and activity, for whom nothing is being done: most are."""


def known(desk: Desk) -> None:
    """Two scores, and something done on days that lie months apart."""
    for number, points in enumerate((60.0, 35.0)):
        desk.world.score(ACME, points, desk.now - (30 - 29 * number) * DAY)
    desk.world.did(ACME, *(("login", desk.now - days * DAY) for days in (1, 2, 50, 100, 150)))


def at_work(desk: Desk, key: str, family: str) -> str:
    """An open intervention with a task, an offer, and one more contact to write to."""
    run = desk.intervention(key, ACME, owner_id=desk.named("dana"), family=family)
    desk.task(f"{key}-task", ACME, intervention_id=run, step="call", owner_id=desk.named("dana"))
    desk.task(f"{key}-done", ACME, state="done", closed_at=desk.now, closed_by="Dana Reyes")
    desk.world.contact(f"{key}-contact", ACME, name=f"Grace of {key}", email=f"{key}@acme.example")
    desk.world.add(
        Offer(
            id=f"{key}-offer",
            organisation_id=desk.world.organisation,
            customer_id=ACME,
            intervention_id=run,
            step="offer",
            options={"dedicated_support": {"kind": "dedicated_support", "summary": "Set-up and training"}},
            state="offered",
            offered_at=desk.now,
            valid_until=desk.now + DAY,
            valid_for=DAY,
        )
    )
    return run


def test_a_page_takes_few_statements_and_none_twice(desk: Desk) -> None:
    known(desk)
    with statements(desk.store) as sent:
        said = words(page(desk, URL))
    assert "No playbook runs" in said
    assert "1 × login" in said
    assert len(sent) <= AT_REST, sent
    assert not _whole_rows_twice(sent)


def test_as_much_again_takes_hardly_more_statements(desk: Desk) -> None:
    known(desk)
    at_work(desk, "one", "risk")
    with statements(desk.store) as sent:
        html = page(desk, URL)
    assert "Call about one-task" in words(html)
    assert len(sent) <= MOST, sent
    at_work(desk, "two", "expansion")
    desk.alert(ACME)
    with statements(desk.store) as more:
        html = page(desk, URL)
    assert "Call about two-task" in words(html)
    assert len(more) <= len(sent) + AGAIN, Counter(more) - Counter(sent)
    assert not _whole_rows_twice(more)


def _whole_rows_twice(sent: list[str]) -> list[str]:
    """Statements that read the one row of the customer, its scorecard or where it stands, and came again."""
    own = ("FROM customer \nWHERE customer.id =", "FROM scorecard \n", "FROM health JOIN score ON")
    often = Counter(one for one in sent if any(what in one for what in own))
    assert len(often) > 2, "the statements read otherwise now"
    return [one for one, times in often.items() if times > 1]
