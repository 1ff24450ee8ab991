"""docs/emails.md shows every email of every playbook, as its template is now; each picture is there."""

from __future__ import annotations

import re

from keepwell.contracts.playbook import Channel, Send
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from tests.pictures.index import FOLDER, PAGE, pictures, written

LARGEST = 150_000
"""Bytes of a picture: they stay in the repository's history."""


def test_the_page_is_what_make_pictures_would_write() -> None:
    """A changed subject, preheader, time or step: `make pictures`, and look at the picture."""
    assert PAGE.read_text() == written(), "run: make pictures"


def test_it_shows_every_email_of_every_playbook() -> None:
    shown = set(re.findall(r"\(pictures/emails/([\w-]+)\.webp\)", PAGE.read_text()))
    sent = {
        step.template.removeprefix("email/").replace("/", "-")
        for playbook in PlaybookRegistry(BUILT_IN).playbooks.values()
        for step in playbook.all_steps
        if isinstance(step, Send) and step.channel is Channel.EMAIL
    }
    assert len(sent) > 30
    assert sent - shown == set()


def test_each_picture_is_there_and_no_other() -> None:
    found = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(found) == pictures()
    assert {name: size for name, size in found.items() if size > LARGEST or size < 1000} == {}
