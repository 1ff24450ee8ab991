"""Every template that comes with Keepwell: it exists, renders with every sample, and reads well."""

from __future__ import annotations

import re

import pytest

from keepwell.adapters.notice_renderer import TEMPLATES
from keepwell.contracts.rendering import Context, PersonalLinks
from keepwell.errors import ConfigurationError
from keepwell.rendering.audience import customer_templates, reads_as_customer
from keepwell.rendering.bundle import OWN_TEMPLATES, Bundle, load_bundle
from keepwell.rendering.check import check_bundle
from keepwell.rendering.names import facts_used
from keepwell.rendering.render import HEADLINE_LIMIT, render
from keepwell.rendering.sample import full_context, sample_contexts
from scoring.levels import Level
from tests.unit.own_templates import (
    BESIDES,
    DOCUMENTS,
    EMAILS,
    NAMED,
    PLAYBOOKS,
    TO_CUSTOMERS,
    rendered,
    unclosed,
    words_of,
)

NOTICES = {*TEMPLATES.values()}
"""Not of a playbook, for staff alone: tests/unit/test_templates_notices.py."""
SAMPLES = tuple(sample_contexts())


def files_on_disk() -> set[str]:
    files = (path.relative_to(OWN_TEMPLATES).as_posix() for path in OWN_TEMPLATES.rglob("*.j2"))
    return {file.partition(".")[0] for file in files if not file.rpartition("/")[2].startswith("_")}


def test_every_template_is_named_by_a_playbook_and_every_name_has_a_template() -> None:
    assert files_on_disk() == NAMED | BESIDES | NOTICES


@pytest.mark.parametrize("name", sorted(NAMED | BESIDES))
def test_it_passes_the_check(name: str) -> None:
    check_bundle(load_bundle(name))


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("name", sorted(NAMED | BESIDES))
def test_it_renders_with_every_sample(name: str, sample: str) -> None:
    out = rendered(name, sample_contexts()[sample])
    assert 0 < len(out.subject) <= HEADLINE_LIMIT
    assert "\n" not in out.subject
    assert bool(out.html) == name.startswith(("email/", "document/"))
    for text in (out.subject, out.text, out.html):
        assert "None" not in text
        assert "{{" not in text
        assert "{%" not in text
    assert not re.search(r"\n{3,}| \n", out.text)
    assert not re.search(r" [,.;:!?](\s|$)|\(\)|,,", out.text), "a gap where something is missing"


