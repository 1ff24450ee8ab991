"""`keepwell scorecards`: the five that come with Keepwell listed, shown, checked and chosen."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from scoring.load import builtin, builtin_names
from tests.unit.cli.conftest import Cli
from tests.unit.db.world import World


def text_of(name: str) -> str:
    return (files("scoring") / "scorecards" / f"{name}.toml").read_text(encoding="utf-8")


def test_the_list_says_what_each_is_for(cli: Cli, world: World) -> None:
    listed = cli("scorecards", "list", "--json").json["scorecards"]
    assert [one["name"] for one in listed] == list(builtin_names())
    assert [one["description"] for one in listed] == [builtin(name).description for name in builtin_names()]
    assert [one["name"] for one in listed if one["in_use"]] == ["intervention"]
    out = cli("scorecards").out
    for name in builtin_names():
        assert name in out
    assert "for customers who serve themselves" in " ".join(out.split())


@pytest.mark.parametrize("name", builtin_names())
def test_a_scorecard_is_shown_with_all_that_decides_a_score(cli: Cli, world: World, name: str) -> None:
    card, told = builtin(name), cli("scorecards", "show", name, "--json").json
    assert told["hash"] == card.fingerprint()
    for metric, shown in zip(card.metrics, told["metrics"], strict=True):
        assert (shown["name"], shown["unit"], shown["weight"]) == (metric.name, metric.unit, metric.weight)
        assert shown["better"] == metric.direction
        assert shown["points"]
        assert shown["source"] == card.source_of(metric)
    assert [band["level"] for band in told["bands"]] == [band.level for band in card.bands]
    out = cli("scorecards", "show", name).out
    for metric in card.metrics:
        assert metric.name in out
    for band in card.bands:
        assert band.name in out
        assert band.level.value in out
    assert "Where the numbers come from" in out


def test_points_defaults_reviews_and_sources_in_words(
    cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "240")
    momentum = " ".join(cli("scorecards", "show", "momentum").out.split())
    assert "0 → 0, 63 → 100, each doubling worth the same" in momentum
    assert "50 points until first measured" in momentum
    assert "Review" not in momentum
    assert "visuals_created_30: One visual a week is taken as full" in momentum
    success = " ".join(cli("scorecards", "show", "customer-success").out.split())
    assert "up to 1 day → 100, up to 7 days → 75, up to 30 days → 50, else 0" in success
    assert "halved by each 48 hours" in success
    assert "every 91 days" in success
    assert "Usage: The scheme's own formula, exactly." in success


# what the line has, the key, how the reason begins
MISTAKES = (
    ('kind = "logarithm"', "[metrics.events_7] normalise", "worst and best are both 0"),
    ("default = 150", "[metrics.feedback_score] default", "is 150, but must be less than"),
    ('level = "HEALTHY"', "[[bands]] no. 4 level", "HEALTHY is better than AT_RISK"),
)


def test_a_bad_file_is_refused_with_every_mistake_at_once(cli: Cli, world: World) -> None:
    text = text_of("momentum").replace("worst = 0, best = 63", "worst = 0, best = 0")
    text = text.replace("default = 50", "default = 150").replace('level = "HIGH_RISK"', 'level = "HEALTHY"')
    Path("bad.toml").write_text(text)
    for command in ("check", "use"):
        result = cli("scorecards", command, "bad.toml")
        assert result.code == 2
        for begins, key, reason in MISTAKES:
            numbers = [n for n, line in enumerate(text.split("\n"), start=1) if begins in line]
            lines = [f"bad.toml:{number} {key}: {reason}" for number in numbers]
            assert any(line in result.err for line in lines), result.err
    assert [one["name"] for one in cli("scorecards", "--json").json["scorecards"]] == list(builtin_names())


@pytest.mark.parametrize("name", builtin_names())
def test_each_can_be_chosen_and_changed_as_a_file(cli: Cli, world: World, name: str) -> None:
    assert cli("scorecards", "use", name).code == 0
    assert cli("organisation", "--json").json["scorecard"] == f"{name}@{builtin(name).version}"
    Path("own.toml").write_text(text_of(name).replace(f'name = "{name}"', 'name = "own"', 1))
    assert cli("scorecards", "check", "own.toml").code == 0
    assert "first score by it is a baseline: no playbook starts." in cli("scorecards", "use", "own.toml").out
    assert "baseline" not in cli("scorecards", "use", "own.toml").out, "it is in use already"
    assert cli("scorecards", "show", "--json").json["name"] == "own"


def test_others_are_computed_beside_the_one_in_use(cli: Cli, world: World) -> None:
    def marks() -> dict[str, str]:
        listed = cli("scorecards", "--json").json["scorecards"]
        return {one["name"]: "use" if one["in_use"] else "beside" if one["beside"] else "" for one in listed}

    assert cli("scorecards", "beside", "momentum").code == 0
    Path("own.toml").write_text(text_of("account-health").replace('name = "account', 'name = "own', 1))
    assert cli("scorecards", "beside", "own.toml", "--json").json["name"] == "own-health"
    assert marks() == {
        **dict.fromkeys(builtin_names(), ""),
        "intervention": "use",
        "momentum": "beside",
        "own-health": "beside",
    }
    again = cli("scorecards", "beside", "momentum")
    assert again.code == 2
    assert "momentum@1 is computed beside the one in force already" in again.err
    assert "is the scorecard in force" in cli("scorecards", "beside", "intervention").err
    assert cli("scorecards", "beside", "own-health", "--remove").code == 0
    assert cli("scorecards", "beside", "own-health", "--remove").code == 3
    assert marks()["own-health"] == ""
    assert "+" in cli("scorecards").out


def test_a_file_that_is_none_is_not_put_beside(cli: Cli, world: World) -> None:
    Path("bad.toml").write_text("name = 3\n")
    assert cli("scorecards", "beside", "bad.toml").code == 2
    assert len(cli("scorecards", "--json").json["scorecards"]) == len(builtin_names())
