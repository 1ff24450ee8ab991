"""The report, from the command line to the page, on public data; and what stands on it."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from keepwell.churn.curves import precision_recall, roc, staying
from keepwell.churn.pictures import _lines, importance_picture
from keepwell.churn.plain import plain
from keepwell.churn.words import CALLED, sayable, sorted_findings
from scoring.churn.results import Category, Finding, Importance, Severity, Time, Trouble
from tests.unit.cli.conftest import Cli

# Read before the tests' own environment takes every setting away.
DATA = os.environ.get("KEEPWELL_DATA_DIR")

PAGE_PARTS = (
    "Read this first",
    "The figures",
    "Does it put customers in the right order?",
    "Can its probabilities be taken at their word?",
    "What is it worth at work?",
    "What does it look at?",
    "When do they leave?",
    "How it was made",
)


class Links(HTMLParser):
    """Everything on a page that could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href") and tag != "use"]
        assert tag not in ("script", "link", "iframe")


def data(name: str) -> Path:
    if not DATA:
        pytest.skip("KEEPWELL_DATA_DIR is not set: the public data are not here")
    return Path(DATA) / name


def check_page(path: Path) -> str:
    page = path.read_text()
    links = Links()
    links.feed(page)
    assert links.found == [], "the page loads nothing"
    svgs = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(svgs) >= 8
    ids = [found for svg in svgs for found in re.findall(r' id="([^"]+)"', svg)]
    assert len(ids) == len(set(ids)), "pictures do not meet each other's parts"
    for svg in svgs:
        root = ET.fromstring(svg)
        assert root.get("aria-label")
        assert root.get("width") is None, "a picture is as wide as its place"
    assert "var(--brand)" in page
    assert not re.findall(r"#0[0-9]0[0-9]0[0-9]", page), "every colour is the page's own"
    for part in PAGE_PARTS:
        assert part in page
    return page


@pytest.mark.timeout(900)
def test_telco_from_the_command_line_to_the_report(cli: Cli, tmp_path: Path) -> None:
    path, page = data("telco.csv"), tmp_path / "report.html"
    options = ("--target", "Churn", "--churned", "Yes", "--id", "customerID", "--duration", "tenure")
    told = cli(
        "churn", "evaluate", str(path), *options, "--folds", "2", "--quick", "--html", str(page), "--json"
    )
    assert told.code == 0, told.err
    found = told.json
    assert found["table"]["rows"] == 7043
    assert found["pooled"]["roc_auc"] > 0.84
    assert found["pooled"]["brier"] < 0.14 < found["pooled"]["baseline_brier"]
    assert found["survival"]["c_index"] > 0.85
    assert "TotalCharges" in found["table"]["features"]
    assert "TotalCharges" not in found["survival"]["features"]
    html = check_page(page)
    assert "quick look" in html
    pooled = found["pooled"]
    told_apart, off = pooled["roc_auc"] * 100, pooled["ece"] * 100
    assert f"the higher probability in {told_apart:.0f} of 100 pairs" in html
    assert f"Probabilities are {off:.1f} points off" in html
    hits, left = pooled["confusion"]["true_positives"], pooled["confusion"]["false_negatives"]
    assert hits + left == 1869, "everybody who left is found or missed"
    assert f"{hits:,} of 1,869 leavers are found" in html
    assert "TotalCharges: is nearly tenure" in html
    assert "keepwell churn evaluate telco.csv --target Churn --churned Yes --id customerID" in html


@pytest.mark.timeout(600)
def test_saas_from_the_command_line_to_the_report(cli: Cli, tmp_path: Path) -> None:
    path, page = data("saas_churn.csv"), tmp_path / "report.html"
    options = ("--target", "churned", "--duration", "months_active", "--folds", "2", "--quick")
    told = cli("churn", "evaluate", str(path), *options, "--html", str(page))
    assert told.code == 0, told.err
    for part in (
        "saas_churn.csv: 2,000 rows, 46.6% left",
        "ROC AUC",
        "Without a model",
        "Time to churn: C-index",
    ):
        assert part in told.out
    assert "42 customers have 0 months" in told.out
    check_page(page)


