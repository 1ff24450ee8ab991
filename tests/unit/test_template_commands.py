"""What a message tells people to type works as it is written: command, arguments and options."""

from __future__ import annotations

import re
import shlex

import pytest
import typer
from typer.exceptions import TyperException

from keepwell.cli.app import app
from keepwell.rendering.bundle import OWN_TEMPLATES, load_bundle
from keepwell.rendering.render import render
from keepwell.rendering.sample import full_context, sample_contexts

NAMES = sorted(
    path.relative_to(OWN_TEMPLATES).as_posix().removesuffix(".txt.j2")
    for path in OWN_TEMPLATES.rglob("*.txt.j2")
    if not path.name.startswith("_") and "keepwell " in path.read_text()
)


def commands(text: str) -> list[str]:
    """The commands in a message: in code, or from the word on to the end of the line."""
    in_code = re.findall(r"`(keepwell [^`]+)`", text)
    bare = re.findall(r"(?<!`)\bkeepwell [a-z][^`\n]*", re.sub(r"`[^`]*`", "", text))
    return [*in_code, *bare]


COMMANDS = typer.main.get_command(app)


def parsed(call: str) -> None:
    """Read a command line as the program does, without carrying it out. Raises what it would say."""
    words = shlex.split(call.replace("…", "text"))[1:]
    command = COMMANDS
    while known := getattr(command, "commands", None):
        if not words:
            assert getattr(command, "invoke_without_command", False), f"{call}: which one?"
            return
        assert words[0] in known, f"{call}: there is no command {words[0]!r}"
        command = known[words.pop(0)]
    command.make_context(command.name, words)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sample", tuple(sample_contexts()))
def test_every_command_works_as_written(name: str, sample: str) -> None:
    text = render(load_bundle(name), sample_contexts()[sample], to_customers=False).text
    for call in commands(text):
        parsed(call)


def test_the_check_finds_what_is_missing() -> None:
    for call in ("keepwell pause ID", "keepwell stop ID", "keepwell complete ID", "keepwell offer accept ID"):
        with pytest.raises(TyperException):
            parsed(call)
    with pytest.raises(TyperException):
        parsed("keepwell acknowledge ID --loudly")
    with pytest.raises(AssertionError):
        parsed("keepwell shrug ID")


def test_no_command_holds_a_name_that_a_shell_would_read() -> None:
    """A customer may be called `$(…)`: what is typed holds ids of ours alone."""
    for name in NAMES:
        text = render(load_bundle(name), full_context(), to_customers=False).text
        assert not [call for call in commands(text) if "Harbour" in call or "Lena" in call], name


def test_there_is_something_to_check() -> None:
    assert len(NAMES) > 20
