"""The pages on scoring say what the code does: examples are computed, tables made from the scorecards."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from scoring.describe import default_words, normalisation_words, review_words
from scoring.factors import risk_factors
from scoring.guard import hold_levels
from scoring.kernel import score_many
from scoring.levels import LEVELS, UNKNOWN, Level
from scoring.load import builtin, parse_scorecard
from scoring.reasons import keys_of
from scoring.scorecard import Band, Category, ForCustomers, Guard, Metric, Scorecard
from tests.unit.scoring.test_scorecards import NAN, scored

DOCS = Path(__file__).parents[3] / "docs"
PAGE, TABLES = DOCS / "scoring.md", DOCS / "scorecards.md"
ORDER = ("intervention", "client-health", "account-health", "customer-success", "momentum")
CARD = builtin("intervention")


def between(begin: str, end: str, page: Path = PAGE) -> str:
    """The part of a page between two of its comments."""
    found = re.search(rf"<!-- {begin}[^>]*-->\n(.*?)<!-- {end} -->", page.read_text("utf-8"), re.DOTALL)
    assert found, f"the page has no part {begin!r}"
    return found[1]


def rows(text: str, width: int) -> list[list[str]]:
    """The cells of tables with that many columns, without headings and marks."""
    cells = [
        [cell.strip(" `*") for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if "|" in line
    ]
    return [row for row in cells if len(row) == width and not set("".join(row)) <= set("-:")]


EXAMPLE = rows(between("worked example", "end of the worked example"), 6)[1:]


def example() -> tuple[list[float], list[float]]:
    """Values and ages of the customer on the page."""
    measured = {name: cell for name, cell, *_ in EXAMPLE[:-1]}
    assert tuple(measured) == CARD.metric_names
    values = [NAN if cell == "–" else float(cell.split(",")[0]) for cell in measured.values()]
    ages = [float((re.search(r"(\d+) days ago", cell) or [0, 0])[1]) for cell in measured.values()]
    return values, ages


def test_the_example_by_metric() -> None:
    values, ages = example()
    scores = score_many(CARD, [values], [ages])
    for column, (name, _, _, points, weight, product) in enumerate(EXAMPLE[:-1]):
        if points == "–":
            assert np.isnan(scores.points[0, column])
            assert (weight, product) == ("–", "–")
            continue
        assert scores.points[0, column] == pytest.approx(float(points), abs=1e-9)
        assert CARD.metric(name).weight == float(weight)
        assert float(points) * float(weight) == float(product)


def test_the_example_in_sum() -> None:
    text = between("worked example", "end of the worked example")
    values, ages = example()
    scores = score_many(CARD, [values], [ages])
    counted = [row for row in EXAMPLE[:-1] if row[3] != "–"]
    weight, product = sum(float(row[4]) for row in counted), sum(float(row[5]) for row in counted)
    assert EXAMPLE[-1] == ["together", "", "", "", f"{weight:g}", f"{product:g}"]
    score = float(scores.score[0])
    assert f"**The score is {product:g} / {weight:g} = {score:.1f}**" in text
    assert score == pytest.approx(product / weight, abs=1e-9)
    band = CARD.band_of(score)
    assert f'the band "{band.name}", the level {band.level}.' in text
    assert f"the **coverage** is {float(scores.coverage[0]) * 100:.0f} %." in text
    assert f"100 − {score:.1f} = {100 - score:.1f} points are missing" in text


def test_the_example_by_category_and_cost() -> None:
    text = between("worked example", "end of the worked example")
    values, ages = example()
    scores = score_many(CARD, [values], [ages])
    by_category = rows(text, 4)[1:]
    assert [row[0] for row in by_category] == list(CARD.category_names)
    for (name, product, weight, told), computed in zip(by_category, scores.category_scores[0], strict=True):
        own = [row for row in EXAMPLE[:-1] if row[3] != "–" and CARD.metric(row[0]).category == name]
        assert (sum(float(row[5]) for row in own), sum(float(row[4]) for row in own)) == (
            float(product),
            float(weight),
        )
        assert abs(float(told) - computed) <= 0.0500001
    factors = risk_factors(CARD, values, scores.points[0], scores.lost[0])
    assert [[one.metric, f"{one.lost:.1f}"] for one in factors] == rows(text, 2)[1:]
    assert f'"{factors[0].words}"' in text


def test_the_example_of_a_default() -> None:
    text = between("default example", "end of the default example")
    card = builtin("momentum")
    *metrics, whole = rows(text, 5)[1:]
    assert tuple(row[0] for row in metrics) == card.metric_names
    figures = {name: float(cell) for name, cell, *_ in metrics if cell != "–"}
    scores = scored(card, figures)
    for column, (name, measured, points, weight, product) in enumerate(metrics):
        assert scores.defaulted[0, column] == (measured == "–") == points.endswith(" (default)")
        computed = float(scores.points[0, column])
        assert computed == pytest.approx(float(points.removesuffix(" (default)")), abs=0.05)
        assert card.metric(name).weight == float(weight)
        assert computed * float(weight) == pytest.approx(float(product), abs=0.05)
    score, coverage = float(scores.score[0]), float(scores.coverage[0])
    assert whole == ["together", "", "", "100", f"{score * 100:.1f}"]
    assert (
        f"The score is {score * 100:.1f} / 100 = {score:.1f}, with a coverage of {coverage * 100:.0f} %"
        in text
    )
    known = scored(card, {**figures, "feedback_score": 80.0})
    assert f"With a feedback of 80 it would be {float(known.score[0]):.1f}, at full coverage" in text
    assert known.coverage[0] == 1


def test_the_example_of_the_guard() -> None:
    days = rows(between("guard example", "end of the guard example"), 5)[1:]
    assert len(days) == 8
    held, previous = UNKNOWN, UNKNOWN
    for _, score, own, told, _ in days:
        raw = CARD.level_of(float(score)).severity
        held = int(hold_levels(CARD, [float(score)], [raw], [held], [previous])[0])
        previous = raw
        assert (LEVELS[raw], LEVELS[held]) == (Level(own), Level(told))


def test_the_scorecard_on_the_page_is_sound_and_its_mistake_is_told_so() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert found
    card = parse_scorecard(found[1], "shop.toml")
    assert card.metric_names == ("orders", "shipping_time")
    with pytest.raises(ValueError, match="better") as caught:
        parse_scorecard(found[1].replace('better = "higher"', 'better = "lower"'), "shop.toml")
    assert str(caught.value) in text


def tables() -> str:
    """The five scorecards as tables."""
    return "\n".join(_tables_of(builtin(name)) for name in ORDER)


def _tables_of(card: Scorecard) -> str:
    lines = [f"## {card.name}", card.description, "", "| metric | unit | better | weight | points |"]
    lines.append("|---|---|---|---:|---|")
    for category in card.categories:
        lines.append(f"| **{category.title}** | | | **{category.weight:g}** | |")
        for metric in card.metrics:
            if metric.category == category.name:
                words = "; ".join(
                    part for part in (normalisation_words(metric), default_words(metric)) if part
                )
                unit = metric.unit.value
                lines.append(
                    f"| `{metric.name}` | {unit} | {metric.direction} | {metric.weight:g} | {words} |"
                )
    lines += ["", "| from | band | level | action | review |", "|---:|---|---|---|---|"]
    for band in card.bands:
        lines.append(
            f"| {band.lower:g} | {band.name} | {band.level} | {band.action} | {review_words(band)} |"
        )
    return "\n".join([*lines, "", f"Source: {card.source}", ""])


def keys() -> str:
    """Every key a file may have, with its description."""
    parts: list[tuple[str, type[BaseModel]]] = [
        ("the file", Scorecard),
        ("`[guard]`", Guard),
        ("`[[bands]]`", Band),
        ("`[categories.NAME]`", Category),
        ("`[metrics.NAME]`", Metric),
        ("`[metrics.NAME.customer]`", ForCustomers),
    ]
    lines = ["| in | key | needed | what |", "|---|---|---|---|"]
    for title, model in parts:
        for key, field in keys_of(model).items():
            needed = "yes" if field.is_required() else ""
            what = (field.description or "").replace("|", "\\|").replace("{", "`{").replace("}", "}`")
            lines.append(f"| {title} | `{key}` | {needed} | {what} |")
    return "\n".join([*lines, ""])


MADE = {"tables of the scorecards": ("end of the tables", tables), "keys": ("end of the keys", keys)}


@pytest.mark.parametrize("part", MADE)
def test_the_tables_are_those_of_the_scorecards(part: str) -> None:
    end, make = MADE[part]
    if os.environ.get("KEEPWELL_UPDATE_GOLDEN"):
        old, text = between(part, end, TABLES), TABLES.read_text(encoding="utf-8")
        TABLES.write_text(text.replace(f"{old}<!-- {end} -->", f"{make()}<!-- {end} -->"), encoding="utf-8")
    update = "KEEPWELL_UPDATE_GOLDEN=1 .venv/bin/pytest tests/unit/scoring/test_page.py"
    assert between(part, end, TABLES) == make(), update