def test_a_page_that_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    told = cli(
        "churn", "evaluate", str(tmp_path / "none.csv"), "--target", "x", "--html", "/nowhere/page.html"
    )
    assert told.code == 2


def test_curves_worked_by_hand() -> None:
    y, p = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.9, 0.8, 0.7, 0.1])
    ranking = roc(y, p)
    assert ranking.x.tolist() == [0.0, 0.0, 0.5, 0.5, 1.0]
    assert ranking.y.tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]
    right = precision_recall(y, p)
    assert right.x.tolist() == [0.5, 0.5, 1.0, 1.0]
    assert right.y.tolist() == pytest.approx([1.0, 0.5, 2 / 3, 0.5])
    # Ties count at once: no order among them is better than another.
    assert roc(y, np.full(4, 0.5)).y.tolist() == [0.0, 1.0]


def test_staying_worked_by_hand() -> None:
    """Of five, one leaves after 1 month (4/5 stay); one is there since 2; one of three leaves after 3."""
    curve = staying(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.0, 0.0, 1.0, 0.0, 0.0]))
    assert curve.x.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert curve.y.tolist() == pytest.approx([1.0, 0.8, 0.8, 0.8 * 2 / 3, 0.8 * 2 / 3, 0.8 * 2 / 3])


def test_the_gravest_finding_comes_first() -> None:
    findings = [Finding(Trouble.BLANKS, one, (), one.value) for one in reversed([*Severity])]
    assert [one.severity for one in sorted_findings(findings)] == [
        Severity.REFUSE,
        Severity.WARN,
        Severity.DROP,
        Severity.NOTE,
    ]
    assert set(CALLED) == set(Severity)


def test_values_for_programs() -> None:
    finding = Finding(Trouble.BLANKS, Severity.NOTE, ("a",), "w", (("x", float("nan")),))
    assert plain(finding)["figures"] == [["x", None]]
    assert plain({"a": (Category.LOW, np.float64(1.5), np.int64(2), np.array([1.0, np.inf]))}) == {
        "a": ["low", 1.5, 2, [1.0, None]]
    }


def test_who_has_stayed_longer_than_anybody_has_no_time() -> None:
    assert sayable(Time(None, None, None, 0.0)) is None
    known = Time(None, 4.0, None, 12.0)
    assert sayable(known) is known


def test_long_names_of_columns_that_begin_alike_stay_apart() -> None:
    """Bars are placed by number: two columns that look alike are two bars, and each name can be told."""
    export = "the_warehouse_export_of_all_customers_with_a_very_long_name_"
    shown = [Importance(f"{export}{end}_of_90_days", 0.1, 0.01) for end in ("logins", "tickets")]
    page = importance_picture(shown).replace("&#10;", "")
    bars = [found for found in re.findall(r'<g id="[^"]*patch_(\d+)"', page)]
    assert len(bars) == len(re.findall(r'<g id="[^"]*patch_(\d+)"', importance_picture(shown[:1]))) + 1
    texts = re.findall(r">([^<>]+)</", page)
    for one in shown:
        assert any(one.feature.endswith(text) and len(text) > 10 for text in texts), texts
    longest = _lines("x" * 500)
    assert (len(longest), longest.count("…"), longest.count("\n")) == (80, 1, 2)
    assert _lines("tenure") == "tenure"


def test_what_many_columns_share_is_one_line() -> None:
    empty = [
        Finding(Trouble.EMPTY, Severity.DROP, (name,), f"{name}: is empty. Left out") for name in ("a", "b")
    ]
    kept = Finding(Trouble.EMPTY, Severity.WARN, ("c",), "c: is empty. Kept, as the mapping says")
    assert [one.words for one in sorted_findings([*empty, kept])] == [
        "c: is empty. Kept, as the mapping says",
        "2 columns are empty: a, b. Left out",
    ]
    assert sorted_findings(empty[:1]) == empty[:1]
