"""`keepwell contact` and `keepwell suppressions`: what contacts wish, and addresses nothing is sent to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from sqlmodel import Session

from keepwell.cli.desk import By, Desk, Json, Limit, open_desk, who
from keepwell.cli.output import Column, print_fields, print_json, print_table, say
from keepwell.contracts.people import PURPOSE_WORDS, Consent, Purpose, SuppressionReason
from keepwell.db.repositories import suppressing, wishes
from keepwell.db.repositories.views_wishes import (
    ContactWishes,
    SuppressionLine,
    contact_wishes,
    find_contact,
    suppressions,
)
from keepwell.db.tables import Contact
from keepwell.errors import InputError, NotFoundError

SOURCE = "cli"

contact = typer.Typer(
    help="One contact: what it wishes to hear of. See it, or note it.", no_args_is_help=True
)
addresses = typer.Typer(help="Addresses that nothing is sent to.", invoke_without_command=True)

Whom = Annotated[str, typer.Argument(metavar="CONTACT", help="An email address, an id or a name.")]
What = Annotated[Purpose, typer.Argument(help="What the messages are for.")]
Address = Annotated[str, typer.Argument(help="An email address; capitals do not count.")]
Why = Annotated[str, typer.Option("--why", help="Why, for the timeline.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(contact, name="contact")
    app.add_typer(addresses, name="suppressions")


@contact.command("show")
def show(whom: Whom, as_json: Json = False) -> None:
    """What a contact wishes, and what it may hear of."""
    with open_desk() as desk, desk.store.read() as session:
        found = contact_wishes(session, find_contact(session, desk.organisation.id, whom))
    print_json(found) if as_json else _print(desk, found)


@contact.command("unsubscribe")
def unsubscribe(whom: Whom, purpose: What, why: Why, by: By = None) -> None:
    """Note that a contact wants no messages of a purpose any more."""
    _prefer(whom, purpose, False, why, by)


@contact.command("resubscribe")
def resubscribe(whom: Whom, purpose: What, why: Why, by: By = None) -> None:
    """Note that a contact wants messages of a purpose again."""
    _prefer(whom, purpose, True, why, by)


@contact.command("withdraw")
def withdraw(whom: Whom, why: Why, by: By = None) -> None:
    """Note that a contact wants no messages at all."""
    _consent(whom, Consent.DENIED, why, by)


@contact.command("agree")
def agree(whom: Whom, why: Why, by: By = None) -> None:
    """Note that a contact agrees to hear from us."""
    _consent(whom, Consent.GRANTED, why, by)


@addresses.callback()
def list_suppressions(
    context: typer.Context,
    lifted: Annotated[bool, typer.Option("--all", help="Those too that were lifted.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Addresses that nothing is sent to, the newest first."""
    if context.invoked_subcommand is not None:
        return
    with open_desk() as desk, desk.store.read() as session:
        found = suppressions(session, desk.organisation.id, lifted=lifted, limit=limit)
    if as_json:
        print_json(found)
        return
    if not found.suppressions:
        say("No address is suppressed.")
        return
    columns = [
        Column("Address", keep=True),
        Column("Why"),
        Column("By", drop=2),
        Column("Since", keep=True),
        Column("Contacts", drop=1),
    ]
    print_table(columns, [_row(desk, one) for one in found.suppressions])
    say()
    shown = f"{len(found.suppressions):,} of {found.total:,}. {desk.times}"
    say(f"{shown} Let one be written to again: keepwell suppressions lift ADDRESS --why …", style="dim")


@addresses.command("add")
def add(address: Address, why: Why, by: By = None) -> None:
    """Let nothing be sent to an address any more, whoever has it."""
    if "@" not in suppressing.same(address):
        raise InputError(f"{address!r} is no email address.", hint="Give one like name@example.com.")
    with open_desk() as desk, desk.store.write() as session:
        new = suppressing.suppress(
            session,
            desk.organisation.id,
            address,
            SuppressionReason.MANUAL,
            detail=why,
            source=SOURCE,
            by=who(by),
            now=desk.now,
        )
    key = suppressing.same(address)
    say(f"Nothing is sent to {key} any more." if new else f"{key} is suppressed already.")


@addresses.command("lift")
def lift(address: Address, why: Why, by: By = None) -> None:
    """Let an address be written to again."""
    key = suppressing.same(address)
    with open_desk() as desk, desk.store.write() as session:
        done = suppressing.lift(session, desk.organisation.id, address, by=who(by), why=why, now=desk.now)
    if not done:
        raise NotFoundError(f"{key} is not suppressed.", hint="See those that are: keepwell suppressions")
    say(f"{key} may be written to again. A provider's own list is its own: look there, too.")


def _prefer(whom: str, purpose: Purpose, wanted: bool, why: str, by: str | None) -> None:
    def note(session: Session, desk: Desk, row: Contact) -> bool:
        return wishes.set_preference(
            session, row, purpose, wanted, source=SOURCE, by=who(by), now=desk.now, why=why
        )

    _change(whom, note)


def _consent(whom: str, consent: Consent, why: str, by: str | None) -> None:
    def note(session: Session, desk: Desk, row: Contact) -> bool:
        return wishes.set_consent(session, row, consent, source=SOURCE, by=who(by), now=desk.now, why=why)

    _change(whom, note)


def _change(whom: str, note: Callable[[Session, Desk, Contact], bool]) -> None:
    with open_desk() as desk:
        with desk.store.write() as session:
            row = find_contact(session, desk.organisation.id, whom)
            news, identity = note(session, desk, row), row.id
        with desk.store.read() as session:
            found = contact_wishes(session, session.get_one(Contact, identity))
        say("Noted." if news else "That is known already.")
        say()
        _print(desk, found)


def _print(desk: Desk, found: ContactWishes) -> None:
    consent = found.consent.value
    if found.consent_at is not None:
        consent = f"{consent}, since {desk.clock.moment(found.consent_at)}"
    print_fields(
        [
            ("contact", found.name if found.active else f"{found.name} (not active)"),
            ("email", found.email),
            ("customer", found.customer),
            ("consent", consent),
            ("suppressed", found.suppressed),
        ]
    )
    say()
    columns = [
        Column("Messages", keep=True),
        Column("Wanted", keep=True),
        Column("By email"),
        Column("In app"),
    ]
    rows = []
    for one in found.purposes:
        wanted = "yes" if one.wanted else f"no ({one.source})"
        against = [one.against[channel] or "may be sent" for channel in ("email", "in_app")]
        rows.append([PURPOSE_WORDS[one.purpose], wanted, *against])
    print_table(columns, rows)


def _row(desk: Desk, one: SuppressionLine) -> list[object]:
    why = f"{one.reason}: {one.detail}" if one.detail else one.reason
    if one.lifted_at is not None:
        why = f"lifted by {one.lifted_by}, {desk.clock.moment(one.lifted_at)} (was {why})"
    return [one.address, why, one.source, desk.clock.moment(one.at), ", ".join(one.contacts)]
