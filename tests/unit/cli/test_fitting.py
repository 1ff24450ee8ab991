"""Which columns a table has room for, and how wide they are."""

from __future__ import annotations

import pytest

from keepwell.cli.fitting import Need, need_of, shown, widths


def test_a_column_needs_its_longest_word_and_an_unbroken_one_its_longest_text() -> None:
    texts = ["Next", "personal_email in 50 min", "ends now"]
    assert need_of(texts, unbroken=False) == Need(14, 24)
    assert need_of(texts, unbroken=True, drop=2) == Need(24, 24, 2)
    assert need_of(["x" * 90], unbroken=False) == Need(30, 90)
    assert need_of(["日本"], unbroken=True).most == 4, "wide letters take two places"


@pytest.mark.parametrize(("width", "left"), [(40, [0, 1, 2, 3]), (39, [0, 2, 3]), (29, [0, 3]), (1, [0, 3])])
def test_the_least_important_are_left_out_first(width: int, left: list[int]) -> None:
    needs = [Need(8, 8), Need(8, 8, 1), Need(8, 8, 2), Need(8, 8)]
    assert shown(needs, width) == left


def test_what_is_left_over_goes_to_those_that_want_more() -> None:
    needs = [Need(10, 10), Need(10, 14), Need(10, 60)]
    assert widths(needs, 60) == [10, 14, 30]
    assert widths(needs, 200) == [10, 14, 60]
    assert widths(needs, 30) is None
