"""How a rehearsal is printed: quotes keep their bar, offers say what they are, sides are told apart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.cli.rehearse_view import print_rehearsed
from keepwell.rehearsal.compare import compare
from keepwell.rehearsal.timeline import Offered, Timeline
from tests.unit.rehearsal.made import START, email, entry, task, timeline

LONG = "word " * 60 + "https://example.com/" + "long" * 50
TEXT = f"Hello Mara,\n\n{LONG}\n- one\nGoodbye"


def printed(capsys: pytest.CaptureFixture[str], one: Timeline) -> list[str]:
    print_rehearsed(one, brief=False)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_each_line_of_a_quote_keeps_its_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    document = entry("document", 2, "A plan", step="roadmap", state="done", text=LONG)
    lines = printed(capsys, timeline(email(0, "hello", text=TEXT), task(1, "call", detail=LONG), document))
    assert max(map(len, lines)) <= columns
    quoted = [line for line in lines if "│" in line]
    assert {line.index("│") for line in quoted} == {quoted[0].index("│")}
    assert not [line for line in lines if ("word" in line or "longlong" in line) and "│" not in line]
    said = "".join(line.partition("│")[2].strip() for line in quoted)
    assert said.count("word") == 3 * 60
    assert said.count("long" * 50) == 3
    # From the first line of the email to its last there is no line without a bar.
    first, last = (next(at for at, line in enumerate(lines) if word in line) for word in ("Hello", "Goodbye"))
    assert all("│" in line for line in lines[first : last + 1])


@pytest.mark.parametrize(
    ("early", "says"), [(False, "to be taken until 30 Nov 09:00"), (True, "agreed before it went out")]
)
def test_the_row_of_an_offer_does_not_tell_what_came_later(
    capsys: pytest.CaptureFixture[str], early: bool, says: str
) -> None:
    offer = Offered(
        options=("trial: for the team",),
        until=START + timedelta(days=7),
        state="accepted",
        terms="trial",
        early=early,
    )
    shown = "\n".join(
        printed(
            capsys,
            timeline(entry("offer", 48, "offer: trial", step="trial_offer", state="done", offer=offer)),
        )
    )
    assert says in shown
    assert "· trial: for the team" in shown
    assert "accepted" not in shown


def test_what_people_do_on_one_side_alone_names_the_side(capsys: pytest.CaptureFixture[str]) -> None:
    both = "the customer does not answer"
    left = timeline(playbook="at_risk@1", script=(both,))
    right = timeline(playbook="high_risk@1", script=("the CSM acknowledges it after 30 min", both))
    here, there = compare(left, right), compare(right, left)
    wanted = ("high_risk@1: the CSM acknowledges it after 30 min", both)
    assert here.script == there.script == wanted
    assert compare(left, left).script == (both,)
    print_rehearsed(here, brief=True)
    shown = capsys.readouterr().out
    assert f"  · {wanted[0]}\n  · {both}\n" in shown