@pytest.mark.parametrize("name", TO_CUSTOMERS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_customers_never_read_our_words_about_them(name: str, sample: str) -> None:
    context = sample_contexts()[sample]
    quiet = context.model_copy(update={"why": "INTERNAL REASON"})
    out = rendered(name, quiet)
    text = f"{out.subject}\n{out.text}\n{out.html}".lower()
    assert not re.search(r"\bscored?\b|\bof 100\b|\bpoints\b|sentiment", words_of(out.html).lower())
    words = {level.value.lower().replace("_", " ") for level in Level} - {"healthy"}
    for word in words | {"internal reason", "churn", "at-risk", "playbook", context.intervention.id.lower()}:
        assert word not in text
    assert not re.search(r"urgent|last chance|act now|hurry|expires|only today", text)


@pytest.mark.parametrize("name", EMAILS)
def test_an_email_says_who_writes_and_why_one_gets_it(name: str) -> None:
    out = rendered(name, full_context())
    for text in (out.text, out.html):
        assert "Hello Lena," in text
        assert "Priya Raman" in text
        assert "You get this email because Harbour Foods uses Brightdesk" in text
        assert "12 Quay Street" in text
        assert "Demonstration" in text
    assert '<meta name="color-scheme" content="light dark"' in out.html
    assert "prefers-color-scheme: dark" in out.html
    real = full_context()
    real = real.model_copy(update={"organisation": real.organisation.model_copy(update={"demo": False})})
    assert "Demonstration" not in rendered(name, real).text + rendered(name, real).html


def test_a_letter_in_the_companys_name_is_signed_with_it_once() -> None:
    full = full_context()
    for name in (full.organisation.sender_name, full.organisation.name):
        sender = full.sender.model_copy(update={"name": name, "title": "", "phone": ""})
        out = rendered("email/priority_support/payment_email", full.model_copy(update={"sender": sender}))
        for text in (out.text, words_of(out.html)):
            signed = text.partition("Best regards")[2].partition("You get this email")[0]
            assert signed.strip(" -\n") == "Brightdesk Ltd"


@pytest.mark.parametrize("name", EMAILS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_an_email_shows_a_line_of_its_own_beside_its_subject(name: str, sample: str) -> None:
    """What inboxes show beside the subject: without a preheader, the greeting."""
    out = rendered(name, sample_contexts()[sample])
    (shown,) = re.findall(r'<div style="display:none;[^"]*">(.*?)</div>', out.html, re.DOTALL)
    words = " ".join(words_of(shown).split())
    assert 10 <= len(words) <= 160, words
    assert words.casefold() not in out.subject.casefold()


@pytest.mark.parametrize("name", EMAILS)
def test_an_email_says_how_to_get_no_more(name: str) -> None:
    full = full_context()
    out = rendered(name, full)
    for link in (full.links.unsubscribe, full.links.preferences):
        assert link in out.text
        assert f'href="{link}"' in out.html
    assert "no more emails" not in out.text
    nobody = rendered(name, full.model_copy(update={"links": PersonalLinks()}))
    for text in (nobody.text, nobody.html):
        assert "no more emails" in text
        assert "Unsubscribe" not in text


@pytest.mark.parametrize("name", [*EMAILS, *DOCUMENTS])
def test_reading_a_message_fetches_nothing(name: str) -> None:
    out = rendered(name, full_context())
    assert not re.search(r"<(img|link|script|iframe)|@import|url\(|src=", out.html)
    links = set(re.findall(r'https?://[^"\s<>]+', out.html)) - {"http://www.w3.org/1999/xhtml"}
    given = full_context()
    assert given.offer is not None
    ours = {given.organisation.booking_url.replace("&", "&amp;"), given.organisation.app_url}
    assert links <= {*ours, given.offer.url, given.links.unsubscribe, given.links.preferences}


@pytest.mark.parametrize("name", [*EMAILS, *DOCUMENTS])
def test_html_is_closed_properly_and_escapes_names(name: str) -> None:
    out = rendered(name, sample_contexts()["awkward"])
    assert "&lt;script&gt;" in out.html
    assert "<script" not in out.html
    assert "<them>" not in out.html
    assert not unclosed(out.html)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ custmer.name }}", r"task/t/t\.txt\.j2, line 1, uses custmer, which no message has"),
        ("{% if notice %}{{ notice.stp }}{% endif %}", r"line 1: .*no attribute 'stp'.*sample 'full'"),
        ("x\n{{ health.before }}", r"line 2: .*missing \(None\).*sample 'bare'"),
        ("{{ customer.name|shorten }}", r"line 1: No filter named 'shorten'"),
        ("{{ customer.plan }}", r"gives no text.*sample 'bare'"),
    ],
)
def test_the_check_finds_mistakes_in_templates(source: str, message: str) -> None:
    bundle = Bundle(name="task/t/t", files={"task/t/t.title.j2": "A title", "task/t/t.txt.j2": source})
    with pytest.raises(ConfigurationError, match=message):
        check_bundle(bundle)


@pytest.mark.parametrize("name", TO_CUSTOMERS)
def test_no_template_for_customers_names_a_fact_for_staff(name: str) -> None:
    assert not facts_used(load_bundle(name)) & Context.STAFF_ONLY


def test_what_a_customer_reads_is_known_by_its_kind_for_all_of_ours() -> None:
    told = frozenset[str]().union(*map(customer_templates, PLAYBOOKS))
    assert sorted(told) == TO_CUSTOMERS == sorted(filter(reads_as_customer, NAMED))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ health.score }}", "uses health, which no message to a customer has"),
        ("{% for one in health.costly %}{{ one.action }}{% endfor %}x", "uses health"),
        ("{{ why }}{{ intervention.title }}", "uses intervention, why"),
        ("{% if opportunity %}{{ opportunity.words }}{% endif %}x", "'words'.*is unsafe.*sample 'growing'"),
        ("{% if value.missing %}x{% endif %}y", "'missing'.*is unsafe"),
    ],
)
def test_the_check_keeps_facts_for_staff_out_of_what_customers_read(source: str, message: str) -> None:
    files = {"in_app/t/t.title.j2": "A title", "in_app/t/t.txt.j2": source, "in_app/t/t.action.j2": ""}
    bundle = Bundle(name="in_app/t/t", files=files)
    with pytest.raises(ConfigurationError, match=message):
        check_bundle(bundle)
    with pytest.raises(ConfigurationError):
        render(bundle, sample_contexts()["growing"])
    assert render(bundle, sample_contexts()["growing"], to_customers=False).text
