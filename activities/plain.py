"""Texts for people that must not fail: a broken template may cost the figures, never the task itself."""

from __future__ import annotations

import logging

from keepwell.contracts.intervention import StepCall
from keepwell.contracts.playbook import FALLBACK, REVIEW
from keepwell.contracts.rendering import Rendered
from keepwell.errors import KeepwellError
from keepwell.ports import Renderer

log = logging.getLogger(__name__)


def fallback_text(renderer: Renderer, call: StepCall, reason: str) -> Rendered:
    """The task for a step that was not done."""
    plain = Rendered(
        subject=f"By hand: {call.step.name}", text=f"{call.step.why}\n\nIt was not done: {reason}"
    )
    return _or_plain(renderer, call, FALLBACK, reason, plain)


def review_text(renderer: Renderer, call: StepCall) -> Rendered:
    """The task for a customer who is still at risk when the playbook is over."""
    plain = Rendered(
        subject=f"{call.playbook} is over and the level has not changed",
        text="All steps are done and nobody answered. Decide what to do next.",
    )
    return _or_plain(renderer, call, REVIEW, "", plain)


def email_text(slack: Rendered, reason: str) -> Rendered:
    """A Slack message as a plain email, which says why it comes by email."""
    lines = slack.text.replace("`", "").replace("*", "")
    for escape, char in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        lines = lines.replace(escape, char)
    plain = Rendered(subject=slack.subject, text=lines)
    return instead_of_slack(plain, reason) if reason else plain


def instead_of_slack(email: Rendered, reason: str) -> Rendered:
    """An email's text alone, with the reason why it does not come by Slack."""
    why = f"This comes by email because Slack did not take it: {reason}"
    return Rendered(subject=email.subject, text=f"{email.text.rstrip()}\n\n{why}")


def _or_plain(renderer: Renderer, call: StepCall, template: str, notice: str, plain: Rendered) -> Rendered:
    try:
        return renderer.render(call, template, notice=notice)
    except KeepwellError as error:
        log.warning("Template failed, a plain text was used: %s", error, extra={"template": template})
        return plain
