"""Moments on an organisation's clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keepwell.moments import minute_words

WINTER = datetime(2026, 11, 27, 19, 54, tzinfo=UTC)
SUMMER = datetime(2026, 7, 27, 19, 54, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "zone", "words"),
    [
        (WINTER, "UTC", "27 Nov 2026 19:54 UTC"),
        (WINTER, "Europe/Berlin", "27 Nov 2026 20:54 CET"),
        (SUMMER, "Europe/Berlin", "27 Jul 2026 21:54 CEST"),
        (WINTER, "America/Sao_Paulo", "27 Nov 2026 16:54 UTC-03"),
        (WINTER, "Nowhere/Land", "27 Nov 2026 19:54 UTC"),
        (WINTER, "", "27 Nov 2026 19:54 UTC"),
        (datetime(9999, 12, 31, 23, 30, tzinfo=UTC), "Europe/Berlin", "31 Dec 9999 23:30 UTC"),
    ],
)
def test_a_minute_with_its_zone(at: datetime, zone: str, words: str) -> None:
    assert minute_words(at, zone) == words


def test_without_the_year() -> None:
    assert minute_words(WINTER, "Europe/Berlin", year=False) == "27 Nov 20:54 CET"
