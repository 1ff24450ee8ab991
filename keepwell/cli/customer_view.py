"""How one customer is shown: where it stands and why first, then what to do, then what is being done."""

from __future__ import annotations

from rich.text import Text

from keepwell.cli import words
from keepwell.cli.desk import Desk
from keepwell.cli.insight_view import print_causes, print_churn_signs, print_standing, print_to_do
from keepwell.cli.output import Column, level_text, print_fields, print_table, say
from keepwell.cli.tables import intervention_table, task_table
from keepwell.contracts.people import PURPOSE_WORDS
from keepwell.db.repositories.views_customer import ContactLine, CustomerDetail
from keepwell.db.repositories.views_customer_score import Trend

LEAST_DAYS = 7
"""Days from which a slope for 30 days is worth telling."""


def print_customer(desk: Desk, detail: CustomerDetail) -> None:
    """All that is known of one customer."""
    _print_header(detail)
    _print_score(desk, detail)
    print_causes(detail.score)
    print_to_do(detail)
    print_churn_signs(detail.insight.churn_risk)
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
            ("owner", _owner(detail)),
            (
                "revenue",
                f"{words.money(one.monthly_revenue, one.currency)} a month" if one.monthly_revenue else "",
            ),
            ("customer since", detail.started_on),
            ("renews on", detail.renews_on),
            ("left on", detail.left_on),
            ("time zone", detail.time_zone),
            ("our id", one.id),
        ]
    )


def _owner(detail: CustomerDetail) -> str:
    away = f" ({detail.owner_away})" if detail.owner_away else ""
    return f"{detail.customer.owner or 'nobody'}{away}"


def _print_score(desk: Desk, detail: CustomerDetail) -> None:
    say()
    score, insight = detail.score, detail.insight
    if score is None:
        say("Not scored yet. Score everybody: keepwell score")
        print_fields(_urgency(desk, detail))
        return
    if score.score is None:
        why = (
            f"{words.count(score.unusable, 'value')} cannot be used" if score.unusable else "too little data"
        )
        say(
            f"No score: {why} ({words.percent(score.coverage)} of the weight was measured). Last level: ",
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
    others = "; ".join(
        f"{one.scorecard} {words.score(one.score)} {one.band or 'too little data'}" for one in insight.others
    )
    print_fields(
        [
            *_urgency(desk, detail),
            ("trend", _trend(detail.trend)),
            (
                "since",
                f"{desk.clock.moment(score.since)} ({desk.clock.away(score.since)})" if score.since else "",
            ),
            ("held", held),
            ("next review", f"{score.next_review:%d %b %Y}" if score.next_review else ""),
            ("scored", f"{desk.clock.moment(score.scored_at)} with {score.scorecard}"),
            ("measured", f"{words.percent(score.coverage)} of the weight"),
            ("other scorecards", others),
        ]
    )
    print_standing(score, insight.comparison, detail.customer.external_id)


def _urgency(desk: Desk, detail: CustomerDetail) -> list[tuple[str, object]]:
    """How urgent it is, and what a churn model says; the latter is why, often."""
    priority, prediction = detail.insight.priority, detail.insight.prediction
    lines: list[tuple[str, object]] = []
    if priority is not None:
        bold = "bold" if priority.priority.rank < 2 else ""
        lines.append(("priority", Text.assemble((priority.priority.value, bold), f": {priority.reason}")))
    if prediction is not None:
        between = f"{words.percent(prediction.low)} to {words.percent(prediction.high)}"
        text = f"{words.percent(prediction.probability)} likely to leave ({between}), {prediction.category}"
        text += f"; by {prediction.model or 'a model'} on {desk.clock.day(prediction.at)}"
        if prediction.old:
            text += ", too long ago to count for the priority"
        lines.append(("churn model", text))
        if prediction.months is not None:
            lines.append(
                ("time to churn", _months(prediction.months, prediction.months_low, prediction.months_high))
            )
    return lines


def _months(months: float, low: float | None, high: float | None) -> str:
    within = f" ({low:.0f} to {high:.0f})" if low is not None and high is not None else ""
    return f"half of such customers leave within {months:.0f} months{within}"


def _trend(trend: Trend) -> str:
    if trend.change is None:
        return (
            "not yet: the scores are of one day"
            if trend.points
            else f"no score in the last {trend.days} days"
        )
    line = words.bars([point.score for point in trend.points])
    days = (trend.points[-1].day - trend.points[0].day).days
    text = f"{line}  {trend.direction.value}, {trend.change:+.1f} in {words.count(days, 'day')}"
    if trend.slope is None or days < LEAST_DAYS:
        return text
    return f"{text} (the line through them: {trend.slope:+.1f} in {trend.days} days)"


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
                _wishes(one),
            ]
            for one in detail.contacts
        ],
        title="Contacts",
    )


def _wishes(one: ContactLine) -> str:
    """Why a contact hears nothing, or not of everything."""
    if not one.active:
        return "not active"
    refused = ", ".join(f"wants no {PURPOSE_WORDS[purpose]}" for purpose in one.unwanted)
    return f"suppressed ({one.suppressed})" if one.suppressed else refused


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
