"""`keepwell accounts`: the people who sign in."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from sqlmodel import Session

from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.output import Column, print_json, print_table, say
from keepwell.contracts.access import Role
from keepwell.db.repositories import accounts
from keepwell.db.repositories.accounts import AccountLine
from keepwell.errors import InputError

commands = typer.Typer(help="People who sign in.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its email address, or its id.")]
WithRole = Annotated[Role, typer.Option(help="What they may.")]
Name = Annotated[str, typer.Option(help="Their name.")]
AsStaff = Annotated[
    str | None, typer.Option("--staff", help="Who of the staff it is (unset: the same address).")
]
OfCustomer = Annotated[
    str | None, typer.Option("--customer", help="For a client: whose success page they see.")
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin instead of asking for it.")
]
NoPassword = Annotated[bool, typer.Option("--no-password", help="They come in by single sign-on only.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(commands, name="accounts")


@commands.command("add")
def add(
    email: Annotated[str, typer.Argument(help="Their email address.")],
    name: Name,
    role: WithRole = Role.CSM,
    staff: AsStaff = None,
    customer: OfCustomer = None,
    password_stdin: FromStdin = False,
    no_password: NoPassword = False,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Let somebody sign in. The password is asked for, and stands in no command line."""
    with open_desk() as desk:
        hashed = "" if no_password else _password(email, name, from_stdin=password_stdin)
        with desk.store.write() as session:
            row = accounts.add_account(
                session,
                desk.organisation.id,
                email=email,
                name=name,
                role=role,
                by=who(by),
                now=desk.now,
                staff=desk.person(session, staff),
                customer=desk.customer(session, customer),
                password=hashed,
            )
            line = accounts.account_line(session, desk.organisation.id, row.id)
    where = f"{desk.settings.public_url.rstrip('/')}/sign-in"
    _done(line, f"{line.name} may sign in at {where} as {line.role}.", as_json=as_json)


@commands.command("list")
def show(as_json: Json = False) -> None:
    """Who may sign in."""
    with open_desk() as desk, desk.store.read() as session:
        lines = accounts.accounts(session, desk.organisation.id)
    if as_json:
        print_json({"accounts": lines})
        return
    if not lines:
        say("Nobody may sign in yet. keepwell accounts add ADDRESS --name NAME --role admin")
        return
    columns = [
        Column("Address", keep=True),
        Column("Name"),
        Column("Role", keep=True),
        Column("Is", drop=2),
        Column("Comes in by", drop=1),
        Column("Last signed in", keep=True, drop=3),
    ]
    print_table(columns, [_row(desk, one) for one in lines])
    say(desk.times, style="dim")


@commands.command("role")
def set_role(
    account: Which,
    role: Annotated[Role, typer.Argument(help="The new role.")],
    staff: AsStaff = None,
    customer: OfCustomer = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Give an account another role, from its next request on."""
    with open_desk() as desk, desk.store.write() as session:
        row = accounts.find_account(session, desk.organisation.id, account)
        accounts.change_account(
            session,
            row,
            by=who(by),
            now=desk.now,
            role=role,
            staff=desk.person(session, staff),
            customer=desk.customer(session, customer),
        )
        line = _line(session, desk, row.id)
    _done(line, f"{line.email} is {line.role} now.", as_json=as_json)


@commands.command("password")
def set_password(
    account: Which, password_stdin: FromStdin = False, by: By = None, as_json: Json = False
) -> None:
    """Give an account a new password. It is signed out everywhere, and rests no longer."""
    with open_desk() as desk:
        with desk.store.read() as session:
            known = accounts.find_account(session, desk.organisation.id, account)
        hashed = _password(known.email, known.name, from_stdin=password_stdin)
        with desk.store.write() as session:
            row = accounts.find_account(session, desk.organisation.id, known.id)
            accounts.set_password(session, row, hashed, by=who(by), now=desk.now)
            line = _line(session, desk, row.id)
    _done(line, f"{line.email} has a new password, and is signed out everywhere.", as_json=as_json)


@commands.command("deactivate")
def deactivate(account: Which, by: By = None, as_json: Json = False) -> None:
    """Let somebody sign in no more, and sign them out. Their lines in the journal stay."""
    _set_active(account, by, active=False, as_json=as_json)


@commands.command("activate")
def activate(account: Which, by: By = None, as_json: Json = False) -> None:
    """Let somebody sign in again."""
    _set_active(account, by, active=True, as_json=as_json)


def _set_active(account: str, by: str | None, *, active: bool, as_json: bool) -> None:
    with open_desk() as desk, desk.store.write() as session:
        row = accounts.find_account(session, desk.organisation.id, account)
        changed = accounts.change_account(session, row, by=who(by), now=desk.now, active=active)
        line = _line(session, desk, row.id)
    state = "may sign in" if active else "may not sign in any more"
    _done(line, f"{line.email} {state}." if changed else "Nothing has changed.", as_json=as_json)


def _line(session: Session, desk: Desk, account: str) -> AccountLine:
    session.flush()
    return accounts.account_line(session, desk.organisation.id, account)


def _done(line: AccountLine, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(line)
    else:
        say(text)


def _row(desk: Desk, one: AccountLine) -> list[object]:
    ways = [words for has, words in ((one.has_password, "password"), (one.has_oidc, "single sign-on")) if has]
    ways = [", ".join(ways) or "single sign-on, once"] if one.active else ["no longer"]
    if one.locked_until is not None and one.locked_until > desk.now:
        ways.append(f"rests until {desk.clock.moment(one.locked_until)}")
    tied = one.customer or one.staff or ""
    last = desk.clock.moment(one.signed_in_at) if one.signed_in_at else "never"
    return [one.email, one.name, one.role.value, tied, "; ".join(ways), last]


def _password(*own: str, from_stdin: bool) -> str:
    """The hash of a password that is asked for twice, or comes by stdin."""
    from keepwell.passwords import check_password, hash_password  # noqa: PLC0415  (others need no hashing)

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt="The same again")
    else:
        raise InputError(
            "There is no terminal to ask for a password.",
            hint="Give it by stdin: --password-stdin. For single sign-on alone: --no-password.",
        )
    check_password(password, *own)
    return hash_password(password)
