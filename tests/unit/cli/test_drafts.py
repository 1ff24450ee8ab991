"""`keepwell drafts` and `keepwell playbooks mode`: what people read, and what they may get wrong."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.drafts import Frame, Proposal, Waits
from keepwell.contracts.rendering import Rendered
from keepwell.db.repositories.drafts import DraftRepository
from keepwell.db.repositories.ledger import LedgerRepository
from keepwell.db.tables import Draft
from keepwell.rendering.edited import MARK
from tests.unit.cli.conftest import Begun, Cli

FOOTER = "--\nYou get this because you are a contact."


@pytest.fixture
def waiting(begun: Begun) -> list[str]:
    """Two drafts of Acme's critical playbook; their ids."""
    drafts, ledger = DraftRepository(begun.world.store), LedgerRepository(begun.world.store)
    made = []
    for number, step in enumerate(("executive_email", "csm_outreach")):
        call = begun.call(step, datetime.now(UTC) + number * timedelta(minutes=1))
        mara = Recipient(
            id="mara", kind="contact", name="Mara Lind", address="mara@acme.example", time_zone="UTC"
        )
        key = f"{begun.world.organisation}/{begun.id}/critical@3/{step}/mara/email"
        text = Rendered(subject=f"Hello {number}", text=f"Dear Mara,\n\nhi\n\n{FOOTER}", html="<p>hi</p>")
        frame = Frame(text=f"{MARK}\n\n{FOOTER}", html=f"<div>{MARK}</div>")
        row = ledger.plan(call, key, mara, "email")
        assert isinstance(drafts.keep(call, row, Proposal(text=text, frame=frame)), Waits)
        with begun.world.store.read() as session:
            made.append(session.exec(select(Draft.id).where(Draft.key == key)).one())
    return made


def test_people_see_what_waits_for_whom_until_when(waiting: list[str], cli: Cli) -> None:
    out = cli("drafts").out
    for part in (
        "Acme Analytics",
        "Mara Lind",
        "Hello 0",
        "Hello 1",
        "critical@",
        "waiting",
        waiting[0][-8:],
    ):
        assert part in out
    shown = cli("drafts", "show", waiting[0]).out
    assert "Dear Mara," in shown
    assert FOOTER.split("\n")[1] in shown
    assert f"keepwell drafts approve {waiting[0][-8:]}" in shown
    assert "No draft waits" in cli("drafts", "--playbook", "at_risk").out
    assert cli("drafts", "--customer", "nobody").code == 3


