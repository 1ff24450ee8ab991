"""What campaigns are made of: how every one begins, its emails and talks, and what a trial asks for."""

from datetime import timedelta

from keepwell.contracts.offers import OfferKind
from keepwell.contracts.playbook import (
    Assign,
    Audience,
    Channel,
    FollowUp,
    Playbook,
    Send,
    Sender,
    Step,
    Task,
)
from scoring.signal import Signal

DAY = timedelta(days=1)
WITHIN = timedelta(hours=4)

BEGINNING: tuple[Step, ...] = (
    Assign(name="assign_csm", within=WITHIN, why="The emails are a CSM's own, so there has to be one"),
    Send(
        name="tell_csm",
        within=WITHIN,
        channel=Channel.SLACK,
        template="slack/expansion/tell_csm",
        to=Audience.OWNER,
        why="The CSM in whose name the emails go knows before an answer comes",
    ),
)
"""A CSM in charge, who knows what goes out in their name."""


def campaign(
    name: str,
    signal: Signal,
    title: str,
    purpose: str,
    steps: tuple[Step, ...],
    follow_ups: tuple[FollowUp, ...] = (),
) -> Playbook:
    """A campaign's first version, with the beginning that all have; it runs as `ExpansionPlaybook`."""
    return Playbook(
        name=name,
        version=1,
        title=title,
        purpose=purpose,
        signal=signal,
        workflow="ExpansionPlaybook",
        cooldown=60 * DAY,
        steps=(*BEGINNING, *steps),
        follow_ups=follow_ups,
        closes_at=14 * DAY,
    )


def email(name: str, template: str, why: str, *, day: int = 0, attach: str | None = None) -> Send:
    """An email in the CSM's name, unless the customer has answered by then."""
    return Send(
        name=name,
        at=day * DAY,
        within=1 * DAY,
        unless="answered",
        channel=Channel.EMAIL,
        template=template,
        sender=Sender.OWNER,
        attach=attach,
        why=why,
    )


def talk(day: int, why: str, *, due: timedelta = 2 * DAY) -> Task:
    """The CSM talks to the customer in person, unless it has answered by then."""
    return Task(
        name="talk",
        at=day * DAY,
        unless="answered",
        template="task/expansion/talk",
        due=due,
        why=why,
    )


def trial_taken(called: str, days: int, review: int) -> FollowUp:
    """What accepting a trial of so many days asks of the CSM; `review` is the day to speak of the result."""
    return FollowUp(
        on=OfferKind.TRIAL,
        steps=(
            Task(
                name="trial_set_up",
                template="task/expansion/trial_set_up",
                due=1 * DAY,
                why=f"They took the {called}: the days count from the moment it works",
            ),
            Task(
                name="trial_review",
                at=review * DAY,
                template="task/expansion/trial_review",
                due=2 * DAY,
                why=f"Day {review} of {days}: time to ask whether they want to keep it",
            ),
        ),
    )
