"""Names of the code as words for people: playbooks by their labels, kinds of journal lines, roles.

The code's own name stays beside them in a title or a second line, for those who filter or look into a log.
"""

from __future__ import annotations

import re
from typing import Protocol

from markupsafe import Markup, escape

from keepwell.console.lists import SIGNALS, TRIGGERS
from keepwell.contracts.access import Role
from keepwell.playbook_picture import step_words

LEVEL_WORDS = {
    "THRIVING": "Thriving",
    "HEALTHY": "Healthy",
    "AT_RISK": "At risk",
    "HIGH_RISK": "High risk",
    "CRITICAL": "Critical",
}
ROLE_WORDS = {
    Role.CLIENT: "customer",
    Role.CSM: "CSM",
    Role.OPS: "operations",
    Role.ADMIN: "admin",
    Role.INGEST: "ingestion",
}

_LEVELS = re.compile(rf"\b({'|'.join(LEVEL_WORDS)})\b")
_CODES = re.compile(rf"\b({'|'.join(SIGNALS)})\b")
# critical@3, but no address such as bob@3.example
_LABEL = re.compile(r"(?<![\w.@+-])([a-z][a-z0-9_]*)@\d+(?![\w@])(?!\.\w)")
_FRONT = re.compile(r"^[a-z][a-z0-9_]*(?=: )")
_RULES = re.compile(r"(?<![^; ])[a-z]+(?:_[a-z]+)*(?=: )")
_CHANNEL = re.compile(r"(?<=: )(in_app|slack)\b|^(in_app|slack)\b")

SUBJECTS = {
    "churn_model": "Churn model",
    "delivery": "Message",
    "in_app": "In-app message",
    "intervention": "Playbook",
    "key": "API key",
    "sending": "Sending",
    "transition": "Level change",
}
"""What the first part of a kind is called, where it is not just that word."""
KINDS = {
    "alert.not_handed_over": "Alert not handed to a playbook",
    "alert.not_told": "Nobody could be told of an alert",
    "alert.refused": "Alert: no playbook began",
    "alert.rules_changed": "Rules of alerts changed",
    "alert.channel_changed": "Way of telling changed",
    "alert.started": "Alert: a playbook began",
    "alert.told": "Somebody was told of an alert",
    "contact.automatic_reply": "Automatic reply of a contact",
    "contact.resubscribed": "Contact subscribed again",
    "contact.suppressed": "Address suppressed",
    "contact.suppression_lifted": "Suppression lifted",
    "command.refused": "Command refused",
    "command.respond": "They answered",
    "delivery.accepted": "Message sent",
    "demo.loaded": "Demo data stored",
    "intervention.began": "Playbook began",
    "organisation.closed_day": "Closed day entered",
    "playbook.mode": "Playbook switched",
    "score.run": "Scores computed",
    "scorecard.beside": "Scorecard computed beside",
    "scorecard.used": "Scorecard taken into use",
    "staff.absent": "Absence entered",
    "staff.absence_withdrawn": "Absence withdrawn",
    "step.assigned": "Owner assigned",
    "step.document": "Document written",
    "task.not_told": "Nobody could be told of a task",
    "task.told": "Somebody was told of a task",
    "transition.refused": "Level change: nothing began",
    "transition.started": "Level change: a playbook began",
}
"""Kinds whose two parts do not read as words."""
STATES = {
    "accepted": "sent",
    "deferred": "put off",
    "draft": "waits for approval",
    "sending": "being sent",
}
"""States of messages that are not words for people."""
VERBATIM = ("contact.", "task.", "account.", "command.", "demo.", "import.")
"""Kinds whose text holds what somebody wrote, and no names of the code."""


class JournalLine(Protocol):
    """As much of a line of the journal as its words need."""

    @property
    def kind(self) -> str: ...
    @property
    def text(self) -> str: ...


def playbook_words(label: str) -> str:
    """A playbook by its label or name: "executive_notification@2" is "Executive notification"."""
    name = label.partition("@")[0]
    if name.startswith("re_"):
        name = name.replace("_", "-", 1)
    said = step_words(name)
    return "API" + said.removeprefix("Api") if said.split(" ")[0] == "Api" else said


def playbook_name(label: str) -> Markup:
    """The same for a page, with the label for whoever points at it."""
    return Markup('<span title="{}">{}</span>').format(label, playbook_words(label))


def named(text: str) -> str:
    """A sentence of ours in which labels of playbooks stand: “Critical” for "critical@3"."""
    return _LABEL.sub(lambda found: f"“{playbook_words(found[1])}”", text)


def plain(text: str) -> str:
    """A sentence of the engine, its playbooks, levels and signals in words."""
    text = _LEVELS.sub(lambda found: LEVEL_WORDS[found[0]], named(text))
    return _CODES.sub(lambda found: f"“{SIGNALS[found[0]]}”", text)


def channels(text: str) -> str:
    """A line about a message, its channel as people write it."""
    return _CHANNEL.sub(lambda found: "in-app" if found[0] == "in_app" else "Slack", text, count=1)


def journal_words(line: JournalLine) -> str:
    """The text of a line of the journal; what somebody wrote stays as it was written."""
    if line.kind.startswith(VERBATIM):
        return line.text
    if line.kind == "alert.rules_changed":
        return _RULES.sub(lambda found: TRIGGERS.get(found[0], found[0]), line.text)
    if line.kind.startswith("playbook."):
        return _FRONT.sub(lambda found: playbook_words(found[0]), line.text, count=1)
    if line.kind.startswith(("delivery.", "draft.", "step.")):
        return channels(_FRONT.sub(lambda found: step_words(found[0]), line.text, count=1))
    return plain(line.text)


def kind_words(kind: str) -> str:
    """A kind of journal line: "account.signed_in" is "Account signed in"; of a whole group its name."""
    if kind in KINDS:
        return KINDS[kind]
    subject, _, what = kind.partition(".")
    said = SUBJECTS.get(subject, step_words(subject))
    return f"{said}{': ' if subject == 'command' else ' '}{what.replace('_', ' ')}" if what else said


def trigger_words(trigger: str) -> str:
    """What an alert is about."""
    return TRIGGERS.get(trigger, step_words(trigger))


def state_words(state: str) -> str:
    """How far a message has come."""
    return STATES.get(state, state.replace("_", " "))


def role_words(role: str | None) -> str:
    """A role as people say it; nothing for none."""
    return "" if role is None else ROLE_WORDS[Role(role)]


def address(text: str) -> Markup:
    """An email address that breaks after its @ before it breaks anywhere else."""
    before, at, after = text.partition("@")
    return escape(before) + at + (Markup("<wbr>") + after if at else "")
