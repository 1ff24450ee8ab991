"""Every email as its reader gets it: rendered as for sending, with made-up facts that fit its playbook."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape

from keepwell.adapters.notice_renderer import TEMPLATES
from keepwell.contracts.drafts import Frame
from keepwell.contracts.playbook import Audience, Channel, Playbook, Send, Sender
from keepwell.contracts.rendering import Context, OfferFigures, Person, PersonalLinks, Rendered
from keepwell.db.repositories.offer_words import moment_words, options_of
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rendering.bundle import load_bundle
from keepwell.rendering.edited import FRAME, put_together
from keepwell.rendering.render import render
from keepwell.rendering.sample import full_context, sample_contexts
from keepwell.rendering.sample_alert import alerted
from keepwell.spans import offset_words

TO_STAFF = "staff"
BY_HAND = "by_hand"
"""Groups besides the playbooks, whose groups are called like them."""

EXECUTIVE = Person(
    name="Erin Cole", first_name="Erin", email="erin@brightdesk.example", title="Chief Customer Officer"
)
READERS = {
    Audience.ALTERNATE_CONTACT: Person(
        name="Jonas Weber", first_name="Jonas", email="jonas@harbourfoods.example"
    ),
    Audience.BILLING_CONTACT: Person(name="Mia Brandt", first_name="Mia", email="bills@harbourfoods.example"),
}
TYPED = """Dear Lena,

Thank you for the call just now. As agreed, I have asked our developers for the export of delivery notes \
and will tell you on Thursday what they say.

Until then, the guide is here: https://app.brightdesk.example/guides/export

Kind regards
Priya"""
LONG_CUSTOMER = "Norddeutsche Gemüse- und Feinkostgroßhandelsgenossenschaft Bremerhaven-Wesermünde eG"
LONG_PERSON = Person(
    name="Maximiliane-Friederike von Hohenstein-Wackerbarth",
    first_name="Maximiliane-Friederike",
    email="maximiliane-friederike.von-hohenstein-wackerbarth@feinkostgrosshandel.example",
    title="Head of Purchasing, Warehousing and Distribution",
    phone="+49 471 23125 10440",
)


Change = Callable[[Context], Context]


@dataclass(frozen=True)
class Letter:
    """An email: where it stands, when, from whom and to whom it goes, and what its reader sees."""

    group: str
    key: str
    when: str
    sender: str
    to: str
    rendered: Rendered
    attached: str = ""

    @property
    def preheader(self) -> str:
        """What an inbox shows beside the subject."""
        found = re.search(r'<div style="display:none;[^"]*">(.*?)</div>', self.rendered.html, re.DOTALL)
        return " ".join(unescape(found[1]).split()) if found else ""


def playbooks() -> list[Playbook]:
    """The playbooks in force that send emails, the gravest level first, then by family."""
    found = [one for one in PlaybookRegistry(BUILT_IN).playbooks.values() if _emails(one)]
    family = ("risk", "event", "expansion")
    return sorted(
        found, key=lambda one: (family.index(one.family), -(one.level.severity if one.level else 0))
    )


def letters(change: Change = lambda context: context) -> list[Letter]:
    """All of them: of every playbook in the order of its steps, then those besides. `change`s the facts."""
    own = [_letter(playbook, step, change) for playbook in playbooks() for step in _emails(playbook)]
    return [*own, _edited(change(full_context())), *_notices(change(full_context()))]


def with_long_names(context: Context) -> Context:
    """The same facts about a customer, a reader and a sender with the longest of names."""
    return context.model_copy(
        update={
            "customer": context.customer.model_copy(update={"name": LONG_CUSTOMER}),
            "recipient": LONG_PERSON,
            "contact": LONG_PERSON,
            "sender": LONG_PERSON if context.sender.title else context.sender,
            "alerts": tuple(
                one.model_copy(update={"customer": LONG_CUSTOMER}) if one.customer else one
                for one in context.alerts
            ),
        }
    )


def _emails(playbook: Playbook) -> list[Send]:
    return [one for one in playbook.all_steps if isinstance(one, Send) and one.channel is Channel.EMAIL]


def context_of(playbook: Playbook, step: Send) -> Context:
    """Made-up facts of a customer for whom this playbook runs, as the step is due."""
    full = full_context()
    match playbook.family:
        case "risk":
            context = full
        case "expansion":
            context = sample_contexts()["growing"]
            assert context.opportunity is not None
            assert playbook.signal is not None
            found = context.opportunity.model_copy(update={"signal": playbook.signal})
            context = context.model_copy(update={"opportunity": found})
        case "event":
            context = alerted(full, playbook.triggers[0])
    told = {"sender": _sender(full, step.sender), "offer": _offer(playbook, step, full)}
    return context.model_copy(update={**told, "recipient": READERS.get(step.to, full.recipient)})


def _offer(playbook: Playbook, step: Send, full: Context) -> OfferFigures | None:
    """The playbook's offer as it stands when the step is due."""
    offer = playbook.offer
    if offer is None or not offer.at <= step.at < offer.at + offer.valid_for:
        return None
    left = offer.at + offer.valid_for - step.at
    found = {
        "options": options_of(offer.options),
        "ends": moment_words(full.now + left, "Europe/Berlin"),
        "hours_left": round(left.total_seconds() / 3600),
    }
    return full.offer.model_copy(update=found) if full.offer else None


