"""Event playbooks that write to the customer: usage fell, a feature lies unused, or nothing is heard.

They run as `EventPlaybook`. One of them runs at a time for a customer, and none beside a risk playbook.
"""

from datetime import timedelta

from keepwell.contracts.alerts import Trigger
from keepwell.contracts.playbook import Assign, Audience, Channel, Playbook, Send, Sender, Task

ZERO = timedelta()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def _email(template: str, why: str, *, at: timedelta = ZERO, within: timedelta = 1 * DAY) -> Send:
    return Send(
        name=template.rpartition("/")[2],
        at=at,
        within=within,
        unless="answered",
        channel=Channel.EMAIL,
        template=f"email/{template}",
        sender=Sender.OWNER,
        why=why,
    )


def _in_app(template: str, why: str) -> Send:
    return Send(
        name=template.rpartition("/")[2],
        within=1 * DAY,
        unless="answered",
        channel=Channel.IN_APP,
        template=f"in_app/{template}",
        why=why,
    )


def _call(template: str, at: timedelta, why: str) -> Task:
    return Task(name="call_them", at=at, unless="answered", template=f"task/{template}", due=1 * DAY, why=why)


def _tell_owner(template: str, why: str) -> Send:
    return Send(
        name="tell_owner",
        within=1 * HOUR,
        channel=Channel.SLACK,
        template=f"slack/{template}",
        to=Audience.OWNER,
        why=why,
    )


RE_ENGAGEMENT = Playbook(
    name="re_engagement",
    version=1,
    title="Re-engagement: usage fell by half",
    purpose="Usage fell by half or more within three days. The CSM writes at once, and calls later.",
    triggers=(Trigger.USAGE_FALL,),
    workflow="EventPlaybook",
    steps=(
        Assign(name="assign_csm", within=1 * HOUR, why="The emails are a CSM's own, so there has to be one"),
        _tell_owner("re_engagement/tell_owner", "The CSM in whose name it goes out knows of it first"),
        _email(
            "re_engagement/usage_email",
            "At once: their own figures, and one question",
            within=4 * HOUR,
        ),
        _email(
            "re_engagement/follow_up",
            "Day 3: usage is still down, so something useful and a time to talk",
            at=3 * DAY,
        ),
        _call("re_engagement/call_them", 5 * DAY, "Day 5: two letters without an answer call for a voice"),
    ),
    closes_at=8 * DAY,
)

FEATURE_TUTORIAL = Playbook(
    name="feature_tutorial",
    version=1,
    title="Feature tutorial: something they used lies unused",
    purpose="A core feature was not used for seven days. A short tutorial comes on the next business day.",
    triggers=(Trigger.FEATURE_UNUSED,),
    when_due=True,
    workflow="EventPlaybook",
    steps=(_email("feature_tutorial/tutorial_email", "Next business day: the way back into that feature"),),
    closes_at=5 * DAY,
    cooldown=14 * DAY,
)

MOMENTUM_NUDGE = Playbook(
    name="momentum_nudge",
    version=1,
    title="Momentum nudge: nothing has moved for days",
    purpose="No event for 48 hours, or a task that stands still for 72. A nudge in the app, and by email.",
    triggers=(Trigger.INACTIVITY, Trigger.TASK_STALLED),
    when_due=True,
    workflow="EventPlaybook",
    steps=(
        _in_app("momentum_nudge/nudge", "Where they left off, for whoever looks in"),
        _email(
            "momentum_nudge/nudge_email",
            "An hour later, unless they are back: who stays away sees only an email",
            at=1 * HOUR,
        ),
    ),
    closes_at=3 * DAY,
    cooldown=14 * DAY,
)

ZERO_ACTIVITY = Playbook(
    name="zero_activity",
    version=1,
    title="Zero activity: a nudge, and somebody asks",
    purpose="No event for three days. The owner is alerted, the customer nudged, then called.",
    triggers=(Trigger.ZERO_ACTIVITY,),
    when_due=True,
    workflow="EventPlaybook",
    steps=(
        Assign(name="assign_csm", within=1 * HOUR, why="Somebody has to ask what happened"),
        _tell_owner("zero_activity/tell_owner", "Three days without a sign are for a person to know of"),
        _in_app("zero_activity/welcome_back", "For whoever looks in again"),
        _email(
            "zero_activity/ask_email",
            "An hour later, unless they are back: a short question from a person",
            at=1 * HOUR,
        ),
        _call("zero_activity/call_them", 2 * DAY, "Two days later, and still nothing: a call"),
    ),
    closes_at=5 * DAY,
    cooldown=14 * DAY,
)
