"""What is new in a letter, and what is quoted, signed or only polite."""

from __future__ import annotations

import time

import pytest

from keepwell.letter_words import LONGEST_NOTE, means_stop, new_words, note_of
from keepwell.letters import LONGEST_ID, dkim_results, known_id

NEW = "Yes, on Monday.\n\nPat"


@pytest.mark.parametrize(
    "quoted",
    [
        "On Fri, 20 Nov 2026 at 09:00, Erin Cole <erin@b.example> wrote:\n> Dear Pat",
        "On Fri, 20 Nov 2026 at 09:00, Erin Cole, CEO of Brightdesk\n<erin@b.example> wrote:\n\nDear Pat",
        "Am 20.11.2026 um 09:00 schrieb Erin Cole <erin@b.example>:\n> Hallo",
        "Le ven. 20 nov. 2026 à 09:00, Erin Cole <erin@b.example> a écrit :\n> Bonjour",
        "El vie, 20 nov 2026 a las 9:00, Erin Cole (<erin@b.example>) escribió:\n> Hola",
        "Il giorno ven 20 nov 2026 alle ore 09:00 Erin Cole ha scritto:\n> Ciao",
        "Op vr 20 nov 2026 om 09:00 schreef Erin Cole <erin@b.example>:\n> Hallo",
        "-----Original Message-----\nFrom: Erin",
        "-----Ursprüngliche Nachricht-----\nVon: Erin",
        "________________________________\nFrom: Erin Cole",
        "From: Erin Cole <erin@b.example>\nSent: Friday",
        "Von: Erin Cole <erin@b.example>\nGesendet: Freitag",
        "-- \nPat Person\nAcme",
        "> Dear Pat\n> how are you?",
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_what_was_there_before_is_left_out(quoted: str, ends: str) -> None:
    assert new_words(f"{NEW}\n\n{quoted}\n".replace("\n", ends)) == NEW


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote to you: nothing came back, and I would like to know why.",
        "-- not a signature\nmore",
        "I am from: nowhere in particular, and more words follow here",
        "On second thoughts, yes.\nWe take it.",
    ],
)
def test_a_sentence_that_only_looks_like_it_stays(text: str) -> None:
    assert new_words(text) == text


def test_an_answer_between_quoted_lines_is_kept() -> None:
    assert new_words("> Shall we talk?\nYes.\n> When?\nMonday.") == "Yes.\nMonday."


def test_a_note_is_one_line_and_not_too_long() -> None:
    assert note_of("a\n\nb\x00\tc") == "a b c"
    assert len(note_of("word " * 1000)) == LONGEST_NOTE


def test_hostile_letters_are_read_in_no_time() -> None:
    began = time.thread_time()
    for text in (
        "on " * 40_000,
        "On \n" * 40_000,
        ">" * 100_000,
        "-" * 100_000,
        "from:" * 25_000,
        "_" * 100_000,
    ):
        new_words(text)
        means_stop(text)
    assert time.thread_time() - began < 20


def test_letters_without_a_usable_id_are_known_by_what_they_say() -> None:
    assert known_id("<1@x.example>", "a") == "<1@x.example>"
    assert known_id("", "a", "b") == known_id("", "a", "b") != known_id("", "ab", "")
    long = f"<{'x' * 500}@y.example>"
    assert known_id(long, "a") == known_id(long, "b") != known_id(f"{long}z", "a")
    assert len(known_id(long)) <= LONGEST_ID


def test_the_results_of_signatures() -> None:
    assert dkim_results("{@Acme.example : pass, @mail.example : fail}") == {
        "acme.example": "pass",
        "mail.example": "fail",
    }
    assert dkim_results("none") == {}
