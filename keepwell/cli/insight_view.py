"""Why a customer's figures are what they are: beside others, what costs, what to do, signs of churn."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from keepwell.cli import words
from keepwell.cli.output import Column, print_fields, print_table, say
from keepwell.db.repositories.insight_benchmark import Comparison, Place
from keepwell.db.repositories.views_customer import CustomerDetail
from keepwell.db.repositories.views_customer_score import ScoreDetail
from scoring.churn_risk import ChurnRisk
from scoring.scorecard import Owner


def print_standing(score: ScoreDetail, comparison: Comparison | None, customer: str) -> None:
    """The score and its categories, beside similar customers where there are enough."""
    places = {place.name: place for place in comparison.categories} if comparison else {}
    columns = [
        Column("Category"),
        Column("Points", justify="right", keep=True),
        Column("", keep=True, drop=1),
        Column("Weight", justify="right", keep=True),
        *(_COMPARED if comparison and comparison.customers else ()),
    ]
    rows: list[list[object]] = []
    if score.score is not None and comparison and comparison.customers:
        bar = words.bars([score.score])
        rows.append(["whole score", words.score(score.score), bar, "100 %", *beside(comparison.score)])
    for one in score.categories:
        points = Text("not measured", style="dim") if one.points is None else words.score(one.points)
        bar = "" if one.points is None else words.bars([one.points])
        row: list[object] = [one.title, points, bar, f"{one.weight:g} %"]
        rows.append([*row, *beside(places.get(one.name))] if comparison and comparison.customers else row)
    say()
    print_table(columns, rows, title="What the score is made of")
    first = next((one for one in score.categories if one.points is not None), score.categories[0]).name
    say(
        f"{compared_with(comparison)}Its metrics: keepwell customer {customer} --category {first}",
        style="dim",
    )


_COMPARED = (
    Column("Others", justify="right", keep=True, drop=2),
    Column("Better than", justify="right", keep=True),
)


def beside(place: Place | None) -> tuple[object, object]:
    """The median of the others, and the share of them that is worse."""
    if place is None or place.percentile is None:
        return "", Text("too few to compare" if place else "", style="dim")
    return place.median_words, f"{place.percentile:.0f} %"


def compared_with(comparison: Comparison | None) -> str:
    """Who the others are."""
    if comparison is None:
        return ""
    if not comparison.customers:
        return f"Not compared: {comparison.why}. "
    text = f"Compared with {words.count(comparison.customers, 'similar customer')}: {comparison.segment}"
    if comparison.sampled < comparison.customers:
        text += f" (by the figures of {comparison.sampled:,} of them)"
    return f"{text}. Others: their median. "


def print_causes(score: ScoreDetail | None) -> None:
    """What costs most, and what else fell."""
    if score is None:
        return
    _bullets("What costs most", (one.words for one in score.costs))
    _bullets("What else fell", (one.words for one in score.falls))


def print_to_do(detail: CustomerDetail) -> None:
    """What to do about what costs most: who, by when, and what success is."""
    found = detail.insight.recommendations
    if not found:
        return
    titles = {one.metric: one.title for one in detail.score.costs} if detail.score else {}
    say()
    columns = [
        Column("For", drop=2),
        Column("Action"),
        Column("Who"),
        Column("Within", keep=True),
        Column("Done when", drop=1, wide=110),
    ]
    rows: list[list[object]] = [
        [
            titles.get(one.metric, one.metric),
            one.action,
            _who(one.owner, detail.customer.owner),
            words.count(one.due_days, "day"),
            one.success,
        ]
        for one in found
    ]
    print_table(columns, rows, title="What to do", space=True)


def _who(owner: Owner, manager: str) -> str:
    match owner:
        case Owner.CSM:
            return manager or "the CSM"
        case Owner.CUSTOMER:
            return "the customer"
        case Owner.SUPPORT:
            return "support"
        case Owner.PRODUCT:
            return "the product team"


def print_churn_signs(risk: ChurnRisk) -> None:
    """The rule of thumb by factors, with the reasons; what is not known is named, as it can be imported."""
    say()
    known = f"{words.percent(risk.coverage)} of the signs are known"
    if risk.score is None:
        needed = "too few for a figure"
        say(Text("Signs of churn", style="bold"), Text(f"  {known}, {needed}", style="dim"))
    else:
        text = f" of 100 as of now, by rule of thumb and no probability; {known}"
        say(Text("Signs of churn  ", style="bold"), Text(f"{risk.score:.0f}", style="bold"), text)
    rows: list[list[object]] = []
    for factor in risk.factors:
        share = "" if factor.share is None else f"{factor.share:.1f}"
        why = factor.words[0].upper() + factor.words[1:]
        rows.append([factor.title, share, words.percent(factor.weight), why])
    columns = [
        Column("Factor"),
        *([Column("Share", justify="right", keep=True)] if risk.score is not None else []),
        Column("Weight", justify="right", keep=True, drop=1),
        Column("Why"),
    ]
    if risk.score is None:
        rows = [[row[0], *row[2:]] for row in rows]
    print_table(columns, rows)
    unknown = [one.title.lower() for factor in risk.factors for one in factor.indicators if one.sign is None]
    if unknown:
        say(f"Not known: {', '.join(unknown)}. --json says what each needs.", style="dim")


def _bullets(title: str, lines: Iterable[str]) -> None:
    found = list(lines)
    if found:
        say()
        say(title, style="bold")
        print_fields([("•", line) for line in found])
