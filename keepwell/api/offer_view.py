"""The words of an offer's page."""

from __future__ import annotations

from typing import assert_never

from keepwell.api.offer_form import LONGEST, Said, Wrong
from keepwell.contracts.offers import OfferKind, OfferOption
from keepwell.db.repositories.offer_page import OfferPage, PageState
from keepwell.db.repositories.offer_words import title_of
from keepwell.rendering.filters import count

GONE = "If you would like to know more, answer the email that brought you here."
ANSWERED_BEFORE = "Your answer was not needed any more: this is how the offer stands."


def values_of(shown: OfferPage, token: str, wrong: Wrong | None, said: Said, note: str) -> dict[str, object]:
    """What the template fills in. `said` is what was written into the form that is `wrong`."""
    title, text = _headline(shown)
    return {
        "title": title,
        "text": text,
        "company": shown.company,
        "customer": shown.customer,
        "token": token,
        "open": shown.state is PageState.OPEN,
        "until": shown.until,
        "options": [_option(option) for option in shown.options],
        "one": len(shown.options) == 1,
        "call_asked": shown.call_asked,
        "who": shown.owner or shown.company,
        "note": note,
        "wrong": wrong,
        "said": said,
        "longest": LONGEST,
    }


def terms_of(option: OfferOption) -> tuple[str, ...]:
    """What goes with an option, a sentence each."""
    match option.kind:
        case OfferKind.BILLING_PAUSE:
            return (
                f"From 1 to {count(option.months or 1, 'month')}." if option.months != 1 else "1 month.",
                "Afterwards the billing goes on as before.",
            )
        case OfferKind.PLAN_DOWNGRADE:
            days = count(option.days or 1, "day")
            return (f"For {days} after the change you keep what your present plan can do.",)
        case OfferKind.DEDICATED_SUPPORT:
            return ("It costs nothing extra.", "We get in touch to agree on dates and people.")
        case OfferKind.CUSTOM_SOLUTION:
            return ("Accepting commits you to nothing: we first talk about what you need.",)
        case OfferKind.UPGRADE if option.percent is not None:
            return (f"{option.percent} % off the first month, then the plan's normal price.",)
        case OfferKind.UPGRADE:
            return ("At the plan's normal price.",)
        case OfferKind.TRIAL:
            days = count(option.days or 1, "day")
            return (f"It ends by itself after {days}; nothing is billed that you have not asked for.",)
        case _:
            assert_never(option.kind)


def _option(option: OfferOption) -> dict[str, object]:
    return {
        "kind": option.kind.value,
        "title": title_of(option),
        "summary": option.summary,
        "terms": terms_of(option),
        "months": range(1, (option.months or 0) + 1),
        "plan": option.kind in (OfferKind.PLAN_DOWNGRADE, OfferKind.UPGRADE),
        "plan_needed": option.kind is OfferKind.PLAN_DOWNGRADE,
    }


def _headline(shown: OfferPage) -> tuple[str, str]:
    """The page's title, and what it says below it."""
    who, name = shown.owner or "somebody of ours", shown.first_name
    match shown.state:
        case PageState.OPEN:
            greeting = f"{name}, this" if name else "This"
            several = "Choose what helps." if len(shown.options) > 1 else ""
            return (
                f"An offer for {shown.customer}",
                f"{greeting} holds until {shown.until}. {several}".strip(),
            )
        case PageState.ACCEPTED:
            terms = shown.agreed.words if shown.agreed else "the offer"
            return "Thank you", f"You have accepted: {terms}. {_next(shown, who)}"
        case PageState.DECLINED:
            return (
                "Thank you for telling us",
                f"You have declined the offer, and nothing changes. If you think again, write to {who}.",
            )
        case PageState.EXPIRED:
            return (
                "This offer has ended",
                f"It held until {shown.until}. If you would still like it, write to us.",
            )
        case PageState.WITHDRAWN:
            return (
                "This offer is over",
                "It was withdrawn and stands no more. If you would like to talk about it, write to us.",
            )
        case PageState.UNSETTLED:
            return (
                "We have your answer",
                f"It reached us as the offer ended. {who[:1].upper()}{who[1:]} will get in touch.",
            )
        case _:
            assert_never(shown.state)


def _next(shown: OfferPage, who: str) -> str:
    who = who[:1].upper() + who[1:]
    match shown.agreed.kind if shown.agreed else None:
        case OfferKind.BILLING_PAUSE:
            return (
                f"{who} will arrange the pause and confirm from which day nothing is billed. "
                "There is nothing you need to do."
            )
        case OfferKind.PLAN_DOWNGRADE:
            return f"{who} will change the plan and confirm the day. There is nothing you need to do."
        case OfferKind.DEDICATED_SUPPORT:
            return f"{who} will get in touch to agree on dates and people."
        case OfferKind.CUSTOM_SOLUTION:
            return f"{who} will get in touch to hear what you need."
        case OfferKind.UPGRADE:
            return f"{who} will switch the new plan on and tell you when it is done."
        case _:
            return f"{who} will get in touch to set it up."
