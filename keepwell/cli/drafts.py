"""`keepwell drafts`: messages that wait for a person's word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from keepwell.cli import words
from keepwell.cli.commands import text_of
from keepwell.cli.desk import By, Desk, Json, Limit, open_desk, who
from keepwell.cli.draft_view import draft_table, print_detail
from keepwell.cli.editor import edited
from keepwell.cli.files import read_text
from keepwell.cli.output import print_json, say, tell
from keepwell.db.repositories.views_drafts import DraftDetail, DraftLine, draft_detail, drafts
from keepwell.errors import InputError, KeepwellError

commands = typer.Typer(help="Messages that wait for approval.", invoke_without_command=True)

OfPlaybook = Annotated[str | None, typer.Option("--playbook", help="A playbook's name.")]
OfCustomer = Annotated[str | None, typer.Option("--customer", help="Id or name of a customer.")]
OfOwner = Annotated[str | None, typer.Option("--owner", help="Id, email address or name of the owner.")]
One = Annotated[str, typer.Argument(metavar="ID", help="The draft's id, or a part of it.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID…", help="Ids of drafts, or parts of them.")]
All = Annotated[
    bool, typer.Option("--all", help="All that wait; with --playbook, --customer or --owner, those.")
]
Decide = Callable[[Session, str], object]

SUBJECT = "Subject: "


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(commands, name="drafts")


@commands.callback()
def _waiting(
    context: typer.Context,
    playbook: OfPlaybook = None,
    customer: OfCustomer = None,
    owner: OfOwner = None,
    as_json: Json = False,
) -> None:
    """Messages that wait for approval, those first whose time is over first."""
    if context.invoked_subcommand is None:
        list_drafts(playbook=playbook, customer=customer, owner=owner, as_json=as_json)


@commands.command("list")
def list_drafts(
    playbook: OfPlaybook = None,
    customer: OfCustomer = None,
    owner: OfOwner = None,
    everything: Annotated[
        bool, typer.Option("--decided", help="Those decided upon too, newest first.")
    ] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Messages that wait for approval, those first whose time is over first."""
    with open_desk() as desk, desk.store.read() as session:
        found = drafts(
            session,
            desk.organisation.id,
            playbook=playbook,
            customer=desk.customer(session, customer),
            owner=desk.person(session, owner),
            everything=everything,
            limit=limit,
        )
    if as_json:
        print_json({"drafts": found})
    elif found:
        draft_table(desk, found)
    else:
        say(
            "No drafts."
            if everything
            else "No draft waits. Those decided upon: keepwell drafts list --decided"
        )


@commands.command("show")
def show_draft(identifier: One, as_json: Json = False) -> None:
    """One draft: the text as it will go, and what was changed in it."""
    with open_desk() as desk, desk.store.read() as session:
        found = draft_detail(session, desk.organisation.id, identifier)
    if as_json:
        print_json(found)
        return
    print_detail(desk, found)


