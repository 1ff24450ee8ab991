"""`keepwell doctor` and `keepwell schedules` at the command line, with no Temporal server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keepwell.cli.app import run


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")


def test_the_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["doctor"]) == 9
    shown = capsys.readouterr().out
    areas = [
        shown.index(f"{area}  ")
        for area in ("settings", "database", "temporal", "messages", "people", "work")
    ]
    assert areas == sorted(areas)
    assert "→ Start one: keepwell worker (ops)" in shown
    last = shown.rstrip().splitlines()[-1]
    assert last == "2 problems, no warnings, 7 in order, 16 not looked at."
    assert not (tmp_path / "home").exists()


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json"]) == 9
    told = json.loads(capsys.readouterr().out)
    assert told["healthy"] is False
    assert told["counts"] == {"problem": 2, "warning": 0, "ok": 7, "skipped": 16}
    assert {"area", "check", "kind", "found", "todo", "who"} == set(told["findings"][0])


def test_the_least_free_space_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--json", "--min-free", str(10**9)]) == 9
    told = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in told["findings"] if one["check"] == "disk"][-1] == "problem"


def test_quick_looks_at_the_worker_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--quick", "--json"]) == 9
    told = json.loads(capsys.readouterr().out)
    assert [(one["check"], one["kind"]) for one in told["findings"]] == [
        ("server", "problem"),
        ("this worker", "skipped"),
    ]


def test_wrong_settings_are_a_finding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPWELL_SENDING", "perhaps")
    assert run(["doctor", "--json"]) == 9
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert (found["area"], found["kind"]) == ("settings", "problem")
    assert "KEEPWELL_SENDING is 'perhaps'" in found["found"]


@pytest.mark.parametrize("command", ["list", "apply"])
def test_schedules_need_a_server(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run(["schedules", command]) == 5
    assert "No Temporal server runs" in capsys.readouterr().err
