"""The drawing of a playbook: nothing lies upon another, and no line is longer than its card allows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.console.picture import (
    BOLD_LETTERS,
    CARD,
    SMALL_LETTERS,
    TITLE_LETTERS,
    Card,
    drawing_of,
)
from keepwell.console.reaction_kinds import kinds_for, options_for
from keepwell.contracts.playbook import Playbook, Task
from keepwell.playbook_picture import playbook_picture
from keepwell.playbooks import playbooks_in_force
from keepwell.rehearsal.lines import KINDS
from scoring.levels import Level
from workflows.critical import CRITICAL

PLAYBOOKS = playbooks_in_force(())
LETTERS = {"name": TITLE_LETTERS, "small": SMALL_LETTERS, "unless": BOLD_LETTERS}
HOUR = timedelta(hours=1)
LONG = Playbook(
    name="long",
    version=1,
    title="Long names",
    purpose="Names as long as they may be.",
    level=Level.AT_RISK,
    workflow="AtRiskPlaybook",
    steps=tuple(
        Task(name=f"{letter}{'x' * 38}", template="task/x/y", due=HOUR, unless="acknowledged", why="because")
        for letter in "abc"
    ),
    closes_at=HOUR,
)


def overlap(one: Card, other: Card) -> bool:
    beside = one.x + CARD <= other.x or other.x + CARD <= one.x
    below = one.y + one.height <= other.y or other.y + other.height <= one.y
    return not (beside or below)


@pytest.mark.parametrize("playbook", [*PLAYBOOKS.values(), LONG], ids=lambda one: one.label)
def test_every_step_has_its_place(playbook: Playbook) -> None:
    picture = playbook_picture(playbook)
    drawn = drawing_of(picture)
    assert len(drawn.cards) == len(playbook.steps)
    for number, one in enumerate(drawn.cards):
        assert not [other for other in drawn.cards[number + 1 :] if overlap(one, other)]
        assert one.x + CARD <= drawn.width
        row = next(row for row in drawn.rows if row.lane == one.lane)
        assert row.y < one.y
        assert one.y + one.height < row.y + row.height <= drawn.height
        for text in one.texts:
            assert len(text.words) <= LETTERS[text.look], text.words
            assert one.y < text.y < one.y + one.height
    # Each step is told in the one sentence for who cannot see it.
    assert all(step.what in picture.words for step in picture.steps)
    assert [column.x for column in drawn.columns] == sorted(column.x for column in drawn.columns)


def test_the_moments_of_the_critical_playbook() -> None:
    picture = playbook_picture(CRITICAL)
    assert [(one.words, one.wait) for one in picture.moments] == [
        ("at once", ""),
        ("+1 h", "1 h"),
        ("+2 h", "1 h"),
        ("day 1", "22 h"),
        ("day 2", "1 d"),
        ("day 3", "1 d"),
        ("day 7", "4 d"),
    ]
    lanes = {step.name: step.lane for step in picture.steps}
    assert lanes["executive_email"] == lanes["retention_offer"] == "customer"
    assert lanes["alert_csm"] == lanes["phone_call"] == lanes["roadmap"] == "team"
    assert lanes["tell_cover"] == lanes["escalate"] == "escalation"
    assert next(step.title for step in picture.steps if step.name == "alert_csm") == "Alert CSM"
    assert [one.on for one in picture.follow_ups] == [one.on.words for one in CRITICAL.follow_ups]


@pytest.mark.parametrize("playbook", PLAYBOOKS.values(), ids=lambda one: one.label)
def test_what_can_happen_fits_the_playbook(playbook: Playbook) -> None:
    kinds = {one.kind for group in kinds_for(playbook).values() for one in group}
    assert kinds <= set(KINDS)
    assert {"reply", "score", "pause", "resume", "stop", "skip", "complete", "reassign"} <= kinds
    assert ("accept" in kinds) is (playbook.offer is not None) is bool(options_for(playbook))
    assert ("upgrade" in kinds) is (playbook.signal is not None)
    assert ("over" in kinds) is (playbook.family == "event")