@commands.command("edit")
def edit_draft(
    identifier: One,
    subject: Annotated[str | None, typer.Option("--subject", help="The new subject.")] = None,
    text_file: Annotated[
        Path | None, typer.Option("--text-file", help="A file with the new text, without the footer.")
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Change subject and text: in $EDITOR, or by the options. The footer stays as it is.

    An email whose text was changed is laid out as plain paragraphs.
    """
    from keepwell.db.repositories.deciding import edit  # noqa: PLC0415  (slow to load)

    with open_desk() as desk:
        with desk.store.read() as session:
            before = draft_detail(session, desk.organisation.id, identifier)
        text = None if text_file is None else read_text(text_file)
        if subject is None and text is None:
            subject, text = _typed(before)
        with desk.store.write() as session:
            edit(session, before.draft.id, subject=subject, text=text, by=who(by)[:200], now=desk.now)
        with desk.store.read() as session:
            after = draft_detail(session, desk.organisation.id, before.draft.id)
    if as_json:
        print_json(after)
        return
    if (after.text, after.draft.subject) == (before.text, before.draft.subject):
        say("Nothing has changed.")
        return
    say(f"Changed. It still waits: keepwell drafts approve {words.tail(after.draft.id)}")


@commands.command("approve")
def approve_drafts(
    identifiers: Ids = None,
    everything: All = False,
    playbook: OfPlaybook = None,
    customer: OfCustomer = None,
    owner: OfOwner = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Let drafts go out as they are now, one by one or --all. Each is decided on its own."""
    from keepwell.db.repositories.deciding import approve  # noqa: PLC0415

    with open_desk() as desk:
        person = who(by)[:200]
        chosen = _chosen(desk, identifiers or [], everything, playbook, customer, owner)
        _each(
            desk,
            chosen,
            lambda session, one: approve(session, one, by=person, now=desk.now),
            "approved",
            as_json=as_json,
        )


@commands.command("reject")
def reject_drafts(
    reason: Annotated[str, typer.Option("--reason", help="Why, for the timeline, up to 500 letters.")],
    identifiers: Ids = None,
    everything: All = False,
    playbook: OfPlaybook = None,
    customer: OfCustomer = None,
    owner: OfOwner = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Let drafts not go out; their steps are left out, and nobody is asked to do them by hand."""
    from keepwell.db.repositories.deciding import reject  # noqa: PLC0415

    if not text_of(reason).strip():
        raise InputError("Say why: the timeline shows it.", place="--reason")
    with open_desk() as desk:
        person = who(by)[:200]
        chosen = _chosen(desk, identifiers or [], everything, playbook, customer, owner)
        _each(
            desk,
            chosen,
            lambda session, one: reject(session, one, reason=reason.strip(), by=person, now=desk.now),
            "rejected",
            as_json=as_json,
        )


def _chosen(
    desk: Desk,
    identifiers: Sequence[str],
    everything: bool,
    playbook: str | None,
    customer: str | None,
    owner: str | None,
) -> tuple[DraftLine, ...]:
    """The drafts meant, each once. Nothing is decided where one of them cannot be found."""
    narrowed = (playbook, customer, owner) != (None, None, None)
    if bool(identifiers) == everything or (identifiers and narrowed):
        raise InputError(
            "Name drafts, or say --all; --playbook, --customer and --owner go with --all.",
            hint="Those that wait: keepwell drafts",
        )
    with desk.store.read() as session:
        own = desk.organisation.id
        if everything:
            return drafts(
                session,
                own,
                playbook=playbook,
                customer=desk.customer(session, customer),
                owner=desk.person(session, owner),
            )
        found = [draft_detail(session, own, one).draft for one in identifiers]
    return tuple({one.id: one for one in found}.values())


def _each(desk: Desk, chosen: Sequence[DraftLine], decide: Decide, done: str, *, as_json: bool) -> None:
    """Decide upon each in a transaction of its own; what is refused is said, the others go on."""
    decided: list[DraftLine] = []
    failed: list[tuple[DraftLine, KeepwellError]] = []
    for one in chosen:
        try:
            with desk.store.write() as session:
                decide(session, one.id)
        except KeepwellError as error:
            failed.append((one, error))
        else:
            decided.append(one)
    if as_json:
        reasons = [{"id": one.id, "why": refused.message} for one, refused in failed]
        print_json({done: [one.id for one in decided], "failed": reasons})
    else:
        for one in decided:
            say(f"{done.capitalize()}: {one.recipient} ({one.customer}), “{one.subject}”")
        for one, refused in failed:
            tell(f"{words.short(one.id)} {refused.message}", style="red")
        if len(chosen) != 1:
            rest = f", {len(failed):,} could not be" if failed else ""
            say(f"{words.count(len(decided), 'draft')} {done}{rest}.", style="bold")
    if failed:
        raise typer.Exit(failed[0][1].exit_code)


def _typed(found: DraftDetail) -> tuple[str, str]:
    """Subject and text as they come back from the editor; as they were where it was left without a change."""
    shown = f"{SUBJECT}{found.draft.subject}\n\n{found.own_text}\n"
    head, _, text = edited(shown).partition("\n")
    if not head.startswith(SUBJECT):
        raise InputError(
            f"The first line must begin with {SUBJECT!r}.", hint="Nothing was changed; try again."
        )
    return head.removeprefix(SUBJECT), text
