"""What comes from the forms of an offer's page, checked before anything is done with it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from keepwell.contracts.commands import Accept, Decline
from keepwell.contracts.lines import one_line
from keepwell.contracts.offers import OfferKind, OfferOption

LONGEST = {"note": 500, "plan": 100, "phone": 40, "when": 100}
"""Characters of what may be written, by field."""

CHECKED = "offer"
"""Stands for the command's id until it is given its own."""


class Said(BaseModel):
    """The fields of all forms of the page, as text: a browser may send anything."""

    do: str = ""
    option: str = ""
    months: str = ""
    plan: str = ""
    note: str = ""
    phone: str = ""
    when: str = ""


class Wrong(Exception):  # noqa: N818  (it is a way to go on, not an error)
    """What is wrong with a form: the form it belongs to, and words for who filled it in."""

    def __init__(self, form: str, words: str) -> None:
        super().__init__(words)
        self.form = form
        self.words = words


@dataclass(frozen=True, slots=True)
class Call:
    """A wish to be called."""

    phone: str
    when: str
    note: str


def command_of(said: Said, options: tuple[OfferOption, ...], by: str) -> Accept | Decline:
    """The answer as a command. Raises Wrong with words for the customer."""
    if said.do == "decline":
        return Decline(id=CHECKED, by=by, note=_text(said, "note", "decline"))
    option = next((one for one in options if one.kind.value == said.option), None)
    if said.do != "accept" or option is None:
        raise Wrong("", "Please choose one of the options below.")
    form = option.kind.value
    months, plan = None, _text(said, "plan", form)
    if option.months is not None:
        # Looked up, not converted: thousands of digits are no number to Python.
        months = {str(number): number for number in range(1, option.months + 1)}.get(said.months)
        if months is None:
            raise Wrong(form, f"Please choose for how many months, 1 to {option.months}.")
    if option.kind is OfferKind.PLAN_DOWNGRADE and not plan:
        raise Wrong(form, "Please say which plan you would like to go on with.")
    takes_plan = option.kind in (OfferKind.PLAN_DOWNGRADE, OfferKind.UPGRADE)
    note = _text(said, "note", form)
    return Accept(
        id=CHECKED, by=by, option=option.kind, months=months, plan=plan if takes_plan else "", note=note
    )


def call_of(said: Said) -> Call:
    """The wish to be called. Raises Wrong where the number is none."""
    phone = _text(said, "phone", "call")
    if sum(sign.isdigit() for sign in phone) < 5 or not all(
        sign.isdigit() or sign in " +-/().x#" for sign in phone
    ):
        raise Wrong("call", "Please give the number on which we can reach you.")
    return Call(phone=phone, when=_text(said, "when", "call"), note=_text(said, "note", "call"))


def _text(said: Said, field: str, form: str) -> str:
    """A field in one line of plain characters. Raises Wrong where it is too long."""
    text = one_line(getattr(said, field))
    if len(text) > LONGEST[field]:
        raise Wrong(form, f"That is too long for us to keep: please use up to {LONGEST[field]} characters.")
    return text
