"""Writes docs/emails.md: every email with its picture, by playbook, and the pages behind their links."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from keepwell.contracts.playbook import Playbook
from tests.pictures.letters import BY_HAND, TO_STAFF, Letter, letters, playbooks
from tests.pictures.pages import WHAT

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "emails.md"
FOLDER = DOCS / "pictures" / "emails"

HEAD = """# Every email as a picture

Each picture shows an email four times: in a window of 1,000 pixels and on a phone of 360, for readers with \
light and with dark colours. People, companies and figures are made up; what one of your customers would get \
is in a rehearsal, `keepwell rehearse critical --customer "Acme"`.

Times count from the beginning of the playbook. Quiet hours, caps and drafts may make a message later. To \
change a text, see [templates of your own](guide/admin.md#templates-of-your-own).

`make pictures` makes this page and its pictures.
"""
BESIDES = {
    BY_HAND: (
        "Changed by a person",
        "An email whose draft somebody has [rewritten](guide/csm.md#drafts-what-waits-for-your-word): "
        "the text is theirs, the footer stays.",
    ),
    TO_STAFF: (
        "To your own people",
        "Alerts by email, where they are [switched on](guide/csm.md#who-is-told-of-alerts).",
    ),
}


def written() -> str:
    """The whole page."""
    found = letters()
    parts = [HEAD, *(_playbook(one, _of(found, one.name)) for one in playbooks())]
    for group, (title, words) in BESIDES.items():
        parts.append(f"## {title}\n\n{words}\n\n{_letters(_of(found, group))}")
    pages = "\n".join(f"### {what}\n\n{_picture(f'page-{key}', what)}\n" for key, what in WHAT.items())
    parts.append(f"## The pages behind the links\n\n{pages}")
    return "\n".join(parts)


def pictures() -> set[str]:
    """The names of all picture files."""
    return {_file(letter.key) for letter in letters()} | {_file(f"page-{key}") for key in WHAT}


def _file(key: str) -> str:
    return f"{key}.webp"


def _of(found: Iterable[Letter], group: str) -> list[Letter]:
    return [letter for letter in found if letter.group == group]


def _playbook(playbook: Playbook, found: list[Letter]) -> str:
    return f"## {playbook.title}\n\n`{playbook.name}`. {playbook.purpose}\n\n{_letters(found)}"


def _letters(found: list[Letter]) -> str:
    return "\n".join(_letter(letter) for letter in found)


def _letter(letter: Letter) -> str:
    subject = letter.rendered.subject
    facts = [f"{letter.when[:1].upper()}{letter.when[1:]}", f"from {letter.sender}", f"to the {letter.to}"]
    facts += [f"with the {letter.attached}"] if letter.attached else []
    facts += [f"beside the subject: *{letter.preheader}*"] if letter.preheader else []
    return f"### {subject}\n\n{' · '.join(facts)}\n\n{_picture(letter.key, subject)}\n"


def _picture(key: str, words: str) -> str:
    return f"![{words}](pictures/emails/{_file(key)})"
