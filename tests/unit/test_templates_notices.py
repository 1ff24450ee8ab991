"""The templates of notices: with every sample, for one alert and for many, names kept in their place."""

from __future__ import annotations

import pytest

from keepwell.adapters.notice_renderer import TEMPLATES
from keepwell.rendering.bundle import load_bundle
from keepwell.rendering.check import check_bundle
from keepwell.rendering.render import render
from keepwell.rendering.sample import awkward_context, full_context, sample_contexts

NAMES = sorted(TEMPLATES.values())


@pytest.mark.parametrize("name", NAMES)
def test_it_passes_the_check(name: str) -> None:
    check_bundle(load_bundle(name), to_customers=False)


@pytest.mark.parametrize("sample", sample_contexts())
@pytest.mark.parametrize("name", NAMES)
def test_it_renders_with_every_sample(name: str, sample: str) -> None:
    out = render(load_bundle(name), sample_contexts()[sample], to_customers=False)
    assert out.subject
    assert "\n" not in out.subject
    for text in (out.subject, out.text, out.html):
        assert "None" not in text
        assert "{{" not in text
        assert "{%" not in text


@pytest.mark.parametrize("name", NAMES)
def test_one_alert_and_many(name: str) -> None:
    many = full_context()
    out = render(load_bundle(name), many, to_customers=False)
    assert "5 alerts" in out.subject
    for alert in many.alerts:
        assert alert.id[-8:] in out.text
        assert alert.customer in out.text
    assert "3 more: " in out.text
    one = many.model_copy(update={"alerts": many.alerts[:1], "more_alerts": 0})
    out = render(load_bundle(name), one, to_customers=False)
    assert "Harbour Foods" in out.subject
    assert "more: " not in out.text


def test_markup_in_names_stays_text() -> None:
    mail = render(load_bundle(TEMPLATES_EMAIL), awkward_context(), to_customers=False)
    assert "<script" not in mail.html
    assert "<i>*words*" not in mail.html
    assert "&lt;script&gt;" in mail.html
    slack = render(load_bundle(TEMPLATES_SLACK), awkward_context(), to_customers=False)
    assert "<script" not in slack.text


TEMPLATES_EMAIL, TEMPLATES_SLACK = NAMES
