"""Templates that would take all the time or memory there is: each is stopped at a limit, and named."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepwell.contracts.rendering import Context
from keepwell.errors import ConfigurationError
from keepwell.rendering import apart, guarded
from keepwell.rendering.bundle import OWN_TEMPLATES, Bundle, load_bundle
from keepwell.rendering.check import check_bundle
from keepwell.rendering.limits import CPU_SECONDS, FILE_CHARACTERS, MEMORY_MB
from keepwell.rendering.names import EVERYTHING, facts_used
from keepwell.rendering.render import render as render_here
from keepwell.rendering.sample import full_context, sample_contexts

MANY = "1," * 300
TIME = r"was stopped: it took more than 2 seconds of computing time"
MEMORY = r"was stopped: it needed more than 256 MiB of memory, or is nested too deep"
DEEP = "nested too deep"
REFUSED = r"task/t/t\.txt\.j2, line 1: "
SPARE_MB = 150
"""What the process has before it renders, with room for another machine's libraries."""


def task(text: str, **more: str) -> Bundle:
    return Bundle(name="task/t/t", files={"task/t/t.title.j2": "T", "task/t/t.txt.j2": text, **more})


def email(mjml: str) -> Bundle:
    parts = {"subject": "S", "txt": "x", "mjml": f"<mjml><mj-body>{mjml}</mj-body></mjml>"}
    return Bundle(name="email/t/t", files={f"email/t/t.{part}.j2": text for part, text in parts.items()})


def loops(depth: int, body: str) -> str:
    heads = "".join(f"{{% for a{number} in [{MANY}] %}}" for number in range(depth))
    return heads + body + "{% endfor %}" * depth


def doubled(first: str, sign: str) -> str:
    return f"{{% set a = {first} %}}" + f"{{% set a = a {sign} a %}}" * 60 + "{{ a|length }}"


def in_text(inside: str) -> str:
    return f"<mj-section><mj-column><mj-text>{inside}</mj-text></mj-column></mj-section>"