def test_the_editor_gets_what_may_be_changed_and_its_word_counts(
    waiting: list[str], cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "editor.py"
    program.write_text(
        "import sys, pathlib\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n"
        "assert 'You get this because' not in text, text\n"
        "path.write_text(text.replace('Hello 0', 'A new one').replace('hi', 'good morning'))\n"
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {program}")
    monkeypatch.delenv("VISUAL", raising=False)
    assert "It still waits" in cli("drafts", "edit", waiting[0], "--by", "Dana Reyes").out
    out = cli("drafts", "show", waiting[0]).out
    for part in (
        "A new one",
        "good morning",
        "Changed by Dana Reyes",
        "-hi",
        "+good morning",
        "You get this",
    ):
        assert part in out
    monkeypatch.setenv("EDITOR", "true")
    assert "Nothing has changed." in cli("drafts", "edit", waiting[0]).out
    for editor in ("false", "/nowhere/ed", ""):
        monkeypatch.setenv("EDITOR", editor)
        failed = cli("drafts", "edit", waiting[0])
        assert failed.code == 2
        assert "EDITOR" in failed.err
    program.write_text("import sys, pathlib\npathlib.Path(sys.argv[1]).write_text('no subject')\n")
    monkeypatch.setenv("EDITOR", f"{sys.executable} {program}")
    assert "The first line must begin with" in cli("drafts", "edit", waiting[0]).err


def test_long_names_leave_room_for_the_rest(
    waiting: list[str], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    cli(
        "drafts",
        "approve",
        waiting[0],
        "--by",
        "Louise-Marie Charpentier-Vandenbroucke of the Managing Board",
    )
    out = cli("drafts", "list", "--decided").out
    for one in waiting:
        assert one[-8:] in out
    assert "Mara Lind" in out.replace("\n", " ")
    assert "approved by" in out


def test_many_are_decided_each_on_its_own_and_failures_are_said(waiting: list[str], cli: Cli) -> None:
    assert "Rejected" in cli("drafts", "reject", waiting[0], "--reason", "no", "--by", "Lena Lead").out
    done = cli("drafts", "approve", *waiting, "--by", "Dana Reyes")
    assert done.code == 4
    assert "1 draft approved, 1 could not be." in done.out
    assert "Lena Lead has rejected the draft for Mara Lind" in done.err
    everything = cli("drafts", "list", "--decided", "--json").json["drafts"]
    assert sorted(one["state"] for one in everything) == ["approved", "rejected"]


def test_all_that_wait_can_be_narrowed_down(waiting: list[str], cli: Cli) -> None:
    assert cli("drafts", "approve", "--all", "--playbook", "at_risk", "--json").json["approved"] == []
    done = cli("drafts", "approve", "--all", "--customer", "acme", "--json").json
    assert sorted(done["approved"]) == sorted(waiting)
    assert done["failed"] == []


def test_all_that_wait_can_be_rejected_with_one_reason(waiting: list[str], cli: Cli) -> None:
    assert cli("drafts", "reject", "--all", "--customer", "acme").code == 2, "it takes a reason"
    reject = ("drafts", "reject", "--reason", "a merger", "--all")
    assert cli(*reject, "--playbook", "at_risk", "--json").json["rejected"] == []
    assert sorted(cli(*reject, "--owner", "dana", "--json").json["rejected"]) == sorted(waiting)
    notes = {one["note"] for one in cli("drafts", "list", "--decided", "--json").json["drafts"]}
    assert notes == {"a merger"}
    assert "0 drafts rejected." in cli(*reject).out


@pytest.mark.parametrize(
    "wrong",
    [
        ("approve",),
        ("approve", "--all", "{0}"),
        ("approve", "{0}", "--playbook", "critical"),
        ("reject", "--reason", "no"),
        ("reject", "--reason", "no", "{0}", "--owner", "dana"),
    ],
)
def test_what_is_unclear_decides_nothing(waiting: list[str], cli: Cli, wrong: tuple[str, ...]) -> None:
    refused = cli("drafts", *(one.format(*waiting) for one in wrong))
    assert refused.code == 2
    assert "--all" in refused.err
    assert len(cli("drafts", "--json").json["drafts"]) == 2


def test_one_that_is_not_there_decides_nothing_about_the_others(waiting: list[str], cli: Cli) -> None:
    assert cli("drafts", "approve", waiting[0], "nothere").code == 3
    assert cli("drafts", "reject", waiting[0], "--reason", " ").code == 2
    assert len(cli("drafts", "--json").json["drafts"]) == 2


def test_a_mode_is_switched_told_and_shown(waiting: list[str], cli: Cli) -> None:
    out = cli("playbooks", "mode", "critical", "off").out
    assert "critical: automatic → off" in out
    assert "2 drafts of before still wait" in out
    assert "Mode off: It does not begin any more" in cli("playbooks", "critical").out
    every = cli("playbooks", "mode", "all", "draft", "--json").json["playbooks"]
    assert every["critical"] == {"before": "off", "mode": "draft"}
    assert {one["mode"] for one in cli("playbooks", "--json").json["playbooks"]} == {"draft"}
    wrong = cli("playbooks", "mode", "critcal", "off")
    assert wrong.code == 3
    assert "did you mean 'critical'" in wrong.err
    assert cli("playbooks", "mode", "critical", "sometimes").code == 2
