"""The playbook schema and the registry refuse what does not hang together, and say what would be right."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from keepwell.contracts.playbook import Playbook, Send
from keepwell.errors import ConfigurationError
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from scoring.levels import Level
from workflows.at_risk import AT_RISK
from workflows.critical import CRITICAL
from workflows.high_risk import HIGH_RISK

HOUR = timedelta(hours=1)


def send(name: str, **values: Any) -> Send:
    return Send.model_validate(
        {"name": name, "channel": "email", "template": "email/x/y", "why": "w", **values}
    )


def playbook(*steps: Send, **values: Any) -> Playbook:
    fields = {
        "name": "mine",
        "version": 1,
        "title": "t",
        "purpose": "p",
        "level": Level.AT_RISK,
        "workflow": "MinePlaybook",
        "closes_at": 9 * HOUR,
        **values,
    }
    return Playbook.model_validate({**fields, "steps": steps})


@pytest.mark.parametrize(
    ("steps", "values", "words"),
    [
        ((send("a1"), send("a1")), {}, "step 'a1' appears twice"),
        ((send("a1", at=2 * HOUR), send("b1", at=HOUR)), {}, "order the steps by their time"),
        ((send("a1", at=10 * HOUR),), {}, "is before its last step"),
        ((send("a1", attach="roadmap"),), {}, "attaches 'roadmap', which no earlier"),
        ((), {}, "at least 1 item"),
        ((send("a1"),), {"version": 0}, "greater than or equal to 1"),
    ],
)
def test_a_playbook_that_does_not_hang_together_is_refused(
    steps: tuple[Send, ...], values: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        playbook(*steps, **values)


def test_an_unknown_field_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="extra"):
        send("a1", wihtin=HOUR)


def test_ours_are_found_for_their_levels() -> None:
    registry = PlaybookRegistry(BUILT_IN)
    assert registry.for_level(Level.CRITICAL) == CRITICAL
    assert registry.for_level(Level.HIGH_RISK) == HIGH_RISK
    assert registry.for_level(Level.AT_RISK) == AT_RISK
    assert registry.for_level(Level.HEALTHY) is None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "cannot be imported: ModuleNotFoundError"),
        ("def broken(:", "cannot be imported: SyntaxError"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("X = 1", "holds no playbook"),
        (
            "from temporalio import workflow\nfrom workflows.at_risk import AT_RISK as MINE\n"
            "@workflow.defn(name='AtRiskPlaybook')\nclass Mine:\n"
            "    @workflow.run\n    async def run(self) -> None: ...\n",
            "has a workflow 'AtRiskPlaybook', as 'workflows.at_risk' has already",
        ),
        (
            "from workflows.at_risk import AT_RISK\n"
            "MINE = AT_RISK.model_copy(update={'name': 'mine', 'workflow': 'LostPlaybook'})\n",
            "names the workflow 'LostPlaybook', which no module has",
        ),
    ],
)
def test_a_users_module_that_is_wrong_is_refused_with_its_name(
    source: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source is not None:
        (tmp_path / "users_playbooks.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "users_playbooks", raising=False)
    with pytest.raises(ConfigurationError) as refused:
        PlaybookRegistry((*BUILT_IN, "users_playbooks"))
    assert words in refused.value.message
    assert refused.value.hint
