"""The words of the preferences page."""

from __future__ import annotations

from fastapi.responses import HTMLResponse

from keepwell.api.pages import page
from keepwell.contracts.people import PURPOSE_WORDS, Purpose
from keepwell.db.repositories.preferences import Standing
from keepwell.rendering.filters import listing

GONE_TITLE = "This link does not work"
GONE = (
    "It is not complete, or it is none of ours. Try the link in a newer email; or answer any email of ours "
    "and say that you want no more: a person reads it."
)
UNREAD_TITLE = "That did not reach us whole"
UNREAD = "Nothing was changed. Go back to the page and try again."


def shown(
    standing: Standing,
    token: str,
    purpose: Purpose | None,
    *,
    said: bool = False,
    before: Standing | None = None,
) -> HTMLResponse:
    """The page. `said` is after a form; `before` is what held until then, where that can be taken back."""
    changed = before is not None and (
        before.purposes != standing.purposes or before.consent is not standing.consent
    )
    offers_stop = purpose in standing.purposes and not standing.closed and not said
    title = "Your choice is saved" if said else "Which messages would you like?"
    return page(
        "preferences.html.j2",
        {
            "title": title,
            "company": standing.company,
            "address": masked(standing.contact.email),
            "token": token,
            "stop": PURPOSE_WORDS[purpose] if purpose is not None and offers_stop else "",
            "holds": _holds(standing) if said else "",
            "before": before if changed else None,
            "closed": standing.closed,
            "suppressed": standing.suppressed,
            "purposes": [
                {"key": one.value, "wanted": one in standing.purposes, **_about(one, standing.product)}
                for one in Purpose
            ],
        },
    )


def masked(address: str) -> str:
    """An address that its owner knows and nobody else learns: "p***n@acme.example"."""
    name, at, host = address.rpartition("@")
    return f"{name[:1]}***{name[-1:] if len(name) > 2 else ''}@{host}" if at else ""


def _about(purpose: Purpose, product: str) -> dict[str, str]:
    match purpose:
        case Purpose.ACCOUNT:
            return {
                "title": "Your account",
                "words": f"How your work with {product} goes, help where it does not, and failed payments.",
            }
        case Purpose.OFFERS:
            return {"title": "Offers", "words": "Plans, trials and previews that may suit your team."}
        case Purpose.TIPS:
            return {"title": "Tips", "words": "What you have not tried yet, and what waits for you."}


def _holds(standing: Standing) -> str:
    if standing.closed or not standing.purposes:
        return f"{standing.company} sends you no more of these messages."
    wanted = listing([PURPOSE_WORDS[one] for one in Purpose if one in standing.purposes])
    refused = [PURPOSE_WORDS[one] for one in Purpose if one not in standing.purposes]
    return f"You get {wanted}" + (f", and no {' and no '.join(refused)}." if refused else ".")
