"""What is read from a sound file: defaults, fingerprint, round trip."""

from pathlib import Path

import pytest

from scoring.errors import ScorecardError
from scoring.load import LONGEST_FILE, builtin, load_scorecard, parse_scorecard
from scoring.scorecard import Scorecard


def test_a_file_is_read(tmp_path: Path, small: Scorecard, small_text: str) -> None:
    file = tmp_path / "small.toml"
    # With the byte order mark and the line ends that Windows editors write.
    file.write_bytes(b"\xef\xbb\xbf" + small_text.replace("\n", "\r\n").encode())
    assert load_scorecard(file) == small


def test_defaults(small: Scorecard) -> None:
    assert small.coverage_minimum == 0.5
    assert small.metric("trend").max_age_days is None
    assert small.metric_names == ("active", "trend", "last_login")
    assert small.category_names == ("use", "money")


def test_a_scorecard_survives_json(small: Scorecard) -> None:
    assert Scorecard.model_validate_json(small.model_dump_json()) == small


def test_the_fingerprint_is_of_the_content_not_the_layout(small: Scorecard, small_text: str) -> None:
    relaid = "# a note\n" + small_text.replace("weight = 50\n", "weight   =   50.0\n")
    changed = small_text.replace("margin = 3.0", "margin = 4.0")
    assert len(small.fingerprint()) == 64
    assert parse_scorecard(relaid, "other.toml").fingerprint() == small.fingerprint()
    assert parse_scorecard(changed, "small.toml").fingerprint() != small.fingerprint()


def test_an_unknown_builtin_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ScorecardError, match="did you mean 'intervention'"):
        builtin("interventoin")
    with pytest.raises(ScorecardError, match="no built-in scorecard"):
        builtin("../scorecards/intervention")


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", 1, "is empty"),
        (b" \n\n", 1, "is empty"),
        (b'name = "a"\ntitle = "\xff"\n', 2, "is not UTF-8"),
        (b'name = "a"\n\nversion = = 1\n', 3, "is not TOML"),
        (b'name = "a"\nbands = [\n', 2, "is not TOML"),
        (b'name = "a"\nname = "b"\n', 2, "is not TOML"),
        (b"version = " + b"9" * 5000 + b"\n", 1, "is not TOML"),
        (b"x = " + b"{a = " * 300 + b"1" + b"}" * 300 + b"\n", 1, "is nested too deeply"),
        (b"x = " + b"[" * 5000 + b"\n", 1, "is nested too deeply"),
        (b"#" * (LONGEST_FILE + 1), 1, "more than 256 KiB"),
    ],
)
def test_what_is_no_scorecard_text_is_refused(tmp_path: Path, content: bytes, line: int, reason: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    with pytest.raises(ScorecardError) as caught:
        load_scorecard(file)
    assert (caught.value.place.file, caught.value.place.line) == (str(file), line)
    assert reason in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ScorecardError, match="cannot be read"):
            load_scorecard(path)
