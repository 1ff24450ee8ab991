"""The overview is drawn for wide and for narrow screens; in both everything stands inside the picture."""

from __future__ import annotations

import re

import pytest

from keepwell.rehearsal.page import page_of
from keepwell.rehearsal.picture import NARROW, WIDE, Frame, lanes_of
from tests.unit.rehearsal.made import email, entry, task, timeline

PHONE = 390
"""Pixels: margins of the page and of the box take 66 of them."""


@pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("hours", [0.5, 30, 216, 2160])
def test_dots_and_ticks_stand_inside(frame: Frame, hours: float) -> None:
    lanes = lanes_of(
        timeline(email(0, "hello"), task(hours / 2, "call"), entry("end", hours, "ended")), frame
    )
    places = [*(dot.x for dot in lanes.dots), *(tick.x for tick in lanes.ticks)]
    assert min(places) == frame.left
    assert max(places) + frame.dot <= frame.whole
    assert len(lanes.dots) == 3
    assert 1 <= len(lanes.ticks) <= frame.ticks + 1
    # Words of seven letters have their place between two marks.
    apart = [later.x - earlier.x for earlier, later in zip(lanes.ticks, lanes.ticks[1:], strict=False)]
    assert min(apart, default=60) >= 55


def test_on_a_phone_the_picture_is_as_wide_as_its_box() -> None:
    page = page_of(timeline(email(0, "hello"), entry("end", 216, "ended")))
    drawn = dict(re.findall(r'<svg class="(\w+)" viewBox="0 0 ([\d.]+) 150"', page))
    assert float(drawn["narrow"]) == PHONE - 66
    assert float(drawn["wide"]) == WIDE.whole
    assert re.findall(r"\.overview[^{}]*\{[^}]*(?:min-width|overflow-x)", page) == []
    assert page.count("day 9</text>") == 1
