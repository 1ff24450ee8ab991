"""Every template that comes with Keepwell: it exists, renders with every sample, and reads well."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from keepwell.contracts.playbook import FALLBACK, REVIEW, Task
from keepwell.contracts.rendering import Context, OfferFigures, OpportunityFigures, Rendered
from keepwell.errors import ConfigurationError
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rendering.audience import customer_templates, reads_as_customer
from keepwell.rendering.bundle import OWN_TEMPLATES, Bundle, load_bundle
from keepwell.rendering.check import check_bundle
from keepwell.rendering.filters import long_date
from keepwell.rendering.names import facts_used
from keepwell.rendering.render import HEADLINE_LIMIT, render
from keepwell.rendering.sample import bare_context, full_context, sample_contexts
from scoring.levels import Level
from scoring.signal import Signal

BESIDES = {FALLBACK, REVIEW}
PLAYBOOKS = PlaybookRegistry(BUILT_IN).playbooks.values()
NAMED = {name for playbook in PLAYBOOKS for name in playbook.template_names} - BESIDES
EMAILS = sorted(name for name in NAMED if name.startswith("email/"))
DOCUMENTS = sorted(name for name in NAMED if name.startswith("document/"))
TO_CUSTOMERS = sorted(name for name in NAMED if name.startswith(("email/", "in_app/", "document/")))
SAMPLES = tuple(sample_contexts())
GROWTH = {playbook.name for playbook in PLAYBOOKS if playbook.signal is not None}


def rendered(name: str, context: Context) -> Rendered:
    return render(load_bundle(name), context)


def files_on_disk() -> set[str]:
    files = (path.relative_to(OWN_TEMPLATES).as_posix() for path in OWN_TEMPLATES.rglob("*.j2"))
    return {file.partition(".")[0] for file in files if not file.rpartition("/")[2].startswith("_")}


def test_every_template_is_named_by_a_playbook_and_every_name_has_a_template() -> None:
    assert files_on_disk() == NAMED | BESIDES


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


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("email/critical/executive_email", ("share of users active", "12 %", "down from 31 %", "15 minutes")),
        ("email/critical/csm_outreach", ("12 %", "18 %", "Integrations in use")),
        ("email/critical/roadmap_email", ("28 November 2026", "Priya Raman, by", "attached")),
        ("email/critical/alternative_contact", ("12 %",)),
        (
            "email/critical/final_offer",
            ("up to 3 months", "30 days of grace", "Setup and training", "build", "24 November 2026, 10:30"),
        ),
        ("email/at_risk/value_email", ("92 %", "up from 80 %", "12 %")),
        ("email/at_risk/success_story", ("18 %", "47 %", "60 days", "with us that moves")),
        ("email/at_risk/efficiency_tips", ("12 %", "18 %", "we connect it")),
        ("email/at_risk/feature_education", ("Integrations in use", "Team plan")),
        ("email/at_risk/benchmark", ("23 similar customers", "38 %", "61 %", "85 %")),
        ("email/at_risk/value_summary_30", ("2,048 EUR", "92 %", "12 %")),
        ("email/at_risk/value_summary_60", ("1.7 times", "14 a month")),
        ("email/at_risk/value_summary_90", ("1.7 times", "18 %")),
    ],
)
def test_both_parts_of_an_email_hold_the_figures(name: str, figures: tuple[str, ...]) -> None:
    out = rendered(name, full_context())
    for figure in figures:
        assert figure.lower() in out.text.lower()
        assert figure.lower() in words_of(out.html).lower()


def test_no_figure_of_the_samples_is_left_when_nothing_is_known() -> None:
    for name in EMAILS:
        text = rendered(name, bare_context()).text
        assert "%" not in text
        assert "30 days ago" not in text


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        (
            "email/usage_limit/celebration",
            ("86 %", "9 December 2026", "71 %", "1,790 EUR", "550 EUR more", "50 % off", "24 November 2026"),
        ),
        (
            "email/usage_limit/worth_it",
            ("2,048 EUR", "64 hours", "550 EUR", "11 customers", "9 of them", "72 hours", "50 % off"),
        ),
        ("email/usage_limit/final_reminder", ("86 %", "9 December 2026", "throttled", "free of charge")),
        ("email/team/showcase", ("9 people", "about 24")),
        ("email/team/trial", ("30 days", "all 24", "24 November 2026")),
        ("email/overage/upgrade_case_email", ("4 months", "610 EUR", "550 EUR", "60 EUR", "attached")),
        ("document/overage/upgrade_case", ("1,240 EUR", "610 EUR", "1,790 EUR", "60 EUR", "7,320 EUR")),
        ("email/power_user/preview", ("71 %", "30 days to try it")),
        ("email/integration/showcase", ("2 integrations",)),
        ("email/api_scaling/developer_outreach", ("1.8 times",)),
    ],
)
def test_a_growing_customer_reads_its_own_figures(name: str, figures: tuple[str, ...]) -> None:
    out = rendered(name, sample_contexts()["growing"])
    for figure in figures:
        assert figure.lower() in out.text.lower()
        assert figure.lower() in words_of(out.html).lower()


def test_no_growth_figure_is_claimed_where_none_is_known() -> None:
    unknown = OpportunityFigures(signal=Signal.CONSISTENT_OVERAGE, words="a sign")
    context = bare_context().model_copy(update={"opportunity": unknown})
    for name in (name for name in TO_CUSTOMERS if name.split("/")[1] in GROWTH):
        out = rendered(name, context)
        assert not re.search(r"%|\d|a sign", out.text.replace(long_date(context.today), ""))


def test_an_offer_that_is_over_is_not_in_the_last_reminder() -> None:
    context = sample_contexts()["growing"].model_copy(update={"offer": None})
    out = rendered("email/usage_limit/final_reminder", context)
    assert "off the first month" not in out.text + out.html
    assert "https://app.brightdesk.example" in out.text
    assert "https://app.brightdesk.example" in out.html


def test_tasks_after_an_acceptance_say_what_was_agreed() -> None:
    offer = OfferFigures(agreed="billing pause, 2 months", agreed_kind="billing_pause", note="from December")
    context = full_context().model_copy(update={"offer": offer})
    steps = [step for book in PLAYBOOKS for follow_up in book.follow_ups for step in follow_up.steps]
    names = {step.template for step in steps if isinstance(step, Task)}
    assert len(names) == 8
    for name in names:
        out = rendered(name, context)
        assert "Agreed: billing pause, 2 months" in out.text
        assert "Note: from December" in out.text
        assert f"keepwell complete {context.intervention.id} {name.rpartition('/')[2]}" in out.text


@pytest.mark.parametrize(
    ("signal", "question"),
    [
        (Signal.TEAM_EXPANSION_OPPORTUNITY, "who should?"),
        (Signal.CONSISTENT_OVERAGE, "a season?"),
        (Signal.POWER_USER_BEHAVIOR, "the business plan?"),
        (Signal.INTEGRATION_EXPANSION, "copied by hand"),
        (Signal.API_SCALING_OPPORTUNITY, "Who builds on the API"),
    ],
)
def test_the_talk_asks_what_fits_the_signal(signal: Signal, question: str) -> None:
    opportunity = OpportunityFigures(signal=signal, words="a sign", value="$600")
    out = rendered("task/expansion/talk", full_context().model_copy(update={"opportunity": opportunity}))
    for part in (
        question,
        "The sign: A sign.",
        "May bring: $600 a year",
        "Lena Hoffmann, Head of Operations",
    ):
        assert part in out.text


def test_the_talk_names_the_command_for_what_is_on_offer() -> None:
    growing = sample_contexts()["growing"]
    line = f"They take the trial: keepwell offer accept {growing.intervention.id} trial"
    assert line in rendered("task/expansion/talk", growing).text
    unoffered = growing.model_copy(update={"offer": None})
    assert "offer accept" not in rendered("task/expansion/talk", unoffered).text


def test_without_a_story_nothing_is_claimed() -> None:
    out = rendered("email/at_risk/success_story", bare_context())
    assert "instead of a story" in out.text
    assert "→" not in out.html


def test_without_a_booking_url_people_are_asked_to_answer() -> None:
    for name in EMAILS:
        out = rendered(name, bare_context())
        assert "answer" in out.text.lower()
        assert "href" not in out.html


@pytest.mark.parametrize("name", [*EMAILS, *DOCUMENTS])
def test_reading_a_message_fetches_nothing(name: str) -> None:
    out = rendered(name, full_context())
    assert not re.search(r"<(img|link|script|iframe)|@import|url\(|src=", out.html)
    links = set(re.findall(r'https?://[^"\s<>]+', out.html)) - {"http://www.w3.org/1999/xhtml"}
    organisation = full_context().organisation
    assert links <= {organisation.booking_url.replace("&", "&amp;"), organisation.app_url}


def test_the_alert_names_score_costs_and_the_command() -> None:
    out = rendered("slack/critical/alert_csm", full_context())
    assert out.subject == "Harbour Foods: critical, score 17.4 of 100"
    assert out.text.startswith("*Harbour Foods: critical, score 17.4 of 100*\n")
    assert "costs 12.6 points" in out.text
    assert "costs 7.1 points" in out.text
    assert "costs 6.4 points" in out.text
    assert "“Can we make Brightdesk work for Harbour Foods?”" in out.text
    assert f"`keepwell acknowledge {full_context().intervention.id}`" in out.text


def test_the_fallback_task_says_what_and_why() -> None:
    out = rendered("task/fallback/fallback", full_context())
    assert out.subject == "By hand for Harbour Foods: Email from the CSM to Lena Hoffmann"
    assert "csm_outreach" in out.text
    assert "The mail server did not take it within an hour." in out.text


def test_the_call_has_a_number_figures_and_talking_points() -> None:
    out = rendered("task/critical/phone_call", full_context())
    assert out.subject == "Call Lena Hoffmann at Harbour Foods"
    for part in ("+49 30 23125 104", "12 %", "score 17.4 of 100", "Talking points", "keepwell respond"):
        assert part in out.text


def test_the_roadmap_shows_strengths_history_and_steps() -> None:
    out = rendered("document/critical/roadmap", full_context())
    assert out.html.count("<svg") == 2
    assert "from 34 % on 12 September 2026 to 12 % on 21 November 2026, 11 values" in out.html
    assert out.html.count("<dt>The goal</dt>") == 3
    for part in (
        "Set-up steps completed",
        "92 %",
        "Choose one daily task",
        "Lena Hoffmann",
        "5 December 2026",
    ):
        assert part in out.text
        assert part in out.html
    assert "What we do not know is left out, not estimated." in out.html


def test_the_in_app_action_falls_back_from_booking_to_the_app_to_nothing() -> None:
    context = full_context()
    name = "in_app/at_risk/unused_features"
    assert rendered(name, context).action_url == context.organisation.booking_url
    unbooked = context.organisation.model_copy(update={"booking_url": ""})
    out = rendered(name, context.model_copy(update={"organisation": unbooked}))
    assert (out.action_label, out.action_url) == ("Try it now", "https://app.brightdesk.example")
    bare = rendered(name, bare_context())
    assert (bare.action_label, bare.action_url) == ("", "")


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
        ("{{ custmer.name }}", r"task/t/t\.txt\.j2 uses custmer, which no message has"),
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


def words_of(html: str) -> str:
    """The text of a page with single spaces."""
    words = _Words()
    words.feed(html)
    return " ".join(" ".join(words.found).split())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data.strip())


def unclosed(html: str) -> list[str]:
    """The tags that are opened and not closed, or closed and not opened."""
    tags = _Tags()
    tags.feed(re.sub(r"<!--.*?-->", "", html, flags=re.S))
    return tags.open + tags.wrong


class _Tags(HTMLParser):
    VOID = frozenset({"meta", "br", "img", "link", "hr", "path", "circle", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.wrong.append(f"/{tag}")
