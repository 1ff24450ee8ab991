"""The renderer: bundles and their hashes, the sandbox, escaping, headlines and errors."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from markupsafe import Markup

from keepwell.contracts.rendering import Context
from keepwell.contracts.shown import Point
from keepwell.errors import ConfigurationError
from keepwell.rendering import filters
from keepwell.rendering.bundle import OWN_TEMPLATES, Bundle, load_bundle
from keepwell.rendering.render import HEADLINE_LIMIT, OUTPUT_LIMIT, render
from keepwell.rendering.sample import full_context
from keepwell.rendering.sparkline import HEIGHT, sparkline
from scoring.levels import Level

FINAL = "email/critical/final_offer"


def task(text: str, title: str = "A title") -> Bundle:
    return Bundle(name="task/t/t", files={"task/t/t.title.j2": title, "task/t/t.txt.j2": text})


def email(mjml: str) -> Bundle:
    parts = {"subject": "A subject", "mjml": mjml, "txt": "A text"}
    return Bundle(name="email/t/t", files={f"email/t/t.{part}.j2": text for part, text in parts.items()})


def in_mail(text: str) -> Bundle:
    inside = f"<mj-section><mj-column><mj-text>{text}</mj-text></mj-column></mj-section>"
    return email(f"<mjml><mj-body>{inside}</mj-body></mjml>")


def slack(text: str) -> Bundle:
    return Bundle(name="slack/t/t", files={"slack/t/t.txt.j2": text})


def called(name: str) -> Context:
    context = full_context()
    return context.model_copy(update={"customer": context.customer.model_copy(update={"name": name})})


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


# Bundles


def test_a_bundle_holds_what_its_files_include_and_nothing_else() -> None:
    files = load_bundle("email/at_risk/value_summary_30").files
    assert {
        "email/at_risk/value_summary_30.subject.j2",
        "email/at_risk/_value_summary.mjml.j2",
        "email/_base.mjml.j2",
        "email/_layout.mjml.j2",
        "email/_parts.mjml.j2",
        "email/_footer.txt.j2",
    } <= files.keys()
    assert not any("critical" in name or "_note" in name for name in files)


def test_equal_content_gives_an_equal_hash_and_a_changed_include_another(tmp_path: Path) -> None:
    files = {
        "task/t/t.title.j2": "T",
        "task/t/t.txt.j2": "{% include 'task/_end.j2' %}",
        "task/_end.j2": "Bye",
    }
    first = load_bundle("task/t/t", (write(tmp_path / "a", files),))
    again = load_bundle("task/t/t", (write(tmp_path / "b", files),))
    changed = load_bundle("task/t/t", (write(tmp_path / "c", files | {"task/_end.j2": "Goodbye"}),))
    assert first.hash == again.hash
    assert len(first.hash) == 64
    assert changed.hash != first.hash
    assert render(changed, full_context()).text == "Goodbye"
    assert render(first, full_context()).text == "Bye"


def test_line_ends_do_not_change_the_hash(tmp_path: Path) -> None:
    unix, windows = tmp_path / "u", tmp_path / "w"
    for folder, end in ((unix, b"\n"), (windows, b"\r\n")):
        (folder / "task/t").mkdir(parents=True)
        (folder / "task/t/t.title.j2").write_bytes(b"T")
        (folder / "task/t/t.txt.j2").write_bytes(b"one" + end + b"two")
    assert load_bundle("task/t/t", (unix,)).hash == load_bundle("task/t/t", (windows,)).hash


def test_a_bundle_from_the_store_is_the_same_bundle() -> None:
    bundle = load_bundle(FINAL)
    stored = Bundle.model_validate_json(bundle.model_dump_json())
    assert stored == bundle
    assert stored.hash == bundle.hash


def test_the_first_folder_wins_file_by_file(tmp_path: Path) -> None:
    mine = write(tmp_path, {"email/_signature.txt.j2": "Yours, the harbour crew"})
    out = render(load_bundle(FINAL, (mine, OWN_TEMPLATES)), full_context())
    assert "Yours, the harbour crew" in out.text
    assert "Best regards" not in out.text
    assert "Best regards" in out.html


def test_a_missing_template_says_where_it_was_searched_and_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_bundle("email/critical/farewell", (tmp_path, OWN_TEMPLATES))
    assert "email/critical/farewell." in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert str(OWN_TEMPLATES) in caught.value.message
    assert "final_offer.mjml.j2" in caught.value.hint


def test_a_missing_include_names_the_file_that_wants_it(tmp_path: Path) -> None:
    folder = write(tmp_path, {"task/t/t.title.j2": "T", "task/t/t.txt.j2": "{% include 'task/_end.j2' %}"})
    with pytest.raises(ConfigurationError, match=r"task/_end\.j2, which task/t/t\.txt\.j2 includes, is miss"):
        load_bundle("task/t/t", (folder,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\n{% if %}", r"task/t/t\.txt\.j2, line 2: Expected an expression"),
        ("{% include customer.name %}", "computed, so it cannot be pinned"),
        ("{% include '../../secret.j2' %}", "not a file of a template folder"),
        ("{% include '/etc/passwd' %}", "not a file of a template folder"),
    ],
)
def test_a_file_that_cannot_be_pinned_is_refused(tmp_path: Path, text: str, message: str) -> None:
    folder = write(tmp_path, {"task/t/t.title.j2": "T", "task/t/t.txt.j2": text})
    with pytest.raises(ConfigurationError, match=message):
        load_bundle("task/t/t", (folder,))


@pytest.mark.parametrize("name", ["fax/critical/offer", "email", "email/../x", "email/Big/x", "/email/a"])
def test_a_name_of_no_known_kind_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the name of a template"):
        load_bundle(name)


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"task/t/t.title.j2": "T"})
    (tmp_path / "task/t/t.txt.j2").write_bytes(b"caf\xe9")
    with pytest.raises(ConfigurationError, match=r"t\.txt\.j2 cannot be read"):
        load_bundle("task/t/t", (tmp_path,))


# The sandbox


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ customer.__class__ }}",
        "{{ customer.model_dump() }}",
        "{{ 'x' * 1000000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 10 ** 100000 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 'x'.ljust(1000000000) }}",
        "{{ (1).to_bytes(1000000000) }}",
        "{{ today.strftime('%1000000000d') }}",
        "{{ range(1000000) }}",
        "{{ lipsum(10000) }}",
        "{{ customer.facts.update({'a': 'b'}) }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ customer.name|safe }}",
        "{{ '%1000000000d'|format(1) }}",
        "{{ customer|attr('model_dump') }}",
    ],
)
def test_the_sandbox_refuses(source: str) -> None:
    with pytest.raises(ConfigurationError, match=r"task/t/t\.txt\.j2, line 1: "):
        render(task(source), full_context())


def test_arithmetic_with_numbers_is_allowed() -> None:
    assert render(task("{{ 2 * health.score }} {{ 7 % 4 }}"), full_context()).text == "34.8 3"


def test_endless_output_is_cut_off() -> None:
    many = "1," * 200
    loops = f"{{% for a in [{many}] %}}" * 3 + "x" * 100 + "{% endfor %}" * 3
    with pytest.raises(ConfigurationError, match=f"{OUTPUT_LIMIT:,} characters"):
        render(task(loops), full_context())


def test_a_misspelt_field_names_line_file_and_what_there_is() -> None:
    with pytest.raises(ConfigurationError) as caught:
        render(task("one\ntwo {{ customer.nmae }}"), full_context())
    assert "task/t/t.txt.j2, line 2" in caught.value.message
    assert "'nmae'" in caught.value.message
    assert "customer" in caught.value.hint


def test_none_is_never_printed() -> None:
    context = full_context()
    health = context.health.model_copy(update={"before": None})
    with pytest.raises(ConfigurationError, match=r"line 2: .*missing \(None\)"):
        render(task("one\n{{ health.before }}"), context.model_copy(update={"health": health}))


# Escaping


def test_html_escapes_and_text_does_not() -> None:
    name = "<script>alert(1)</script> & 'Co'"
    assert (
        "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#39;Co&#39;"
        in render(in_mail("{{ customer.name }}"), called(name)).html
    )
    assert render(task("{{ customer.name }}"), called(name)).text == name


def test_what_an_html_part_includes_is_escaped_whatever_its_name() -> None:
    bundle = in_mail("{% include 'email/_name.txt.j2' %}")
    with_name = Bundle(name=bundle.name, files=bundle.files | {"email/_name.txt.j2": "{{ customer.name }}"})
    assert "<script>" not in render(with_name, called("<script>")).html


def test_a_number_and_its_unit_stay_on_one_line() -> None:
    out = render(in_mail("12 % or 1,240 EUR, 3 days at 12 QUAY Street"), full_context())
    assert "12\u00a0% or 1,240\u00a0EUR, 3 days at 12 QUAY Street" in out.html
    assert "12 % or" not in out.html


def test_a_quote_cannot_leave_an_attribute() -> None:
    out = render(in_mail('<a href="{{ customer.name }}">x</a>'), called('" onclick="alert(1)'))
    assert "&#34; onclick=&#34;alert(1)" in out.html


def test_slack_cannot_be_made_to_call_everybody() -> None:
    out = render(slack("*{{ customer.name }}*\nmore"), called("<!channel> & co"))
    assert out.text == "*&lt;!channel&gt; &amp; co*\nmore"
    assert out.subject == "<!channel> & co"


def test_control_characters_and_direction_overrides_are_dropped() -> None:
    out = render(in_mail("{{ customer.name }}|"), called("a\x00b\x0b\u202ec\u2066"))
    assert ">abc|" in out.html


def test_right_to_left_names_are_kept_apart() -> None:
    assert render(task("{{ customer.name }}: 1"), called("مطعم")).text == "\u2068مطعم\u2069: 1"
    assert render(task("{{ customer.name }}: 1"), called("Müller 🍤")).text == "Müller 🍤: 1"


# Headlines and actions


def test_a_subject_is_one_line_whatever_a_name_holds() -> None:
    out = render(task("x", title="For\n{{ customer.name }}\n"), called("Evil\r\nBcc: all@example.org\u2028x"))
    assert out.subject == "For Evil Bcc: all@example.orgx"
    assert len(out.subject.splitlines()) == 1


def test_a_long_subject_is_cut_at_a_word() -> None:
    out = render(task("x", title="{{ customer.name }}"), called("word " * 100))
    assert len(out.subject) <= HEADLINE_LIMIT
    assert out.subject.endswith("word…")


@pytest.mark.parametrize(("title", "text"), [("", "x"), (" \n", "x"), ("T", " \n ")])
def test_an_empty_headline_or_text_is_an_error(title: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"gives no (headline|text)"):
        render(task(text, title=title), full_context())


def in_app(action: str) -> Bundle:
    parts = {"title": "T", "txt": "Text", "action": action}
    return Bundle(name="in_app/t/t", files={f"in_app/t/t.{part}.j2": text for part, text in parts.items()})


def test_an_action_is_a_label_and_a_url() -> None:
    out = render(in_app("Open\nhttps://a.example/?q=1\n"), full_context())
    assert (out.action_label, out.action_url) == ("Open", "https://a.example/?q=1")


@pytest.mark.parametrize("action", ["Open", "Open\njavascript:alert(1)", "Open\nhttps://a.example\nmore"])
def test_another_action_is_an_error(action: str) -> None:
    with pytest.raises(ConfigurationError, match=r"in_app/t/t\.action\.j2 gives .* not an action"):
        render(in_app(action), full_context())


def test_wrong_mjml_is_named_with_its_place() -> None:
    with pytest.raises(ConfigurationError, match=r"email/t/t\.mjml\.j2 does not give valid MJML: .*mj-bod"):
        render(email("<mjml><mj-bod></mj-bod></mjml>"), full_context())


# Filters


def test_filters_write_numbers_and_days_for_people() -> None:
    assert filters.number(1234.5) == "1,234.5"
    assert filters.number(100.0) == "100"
    assert filters.number(-0.01) == "0"
    assert filters.percent(41.0) == "41 %"
    assert filters.points(1.0) == "1 point"
    assert filters.points(6.24) == "6.2 points"
    assert filters.count(1, "day") == "1 day"
    assert filters.count(1200, "day") == "1,200 days"
    assert filters.long_date(date(2026, 11, 1)) == "1 November 2026"
    assert filters.short_date(date(2026, 11, 21)) == "21 Nov"
    assert filters.near_date(date(2026, 11, 1)) == "1 November"
    assert filters.level(Level.HIGH_RISK) == "high risk"


def test_filters_write_texts_for_people() -> None:
    assert filters.sentence("ask Ann ") == "Ask Ann."
    assert filters.sentence("Why?") == "Why?"
    assert filters.sentence("") == ""
    assert filters.upfirst("iPhones") == "IPhones"
    assert filters.listing(["a", "b", "c"]) == "a, b and c"
    assert filters.listing([]) == ""
    assert filters.possessive("Acme") == "Acme's"
    assert filters.possessive("Aspen Foods") == "Aspen Foods'"
    assert filters.short("a  b\nc") == "a b c"
    assert filters.short("x" * 70) == "x" * 59 + "…"


def day(number: int, value: float) -> Point:
    return Point(day=date(2026, 11, number), value=value, text=f"{value:g} %")


def test_a_sparkline_keeps_days_to_scale_and_speaks() -> None:
    drawn = sparkline([day(1, 10), day(2, 20), day(11, 30)], "A & B")
    assert isinstance(drawn, Markup)
    assert 'd="M5.0 43.0 L26.0 24.0 L215.0 5.0"' in drawn
    assert (
        'aria-label="A &amp; B: from 10 % on 1 November 2026 to 30 % on 11 November 2026, 3 values"' in drawn
    )


def test_a_sparkline_of_little_change_is_nearly_level() -> None:
    drawn = sparkline([day(1, 19), day(2, 18)])
    heights = [float(spot.split()[1]) for spot in drawn.split('d="M')[1].split('"')[0].split(" L")]
    assert abs(heights[0] - heights[1]) < HEIGHT / 5


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [7.0, 7.0, 7.0]])
def test_a_sparkline_of_equal_values_is_level(values: list[float]) -> None:
    drawn = sparkline([day(number + 1, value) for number, value in enumerate(values)])
    assert drawn.count(f"{HEIGHT / 2:.1f}") == len(values) + 1


def test_a_sparkline_of_nothing_is_nothing() -> None:
    assert sparkline([]) == ""