def _sender(full: Context, sender: Sender) -> Person:
    match sender:
        case Sender.EXECUTIVE:
            return EXECUTIVE
        case Sender.OWNER:
            return full.sender
        case Sender.COMPANY:
            ours = full.organisation
            return Person(name=ours.sender_name, first_name=ours.sender_name, email=ours.sender_address)


def _letter(playbook: Playbook, step: Send, change: Change) -> Letter:
    context = change(context_of(playbook, step))
    return Letter(
        group=playbook.name,
        key=step.template.removeprefix("email/").replace("/", "-"),
        when=_when(playbook, step),
        sender=f"{context.sender.name} ({step.sender.value})",
        to=step.to.value.replace("_", " "),
        rendered=render(load_bundle(step.template), context, to_customers=True),
        attached=(step.attach or "").replace("_", " "),
    )


def _when(playbook: Playbook, step: Send) -> str:
    begins = "when it is due" if playbook.when_due else "at once"
    at = offset_words(step.at).replace("+", "after ") if step.at else begins
    waits = {"answered": ", unless they have answered", "acknowledged": ", unless somebody has it in hand"}
    return f"{at}{waits.get(step.unless or '', '') if step.at else ''}"


def _edited(context: Context) -> Letter:
    frame = render(load_bundle(FRAME), context, to_customers=True)
    text, html = put_together(TYPED, Frame(text=frame.text, html=frame.html))
    return Letter(
        group=BY_HAND,
        key="edited",
        when="when the draft is approved",
        sender=f"{context.sender.name} (owner)",
        to="primary contact",
        rendered=Rendered(subject="The export of your delivery notes", text=text, html=html),
    )


def _notices(full: Context) -> list[Letter]:
    """To the staff: one alert, and several that came within ten minutes."""
    name = TEMPLATES[Channel.EMAIL]
    staff = full.model_copy(update={"recipient": full.owner, "links": PersonalLinks()})
    one = staff.model_copy(update={"alerts": full.alerts[:1], "more_alerts": 0})
    made = {
        "alert": (one, "at once if critical, else within 10 minutes"),
        "alerts": (staff, "at most every 10 minutes, several in one"),
    }
    return [
        Letter(
            group=TO_STAFF,
            key=key,
            when=when,
            sender=f"{full.organisation.sender_name} (company)",
            to="people who are told of alerts",
            rendered=render(load_bundle(name), context, to_customers=False),
        )
        for key, (context, when) in made.items()
    ]
