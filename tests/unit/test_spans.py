"""Lengths of time: what is read as one, and how each is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepwell.spans import lasted_words, offset_words, read_span, span_words


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("30h", "1 d 6 h"),
        ("4d", "4 d"),
        (" 1D 12h5 min", "1 d 12 h 5 min"),
        ("2w", "14 d"),
        ("90m", "1 h 30 min"),
    ],
)
def test_what_is_read_is_told_exactly(text: str, told: str) -> None:
    span = read_span(text)
    assert span is not None
    assert span_words(span) == lasted_words(span) == told


@pytest.mark.parametrize("text", ["", "4", "d", "4x", "-4d", "1.5h", "4d later"])
def test_anything_else_is_no_length_of_time(text: str) -> None:
    assert read_span(text) is None


def test_what_rounds_to_no_minute_has_words_of_its_own() -> None:
    short = timedelta(seconds=29)
    assert span_words(short) == "0 min"
    assert lasted_words(short) == "less than a minute"
    assert offset_words(short) == "at once"
