"""What opens beside a page: a message as its recipient sees it, drafts, letters, offers, documents, wishes.

What was written by others comes as a page of its own into a frame without scripts, forms and origin.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from keepwell.console import doing
from keepwell.console.customer import own_id
from keepwell.console.pages import render
from keepwell.console.view import HEADERS, AtConsole
from keepwell.contracts.people import PURPOSE_WORDS
from keepwell.db.repositories.commands_kept import own_intervention
from keepwell.db.repositories.veiled import veiled
from keepwell.db.repositories.views_drafts import detail_of, own_draft
from keepwell.db.repositories.views_inbox import own_letter
from keepwell.db.repositories.views_message_shown import message_shown
from keepwell.db.repositories.views_offers import own_offer
from keepwell.db.repositories.views_timeline import step_document
from keepwell.db.repositories.views_wishes import contact_wishes, own_contact
from keepwell.temporal.run_links import links_to_runs

router = APIRouter(include_in_schema=False)

_FRAMED: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
)
"""What was written by others may look as it likes, and do nothing. Pictures are ours only: others would tell
their owner that somebody looked."""


@router.get("/console/messages/{message:path}")
def message_body(view: AtConsole, message: str) -> HTMLResponse:
    """A message as its recipient sees it, and no more, for frames; in a window of its own, a way back."""
    with view.door.store.read() as session:
        shown = message_shown(session, view.organisation.id, message)
    if view.request.headers.get("sec-fetch-dest") == "document":
        # Opened in a window of its own: with a title and a way back. The frame asks as "iframe".
        return view.page("message.html.j2", {"message": shown, "doing": doing})
    return _framed(shown.html or render("_plain.html.j2", {"text": shown.text or shown.text_why}))


@router.get("/console/documents/{intervention}/{step}")
def document_body(view: AtConsole, intervention: str, step: str) -> HTMLResponse:
    """A document that a step wrote, and nothing else."""
    with view.door.store.read() as session:
        own_intervention(session, view.organisation.id, intervention)
        return _framed(step_document(session, intervention, step).html)


@router.get("/console/message-panel/{message:path}")
def message_panel(view: AtConsole, message: str) -> HTMLResponse:
    """What is known of a message, with its text in a frame."""
    with view.door.store.read() as session:
        shown = message_shown(session, view.organisation.id, message)
    link = links_to_runs(view.door.settings)(shown.workflow_id)
    return view.page("_panel_message.html.j2", {"message": shown, "link": link, "doing": doing})


@router.get("/console/document-panel/{intervention}/{step}")
def document_panel(view: AtConsole, intervention: str, step: str) -> HTMLResponse:
    """A document with its title."""
    with view.door.store.read() as session:
        own_intervention(session, view.organisation.id, intervention)
        found = step_document(session, intervention, step)
    return view.page("_panel_document.html.j2", {"document": found})


@router.get("/console/draft-panel/{draft}")
def draft_panel(view: AtConsole, draft: str) -> HTMLResponse:
    """A draft as it will go, and the form that changes and decides it."""
    with view.door.store.read() as session:
        found = detail_of(session, own_draft(session, view.organisation.id, draft))
    return view.page("_panel_draft.html.j2", {"detail": found, "draft": found.draft, "doing": doing})


@router.get("/console/letter-panel/{letter_id}")
def letter_panel(view: AtConsole, letter_id: str) -> HTMLResponse:
    """A letter that came in from one of the organisation's customers."""
    with view.door.store.read() as session:
        found = own_letter(session, view.organisation.id, letter_id)
        # Letters from nobody we know belong to no organisation: this page shows none of them.
        own_id(session, view, found.letter.customer_id or "")
    shown = veiled(found)
    return view.page("_panel_letter.html.j2", {"detail": shown, "letter": shown.letter, "doing": doing})


@router.get("/console/offer-panel/{offer}")
def offer_panel(view: AtConsole, offer: str) -> HTMLResponse:
    """An offer with the form in which one of its options is accepted for the customer."""
    with view.door.store.read() as session:
        found = own_offer(session, view.organisation.id, offer)
    return view.page("_panel_offer.html.j2", {"offer": found})


@router.get("/console/wishes-panel/{contact}")
def wishes_panel(view: AtConsole, contact: str) -> HTMLResponse:
    """What a contact wishes to hear of, what keeps us from writing, and the forms that note it."""
    with view.door.store.read() as session:
        found = contact_wishes(session, own_contact(session, view.organisation.id, contact))
    return view.page("_panel_wishes.html.j2", {"contact": found, "purposes": PURPOSE_WORDS})


def _framed(html: str) -> HTMLResponse:
    headers = {**HEADERS, "Content-Security-Policy": _FRAMED, "X-Frame-Options": "SAMEORIGIN"}
    return HTMLResponse(html, headers=headers)
