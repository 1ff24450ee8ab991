"""`keepwell customers` and `keepwell customer ID`: the list, and which read model is shown how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from keepwell.cli import words
from keepwell.cli.category_view import print_category
from keepwell.cli.customer_view import print_customer
from keepwell.cli.desk import Desk, Json, Limit, open_desk
from keepwell.cli.levels import LevelOption
from keepwell.cli.output import Column, level_text, print_json, print_table, say
from keepwell.db.repositories.views import find_customer
from keepwell.db.repositories.views_counts import Counts, counts
from keepwell.db.repositories.views_customer import customer_detail
from keepwell.db.repositories.views_customer_category import category_detail
from keepwell.db.repositories.views_portfolio import customers_in_order, customers_shown
from keepwell.db.repositories.views_portfolio_lines import PortfolioFilter, PortfolioLine, Sort
from scoring.trend import Direction

NONE_YET = "No customers yet. Import some: keepwell import customers FILE"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("customers")(list_customers)
    app.command("customer")(show_customer)


def list_customers(
    level: LevelOption = None,
    owner: Annotated[str | None, typer.Option(help="Id, email address or name of a CSM.")] = None,
    insufficient: Annotated[
        bool, typer.Option("--insufficient", help="Those whose last scoring found too little data.")
    ] = False,
    search: Annotated[str, typer.Option(help="Part of the name or of the id.")] = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """The customers, those with the worst score first."""
    with open_desk() as desk, desk.store.read() as session:
        person = desk.person(session, owner)
        wanted = PortfolioFilter(
            levels=() if level is None else (level,),
            owners=() if person is None else (person,),
            insufficient=insufficient or None,
            search=search,
        )
        ids = customers_in_order(session, desk.organisation.id, wanted, Sort(), desk.now)
        lines = list(customers_shown(session, desk.organisation.id, ids[:limit], desk.now).values())
        numbers = counts(session, desk.organisation.id)
    if as_json:
        print_json({"customers": [_plain(one) for one in lines], "total": len(ids), "counts": numbers})
    elif not lines:
        say("No customer fits." if numbers.customers else NONE_YET)
    else:
        _print_customers(desk, lines, len(ids), numbers)


def _plain(line: PortfolioLine) -> dict[str, Any]:
    """A line for programs: what runs stands beside the rest, as this command has always printed it."""
    running = line.intervention
    return line.model_dump(mode="json") | {
        "intervention": running.id if running else None,
        "playbook": running.playbook if running else None,
        "paused": running is not None and running.paused,
    }


def _print_customers(desk: Desk, lines: Sequence[PortfolioLine], total: int, numbers: Counts) -> None:
    columns = [
        Column("Id", drop=1),
        Column("Customer"),
        Column("Score", justify="right", keep=True),
        Column("Level"),
        Column("Trend", keep=True, drop=5),
        Column("Since", keep=True, drop=2),
        Column("Owner", drop=4),
        Column("Revenue", justify="right", keep=True, drop=3),
        Column("Playbook"),
    ]
    print_table(columns, [_row(desk, one) for one in lines])
    say()
    say(_sentence(len(lines), total, numbers), style="dim")
    if any(one.level is None and one.scored_at is None for one in lines):
        say("Those without a score have not been scored yet: keepwell score", style="dim")


def _row(desk: Desk, one: PortfolioLine) -> list[object]:
    remark = ""
    if one.insufficient:
        remark = "too little data" if not one.unusable else "unusable data"
    level = level_text(one.level, remark or "–")
    if one.level is not None and remark:
        level = Text.assemble(level, (f" ({remark})", "dim"))
    running = one.intervention
    playbook = f"{running.playbook}{' (paused)' if running.paused else ''}" if running else ""
    return [
        one.external_id,
        one.name,
        words.score(one.score),
        level,
        "" if one.trend is Direction.UNKNOWN else one.trend.value,
        f"{words.length(desk.now - one.since)}" if one.since else "",
        one.owner,
        words.money(one.monthly_revenue, one.currency),
        playbook,
    ]


def _sentence(number: int, total: int, numbers: Counts) -> str:
    shown = words.count(number, "customer")
    of = f"{shown} of {total:,} shown (--limit for more)" if number < total else shown
    levels = ", ".join(f"{count:,} {level.value}" for level, count in numbers.levels.items() if count)
    rest = [
        f"{numbers.insufficient:,} with too little data" if numbers.insufficient else "",
        f"{numbers.rejected:,} with unusable data" if numbers.rejected else "",
        f"{numbers.unscored:,} not scored yet" if numbers.unscored else "",
    ]
    return f"{of}. All: {', '.join(part for part in (levels, *rest) if part)}."


def show_customer(
    customer: Annotated[str, typer.Argument(help="Id (ours or yours), or the beginning of the name.")],
    category: Annotated[
        str | None,
        typer.Option(help="Show the metrics of this category of the score, like usage, and nothing else."),
    ] = None,
    as_json: Json = False,
) -> None:
    """One customer: score, trend, priority, what costs most, what to do, signs of churn, and all its work."""
    with open_desk() as desk, desk.store.read() as session:
        own = find_customer(session, desk.organisation.id, customer)
        if category is not None:
            found = category_detail(session, desk.organisation.id, own, category)
            print_json(found) if as_json else print_category(found)
            return
        detail = customer_detail(session, desk.organisation.id, own, desk.now)
    if as_json:
        print_json({**detail.model_dump(mode="json"), "customer": _plain(detail.customer)})
    else:
        print_customer(desk, detail)
