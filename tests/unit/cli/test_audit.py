"""`keepwell audit`, and that whatever changes something leaves a line that says who did it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer

import keepwell
from keepwell.cli.app import app
from keepwell.contracts.drafts import DraftState
from keepwell.db.repositories import journal
from keepwell.db.tables import Alert, Delivery, Draft, Event, Task
from keepwell.keys import new_id
from tests.unit.cli.conftest import Begun, Cli
from tests.unit.db.world import NOW, World

READS = {
    *("customers", "customer", "interventions", "intervention", "opportunities", "events", "audit"),
    *("rehearse", "doctor", "offer list", "tasks show", "alerts rules"),
    *("alerts channels", "alert show", "churn evaluate", "churn explain", "churn models list"),
    *("churn models show", "outbox list", "outbox show", "webhooks list", "webhooks deliveries"),
    *(
        "drafts list",
        "drafts show",
        "playbooks check",
        "playbooks show",
        "scorecards list",
        "scorecards show",
    ),
    *("scorecards check", "organisation show", "closed-days list", "schedules list"),
    *("inbox show", "inbox list", "slack test", "contact show", "feed token", "offer rates"),
    *("accounts list", "keys list"),
}
"""Commands that change nothing."""

ENGINE = {"demo", "worker", "migrate", "serve"}
"""What runs here says itself what it does; a database is brought up to date without an organisation."""

TOLD_BY_THE_RUN = {
    **{
        name: f"command.{name}"
        for name in ("acknowledge", "pause", "resume", "respond", "complete", "skip", "stop", "upgraded")
    },
    **{f"offer {name}": f"command.{name}" for name in ("seen", "accept", "decline")},
}
"""Commands on an intervention: its run writes the line, whatever way the command came."""

TELLS = {
    "import": "import.finished",
    "metric": "import.finished",
    "event": "import.finished",
    "score": "score.run",
    "enrol": "customer.enrolled",
    "reassign": "customer.reassigned",
    "tasks snooze": "task.snoozed",
    "tasks comment": "task.commented",
    "tasks due": "task.due_moved",
    "tasks give": "task.given",
    "tasks close": "task.closed",
    "tasks reopen": "task.reopened",
    "offer withdraw": "offer.withdrawn",
    "offer restore": "offer.restored",
    "absences add": "staff.absent",
    "absences withdraw": "staff.absence_withdrawn",
    "alerts set": "alert.rules_changed",
    "alerts channel": "alert.channel_changed",
    "alert acknowledge": "alert.acknowledged",
    "churn train": "churn_model.trained",
    "churn predict": "churn_model.predicted",
    "churn models promote": "churn_model.promoted",
    "churn models rollback": "churn_model.rolled_back",
    "webhooks add": "webhook.added",
    "webhooks remove": "webhook.removed",
    "webhooks start": "webhook.started",
    "webhooks stop": "webhook.stopped",
    "webhooks rotate": "webhook.rotated",
    "webhooks test": "webhook.test",
    "webhooks replay": "webhook.replayed",
    "contact unsubscribe": "contact.unsubscribed",
    "contact resubscribe": "contact.resubscribed",
    "contact withdraw": "contact.consent_withdrawn",
    "contact agree": "contact.consent_given",
    "suppressions add": "contact.suppressed",
    "suppressions lift": "contact.suppression_lifted",
    "drafts edit": "draft.edited",
    "drafts approve": "draft.approved",
    "drafts reject": "draft.rejected",
    "playbooks mode": "playbook.mode",
    "scorecards use": "scorecard.used",
    "scorecards beside": "scorecard.beside",
    "organisation set": "organisation.changed",
    "closed-days add": "organisation.closed_day",
    "closed-days remove": "organisation.closed_day",
    "sending stop": "sending.stopped",
    "sending resume": "sending.resumed",
    "schedules apply": "schedules.applied",
    "accounts add": "account.added",
    "accounts role": "account.changed",
    "accounts activate": "account.changed",
    "accounts deactivate": "account.changed",
    "accounts password": "account.password",
    "keys make": "key.made",
    "keys revoke": "key.revoked",
}
"""The line that each other command leaves."""

CARRIED_OUT = {
    "import": "import customers {folder}/customers.csv",
    "metric": "metric acme daily_active_rate 40",
    "event": "event acme login",
    "tasks comment": "tasks comment {task} called",
    "tasks close": "tasks close {task} --outcome done",
    "absences add": "absences add dana 2027-01-04 2027-01-08",
    "alerts set": "alerts set engagement=55",
    "alerts channel": "alerts channel email on",
    "alert acknowledge": "alert acknowledge {alert}",
    "webhooks add": "webhooks add https://example.com/hook",
    "drafts edit": "drafts edit {draft} --subject Other",
    "drafts approve": "drafts approve {draft}",
    "drafts reject": "drafts reject {draft} --reason no",
    "playbooks mode": "playbooks mode critical off",
    "scorecards use": "scorecards use account-health",
    "scorecards beside": "scorecards beside account-health",
    "organisation set": "organisation set product=Other",
    "closed-days add": "closed-days add 2027-01-04",
    "sending stop": "sending stop --reason trouble",
    "accounts add": "accounts add ann@example.com --name Ann --no-password",
    "keys make": "keys make a-key --scope read",
}
"""How to carry out those that need no server and nothing that another command must make first."""


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its words."""

    def walk(one: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        for name, inner in getattr(one, "commands", {}).items():
            yield from walk(inner, (*path, name))
        if not hasattr(one, "commands"):
            yield " ".join(path), one

    return walk(typer.main.get_command(app), ())


def test_it_is_known_of_every_command_whether_it_changes_something() -> None:
    tables = (READS, ENGINE, set(TELLS), set(TOLD_BY_THE_RUN))
    known = set().union(*tables)
    # Say of a new one in the tables above whether it changes something, and which line it leaves.
    assert {name for name, _ in commands()} == known
    assert sum(map(len, tables)) == len(known)


@pytest.mark.parametrize("name", sorted({**TELLS, **TOLD_BY_THE_RUN}))
def test_whoever_changes_something_may_say_who_they_are(name: str) -> None:
    assert "by" in {one.name for one in dict(commands())[name].params}


@pytest.mark.parametrize("kind", sorted({*TELLS.values(), *TOLD_BY_THE_RUN.values()}))
def test_the_line_is_written_somewhere(kind: str) -> None:
    folder = Path(keepwell.__file__).parent
    first, _, last = kind.partition(".")
    whole = re.compile(rf"[\"']{re.escape(kind)}[\"']")
    parts = re.compile(rf"f\"{first}\.{{")
    ending = re.compile(rf"[\"']{last}[\"']")
    sources = [
        path.read_text()
        for path in (*folder.rglob("*.py"), *(folder.parent / "workflows").glob("*"))
        if path.suffix == ".py"
    ]
    put_together = any(map(parts.search, sources)) and any(map(ending.search, sources))
    assert put_together or any(map(whole.search, sources))


def silence(key: str, common: dict[str, Any], now: datetime) -> Alert:
    """An alert that nobody has acknowledged."""
    return Alert(
        id=key,
        key="inactivity",
        **common,
        trigger="inactivity",
        severity="high",
        words="It is silent",
        raised_at=now,
        due_at=now,
        decision="none",
        decided_at=now,
    )


@pytest.fixture
def ids(begun: Begun, tmp_path: Path) -> dict[str, str]:
    """Something of each kind to act upon; the names are those of the commands above."""
    world, now = begun.world, datetime.now(UTC)
    (tmp_path / "customers.csv").write_text("external_id,name\nnew,New Ltd\n")
    common: dict[str, Any] = {"organisation_id": world.organisation, "customer_id": begun.customer}
    key = f"{world.organisation}/{begun.id}/critical@3/executive_email/x/email"
    texts = {"subject": "Hello", "text": "Hello\n\nDana", "html": "", "action_label": "", "action_url": ""}
    own = {"draft": new_id(), "task": new_id(), "alert": new_id()}
    delivery = Delivery(
        key=key,
        **common,
        intervention_id=begun.id,
        step="executive_email",
        channel="email",
        recipient_id="x",
        recipient_kind="contact",
        state="draft",
        planned_at=now,
        updated_at=now,
    )
    draft = Draft(
        id=own["draft"],
        key=key,
        **common,
        intervention_id=begun.id,
        step="executive_email",
        channel="email",
        recipient_id="x",
        recipient_name="Ann",
        subject="Hello",
        text="Hello\n\nDana",
        original={"text": texts},
        state=DraftState.WAITING,
        created_at=now,
        decide_by=now + timedelta(hours=1),
    )
    task = Task(id=own["task"], key="t", **common, kind="call", title="Call", due_at=now, created_at=now)
    alert = silence(own["alert"], common, now)
    for row in (delivery, draft, task, alert):
        world.add(row)
    return {**own, "folder": str(tmp_path)}


@pytest.mark.parametrize("name", sorted(CARRIED_OUT))
def test_a_command_leaves_its_line_with_who_did_it(name: str, ids: dict[str, str], cli: Cli) -> None:
    words = [word.format(**ids) for word in CARRIED_OUT[name].split(" ")]
    done = cli(*words, "--by", "Vera Lindqvist")
    assert done.code == 0, done.err + done.out
    told = cli("audit", "--by", "Vera Lindqvist", "--kind", TELLS[name], "--json").json["lines"]
    assert [line["by"] for line in told] == ["Vera Lindqvist"]
    assert told[0]["text"]


def say(world: World, count: int, **changes: Any) -> list[str]:
    """Lines of the journal, one a minute; their texts in order."""
    start = datetime.now(UTC) - timedelta(days=30)
    with world.store.write() as session:
        for number in range(count):
            at = start + timedelta(minutes=number)
            line = journal.line(
                key=f"line/{number}",
                organisation=world.organisation,
                kind="playbook.mode" if number % 2 else "draft.approved",
                text=f"line {number}",
                at=at,
                by="Dana Reyes" if number % 3 else "engine",
            )
            session.add(Event(**{**line, "recorded_at": at, **changes}))
    return [f"line {number}" for number in range(count)]


def test_it_is_read_page_by_page_and_nothing_is_left_out_or_said_twice(world: World, cli: Cli) -> None:
    said = say(world, 25)
    seen: list[str] = []
    page = cli("audit", "-n", "10", "--json").json
    while True:
        seen += [line["text"] for line in page["lines"]]
        if page["before"] is None:
            break
        page = cli("audit", "-n", "10", "--before", page["before"], "--json").json
    assert seen == said[::-1]


def test_lines_of_one_moment_are_neither_lost_nor_doubled_between_pages(world: World, cli: Cli) -> None:
    said = say(world, 9, recorded_at=datetime(2026, 11, 1, tzinfo=UTC))
    first = cli("audit", "-n", "4", "--json").json
    second = cli("audit", "-n", "9", "--before", first["before"], "--json").json
    assert sorted(line["text"] for line in first["lines"] + second["lines"]) == sorted(said)


def test_it_can_be_narrowed_down(world: World, cli: Cli) -> None:
    say(world, 12)
    assert len(cli("audit", "--by", "engine", "--json").json["lines"]) == 4
    assert len(cli("audit", "--kind", "draft", "--json").json["lines"]) == 6
    assert len(cli("audit", "--kind", "draft.approved", "--by", "Dana Reyes", "--json").json["lines"]) == 4
    start = (datetime.now(UTC) - timedelta(days=30)).replace(microsecond=0)
    begin, end = start + timedelta(minutes=3), start + timedelta(minutes=6)
    span = ("--since", begin.isoformat(), "--until", end.isoformat())
    assert len(cli("audit", *span, "--json").json["lines"]) == 3
    assert cli("audit", "--since", "3d", "--json").json["lines"] == []
    assert len(cli("audit", "--since", "40d", "--json").json["lines"]) == 12
    assert cli("audit", "--since", "2026-11-02", "--until", "2026-11-01").code == 2
    assert cli("audit", "--since", "soon").code == 2
    assert cli("audit", "--customer", "nobody").code == 3


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t"])
def test_no_cell_of_the_table_is_a_formula(world: World, cli: Cli, tmp_path: Path, first: str) -> None:
    evil = f'{first}cmd|"/c calc"!A0'
    say(world, 1, text=evil, by=evil, why=evil)
    path = tmp_path / "audit.csv"
    assert cli("audit", "--csv", str(path)).code == 0
    (row,) = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
    assert row["text"] == row["by"] == row["why"] == f"'{evil}"
    (shown,) = csv.DictReader(io.StringIO(cli("audit", "--csv", "-").out))
    assert shown["text"] == f"'{evil}"


def test_the_table_holds_more_than_a_page(world: World, cli: Cli, tmp_path: Path) -> None:
    say(world, 1_005)
    path = tmp_path / "audit.csv"
    assert "1,005 lines" in cli("audit", "--csv", str(path)).out
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    assert [row["text"] for row in rows] == [f"line {number}" for number in reversed(range(1_005))]


def test_people_read_who_did_what_and_how_to_go_on(world: World, cli: Cli) -> None:
    say(world, 3)
    out = cli("audit", "-n", "2").out
    assert "Dana Reyes" in out
    assert "line 2" in out
    assert "Go on: --before" in out
    assert "Go on" not in cli("audit").out
    assert "There is no line that fits." in cli("audit", "--by", "nobody").out


def test_a_kind_of_which_there_is_no_line_is_told_with_those_there_are(world: World, cli: Cli) -> None:
    say(world, 3)
    out = " ".join(cli("audit", "--kind", "drafts").out.split())
    assert "None is of the kind 'drafts' (did you mean 'draft'?); there are: draft, playbook." in out
    assert "None is of the kind" not in cli("audit", "--kind", "draft", "--by", "nobody").out
    assert cli("audit", "--kind", "drafts", "--json").json == {"lines": [], "before": None}


def test_whoever_is_meant_is_found_by_each_of_their_names_also_after_they_left(
    world: World, cli: Cli
) -> None:
    for number, by in enumerate(("Dana Reyes", "dana", "DANA@brightdesk.example", "Dana Other", "engine")):
        with world.store.write() as session:
            line = journal.line(
                key=f"{number}", organisation=world.organisation, kind="task.closed", text="x", at=NOW, by=by
            )
            session.add(Event(**line))
    world.staff("gone", name="Dana Reyes", email="dana@brightdesk.example", active=False)
    all_of_hers = {"Dana Reyes", "dana", "DANA@brightdesk.example"}

    def found(by: str) -> set[str]:
        return {line["by"] for line in cli("audit", "--by", by, "--json").json["lines"]}

    assert found("dana@brightdesk.example") == all_of_hers - {"dana"}
    assert found("gone") == all_of_hers - {"dana"}
    assert found("DANA") == all_of_hers
    assert found("dana other") == {"Dana Other"}
    assert found("Engine") == {"engine"}
    world.staff("another", name="Dana Other")
    assert found("dana") == {"dana"}, "of several it is the name as it stands there"
    assert cli("audit", "--by", "Dan").code == 2
