"""Renders a pinned template with the customer's own figures."""

from __future__ import annotations

from keepwell.contracts.delivery import Recipient
from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import Sender
from keepwell.contracts.rendering import Rendered
from keepwell.db.repositories.facts import Facts
from keepwell.db.repositories.templates import TemplateRepository
from keepwell.errors import StoreError
from keepwell.rendering.names import facts_used
from keepwell.rendering.render import render


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
        return render(bundle, context, to_customers=to_customers)
