"""What a provider reports of notices to the staff: who was not reached was not told."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from sqlmodel import select

from keepwell.contracts.arrivals import Report, ReportKind, Taken
from keepwell.db.engine import Store
from keepwell.db.repositories.provider_events import take
from keepwell.db.tables import ProviderEvent
from tests.unit.db.notices_world import MINUTE, Team
from tests.unit.db.world import NOW

K = ReportKind


def report(key: str, kind: ReportKind, at: datetime = NOW, why: str = "") -> Report:
    return Report(provider="sendgrid", event_id=f"{kind.value}-{key}", kind=kind, key=key, at=at, why=why)


def told(team: Team, customer: str = "d01") -> str:
    """An alert of the customer was emailed to its owner; the message's key."""
    team.on("email")
    team.alert(customer)
    team.tell()
    return team.mail.taken[-1].key


@pytest.mark.parametrize("kind", [K.BOUNCED, K.BLOCKED, K.DROPPED])
def test_of_who_is_not_reached_the_lead_hears(store: Store, kind: ReportKind) -> None:
    team = Team(store)
    key = told(team)
    later = NOW + MINUTE
    lost = report(key, kind, later, "550 no such user")
    assert take(store, [report(key, K.ACCEPTED), lost], later) == Taken(new=2)
    (notice,) = (row for row in team.rows() if row.alert_id)
    assert (notice.state, notice.reason) == ("failed", "the email did not arrive: 550 no such user")
    (line,) = team.told("alert.not_told")
    assert line.text == "the score of d01 fell: email to Dana Reyes did not arrive"
    assert (line.by, line.why, line.customer_id) == ("sendgrid", "550 no such user", "d01")
    assert team.tell(later).told == 1
    assert team.mail.taken[-1].recipient.name == "Lena Lead"
    assert "emails to Dana Reyes do not arrive (550 no such user)" in team.mail.taken[-1].text
    assert take(store, [lost], later) == Taken(repeated=1)
    assert not team.looks(later), "once"


def test_many_that_bounce_are_one_notice_to_the_lead_even_where_that_bounces_too(store: Store) -> None:
    team = Team(store)
    first, second = told(team), told(team, "d02")
    assert first != second
    take(store, [report(key, K.BOUNCED) for key in (first, second)], NOW)
    assert team.tell(NOW + MINUTE).told == 1
    take(store, [report(team.mail.taken[-1].key, K.BOUNCED)], NOW)
    assert team.tell(NOW + 2 * MINUTE).told == 1, "that the lead is not reached either"
    take(store, [report(team.mail.taken[-1].key, K.BOUNCED)], NOW)
    assert not team.looks(NOW + 3 * MINUTE), "it does not go round"


def test_a_late_report_corrects_what_nobody_knew(sqlite_store: Store) -> None:
    team = Team(sqlite_store)
    team.mail.loses_answer, team.mail.can_say = True, False
    key = told(team)
    team.tell(NOW + MINUTE)
    assert team.states() == ["unknown"]
    take(sqlite_store, [report(key, K.DELIVERED)], NOW + 2 * MINUTE)
    assert team.states() == ["accepted"]
    assert [line.by for line in team.told()] == ["sendgrid"]


def test_every_order_comes_to_the_same(sqlite_store: Store) -> None:
    team = Team(sqlite_store)
    for number, order in enumerate(permutations([K.ACCEPTED, K.DELIVERED, K.OPENED, K.DROPPED])):
        key = told(team, f"d{number:02}")
        for kind in order:
            take(sqlite_store, [report(key, kind)], NOW)
        (row,) = (row for row in team.rows() if row.message == key)
        assert row.state == "accepted", f"a second copy was dropped: {order}"
    key = told(team, "o1")
    take(sqlite_store, [report(key, kind) for kind in (K.BOUNCED, K.DELIVERED)], NOW)
    (row,) = (row for row in team.rows() if row.message == key)
    assert row.state == "failed", "a mailbox may take a message first and send it back later"


def test_what_says_nothing_changes_nothing_and_is_kept(sqlite_store: Store) -> None:
    team = Team(sqlite_store)
    key = told(team)
    take(sqlite_store, [report(key, K.UNSUBSCRIBED), report(key, K.OTHER)], NOW + timedelta(hours=1))
    assert team.states() == ["accepted"]
    with sqlite_store.read() as session:
        kept = session.exec(select(ProviderEvent)).all()
    assert {(one.effect, one.organisation_id) for one in kept} == {("nothing new", team.world.organisation)}
