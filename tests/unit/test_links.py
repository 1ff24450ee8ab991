"""Signed links: what was given comes back, and nothing else."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from keepwell.errors import ConfigurationError
from keepwell.links import FILE, LinkRefusedError, Links, Use, make_links
from keepwell.settings import Settings

KEY = SecretStr("k" * 40)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LINKS = Links(KEY, "https://keepwell.example/")


def test_a_token_gives_back_what_it_was_given_and_is_the_same_each_time() -> None:
    data = {"contact": "01ABC", "purpose": "account"}
    token = LINKS.token(Use.PREFERENCES, data)
    assert LINKS.read(Use.PREFERENCES, token) == data
    assert LINKS.token(Use.PREFERENCES, data) == token
    assert LINKS.url("preferences", token) == f"https://keepwell.example/preferences/{token}"


def test_a_token_ends_when_it_says() -> None:
    token = LINKS.token(Use.OFFER, {"offer": "one"}, until=NOW)
    assert LINKS.read(Use.OFFER, token, now=NOW - timedelta(seconds=1)) == {"offer": "one"}
    with pytest.raises(LinkRefusedError, match="expired"):
        LINKS.read(Use.OFFER, token, now=NOW)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        LINKS.token(Use.OFFER, {"contact": "01ABC"}),
        Links(SecretStr("o" * 40), "https://keepwell.example").token(Use.PREFERENCES, {"contact": "01ABC"}),
        LINKS.token(Use.PREFERENCES, {"contact": "01ABC"})[:-1],
        "é" * 5,
    ],
    ids=["empty", "noise", "another_use", "another_key", "cut", "letters"],
)
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(LinkRefusedError, match="not one of ours"):
        LINKS.read(Use.PREFERENCES, token)


def test_the_home_keeps_a_key_where_none_is_set(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    token = make_links(settings).token(Use.OFFER, {"offer": "one"})
    assert make_links(settings).read(Use.OFFER, token) == {"offer": "one"}
    file = tmp_path / "home" / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [FILE]
    with_key = Settings(home=tmp_path / "home", secret_key=KEY)
    with pytest.raises(LinkRefusedError):
        make_links(with_key).read(Use.OFFER, token)
    file.write_text("short")
    with pytest.raises(ConfigurationError, match="holds no key"):
        make_links(settings)
