"""Bad templates are found before anybody gets a message: by the worker's start, and by a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keepwell.adapters.template_check import check_templates
from keepwell.cli.app import run
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rendering import apart
from workflows.critical import CRITICAL

OFFER = "email/critical/final_offer.txt.j2"


@pytest.fixture(autouse=True)
def _home(clean_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KEEPWELL_TEMPLATES", str(tmp_path / "own"))
    monkeypatch.setenv("COLUMNS", "200")
    apart._CHILD._stopped.clear()


def put(folder: Path, file: str, text: str) -> Path:
    path = folder / "own" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return folder / "own"


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (
            OFFER,
            "one\n{{ nobody }}",
            f"critical@.*{OFFER}, line 2, uses nobody, which no message to a customer",
        ),
        (OFFER, "one\n{% if %}", f"{OFFER}, line 2: Expected an expression"),
        (OFFER, "{% include 'email/gone.j2' %}", "email/gone.j2, which email/critical/final_offer"),
        (OFFER, "x{{ health.score }}", "uses health, which no message to a customer has"),
        (OFFER, "x\n{{ contact.name }}", "line 2: .* (found with the sample 'bare')"),
        (OFFER, "{% set a = [1] %}" + "{% set a = a + a %}" * 60 + "x", "was stopped: it needed more than"),
        ("email/alerts/notice.txt.j2", "{{ nobody }}", "A template of alerts does not work: .*uses nobody"),
        ("email/_edited.txt.j2", "Our text alone", "A template of edited emails does not work: .*the text"),
        ("task/review/review.txt.j2", "{{ nobody }}", "task/review/review.txt.j2, line 1, uses nobody"),
    ],
)
def test_the_worker_does_not_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, words: str
) -> None:
    put(tmp_path, file, text)
    assert run(["worker"]) == 7
    said = " ".join(capsys.readouterr().err.split())
    for part in words.split(".*"):
        assert part in said
    assert "keepwell playbooks check" in said


def test_the_command_says_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, OFFER, "{{ nobody }}")
    put(tmp_path, "email/critical/final_ofer.txt.j2", "a misspelt name")
    assert run(["playbooks", "check", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [one["template"] for one in found["faults"]] == ["email/critical/final_offer"]
    assert found["faults"][0]["of"] == CRITICAL.label
    assert found["templates"] > 70
    assert found["unused"] == ["email/critical/final_ofer.txt.j2"]


def test_a_good_folder_lets_the_worker_start() -> None:
    """And costs little: what came with this Keepwell is only looked up."""
    found = check_templates(PlaybookRegistry(BUILT_IN).playbooks.values(), thorough=False)
    assert (found.faults, found.unused) == ((), ())


def test_one_changed_file_is_checked_in_every_template_that_includes_it(tmp_path: Path) -> None:
    own = put(tmp_path, "email/_signature.txt.j2", "Yours, {{ sender.nmae }}")
    every = PlaybookRegistry(BUILT_IN).playbooks.values()
    found = check_templates([one for one in every if one.name == "critical"], own, thorough=False)
    assert len(found.faults) > 3
    assert all("email/_signature.txt.j2, line 1" in one.error.message for one in found.faults)


def test_what_ours_are_for_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A playbook of the users' own that sends a task's words to customers is looked at, though ours."""
    checked: list[str] = []
    monkeypatch.setattr(
        "keepwell.adapters.template_check.check_bundle", lambda bundle, **_: checked.append(bundle.name)
    )
    wrong = CRITICAL.model_dump()
    for step in wrong["steps"]:
        if step["name"] == "csm_outreach":
            step["template"] = "task/critical/phone_call"
    changed = type(CRITICAL).model_validate(wrong)
    check_templates([changed], thorough=False)
    assert checked == ["task/critical/phone_call"]
