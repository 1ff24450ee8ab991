"""`keepwell offer …`: what was offered to customers, and what they say to it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text
from sqlmodel import Session

from keepwell.cli import offer_rates, words
from keepwell.cli.commands import AsSignal, Note, Target, send, text_of
from keepwell.cli.desk import By, Desk, Json, Limit, open_desk, who
from keepwell.cli.output import Column, print_json, print_table, say
from keepwell.contracts.commands import Accept, Decline, Seen, Upgraded
from keepwell.contracts.offers import LONGEST_PAUSE_MONTHS, OPEN_OFFER, OfferKind, OfferState
from keepwell.db.repositories.views_offers import OfferLine, find_offering, offers, own_offer
from keepwell.db.repositories.withdrawing import require_standing, restore_offer, withdraw_offer
from keepwell.errors import InputError, NotFoundError, RefusedError

Plan = Annotated[str, typer.Option("--plan", help="The plan they go onto; a downgrade needs it.")]
_COLOURS = {OfferState.ACCEPTED: "green", OfferState.DECLINED: "red", OfferState.SEEN: "yellow"}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(
        help="Offers to customers: list, seen, accept, decline, withdraw, rates.", no_args_is_help=True
    )
    group.command("list")(list_offers)
    group.command("seen")(seen)
    group.command("accept")(accept)
    group.command("decline")(decline)
    group.command("withdraw")(withdraw)
    group.command("restore")(restore)
    offer_rates.register(group)
    app.add_typer(group, name="offer", rich_help_panel="Commands on an intervention")
    app.command("upgraded", rich_help_panel="Commands on an intervention")(upgraded)


def list_offers(
    state: Annotated[OfferState | None, typer.Option(help="Only those in this state.")] = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Id or name of a customer.")] = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """What was offered to whom, until when, and what became of it."""
    with open_desk() as desk, desk.store.read() as session:
        found = offers(
            session,
            desk.organisation.id,
            customer=desk.customer(session, customer),
            states=(state,) if state else (),
            limit=limit,
        )
    if as_json:
        print_json({"offers": found})
        return
    if not found:
        filtered = state is not None or customer is not None
        say("No offer fits." if filtered else "No offers. Playbooks make them: keepwell playbooks")
        return
    _print(desk, found)


def seen(target: Target, by: By = None, as_signal: AsSignal = False, as_json: Json = False) -> None:
    """The customer has seen the offer."""
    send(target, by, lambda _d, _k, base: Seen(**base), as_signal, as_json, _find)


def accept(
    target: Target,
    option: Annotated[OfferKind, typer.Argument(metavar="OPTION", help="What of the offer they take.")],
    months: Annotated[
        int | None,
        typer.Option("--months", min=1, max=LONGEST_PAUSE_MONTHS, help="How long a billing pause lasts."),
    ] = None,
    plan: Plan = "",
    note: Note = "",
    by: By = None,
    as_signal: AsSignal = False,
    as_json: Json = False,
) -> None:
    """The customer accepts an option of the offer: what was promised follows, the playbook ends."""
    if option is OfferKind.PLAN_DOWNGRADE and not plan.strip():
        raise InputError(
            "A downgrade needs the plan they go onto: the task to change it names it.",
            place="--plan",
            hint="For example: --plan Basic",
        )
    send(
        target,
        by,
        lambda _d, _k, base: Accept(option=option, months=months, plan=plan, note=text_of(note), **base),
        as_signal,
        as_json,
        _find,
    )


def decline(
    target: Target, note: Note = "", by: By = None, as_signal: AsSignal = False, as_json: Json = False
) -> None:
    """The customer declines the offer: an answer like any other."""
    send(target, by, lambda _d, _k, base: Decline(note=text_of(note), **base), as_signal, as_json, _find)


def withdraw(
    target: Target,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the timeline.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Take an open offer back. Its page says so; the playbook goes on, and is told of no answer."""
    if not reason.strip():
        raise InputError("An offer is withdrawn with a reason.", place="--reason")
    with open_desk() as desk:
        with desk.store.write() as session:
            offer = _made(session, desk, target, "open", OPEN_OFFER)
            withdraw_offer(session, desk.organisation.id, offer, reason.strip()[:500], who(by), desk.now)
        _say_standing(desk, offer, as_json, "is withdrawn. Its page says so, and the playbook goes on.")


def restore(target: Target, by: By = None, as_json: Json = False) -> None:
    """Let an offer stand again that a person has withdrawn. It ends when it would have."""
    with open_desk() as desk:
        with desk.store.write() as session:
            offer = _made(session, desk, target, "withdrawn", (OfferState.WITHDRAWN,))
            restore_offer(session, desk.organisation.id, offer, who(by), desk.now)
        _say_standing(desk, offer, as_json, "stands again.")


def _made(session: Session, desk: Desk, text: str, what: str, states: tuple[OfferState, ...]) -> str:
    """The newest offer in these states of the intervention or customer that is meant.

    Raises NotFoundError where there is none.
    """
    own = find_offering(session, desk.organisation.id, text)
    made = offers(session, desk.organisation.id, intervention=own, states=states, limit=1)
    if not made:
        raise NotFoundError(f"{text} has no {what} offer.", hint="List them: keepwell offer list")
    return made[0].id


def _say_standing(desk: Desk, offer: str, as_json: bool, came: str) -> None:
    with desk.store.read() as session:
        line = own_offer(session, desk.organisation.id, offer)
    if as_json:
        print_json(line)
        return
    say(f"The offer to {line.customer} ({line.playbook}) {came}")


def upgraded(
    target: Target,
    plan: Plan = "",
    note: Note = "",
    by: By = None,
    as_signal: AsSignal = False,
    as_json: Json = False,
) -> None:
    """The customer has upgraded: the campaign ends as converted."""
    send(target, by, lambda _d, _k, base: Upgraded(plan=plan, note=text_of(note), **base), as_signal, as_json)


def _find(session: Session, desk: Desk, text: str) -> str:
    """The intervention whose offer is meant. Raises RefusedError where that is answered for good."""
    own = find_offering(session, desk.organisation.id, text)
    made = next(iter(offers(session, desk.organisation.id, intervention=own, limit=1)), None)
    if made is not None and made.state is OfferState.ACCEPTED:
        by = f" (noted by {made.decided_by})" if made.decided_by else ""
        raise RefusedError(
            f"{made.customer} has accepted the offer of {made.playbook} already: {made.agreed}, "
            f"on {desk.clock.moment(made.decided_at)}{by}.",
            hint="What became of all offers: keepwell offer list",
        )
    require_standing(session, own)
    return own


def _print(desk: Desk, found: tuple[OfferLine, ...]) -> None:
    columns = [
        Column("Customer"),
        Column("State", keep=True),
        Column("Offered", keep=True, drop=2),
        Column("Until", keep=True),
        Column("What"),
        Column("Playbook", drop=1),
    ]
    print_table(columns, [_row(desk, line) for line in found])
    waiting = sum(line.state in OPEN_OFFER for line in found)
    say()
    say(f"{words.count(len(found), 'offer')}, {waiting} open. {desk.times}", style="dim")


def _row(desk: Desk, line: OfferLine) -> list[str | Text]:
    what = line.agreed or ", ".join(option.kind.words for option in line.options)
    return [
        line.customer,
        Text(line.state.value, style=_COLOURS.get(line.state, "")),
        "–" if line.early else desk.clock.moment(line.offered_at),
        "–" if line.early else desk.clock.moment(line.valid_until),
        f"{what}: {line.note}" if line.note else what,
        line.playbook,
    ]
