"""From alerts to event playbooks: what the store knows of them when they are handed over."""

from __future__ import annotations

from keepwell.contracts.base import Frozen
from keepwell.contracts.intervention import AlertCause


class AdmittedAlert(Frozen):
    """An alert whose event playbook may begin now."""

    organisation: str
    customer: str
    customer_name: str
    cause: AlertCause


class CauseGone(Frozen):
    """An event playbook that is still open, by its workflow's id, though the cause of its alert is gone."""

    organisation: str
    customer: str
    intervention: str
    workflow_id: str
    why: str


class ToldToEnd(Frozen):
    """The word to an event playbook that it ends, by the intervention that is meant.

    Its workflow's id is used again by the next run of the same playbook, and a word may come late.
    """

    intervention: str
    why: str


def left_open_words(why: str) -> str:
    """Why an intervention ends in the store, where its run could not be told the reason any more."""
    return f"{why}; its run in Temporal had ended without an outcome"


def silent_words(playbook: str) -> str:
    """Why an event playbook does not write to a customer: another one, by its label, does."""
    return f"{playbook} runs: one voice for a customer"
