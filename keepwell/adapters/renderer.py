"""Renders a pinned template with the customer's own figures."""

from __future__ import annotations

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.drafts import Frame
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import Sender
from keepwell.contracts.rendering import Rendered
from keepwell.db.repositories.facts import Facts
from keepwell.db.repositories.templates import TemplateRepository
from keepwell.errors import StoreError
from keepwell.rendering.edited import FRAME
from keepwell.rendering.guarded import render
from keepwell.rendering.mrkdwn import escaped
from keepwell.rendering.names import facts_used


class StoreRenderer:
    """Implements the port `Renderer`."""

    def __init__(self, facts: Facts, templates: TemplateRepository) -> None:
        self._facts = facts
        self._templates = templates

    def render(
        self,
        call: StepCall,
        template: str,
        *,
        recipient: Recipient | None = None,
        sender: Sender = Sender.COMPANY,
        notice: str = "",
    ) -> Rendered:
        """Render `template` (by its name in the playbook) for this step."""
        pinned = call.templates.get(template)
        if pinned is None:
            raise StoreError(
                f"{call.playbook} has not pinned the template {template!r}.", audience="developer"
            )
        bundle = self._templates.load(pinned)
        context = self._facts.context(
            call, recipient=recipient, sender=sender, notice=notice, uses=facts_used(bundle)
        )
        # A document has no recipient: what its kind says counts. An email to the owner is for staff.
        to_customers = recipient.kind == "contact" if recipient else None
        text = render(bundle, context, to_customers=to_customers)
        if to_customers or not context.recipient.stands_in:
            return text
        return _for_another(text, context.recipient.stands_in, slack=template.startswith("slack/"))

    def frame(self, call: StepCall, recipient: Recipient, sender: Sender) -> Frame:
        """The layout and the footer that an email to this recipient gets whose text a person changes.

        As the files are now: nothing pins it before the draft does.
        """
        bundle = self._templates.read(FRAME)
        context = self._facts.context(call, recipient=recipient, sender=sender, uses=facts_used(bundle))
        text = render(bundle, context, to_customers=True)
        return Frame(text=text.text, html=text.html)


def _for_another(text: Rendered, words: str, *, slack: bool) -> Rendered:
    """A message to whoever stands in says first for whom."""
    if slack:
        words = escaped(words)
    first = f"{words[:1].upper()}{words[1:]}."
    return text.model_copy(update={"text": f"{first}\n\n{text.text}"})
