"""The stories of `keepwell demo --once` about customers at risk. Each is played by the production code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keepwell.contracts.commands import (
    Accept,
    Acknowledge,
    Complete,
    Pause,
    Respond,
    Seen,
)
from keepwell.contracts.offers import OfferKind
from keepwell.contracts.playbook import Family
from keepwell.demo.portfolio import DemoCustomer
from keepwell.demo.scene import DAY, HOUR, Scene
from keepwell.demo.told import Story

BETTER = 69.0
GRAVE, WORST = 31.0, 13.0
Play = Callable[[Scene], Awaitable[Story]]


@dataclass(frozen=True)
class Part:
    """A story and whom it is for: the group of customers in the portfolio, and how many can be written to.

    `counted` asks for one whose hours saved and their cost are known; `families` are the chains it runs in.
    """

    play: Play
    group: str
    contacts: int = 1
    counted: bool = True
    families: tuple[Family, ...] = ("risk",)

    def fits(self, one: DemoCustomer) -> bool:
        """Whether this customer can play it."""
        usable = [who for who in one.contacts if who.consent.value != "denied" and not who.suppressed]
        return (
            one.story.name == self.group
            and len(usable) >= self.contacts
            and one.owner is not None
            and (one.worth.counted or not self.counted)
        )


async def last_offer(scene: Scene) -> Story:
    """Silence to the last offer of hour 72, which is seen and accepted."""
    await scene.fall()
    await scene.until(HOUR / 2)
    await scene.say(Acknowledge, note="I am on it")
    await scene.until(26 * HOUR)
    await scene.say(Complete, step="phone_call", note="Voicemail: asked them to call back")
    await scene.until(73 * HOUR)
    await scene.say(Seen)
    await scene.until(75 * HOUR)
    await scene.say(Accept, option=OfferKind.BILLING_PAUSE, months=2, note="Budget freeze until February")
    return await scene.told(
        "critical, down to the last offer",
        "The score has collapsed. Emails, a call and a second contact stay unanswered for three days; "
        "then they take two months' pause instead of leaving.",
    )


async def answered(scene: Scene) -> Story:
    """An answer at hour 30."""
    await scene.fall()
    await scene.until(HOUR * 2 / 3)
    await scene.say(Acknowledge, note="I know them, I will ring")
    await scene.until(25 * HOUR)
    await scene.say(Complete, step="phone_call", note="Reached their assistant")
    await scene.until(30 * HOUR)
    await scene.say(Respond, note="They want a call on Thursday, with their new manager")
    return await scene.told(
        "critical, answered at hour 30",
        "An executive writes at once, the CSM rings on the second day, and that afternoon they answer. "
        "What was still to come (another contact, the last offer) is never sent.",
    )


async def taken_over(scene: Scene) -> Story:
    """At risk, high risk, critical: one voice all the way."""
    await scene.fall()
    await scene.until(4 * DAY)
    await scene.fall(GRAVE)
    await scene.until(4 * DAY + 2 * HOUR)
    await scene.say(Acknowledge, note="I take it from here")
    await scene.until(7 * DAY)
    await scene.fall(WORST)
    await scene.until(7 * DAY + HOUR / 2)
    await scene.say(Acknowledge, note="Ringing them today")
    await scene.until(7 * DAY + 6 * HOUR)
    await scene.say(
        Accept, option=OfferKind.DEDICATED_SUPPORT, note="On the phone: they need help with the setup"
    )
    await scene.until(22 * DAY)
    return await scene.told(
        "taken over twice, then helped",
        "It gets worse twice in a week. Each time the graver playbook takes over, so that they hear one "
        "voice. On the phone they take setup and training, before any offer has gone out.",
    )


async def recovered(scene: Scene) -> Story:
    """Useful messages, and a recovery on the ninth day."""
    await scene.fall()
    await scene.until(9 * DAY)
    await scene.actor.score(BETTER)
    return await scene.told(
        "at risk, recovered by itself",
        "The score slipped below 60. Useful messages with their own figures; on day 9 new figures arrive, "
        "and the playbook ends on the spot: nobody is written to who is well.",
    )


async def on_leave(scene: Scene) -> Story:
    """The CSM is away and silent; the lead hears of it and hands the customer to a colleague."""
    lead = scene.staff["mateo"].name
    colleague = next(
        one for key, one in scene.staff.items() if one.role == "csm" and key != scene.customer.owner
    )
    await scene.fall()
    await scene.until(25 * HOUR)
    await scene.reassign(lead, colleague)
    await scene.say(Complete, lead, step="escalate", note=f"{scene.owner} is on leave")
    await scene.until(25 * HOUR + HOUR / 2)
    await scene.say(Acknowledge, colleague.name, note="Mine now, I ring them first")
    await scene.until(27 * HOUR)
    await scene.say(Complete, colleague.name, step="phone_call", note="Spoke to them for half an hour")
    await scene.until(27 * HOUR + HOUR / 2)
    await scene.say(Respond, colleague.name, note="They stay if the weekly report works again")
    return await scene.told(
        "the CSM is on leave",
        f"{scene.owner} is away. Nothing tells Keepwell so, but nobody acknowledges either: after an hour "
        "their deputy hears of it, after two the lead. "
        f"{lead} hands it to {colleague.name} in the morning, open tasks included.",
    )


async def no_more_emails(scene: Scene) -> Story:
    """A pause that loses no delay, and consent that is withdrawn half-way."""
    await scene.fall()
    await scene.until(2 * HOUR)
    await scene.say(Acknowledge)
    await scene.until(26 * HOUR)
    until = scene.at(26 * HOUR + 3 * DAY)
    await scene.say(Pause, until=until, reason="Their office is closed until Friday")
    await scene.until(7 * DAY - HOUR)
    scene.withdraw_consent(await scene.actor.now())
    await scene.until(7 * DAY + 3 * HOUR)
    await scene.say(Complete, step="tutorial", note="Showed it to them on the phone")
    await scene.say(Respond, note="By phone from now on; they want the consultation")
    return await scene.told(
        "high risk, paused, then no emails",
        "The CSM pauses for three days, and every delay moves by as much. Then consent is withdrawn: the "
        "next email is not sent, and the CSM gets it as a task instead.",
    )


PARTS = (
    Part(last_offer, "cliff", contacts=2),
    Part(answered, "cliff", contacts=2),
    Part(taken_over, "slips today", contacts=2),
    Part(recovered, "slips today"),
    Part(on_leave, "cliff"),
    Part(no_more_emails, "falls today", contacts=2),
)
