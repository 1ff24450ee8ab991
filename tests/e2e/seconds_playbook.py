"""A critical playbook in seconds, brought in as users bring their own: KEEPWELL_PLAYBOOKS names this module.

With it, a Temporal server may be killed and started again while real timers of its own run down.
"""

from datetime import timedelta

from keepwell.contracts.playbook import Audience, Channel, Playbook, Send, Sender
from scoring.levels import Level

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def _email(name: str, at: timedelta, sender: Sender = Sender.OWNER) -> Send:
    return Send(
        name=name,
        at=at,
        within=HOUR,
        channel=Channel.EMAIL,
        template=f"email/critical/{name}",
        sender=sender,
        why="A message at its moment",
    )


SECONDS = Playbook(
    name="critical",
    version=1000,
    title="Critical, in seconds",
    purpose="The shape of the critical playbook with delays that a test can wait for.",
    level=Level.CRITICAL,
    workflow="CriticalPlaybook",
    steps=(
        _email("executive_email", 0 * SECOND, Sender.EXECUTIVE),
        Send(
            name="alert_csm",
            within=HOUR,
            channel=Channel.SLACK,
            template="slack/critical/alert_csm",
            to=Audience.OWNER,
            why="The CSM in charge must know at once",
        ),
        _email("csm_outreach", 20 * SECOND),
        _email("final_offer", 24 * SECOND, Sender.EXECUTIVE),
    ),
    closes_at=25 * SECOND,
)
