"""`keepwell churn evaluate`, `train` and `predict` with files: what is wrong is named, and where."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

from keepwell.cli.churn import commands
from keepwell.cli.churn_options import Said, command_of, read_file, said, settings_of
from tests.unit.cli.conftest import Cli

ROWS = 260
OPTIONS = (
    "target",
    "churned",
    "customer",
    "duration",
    "drop",
    "keep",
    "group",
    "time",
    "window",
    "measured",
    "window_start",
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """260 customers; who calls support often leaves more often."""
    rng = np.random.default_rng(3)
    lines = ["id,months,calls,plan,fee,left"]
    for number in range(ROWS):
        calls = int(rng.poisson(3))
        left = rng.random() < 1 / (1 + np.exp(3.2 - 0.9 * calls))
        plan = ("basic", "pro")[int(rng.integers(2))]
        lines.append(
            f"{number:04},{rng.integers(1, 60)},{calls},{plan},{rng.normal(40, 9):.2f},"
            f"{'yes' if left else 'no'}"
        )
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def change(path: Path, line: int, old: str, new: str) -> None:
    lines = path.read_text().splitlines()
    lines[line] = lines[line].replace(old, new)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "which column says that a customer left? Give --target COLUMN"),
        (("--target", "Left"), "--target: there is no column 'Left' (did you mean 'left'?)"),
        (("--target", "left", "--drop", "fees"), "--drop: there is no column 'fees' (did you mean 'fee'?)"),
        (("--target", "left", "--churned", "gone"), "no row of 'left' holds 'gone', so nobody left"),
        (("--target", "plan"), "It holds: "),
        (("--target", "left", "--churned", "yes", "--churned", "no"), "every row of 'left' says"),
        (("--target", "left", "--id", "left"), "the target 'left' cannot be something else as well"),
    ],
)
def test_what_is_wrong_with_the_options(cli: Cli, table: Path, options: tuple[str, ...], told: str) -> None:
    result = cli("churn", "evaluate", str(table), *options)
    assert result.code == 2
    assert told in result.err
    assert "table.csv" in result.err


@pytest.mark.parametrize("command", ["evaluate", "train"])
def test_a_time_and_its_window_go_together(cli: Cli, table: Path, command: str) -> None:
    alone = cli("churn", command, str(table), "--target", "left", "--time", "months")
    assert alone.code == 2
    assert "--time: within how many days after 'months' was leaving looked for? Give --window" in alone.err
    window = cli("churn", command, str(table), "--target", "left", "--window", "30")
    assert window.code == 2
    assert "--window: counts from the day a row was measured" in window.err
    assert "--time COLUMN" in window.err
    assert cli("churn", "models", "list", "--json").json == {"models": []}


@pytest.mark.parametrize("quick", [False, True])
def test_the_command_of_a_report_says_the_same_again(table: Path, quick: bool) -> None:
    options = Said("left", ("no",), "id", "months", ("fee",), ("plan",), "plan", "calls", 30, "fee", "calls")
    _, mapping = read_file(table, options)
    settings = settings_of(folds=4, seed=7, jobs=2, quick=quick)
    words = shlex.split(command_of(str(table), mapping, settings))
    assert words[:3] == ["keepwell", "churn", "evaluate"]
    evaluate = get_command(commands).commands["evaluate"]  # type: ignore[attr-defined]
    said_again = evaluate.make_context("evaluate", words[3:]).params
    read = said(*(said_again[name] for name in OPTIONS))
    assert read_file(said_again["file"], read)[1] == mapping
    again = settings_of(folds=said_again["folds"], seed=said_again["seed"], jobs=2, quick=said_again["quick"])
    assert again == settings


def test_three_values_need_a_word(cli: Cli, table: Path) -> None:
    change(table, 1, ",no", ",yes")
    change(table, 5, ",no", ",perhaps")
    change(table, 5, ",yes", ",perhaps")
    result = cli("churn", "evaluate", str(table), "--target", "left")
    assert result.code == 2
    assert "the target 'left' has 3 values; it must say left or stayed" in result.err
    assert "--churned" in result.err


def test_an_unreadable_row_is_not_left_out_silently(cli: Cli, table: Path) -> None:
    change(table, 7, ",", ",,")
    result = cli("churn", "train", str(table), "--target", "left")
    assert result.code == 2
    assert "1 row cannot be read" in result.err
    assert "line 8" in result.err
    assert cli("churn", "models", "list", "--json").json == {"models": []}


def test_too_few_rows(cli: Cli, table: Path) -> None:
    table.write_text("\n".join(table.read_text().splitlines()[:30]) + "\n")
    result = cli("churn", "train", str(table), "--target", "left")
    assert result.code == 2
    assert "table.csv: too little to learn from" in result.err
    assert cli("churn", "models", "list", "--json").json == {"models": []}


@pytest.mark.parametrize("text", ["", "a,b\n", "PK\x03\x04"])
def test_a_file_that_is_no_table(cli: Cli, tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(text)
    result = cli("churn", "evaluate", str(path), "--target", "a")
    assert result.code == 2
    assert "odd.csv" in result.err
    assert cli("churn", "evaluate", str(tmp_path / "none.csv")).code == 2


def test_options_of_files_without_a_file(cli: Cli) -> None:
    result = cli("churn", "train", "--id", "customer")
    assert (result.code, "--id: goes with a FILE" in result.err) == (2, True)
    assert cli("churn", "train", "--name", "x").code == 2
    young = cli("churn", "train")
    assert (young.code, "nothing was measured yet" in young.err) == (2, True)


def test_train_predict_and_explain_a_file(cli: Cli, table: Path, tmp_path: Path) -> None:
    options = ("--target", "left", "--id", "id", "--duration", "months", "--quick")
    made = cli("churn", "train", str(table), *options, "--json").json
    assert (made["model"], made["state"]) == ("table@1", "in_use")
    assert made["card"]["origin"]["source"] == "table.csv"
    assert len(made["card"]["origin"]["digest"]) == 64
    said = cli("churn", "predict", str(table), "--json", "--limit", "3").json
    assert len(said["predictions"]) == ROWS
    by_name = {one["customer"]: one for one in said["predictions"]}
    assert {"0000", "0001"} <= set(by_name), "zeros in front of an identifier stay"
    assert "id" not in by_name["0000"], "a row of a file is no customer of ours"
    told = cli("churn", "explain", "--row", "1", str(table))
    assert "table.csv, row 1" in told.out
    assert "calls" in told.out
    wrong = cli("churn", "explain", "--row", "999", str(table))
    assert (wrong.code, "rows 1 to 260, not 999" in wrong.err) == (2, True)
    table.rename(tmp_path / "table-new.csv")
    lost = cli("churn", "predict", str(tmp_path / "table-new.csv"))
    assert (lost.code, "table@1" in lost.err) == (3, True)
    change(tmp_path / "table-new.csv", 0, "calls", "phone")
    missing = cli("churn", "predict", str(tmp_path / "table-new.csv"), "--model", "table")
    assert missing.code == 2
    assert "calls" in missing.err


def test_another_encoding_is_said_of_the_file_not_of_its_rows(cli: Cli, table: Path) -> None:
    lines = table.read_text().replace("basic", "bäsic").replace("pro", "prö")
    table.write_bytes(lines.encode("latin-1"))
    result = cli("churn", "evaluate", str(table), "--target", "left")
    assert result.code == 2
    assert f"{ROWS} rows cannot be read" in result.err
    assert "Save the whole file as UTF-8" in result.err
    assert "delete these rows" not in result.err


@pytest.fixture
def dated(table: Path) -> Path:
    """The same with the last day that a row knows of, and the day from which leaving was looked for."""
    head, *rows = table.read_text().splitlines()
    days = [f"2026-{1 + number % 8:02}" for number in range(len(rows))]
    rows = [f"{row},{day}-14,{day}-15" for row, day in zip(rows, days, strict=True)]
    table.write_text("\n".join([f"{head},seen_until,begins", *rows]) + "\n")
    return table


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--measured", "seen_until"), "--measured: from which day on was leaving looked for?"),
        (("--window-start", "begins"), "--window-start: is compared with the last day that a row knows of"),
        (("--measured", "seen", "--window-start", "begins"), "--measured: there is no column 'seen'"),
        (("--measured", "begins", "--window-start", "seen_until"), "260 rows have features from the time"),
        (("--measured", "plan", "--window-start", "begins"), "column plan: 260 cells are no ISO dates"),
        (("--measured", "left", "--window-start", "begins"), "the target 'left' cannot be something else"),
    ],
)
def test_what_is_wrong_with_the_days(cli: Cli, dated: Path, options: tuple[str, ...], told: str) -> None:
    result = cli("churn", "train", str(dated), "--target", "left", "--id", "id", *options, "--quick")
    assert result.code == 2
    assert told in result.err
    assert cli("churn", "models", "list", "--json").json == {"models": []}


def test_one_row_that_knows_of_the_window_is_refused_and_named(cli: Cli, dated: Path) -> None:
    change(dated, 9, "-14,", "-16,")
    options = ("--target", "left", "--id", "id", "--measured", "seen_until")
    for beginning in (("--window-start", "begins"), ("--time", "begins", "--window", "30")):
        result = cli("churn", "evaluate", str(dated), *options, *beginning)
        assert result.code == 2
        assert "columns seen_until and begins: 1 rows have features from the time" in result.err
        assert "the first is row 9" in result.err


def test_days_in_order_are_kept_with_the_model_and_are_no_features(cli: Cli, dated: Path) -> None:
    options = ("--measured", "seen_until", "--time", "begins", "--window", "30")
    made = cli("churn", "train", str(dated), "--target", "left", "--id", "id", *options, "--quick", "--json")
    assert made.code == 0, made.err
    card = made.json["card"]
    assert (card["mapping"]["measured"], card["mapping"]["window_start"]) == ("seen_until", "begins")
    assert set(card["model"]["features"]) == {"months", "calls", "plan", "fee"}
    assert (card["model"]["first"], card["model"]["last"]) == ("2026-01-15", "2026-08-15")
    assert "2026-01-15 to 2026-08-15" in cli("churn", "models", "show", "table").out


def test_a_file_without_a_row_or_without_a_model(cli: Cli, table: Path) -> None:
    which = cli("churn", "explain", str(table))
    assert (which.code, f"--row: which row of {table}?" in which.err) == (2, True)
    none = cli("churn", "predict", str(table))
    assert none.code == 3
    assert "There is no churn model 'table', as the file is called" in none.err
    assert f"Train one of this file: keepwell churn train {table} --target COLUMN" in none.err


def test_a_model_with_a_name_of_its_own_says_how_to_predict_with_it(cli: Cli, table: Path) -> None:
    options = ("--target", "left", "--id", "id", "--quick", "--name", "mine")
    told = cli("churn", "train", str(table), *options)
    assert "--model mine" in told.out.replace("\n", " ")
    assert cli("churn", "predict", str(table), "--model", "mine", "--limit", "1").code == 0
    lost = cli("churn", "predict", str(table))
    assert (lost.code, "There are: mine@1. Name one with --model." in lost.err) == (3, True)
    again = cli("churn", "train", str(table), *options)
    assert "mine@1 stays in use. To take mine@2 into use anyway" in again.out.replace("\n", " ")
