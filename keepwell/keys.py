"""Every key by which something is recognised again, in one place.

None of them holds personal data: ids are ours, and Temporal shows workflow ids in plain text.
"""

from datetime import date
from hashlib import sha256
from os import urandom

from ulid import ULID

_ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = bytes(_ALPHABET[byte % 32] for byte in range(256))


def new_id() -> str:
    """A new id: 26 characters, sortable by the time it was drawn, with 80 random bits."""
    return str(ULID())


def new_ids(count: int) -> list[str]:
    """So many new ids of one moment: the same as `new_id`, thirty times as fast."""
    moment, noise = str(ULID())[:10], urandom(16 * count).translate(_DIGITS).decode()
    return [moment + noise[start : start + 16] for start in range(0, len(noise), 16)]


def risk_workflow_id(organisation: str, customer: str) -> str:
    """The one chain of risk playbooks of a customer."""
    return f"risk/{organisation}/{customer}"


def expansion_workflow_id(organisation: str, customer: str) -> str:
    """The one chain of expansion playbooks of a customer."""
    return f"expansion/{organisation}/{customer}"


def event_workflow_id(organisation: str, customer: str, playbook: str) -> str:
    """The chain of one event playbook of a customer."""
    return f"event/{organisation}/{customer}/{playbook}"


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


def churn_schedule_id(organisation: str) -> str:
    """The Schedule that trains the churn model anew; its runs are under this id and their time."""
    return f"churn/{organisation}"


def churn_nightly_schedule_id(organisation: str) -> str:
    """The Schedule of the nightly churn predictions."""
    return f"churn-nightly/{organisation}"


def monitor_schedule_id(organisation: str) -> str:
    """The Schedule of the monitor; its runs are under this id and their time."""
    return f"monitor/{organisation}"


def webhooks_schedule_id(organisation: str) -> str:
    """The Schedule that hands over webhooks; its runs are under this id and their time."""
    return f"webhooks/{organisation}"


def webhook_workflow_id(organisation: str, delivery: str) -> str:
    """The run that brings one event to one endpoint."""
    return f"webhook/{organisation}/{delivery}"


def schedule_ids(organisation: str, *, trains: bool) -> tuple[str, ...]:
    """Every Schedule that an organisation should have; `trains`: churn models are trained by themselves."""
    return (
        daily_schedule_id(organisation),
        sweep_schedule_id(organisation),
        monitor_schedule_id(organisation),
        webhooks_schedule_id(organisation),
        churn_nightly_schedule_id(organisation),
        *((churn_schedule_id(organisation),) if trains else ()),
    )


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


def fallback_key(intervention: str, step: str) -> str:
    """The key of the task to do by hand what a step did not do."""
    return f"{step_key(intervention, step)}/fallback"


def bounced_key(intervention: str, step: str) -> str:
    """The key of the task that follows from a step's message that did not arrive, or was not wanted."""
    return f"{step_key(intervention, step)}/bounced"


def reply_key(message_id: str) -> str:
    """The key of what follows from an email that came in: its command, its task, its line in the journal."""
    return f"reply/{sha256(message_id.encode()).hexdigest()[:40]}"


def takeover_start(start: str, number: int) -> str:
    """The start stamp of the intervention after the n-th take-over in a chain."""
    return f"{start}.{number}"


def score_run_id(day: date, scorecard: str) -> str:
    """The daily run of one day with one scorecard; the same call again goes on with the same run."""
    return f"{day:%Y-%m-%d}/{scorecard}"
