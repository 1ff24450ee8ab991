"""Slack messages as Block Kit: every template of ours, within Slack's limits, and no value that pings."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

import pytest
from pydantic import SecretStr

from keepwell.adapters.slack import Slack
from keepwell.adapters.slack_blocks import after, blocks_of, cut, open_url
from keepwell.contracts.delivery import Message
from keepwell.contracts.rendering import Context
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rendering.bundle import load_bundle
from keepwell.rendering.render import render
from keepwell.rendering.sample import full_context, sample_contexts
from tests.fakes.blocks import wrong_blocks
from tests.fakes.slack import TOKEN, FakeSlack
from tests.unit.adapters.messages import slack

ALL = ("acknowledge", "pause", "respond", "open")
UI = "https://temporal.example/x"
NAMES = sorted(
    name
    for playbook in PlaybookRegistry(BUILT_IN).playbooks.values()
    for name in playbook.template_names
    if name.startswith("slack/")
)


def message(text: str, **given: Any) -> Message:
    return slack("U0DANA", intervention="one", actions=ALL).model_copy(update={"text": text, **given})


def blocks(text: str, **given: Any) -> list[dict[str, Any]]:
    made = blocks_of(message(text, **given), buttons=True, ui=UI)
    assert wrong_blocks(made) == []
    return made


def texts(made: list[dict[str, Any]]) -> str:
    return json.dumps(made, ensure_ascii=False)


@pytest.mark.parametrize("sample", tuple(sample_contexts()))
@pytest.mark.parametrize("name", NAMES)
def test_every_template_makes_blocks_that_slack_takes(name: str, sample: str) -> None:
    text = render(load_bundle(name), sample_contexts()[sample]).text
    made = blocks(text)
    assert made[0]["type"] == ("header" if len(text.partition("\n")[0]) <= 152 else "section")
    assert made[-1]["type"] == "actions"
    assert [one["action_id"] for one in made[-1]["elements"]] == [f"keepwell.{name}" for name in ALL]
    # Nothing of the text gets lost on the way.
    shown = texts(made)
    for word in {word.strip("*:`") for word in text.split()}:
        assert json.dumps(word, ensure_ascii=False)[1:-1] in shown, word


@pytest.mark.parametrize("sample", tuple(sample_contexts()))
@pytest.mark.parametrize("is_task", [False, True])
def test_notices_make_blocks_that_slack_takes(is_task: bool, sample: str) -> None:
    context = sample_contexts()[sample]
    if is_task:
        of_tasks = [one.model_copy(update={"id": "", "task": one.id or "01KA"}) for one in context.alerts]
        context = context.model_copy(update={"alerts": tuple(of_tasks)})
    for count in (0, 1, len(context.alerts)):
        one = context.model_copy(update={"alerts": context.alerts[:count]})
        text = render(load_bundle("slack/alerts/notice"), one, to_customers=False).text
        made = blocks(text, key="org-1/notice/01KA", actions=("take", "pause", "respond", "open"))
        assert [one["action_id"] for one in made[-1]["elements"]] == [
            f"keepwell.{name}" for name in ("take", "pause", "respond", "open")
        ]
        assert [one.get("value") for one in made[-1]["elements"]] == ["org-1/notice/01KA", "one", "one", None]


def test_the_first_line_is_the_headline_and_commands_are_small_print() -> None:
    made = blocks("*Acme: critical*\nIt fell.\n\n*Next:* a call\n\nTake it with `keepwell acknowledge one`")
    assert [one["type"] for one in made] == ["header", "section", "context", "actions"]
    assert made[0]["text"] == {"type": "plain_text", "text": "Acme: critical", "emoji": False}
    assert made[1]["text"]["text"] == "It fell.\n\n*Next:* a call"
    assert made[2]["elements"][0]["text"] == "Take it with `keepwell acknowledge one`"


def test_facts_in_a_row_stand_side_by_side() -> None:
    made = blocks("*Acme*\nIt fell.\n\n*Plan:* Team\n*Pays:* 1,240 EUR\n\nThen this.")
    assert [one["type"] for one in made] == ["header", "section", "section", "section", "actions"]
    assert [one["text"] for one in made[2]["fields"]] == ["*Plan*\nTeam", "*Pays*\n1,240 EUR"]


def test_a_text_without_a_headline_is_shown_whole() -> None:
    made = blocks("Acme fell.\nCall them.")
    assert made[0]["text"]["text"] == "Acme fell.\nCall them."


def test_buttons_only_where_somebody_answers_to_them() -> None:
    made = blocks_of(message("*Acme*\nx"), buttons=False, ui="")
    assert [one["type"] for one in made] == ["header", "section"]
    only_link = blocks_of(message("*Acme*\nx"), buttons=False, ui=UI)[-1]["elements"]
    assert [(one["action_id"], one["url"]) for one in only_link] == [("keepwell.open", UI)]
    none = blocks_of(message("*Acme*\nx", actions=()), buttons=True, ui=UI)
    assert [one["type"] for one in none] == ["header", "section"]


LONG = {
    "one line": "*Acme*\n" + "x" * 50_000,
    "many lines": "*Acme*\n" + "a line of text\n" * 5_000,
    "many paragraphs": "*Acme*\n" + "a paragraph\n\n" * 5_000,
    "many facts": "*Acme*\n" + "*Plan:* Team\n" * 600,
    "many commands": "*Acme*\n" + "Do `keepwell alerts`\n" * 600,
    "a long headline": "*" + "x" * 400 + "*\ntext",
    "escapes at the edge": "*Acme*\n" + "&amp;" * 2_000,
    "a headline of escapes": "*" + "&lt;" * 200 + "*\ntext",
    "nothing more": "*Acme*",
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_whatever_the_length_slack_takes_it(text: str) -> None:
    made = blocks(text)
    shown = texts(made).replace("&amp;", "").replace("&lt;", "")
    assert "&" not in shown, "no escape is cut in two"
    with FakeSlack() as fake:
        Slack(SecretStr(TOKEN), fake.url, buttons=True).send(message(text[:39_000]))
        assert len(fake.accepted) == 1


NASTY = "<!channel> <@U0LENA> <https://evil.example|click> & */_`~"


def nasty(value: Any) -> Any:
    """The same data with every text replaced."""
    match value:
        case Enum():
            return value
        case str():
            return NASTY
        case dict():
            return {name: value[name] if name in KEPT else nasty(value[name]) for name in value}
        case list() | tuple():
            return [nasty(one) for one in value]
        case _:
            return value


KEPT = {"level", "signal", "trigger", "severity", "urgency", "kind", "metric_name"}


@pytest.mark.parametrize("name", NAMES)
def test_no_value_pings_anybody_or_makes_a_link(name: str) -> None:
    context = Context.model_validate(nasty(full_context().model_dump()))
    made = blocks(render(load_bundle(name), context).text)
    assert "<" not in texts(made)
    mrkdwn = [one for block in made for one in (*block.get("fields", ()), block.get("text"))]
    assert all(one["verbatim"] for one in mrkdwn if one and one["type"] == "mrkdwn")


def test_what_was_done_takes_the_place_of_the_button() -> None:
    made = blocks("*Acme*\nx")
    once = after(made, ["*Dana*: Acknowledged"], ["acknowledge"])
    assert [one["type"] for one in once] == ["header", "section", "context", "actions"]
    twice = after(once, ["*Dana*: Acknowledged", "It has ended"], ["acknowledge", "pause", "respond"])
    assert [one["action_id"] for one in twice[-1]["elements"]] == ["keepwell.open"]
    assert [one["text"] for one in twice[-2]["elements"]] == ["*Dana*: Acknowledged", "It has ended"]
    assert wrong_blocks(twice) == []
    full = [{"type": "divider"}] * 50
    assert len(after(full, ["x"] * 30, [])) == 50


def test_cutting_keeps_escapes_whole() -> None:
    assert [cut("ab&amp;cd", length) for length in (9, 8, 7, 4)] == ["ab&amp;cd", "ab&amp;…", "ab…", "ab…"]


def test_the_link_leads_to_the_customers_runs() -> None:
    url = open_url("https://ui.example/", 'a"b', "my space")
    assert url == "https://ui.example/namespaces/my%20space/workflows?query=CustomerId%3D%22a%22b%22"
