"""Every key by which something is recognised again, in one place.

None of them holds personal data: ids are ours, and Temporal shows workflow ids in plain text.
"""

from datetime import date

from ulid import ULID


def new_id() -> str:
    """A new id: 26 characters, sortable by the time it was drawn, with 80 random bits."""
    return str(ULID())


def risk_workflow_id(organisation: str, customer: str) -> str:
    """The one chain of risk playbooks of a customer."""
    return f"risk/{organisation}/{customer}"


def expansion_workflow_id(organisation: str, customer: str) -> str:
    """The one chain of expansion playbooks of a customer."""
    return f"expansion/{organisation}/{customer}"


def daily_workflow_id(organisation: str, run: str) -> str:
    """One daily run."""
    return f"daily/{organisation}/{run}"


def daily_schedule_id(organisation: str) -> str:
    """The Schedule of the daily run."""
    return f"daily/{organisation}"


def score_workflow_id(organisation: str) -> str:
    """The run over all customers that a person asked for; asking again joins the one under way."""
    return f"score/{organisation}"


def sweep_schedule_id(organisation: str) -> str:
    """The Schedule of the sweep for transitions that were committed and never claimed."""
    return f"sweep/{organisation}"


def delivery_key(
    organisation: str, intervention: str, playbook: str, step: str, recipient: str, channel: str
) -> str:
    """The stable key of one delivery: the same in every attempt, retry and `workflow reset`."""
    return f"{organisation}/{intervention}/{playbook}/{step}/{recipient}/{channel}"


def organisation_of(delivery: str) -> str:
    """The organisation's id in the key of a delivery."""
    return delivery.partition("/")[0]


def step_key(intervention: str, step: str) -> str:
    """The key of what a step leaves behind once: its task, its document, its line in the journal."""
    return f"{intervention}/{step}"


def takeover_start(start: str, number: int) -> str:
    """The start stamp of the intervention after the n-th take-over in a chain."""
    return f"{start}.{number}"


def score_run_id(day: date, scorecard: str) -> str:
    """The daily run of one day with one scorecard; the same call again goes on with the same run."""
    return f"{day:%Y-%m-%d}/{scorecard}"
