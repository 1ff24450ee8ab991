"""What real tables look like: each oddity is handled and told, or refused with the reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from scoring.churn.columns import MISSING, answer, text_of
from scoring.churn.durations import months
from scoring.churn.errors import TableError
from scoring.churn.mapping import Mapping
from scoring.churn.results import Finding, Role, Severity, Table, Trouble
from scoring.churn.table import describe, read
from tests.unit.churn.conftest import MAPPING, made


def found(table: Table, trouble: Trouble) -> Finding:
    (one,) = [one for one in table.findings if one.trouble is trouble]
    return one


def test_a_plain_table_has_nothing_odd(customers: pd.DataFrame) -> None:
    table = describe(customers, MAPPING)
    assert table.findings == ()
    assert (table.rows, table.left_out, table.churned) == (600, 0, int((customers["left"] == "Yes").sum()))
    roles = {column.name: column.role for column in table.columns}
    assert roles == {
        "customer": Role.CUSTOMER,
        "use": Role.NUMERIC,
        "tickets": Role.NUMERIC,
        "plan": Role.CATEGORICAL,
        "months": Role.DURATION,
        "left": Role.TARGET,
    }
    assert describe(customers, MAPPING).digest == table.digest
    assert describe(customers.assign(use=1 + customers["use"]), MAPPING).digest != table.digest


def test_identifiers_constants_and_empty_columns_are_left_out(customers: pd.DataFrame) -> None:
    odd = customers.assign(AccountID=range(9000, 9600), same="x", nothing=None)
    odd["mail"] = customers["customer"] + "@x"
    table = describe(odd, MAPPING)
    dropped = {one.columns[0]: one.trouble for one in table.findings if one.severity is Severity.DROP}
    assert dropped == {
        "AccountID": Trouble.IDENTIFIER,
        "mail": Trouble.IDENTIFIER,
        "same": Trouble.CONSTANT,
        "nothing": Trouble.EMPTY,
    }
    assert table.features == ("use", "tickets", "plan", "months")
    kept = describe(odd, replace(MAPPING, keep=("AccountID",)))
    assert "AccountID" in kept.features
    (told,) = [one for one in kept.findings if one.columns == ("AccountID",)]
    assert told.severity is Severity.WARN
    assert told.words.endswith("Kept, as the mapping says")


def test_a_column_that_gives_the_answer_away_is_caught(customers: pd.DataFrame) -> None:
    left = customers["left"] == "Yes"
    table = describe(customers.assign(reason=["price" if gone else None for gone in left]), MAPPING)
    one = found(table, Trouble.ANSWER)
    assert (one.columns, one.severity) == (("reason",), Severity.DROP)
    assert dict(one.figures)["roc_auc"] > 0.99
    assert "gives the answer away" in one.words
    assert "reason" not in table.features + table.time_features
    days = describe(customers.assign(closed=np.where(left, 3.0, np.nan)), MAPPING)
    assert found(days, Trouble.ANSWER).columns == ("closed",)


def test_a_column_made_of_the_duration_is_caught_for_the_time_only(customers: pd.DataFrame) -> None:
    price = np.random.default_rng(5).uniform(10, 90, len(customers)).round(2)
    table = describe(customers.assign(price=price, total=price * customers["months"] + 1), MAPPING)
    one = found(table, Trouble.TIME_TIMES)
    assert one.columns == ("total",)
    assert "nearly months × price" in one.words
    assert "total" in table.features
    assert "total" not in table.time_features
    assert "price" in table.time_features
    since = describe(customers.assign(logins=customers["months"] * 7.0), MAPPING)
    assert "a multiple of months" in found(since, Trouble.TIME_TIMES).words


def test_blanks_in_numbers_are_missing_and_told(customers: pd.DataFrame) -> None:
    use = customers["use"].astype(str)
    use[:5] = " "
    data = read(customers.assign(use=use), MAPPING)
    assert found(data.table, Trouble.BLANKS).words == "use: 5 cells are blank or no number; taken as missing"
    assert np.isnan(data.columns["use"][:5].astype(float)).all()
    assert next(column for column in data.table.columns if column.name == "use").missing == 5


def test_copies_are_told_and_kept_together(customers: pd.DataFrame) -> None:
    near = customers.head(200).assign(customer=[f"d-{n}" for n in range(200)])
    near["use"] += 1e-4
    data = read(pd.concat([customers, near], ignore_index=True), MAPPING)
    one = found(data.table, Trouble.COPIES)
    assert (one.severity, dict(one.figures)["rows"]) == (Severity.WARN, 200)
    assert data.grouped
    assert (data.groups[:200] == data.groups[600:]).all()
    few = read(pd.concat([customers, near.head(3)], ignore_index=True), MAPPING)
    assert found(few.table, Trouble.COPIES).severity is Severity.NOTE
    assert not few.grouped


def test_likeness_by_chance_is_no_copy() -> None:
    """Among 16,000 rows with one fine number, near ones are everywhere: that says nothing."""
    many = made(16_000, seed=4).drop(columns=["true", "months"])
    data = read(many, Mapping("left", customer="customer"))
    assert data.table.findings == ()
    assert not data.grouped
    twice = pd.concat([many.head(500)] * 2, ignore_index=True).assign(customer=[f"r{n}" for n in range(1000)])
    assert read(twice, Mapping("left", customer="customer")).grouped


def test_features_from_the_window_of_the_answer_are_refused(customers: pd.DataFrame) -> None:
    dated = customers.assign(measured="2026-03-31", begins="2026-04-01")
    mapping = replace(MAPPING, measured="measured", window_start="begins")
    assert describe(dated, mapping).features == ("use", "tickets", "plan", "months")
    dated.loc[6, "measured"] = "2026-04-01"
    assert describe(dated, mapping).rows == 600, "leaving counts from the day after"
    dated.loc[7, "measured"] = "2026-04-02"
    with pytest.raises(TableError, match=r"measured and begins: 1 rows .*the first is row 8: 2026-04-02"):
        describe(dated, mapping)


def test_rows_without_an_answer_are_left_out(customers: pd.DataFrame) -> None:
    part = customers.copy()
    part.loc[:9, "left"] = None
    data = read(part, MAPPING)
    assert (data.table.rows, data.table.left_out) == (590, 10)
    assert data.rows[0] == 10
    assert "10 rows without an answer" in found(data.table, Trouble.NO_TARGET).words


@pytest.mark.parametrize("values", [(1, 0), (1.0, 0.0), (True, False), ("1.0", "0"), ("YES", "no")])
def test_answers_are_understood_as_people_write_them(
    customers: pd.DataFrame, values: tuple[object, object]
) -> None:
    other = customers.assign(left=[values[0] if v == "Yes" else values[1] for v in customers["left"]])
    assert describe(other, MAPPING).churned == describe(customers, MAPPING).churned


def test_what_cannot_be_trained_is_refused_with_the_reason(customers: pd.DataFrame) -> None:
    with pytest.raises(TableError, match="all 600 customers stayed; a model needs both kinds"):
        describe(customers.assign(left="No"), MAPPING)
    with pytest.raises(TableError, match=r"Values there: a, b; values that count as having left: yes"):
        describe(customers.assign(left=["a", "b"] * 300), MAPPING)
    with pytest.raises(TableError, match="at least 20 of each"):
        describe(customers.head(40), MAPPING)
    with pytest.raises(TableError, match="no column gone, spent"):
        describe(customers, Mapping("gone", features=("spent",)))
    with pytest.raises(TableError, match="3 durations are below 0"):
        describe(customers.assign(months=[-1.0] * 3 + [2.0] * 597), MAPPING)
    with pytest.raises(TableError, match="no feature is left"):
        describe(customers[["customer", "left"]].assign(same=1), Mapping("left", customer="customer"))
    with pytest.raises(TableError, match="as a feature and as target"):
        describe(customers, Mapping("left", features=("left", "use")))
    with pytest.raises(TableError, match="more than once"):
        describe(pd.concat([customers, customers[["left"]]], axis=1), MAPPING)


def test_a_duration_that_is_no_number_is_refused(customers: pd.DataFrame) -> None:
    odd = customers.assign(months=customers["months"].astype(str))
    odd.loc[:3, "months"] = "a year"
    assert describe(odd, MAPPING).rows == 600, "4 of 600 are under 1 %"
    odd.loc[4:399, "months"] = " "
    with pytest.raises(TableError, match=r"column months: 4 of 204 durations are no number .*'a year'"):
        describe(odd, MAPPING)
    with pytest.raises(TableError, match="for example 'team'"):
        months(customers.assign(plan="team"), "plan")


def test_numbers_as_text_do_not_collide() -> None:
    long = [123456789012345678, 123456789012345679, np.int64(2**53 + 1), 9007199254740991.0]
    assert [text_of(value) for value in long] == [
        "123456789012345678", "123456789012345679", "9007199254740993", "9007199254740991"
    ]  # fmt: skip
    assert text_of(0.1234567890123) != text_of(0.1234567890124)
    others = (1, 1.0, np.float64(1), 29.85, float("nan"), float("inf"), 1e300)
    assert [text_of(value) for value in others] == [
        "1", "1", "1", "29.85", MISSING, "inf", "1e+300"
    ]  # fmt: skip


def test_dates_and_text_numbers_find_their_kind(customers: pd.DataFrame) -> None:
    table = describe(customers.assign(since="2024-05-01", code=["1", "2"] * 300), MAPPING)
    assert found(table, Trouble.DATES).columns == ("since",)
    roles = {column.name: column.role for column in table.columns}
    assert roles["code"] is Role.NUMERIC
    forced = describe(customers.assign(code=[1, 2] * 300), replace(MAPPING, categorical=("code",)))
    assert {column.name: column.role for column in forced.columns}["code"] is Role.CATEGORICAL


def test_decimal_commas_are_numbers_and_told(customers: pd.DataFrame) -> None:
    spend = np.random.default_rng(6).uniform(5, 9000, len(customers)).round(2)
    written = pd.Series([f"{one:,.2f}".translate(str.maketrans(",.", ".,")) for one in spend], dtype=object)
    written[:3] = ["", None, "n/a"]
    data = read(customers.assign(spend=written), MAPPING)
    values = data.columns["spend"].astype(float)
    assert np.isnan(values[:3]).all()
    assert values[3:].tolist() == spend[3:].tolist()
    one = found(data.table, Trouble.DECIMAL_COMMA)
    assert (one.columns, one.severity) == (("spend",), Severity.NOTE)
    assert one.words == f"spend: has decimal commas ({written[3]} is {spend[3]:.2f}); read as numbers"


@pytest.mark.parametrize("cells", [["1,234", "950"], ["1,234.50", "950.25"], ["a,5", "b,7"]])
def test_thousands_and_codes_are_no_decimal_commas(customers: pd.DataFrame, cells: list[str]) -> None:
    table = describe(customers.assign(odd=cells * 300), MAPPING)
    assert {column.name: column.role for column in table.columns}["odd"] is Role.CATEGORICAL
    assert table.findings == ()


def test_points_stay_decimal_points_whatever_their_digits(customers: pd.DataFrame) -> None:
    data = read(customers.assign(rate=["1.234", "0.5"] * 300), MAPPING)
    assert data.columns["rate"][:2].tolist() == [1.234, 0.5]
    assert data.table.findings == ()


def test_bands_of_the_duration_are_caught_for_the_time_only(customers: pd.DataFrame) -> None:
    bands = pd.cut(customers["months"], [0, 6, 12, 24, 99], labels=["new", "half", "year", "old"]).astype(str)
    table = describe(customers.assign(tenure_group=bands), MAPPING)
    one = found(table, Trouble.TIME_TIMES)
    assert (one.columns, one.severity, one.model) == (("tenure_group",), Severity.DROP, "time")
    assert "bands of that time" in one.words
    assert dict(one.figures)["explained"] > 0.8
    assert "tenure_group" in table.features
    assert "tenure_group" not in table.time_features
    assert "plan" in table.time_features
    kept = describe(customers.assign(tenure_group=bands), replace(MAPPING, keep=("tenure_group",)))
    assert found(kept, Trouble.TIME_TIMES).severity is Severity.WARN
    assert "tenure_group" in kept.time_features


def test_many_categories_are_no_bands_by_their_number(customers: pd.DataFrame) -> None:
    towns = np.random.default_rng(7).integers(0, 300, len(customers))
    table = describe(customers.assign(town=[f"t{town}" for town in towns]), MAPPING)
    assert "town" in table.time_features


@pytest.mark.parametrize("keep", [(), ("annual_revenue",)])
def test_amounts_in_whole_numbers_are_kept(customers: pd.DataFrame, keep: tuple[str, ...]) -> None:
    dice = np.random.default_rng(8)
    revenue = dice.integers(10_000, 90_000_000, len(customers))
    odd = customers.assign(annual_revenue=revenue, row=dice.permutation(600), customer_no=revenue * 7)
    table = describe(odd, replace(MAPPING, keep=keep))
    told = {one.columns[0]: one.severity for one in table.findings if one.trouble is Trouble.IDENTIFIER}
    assert told == {"annual_revenue": Severity.NOTE, "row": Severity.DROP, "customer_no": Severity.DROP}
    assert "annual_revenue" in table.features
    assert "annual_revenue" in table.time_features


def test_answers_keep_all_their_digits(customers: pd.DataFrame) -> None:
    """Codes of seven digits are no longer the same after six; whole amounts read as they are."""
    codes = [answer(value) for value in (1234567, 1234568, "1234567.0", 2**60 + 1, str(2**60 + 1), 1e6, "x")]
    assert codes == ["1234567", "1234568", "1234567", str(2**60 + 1), str(2**60 + 1), "1000000", "x"]
    coded = customers.assign(left=np.where(customers["left"] == "Yes", 1234567, 1234568))
    found = describe(coded, replace(MAPPING, churned=("1234567",)))
    assert found.churned == (customers["left"] == "Yes").sum()


def test_rows_without_a_customer_are_not_one_customer(customers: pd.DataFrame) -> None:
    part = customers.copy()
    part.loc[:99, "customer"] = [None, ""] * 50
    data = read(part, MAPPING)
    assert not data.grouped
    assert data.table.findings == ()


def test_customers_are_counted_not_rows(customers: pd.DataFrame) -> None:
    """Fifteen who left, in ten rows each, are fifteen."""
    left = customers[customers["left"] == "Yes"].head(15)
    several = pd.concat([*[left] * 10, customers[customers["left"] == "No"]], ignore_index=True)
    with pytest.raises(TableError, match="15 customers left and"):
        describe(several, MAPPING)
