"""Mappings: what they do to a row, and what is wrong with bad ones, with file and line."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from pathlib import Path

import pytest

from keepwell.errors import InputError
from keepwell.ingest.cells import Kind, Reject, Row
from keepwell.ingest.mapping import load_mapping, parse_mapping
from keepwell.ingest.plan import Shaped
from keepwell.ingest.planning import make_plan
from scoring.load import builtin

CARD = builtin("intervention")


def shape(
    kind: Kind, toml: str | None, row: AnyMapping[str, object], *, is_text: bool = True
) -> list[Shaped | Reject]:
    mapping = None if toml is None else parse_mapping(toml, "map.toml")
    plan = make_plan(kind, tuple(row), mapping, CARD, file="data.csv", is_text=is_text)
    return list(plan.shape(Row(2, row)))


def values(
    kind: Kind, toml: str | None, row: AnyMapping[str, object], *, is_text: bool = True
) -> dict[str, object]:
    (shaped,) = shape(kind, toml, row, is_text=is_text)
    assert isinstance(shaped, Shaped), shaped
    return dict(shaped.values)


def refused(kind: Kind, toml: str | None, *columns: str) -> InputError:
    with pytest.raises(InputError) as caught:
        shape(kind, toml, dict.fromkeys(columns, "x"))
    return caught.value


def test_without_a_mapping_our_own_names_are_taken_and_facts_have_a_prefix() -> None:
    row = {"external_id": "A", "name": "Acme", "facts.seats": "12", "plan": ""}
    assert values(Kind.CUSTOMERS, None, row) == {
        "external_id": "A",
        "name": "Acme",
        "plan": None,
        "facts": {"seats": "12"},
    }


def test_names_templates_constants_facts_and_words() -> None:
    toml = """
    empty = ["n/a"]
    facts = ["City"]
    ignore = ["Secret"]
    [columns]
    external_id = "Account"
    name = { template = "Customer { Account } in {City}" }
    monthly_revenue = { column = "ARR", decimal = ",", scale = 0.5, offset = 1 }
    active = { column = "Status", yes_no = { yes = ["live"], no = ["gone"] } }
    started_on = { column = "Since", format = "%d.%m.%Y" }
    plan = { column = "Tier", categories = { "1" = "basic" } }
    [constants]
    currency = "EUR"
    renews_on = 2027-01-01
    """
    row = {
        "Account": "A1", "City": "Bonn", "Secret": "s", "ARR": "1.200,50", "Status": "gone",
        "Since": "24.12.2020", "Tier": " 1 ", "industry": "n/a",
    }  # fmt: skip
    found = values(Kind.CUSTOMERS, toml, row)
    assert found["name"] == "Customer A1 in Bonn"
    assert found["monthly_revenue"] == pytest.approx(601.25)
    assert found["active"] is False
    assert str(found["started_on"]) == "2020-12-24"
    assert (found["plan"], found["currency"], found["industry"]) == ("basic", "EUR", None)
    assert found["facts"] == {"City": "Bonn"}
    assert found["renews_on"] == "2027-01-01"
    assert "Secret" not in found


def test_a_wide_file_gives_one_value_per_metric_and_none_for_an_empty_cell() -> None:
    toml = """
    ignore = ["*"]
    [columns]
    customer = "id"
    [metrics]
    daily_active_rate = { column = "dau", unit = "fraction" }
    onboarding_completion_rate = { column = "onboarded", yes_no = { yes = ["Y"], no = ["N"] } }
    executive_engagement = { count_yes = ["a", "b", "c"] }
    payment_health = { column = "pay", categories = { good = 100, late = 40 } }
    """
    row = {"id": "A", "dau": "0.07", "onboarded": "Y", "a": "yes", "b": "no", "c": "1", "pay": "", "x": "?"}
    found = [shaped for shaped in shape(Kind.METRICS, toml, row) if isinstance(shaped, Shaped)]
    assert [(one.values["metric"], one.values["value"]) for one in found] == [
        ("daily_active_rate", 7.0),
        ("onboarding_completion_rate", 100.0),
        ("executive_engagement", 2),
    ]
    assert {one.values["customer"] for one in found} == {"A"}
    assert found[0].columns["value"] == "dau"


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ({"id": "A", "w": "soon", "a": "yes"}, "w", "is none of the words the mapping knows: good, late"),
        ({"id": "A", "w": "good", "a": "perhaps"}, "a", "a is 'perhaps', neither yes nor no"),
    ],
)
def test_a_word_without_a_meaning_rejects_the_value(row: dict[str, str], column: str, reason: str) -> None:
    toml = """
    [columns]
    customer = "id"
    [metrics]
    payment_health = { column = "w", categories = { good = 100, late = 40 } }
    executive_engagement = { count_yes = ["a"] }
    """
    (reject,) = [one for one in shape(Kind.METRICS, toml, row) if isinstance(one, Reject)]
    assert (reject.line, reject.column) == (2, column)
    assert reason in reject.reason


@pytest.mark.parametrize(
    ("toml", "place", "reason"),
    [
        ("[columns]\nname = \n", "map.toml:2", "is not TOML"),
        ("colums = 1\n", "map.toml:1 colums", "there is no key 'colums' (did you mean 'columns'?)"),
        ("lines = 1\n", "map.toml:1 lines", "there is no key 'lines'"),
        ("\n[columns]\nname = { col = 'x' }\n", "map.toml:3 [columns] name.col", "did you mean 'column'?"),
        ("[columns]\nname = 5\n", "map.toml:2 [columns] name", "neither a column's name nor a table"),
        ("[columns]\nname = { scale = 2 }\n", "map.toml:2 [columns] name", "exactly one of column, template"),
        ("[columns.name]\ncolumn = 'x'\ntemplate = '{x}'\n", "map.toml:1 [columns] name", "exactly one"),
        ("[columns]\nname = { template = 'x' }\n", "map.toml:2 [columns] name", "names no column"),
        ("[metrics.x]\ncolumn = 'a'\nscale = 0\n", "map.toml:1 [metrics] x", "scale is 0"),
        ("[metrics.x]\ncolumn = 'a'\nscale = nan\n", "map.toml:3 [metrics] x.scale", "finite"),
        (
            "[metrics.x]\ncolumn = 'a'\nyes_no = { yes = ['a'], no = ['a'] }\n",
            "map.toml:3 [metrics] x.yes_no",
            "a is under yes and under no",
        ),
        (
            "[metrics.x]\ncolumn = 'a'\nscale = 2\ncategories = { a = 1 }\n",
            "map.toml:1 [metrics] x",
            "they cannot go together",
        ),
        ("kind = 'costumers'\n", "map.toml:1 kind", "'costumers'"),
    ],
)
def test_a_bad_mapping_is_refused_with_file_line_and_key(toml: str, place: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_mapping(toml, "map.toml")
    assert caught.value.place == place
    assert reason in caught.value.message


def test_all_mistakes_of_a_mapping_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse_mapping("emty = []\nignored = []\n", "map.toml")
    assert "map.toml:1 emty" in str(caught.value)
    assert "map.toml:2 ignored" in str(caught.value)


def test_a_mapping_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.toml.*cannot be read"):
        load_mapping(tmp_path / "missing.toml")
    bad = tmp_path / "latin.toml"
    bad.write_bytes(b"# ok\n# gr\xfc\xdfe\n")
    with pytest.raises(InputError, match=r"latin\.toml:2: is not UTF-8"):
        load_mapping(bad)


def test_a_column_that_the_file_lacks_is_named_with_those_it_has() -> None:
    error = refused(Kind.CUSTOMERS, "[columns]\nexternal_id = 'CustomerID'\n", "customerID", "name")
    assert error.place == "map.toml:2 [columns] external_id"
    assert "data.csv has no column 'CustomerID' (did you mean 'customerID'?)" in error.message
    assert "The file's columns: customerID, name" in error.hint


@pytest.mark.parametrize(
    ("kind", "toml", "columns", "reason"),
    [
        (
            Kind.CUSTOMERS,
            None,
            ("external_id", "name", "emial"),
            "column 'emial' is none that customers have",
        ),
        (Kind.CUSTOMERS, None, ("external_id", "name", "plam"), "did you mean 'plan'?"),
        (Kind.CUSTOMERS, None, ("external_id",), "no column gives 'name'"),
        (Kind.CUSTOMERS, "[columns]\nnmae = 'x'\n", ("x",), "no field 'nmae' (did you mean 'name'?)"),
        (Kind.CUSTOMERS, "ignore = ['y']\n", ("external_id", "name"), "has no column 'y'"),
        (Kind.CUSTOMERS, "facts = ['y']\n", ("external_id", "name"), "has no column 'y'"),
        (Kind.CUSTOMERS, "kind = 'staff'\n", ("external_id", "name"), "the mapping is for staff"),
        (
            Kind.CUSTOMERS,
            "[constants]\ncurrency = 'Euro'\n",
            ("external_id", "name"),
            "'Euro' is not a currency",
        ),
        (Kind.CUSTOMERS, "[constants]\nnme = 'x'\n", ("external_id", "name"), "no field 'nme'"),
        (
            Kind.CUSTOMERS,
            "[columns]\nplan = { column = 'x', unit = 'days' }\n",
            ("external_id", "name", "x"),
            "unit",
        ),
        (
            Kind.CUSTOMERS,
            "[metrics]\nm = 'x'\n",
            ("external_id", "name", "x"),
            "a file of customers has no metrics",
        ),
        (
            Kind.METRICS,
            "facts = ['x']\n",
            ("customer", "metric", "value", "x"),
            "only customers and events have facts",
        ),
        (
            Kind.METRICS,
            "[metrics]\ndaily_activ_rate = 'x'\n",
            ("customer", "x"),
            "did you mean 'daily_active_rate'?",
        ),
        (
            Kind.METRICS,
            "[metrics.daily_active_rate]\ncolumn = 'x'\nunit = 'days'\n",
            ("customer", "x"),
            "'days' cannot be turned into percent",
        ),
        (
            Kind.METRICS,
            "[metrics.executive_engagement]\ncolumn = 'x'\nyes_no = { yes = ['a'], no = ['b'] }\n",
            ("customer", "x"),
            "use categories",
        ),
        (
            Kind.METRICS,
            "[metrics.payment_health]\ncolumn = 'x'\ncategories = { a = 'high' }\n",
            ("customer", "x"),
            "categories are numbers; 'a' is not",
        ),
        (
            Kind.METRICS,
            "[columns]\nvalue = 'x'\n[metrics]\npayment_health = 'x'\n",
            ("customer", "x"),
            "not with [metrics.*]",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_before_the_first_row(
    kind: Kind, toml: str | None, columns: tuple[str, ...], reason: str
) -> None:
    assert reason in str(refused(kind, toml, *columns))


def test_keys_that_a_json_object_leaves_out_say_nothing() -> None:
    plan = make_plan(
        Kind.CUSTOMERS, ("external_id", "name", "plan"), None, CARD, file="data.jsonl", is_text=False
    )
    (shaped,) = plan.shape(Row(1, {"external_id": "A", "name": "Acme"}))
    assert isinstance(shaped, Shaped)
    assert "plan" not in shaped.values
    (reject,) = plan.shape(Row(2, {"external_id": "A", "surprise": 1}))
    assert isinstance(reject, Reject)
    assert (reject.column, reject.value) == ("surprise", "1")
