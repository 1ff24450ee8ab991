"""How every campaign begins: a CSM in charge, who knows what goes out in their name."""

from datetime import timedelta

from keepwell.contracts.playbook import Assign, Audience, Channel, Send, Step

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
