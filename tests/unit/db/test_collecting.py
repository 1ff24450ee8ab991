"""The search for cycles is seldom while a batch is put together, and usual again afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from keepwell.db.collecting import SELDOM, seldom_collected

USUAL = (500, 9, 8)


@pytest.fixture(autouse=True)
def _thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*USUAL)
    yield
    gc.set_threshold(*before)


def test_until_the_last_has_left() -> None:
    first, second = seldom_collected(), seldom_collected()
    with first:
        assert gc.get_threshold() == (SELDOM, *USUAL[1:])
        with second:
            pass
        assert gc.get_threshold() == (SELDOM, *USUAL[1:])
    assert gc.get_threshold() == USUAL


def test_also_after_a_failure() -> None:
    with pytest.raises(ValueError, match="broken"), seldom_collected():
        raise ValueError("broken")
    assert gc.get_threshold() == USUAL


def test_who_searches_more_seldom_or_never_still_does() -> None:
    for usual in ((0, 9, 8), (SELDOM * 2, 9, 8)):
        gc.set_threshold(*usual)
        with seldom_collected():
            assert gc.get_threshold() == usual
        assert gc.get_threshold() == usual
