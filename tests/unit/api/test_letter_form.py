"""What a letter says that has only HTML."""

from __future__ import annotations

import pytest

from keepwell.api.letter_form import words_of_page


@pytest.mark.parametrize(
    "page",
    [
        "<html><head><title>x</title><style>p {}</style></head><body><p>Hello</p></body></html>",
        "<html><head><title>x</title><body><p>Hello</p></body></html>",
        "<p>Hello<script>alert(1)</script>",
    ],
)
def test_only_what_is_read_is_kept_whether_or_not_the_head_is_closed(page: str) -> None:
    assert words_of_page(page) == "Hello"