BOMBS = {
    "format string by %": (task('{{ "%1000000000d" % 1 }}'), REFUSED),
    "format string by a method": (task('{{ "{:>1000000000}".format(1) }}'), REFUSED),
    "format string by a filter": (task('{{ "%1000000000d"|format(1) }}'), REFUSED),
    "range": (task("{% for a in range(1000000000) %}{% endfor %}x"), REFUSED),
    "multiplied text": (task("{{ 'x' * 1000000000 }}"), REFUSED),
    "multiplied list": (task("{{ [1] * 1000000000 }}"), REFUSED),
    "power": (task("{{ 9 ** 9 ** 9 }}"), REFUSED),
    "loops in loops": (task(loops(5, "{% set x = 1 %}")), TIME),
    "loops that print": (task(loops(3, "x" * 200)), "gives more than 500,000 characters"),
    "text that doubles": (task(doubled("'xxxxxxxxxx'", "~")), MEMORY),
    "list that doubles": (task(doubled("[1]", "+")), MEMORY),
    "slices": (task("{% set x = customer.name %}{{ x|slice(1000000000)|list|length }}"), f"{TIME}|{MEMORY}"),
    "constant slices, while it is compiled": (task("{{ 'x'|slice(1000000000)|list }}"), f"{TIME}|{MEMORY}"),
    "decimals of our filter": (task("{{ 1.5|number(1000000000) }}"), MEMORY),
    "endless macro": (task("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), DEEP),
    "macro that calls itself twice": (
        task("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}x"),
        TIME,
    ),
    "includes itself": (task("{% include 'task/t/t.txt.j2' %}"), DEEP),
    "extends itself": (task("{% extends 'task/t/t.txt.j2' %}"), DEEP),
    "imports itself": (task("{% import 'task/t/t.txt.j2' as x %}x"), DEEP),
    "include cycle": (
        task("{% include 'a.j2' %}", **{"a.j2": "{% include 'b.j2' %}", "b.j2": "{% include 'a.j2' %}"}),
        DEEP,
    ),
    "brackets": (task(f"{{{{ {'(' * 5000}1{')' * 5000} }}}}"), DEEP),
    "blocks in blocks": (task("{% if 1 %}" * 3000 + "x" + "{% endif %}" * 3000), DEEP),
    "long sum": (task(f"{{{{ {'+'.join('1' * 5000)} }}}}"), DEEP),
    "deep MJML": (email("<mj-wrapper>" * 9000 + "</mj-wrapper>" * 9000), MEMORY),
    "deep HTML in MJML": (email(in_text("<div>" * 15000 + "</div>" * 15000)), MEMORY),
    "includes of files in MJML": (email('<mj-include path="/etc/passwd" />'), "does not give valid MJML"),
}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins without a process, and leaves none; how long things take by the clock stops nothing.

    On a busy machine eight seconds of computing may take longer than the limit by the clock.
    """
    monkeypatch.setattr(apart, "WALL_SECONDS", 150.0)
    apart._CHILD.close()
    apart._CHILD._stopped.clear()
    yield
    apart._CHILD.close()


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_stopped_and_named(name: str) -> None:
    bundle, message = BOMBS[name]
    facts_used(bundle)
    with pytest.raises(ConfigurationError, match=message) as caught:
        guarded.render(bundle, full_context())
    assert bundle.name in caught.value.message
    assert not caught.value.retryable
    # The process is as good as new for the next one.
    assert guarded.render(task("{{ customer.name }}"), full_context()).text == "Harbour Foods"


PEAK = """
import json, resource, sys
from keepwell.errors import TemplateStoppedError
from keepwell.rendering import apart, guarded
from keepwell.rendering.bundle import Bundle
from keepwell.rendering.sample import full_context

try:
    guarded.render(Bundle(**json.load(sys.stdin)), full_context())
except TemplateStoppedError:
    apart._CHILD.close()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""
"""Prints the most memory that the child of a small process had, in MiB. What the system says of a child is
never less than what its parent had when it began, and of all children the most: within pytest, as large as
that grows and whatever else it starts, nothing could be told."""


@pytest.mark.skipif(sys.platform == "darwin", reason="its getrusage counts in other units")
@pytest.mark.parametrize("name", ["text that doubles", "list that doubles"])
def test_no_bomb_got_more_memory_than_the_limit(name: str) -> None:
    bundle = BOMBS[name][0].model_dump_json()
    done = subprocess.run(
        [sys.executable, "-c", PEAK], input=bundle, capture_output=True, text=True, timeout=100, check=False
    )
    assert not done.stderr
    assert MEMORY_MB / 2 < float(done.stdout) < MEMORY_MB + SPARE_MB, "it took much, and not too much"


def test_what_was_stopped_is_refused_at_once_for_a_while_and_nothing_else_is() -> None:
    bundle, message = BOMBS["loops in loops"]
    for most in (60.0, 0.5):
        began = time.process_time()
        with pytest.raises(ConfigurationError, match=message):
            guarded.render(bundle, full_context())
        assert time.process_time() - began < most
    assert apart._CHILD._process is None, "the second was not even tried"
    assert guarded.render(task("fine"), full_context()).text == "fine"


def test_a_check_stands_under_the_limits_too() -> None:
    with pytest.raises(ConfigurationError, match=r"it took more than 8 seconds|nested too deep"):
        guarded.check_bundle(BOMBS["macro that calls itself twice"][0])
    with pytest.raises(ConfigurationError, match=r"line 1, uses custmer, which no message has"):
        guarded.check_bundle(task("{{ custmer }}"))
    guarded.check_bundle(task("Dear {{ recipient.name }},"))


@pytest.mark.parametrize("text", [f"{{{{ {'(' * 5000}1{')' * 5000} }}}}", "x" * (FILE_CHARACTERS + 1)])
def test_reading_the_files_does_not_go_off_either(tmp_path: Path, text: str) -> None:
    (tmp_path / "task/t").mkdir(parents=True)
    (tmp_path / "task/t/t.title.j2").write_text("T")
    (tmp_path / "task/t/t.txt.j2").write_text(text)
    with pytest.raises(ConfigurationError, match=r"t\.txt\.j2 (is nested too deep|has 200,001 characters)"):
        load_bundle("task/t/t", (tmp_path,))


def test_asking_which_facts_are_used_computes_nothing() -> None:
    began = time.process_time()
    assert facts_used(task("{{ 'x'|slice(1000000000)|list }}{{ value.paid }}")) == {"value"}
    assert facts_used(BOMBS["brackets"][0]) == EVERYTHING
    assert time.process_time() - began < CPU_SECONDS


# What is allowed is the same in both places.


@pytest.mark.parametrize("sample", sample_contexts())
def test_apart_gives_the_same_message(sample: str) -> None:
    context = sample_contexts()[sample]
    for name in ("email/critical/executive_email", "document/critical/roadmap", "slack/critical/alert_csm"):
        bundle = load_bundle(name)
        assert apart.render(bundle, context, to_customers=None) == render_here(bundle, context)


def test_ours_render_here_and_a_changed_file_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = load_bundle("email/critical/final_offer")
    (tmp_path / "email").mkdir()
    (tmp_path / "email/_signature.txt.j2").write_text("Yours, {{ sender.name }}")
    changed = load_bundle("email/critical/final_offer", (tmp_path, OWN_TEMPLATES))
    assert guarded.is_own(ours)
    assert not guarded.is_own(changed)
    assert not guarded.is_own(Bundle(name="task/t/t", files={"../pyproject.toml": "x"}))
    guarded.render(ours, full_context())
    assert apart._CHILD._process is None, "ours start no process"
    assert "Yours, Priya Raman" in guarded.render(changed, full_context()).text
    assert apart._CHILD._process is not None


def test_errors_come_back_in_the_same_words() -> None:
    bundle = task("one\ntwo {{ customer.nmae }}")
    words = []
    for render in (guarded.render, render_here):
        with pytest.raises(ConfigurationError) as caught:
            render(bundle, full_context())
        words.append((caught.value.message, caught.value.hint))
    assert words[0] == words[1]


def test_many_at_once_each_get_their_own() -> None:
    context, got = full_context(), dict[int, str]()

    def work(number: int) -> None:
        got[number] = guarded.render(task(f"{{{{ customer.name }}}} {number}"), context).text

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {number: f"Harbour Foods {number}" for number in range(12)}


def test_a_process_that_somebody_ends_is_started_again() -> None:
    guarded.render(task("one"), full_context())
    process = apart._CHILD._process
    assert process is not None
    process.kill()
    process.wait()
    assert guarded.render(task("two"), full_context()).text == "two"


def test_the_process_knows_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_SENDGRID_API_KEY", "secret")
    guarded.render(task("one"), full_context())
    process = apart._CHILD._process
    assert process is not None
    environment = Path(f"/proc/{process.pid}/environ")
    if not environment.exists():
        return
    assert b"secret" not in environment.read_bytes()
    assert b"PYTHONPATH" in environment.read_bytes()


def test_own_templates_pass_the_whole_check_and_find_fields_where_no_sample_gets_to() -> None:
    context: Context = full_context()
    assert context.customer.plan != "Never"
    text = "x\n{% if customer.plan == 'Never' %}{{ customer.nmae }}{% endif %}"
    with pytest.raises(ConfigurationError, match=r"line 2, uses the field 'nmae', which there is none of"):
        check_bundle(task(text))
    check_bundle(task("x{% for customer in shown.steps %}{{ customer.step }}{% endfor %}"))
