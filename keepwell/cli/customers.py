"""`keepwell customers` and `keepwell customer ID`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from keepwell.cli import words
from keepwell.cli.desk import Desk, Json, Limit, open_desk
from keepwell.cli.levels import LevelOption
from keepwell.cli.output import Column, level_text, print_fields, print_json, print_table, say
from keepwell.cli.tables import intervention_table, task_table
from keepwell.db.repositories.views import find_customer
from keepwell.db.repositories.views_customer import CustomerDetail, ScoreDetail, Trend, customer_detail
from keepwell.db.repositories.views_customers import (
    Counts,
    CustomerLine,
    Customers,
    counts,
    customers,
)

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
        found = customers(
            session,
            desk.organisation.id,
            level=level,
            owner=desk.person(session, owner),
            insufficient=insufficient,
            search=search,
            limit=limit,
        )
        numbers = counts(session, desk.organisation.id)
    if as_json:
        print_json({**found.model_dump(mode="json"), "counts": numbers})
    elif not found.customers:
        say("No customer fits." if numbers.customers else NONE_YET)
    else:
        _print_customers(desk, found, numbers)


def _print_customers(desk: Desk, found: Customers, numbers: Counts) -> None:
    columns = [
        Column("Id", drop=1),
        Column("Customer"),
        Column("Score", justify="right", keep=True),
        Column("Level"),
        Column("Since", keep=True, drop=2),
        Column("Owner", drop=4),
        Column("Revenue", justify="right", keep=True, drop=3),
        Column("Playbook"),
    ]
    print_table(columns, [_row(desk, one) for one in found.customers])
    say()
    say(_sentence(found, numbers), style="dim")
    if any(one.level is None and one.scored_at is None for one in found.customers):
        say("Those without a score have not been scored yet: keepwell score", style="dim")


def _row(desk: Desk, one: CustomerLine) -> list[object]:
    remark = ""
    if one.insufficient:
        remark = "too little data" if not one.unusable else "unusable data"
    level = level_text(one.level, remark or "–")
    if one.level is not None and remark:
        level = Text.assemble(level, (f" ({remark})", "dim"))
    playbook = f"{one.playbook}{' (paused)' if one.paused else ''}" if one.playbook else ""
    return [
        one.external_id,
        one.name,
        words.score(one.score),
        level,
        f"{words.length(desk.now - one.since)}" if one.since else "",
        one.owner,
        words.money(one.monthly_revenue, one.currency),
        playbook,
    ]


def _sentence(found: Customers, numbers: Counts) -> str:
    shown = words.count(len(found.customers), "customer")
    of = (
        f"{shown} of {found.total:,} shown (--limit for more)"
        if len(found.customers) < found.total
        else shown
    )
    levels = ", ".join(f"{count:,} {level.value}" for level, count in numbers.levels.items() if count)
    rest = [
        f"{numbers.insufficient:,} with too little data" if numbers.insufficient else "",
        f"{numbers.rejected:,} with unusable data" if numbers.rejected else "",
        f"{numbers.unscored:,} not scored yet" if numbers.unscored else "",
    ]
    return f"{of}. All: {', '.join(part for part in (levels, *rest) if part)}."


def show_customer(
    customer: Annotated[str, typer.Argument(help="Id (ours or yours), or the beginning of the name.")],
    as_json: Json = False,
) -> None:
    """One customer: the score and what costs most, the trend, contacts, interventions and tasks."""
    with open_desk() as desk, desk.store.read() as session:
        own = find_customer(session, desk.organisation.id, customer)
        detail = customer_detail(session, desk.organisation.id, own, desk.now)
    if as_json:
        print_json(detail)
        return
    _print_header(detail)
    _print_score(desk, detail.score, detail.trend)
    _print_contacts(detail)
    intervention_table(desk, detail.interventions, title="Interventions", of_one=True)
    _print_transitions(desk, detail)
    task_table(desk, detail.tasks, title="Open tasks", of_one=True)
    say()
    say(desk.times, style="dim")


def _print_header(detail: CustomerDetail) -> None:
    one = detail.customer
    say(one.name, f"  ({one.external_id})" if one.external_id != one.name else "", style="bold")
    kind = ", ".join(part for part in (one.plan, detail.industry, one.segment, detail.country) if part)
    print_fields(
        [
            ("state", "" if one.active else "not active: it is not scored"),
            ("what", kind),
            ("owner", one.owner or "nobody"),
            (
                "revenue",
                f"{words.money(one.monthly_revenue, one.currency)} a month" if one.monthly_revenue else "",
            ),
            ("customer since", detail.started_on),
            ("renews on", detail.renews_on),
            ("time zone", detail.time_zone),
            ("our id", one.id),
        ]
    )


def _print_score(desk: Desk, score: ScoreDetail | None, trend: Trend) -> None:
    say()
    if score is None:
        say("Not scored yet. Score everybody: keepwell score")
        return
    if score.score is None:
        why = (
            f"{words.count(score.unusable, 'value')} cannot be used" if score.unusable else "too little data"
        )
        say(
            f"No score: {why} ({score.coverage:.0%} of the weight was measured). Last level: ",
            level_text(score.level),
        )
    else:
        say(
            "Score ",
            Text(words.score(score.score), style="bold"),
            " ",
            level_text(score.level),
            f" – {score.action}",
        )
    held = (
        f"{score.raw_level.value} by the score alone"
        if score.raw_level and score.raw_level != score.level
        else ""
    )
    print_fields(
        [
            (
                "since",
                f"{desk.clock.moment(score.since)} ({desk.clock.away(score.since)})" if score.since else "",
            ),
            ("held", held),
            ("scored", f"{desk.clock.moment(score.scored_at)} with {score.scorecard}"),
            ("measured", f"{score.coverage:.0%} of the weight"),
            *((one.title, _points(one.points, one.weight)) for one in score.categories),
            ("trend", _trend(trend)),
        ]
    )
    if score.costs:
        say("What costs most", style="bold")
        for cost in score.costs:
            say("  • ", cost.words)


def _points(points: float | None, weight: float) -> str:
    measured = "not measured" if points is None else f"{points:5.1f} {words.bars([points])}"
    return f"{measured}  (weight {weight:g} %)"


def _trend(trend: Trend) -> str:
    if trend.change is None:
        return (
            "not yet: the scores are of one day"
            if trend.points
            else f"no score in the last {trend.days} days"
        )
    line = words.bars([point.score for point in trend.points])
    first, last = trend.points[0], trend.points[-1]
    days = (last.day - first.day).days
    return f"{line}  {trend.direction}, {trend.change:+.1f} in {words.count(days, 'day')}"


def _print_contacts(detail: CustomerDetail) -> None:
    say()
    if not detail.contacts:
        say("No contacts yet. Import some: keepwell import contacts FILE")
        return
    columns = [
        Column("Contact"),
        Column("Role", keep=True),
        Column("Email"),
        Column("Consent", keep=True),
        Column("Note", drop=1),
    ]
    print_table(
        columns,
        [
            [
                one.name,
                one.role,
                one.email,
                one.consent,
                one.suppressed or ("" if one.active else "not active"),
            ]
            for one in detail.contacts
        ],
        title="Contacts",
    )


def _print_transitions(desk: Desk, detail: CustomerDetail) -> None:
    if not detail.transitions:
        return
    say()
    rows = []
    for one in detail.transitions:
        change = Text.assemble(level_text(one.previous, "new"), " → ", level_text(one.level))
        if one.kind == "enrolment":
            change = Text.assemble("enrolled at ", level_text(one.level))
        became = one.reason or one.decision or "not decided yet: a worker will"
        rows.append([desk.clock.moment(one.at), change, words.score(one.score), became])
    columns = [
        Column("When", keep=True),
        Column("Change"),
        Column("Score", justify="right"),
        Column("What followed"),
    ]
    print_table(columns, rows, title="Changes of level")
