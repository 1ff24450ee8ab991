"""Templates that reach for Python are refused; what comes from outside is text, wherever it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest

from keepwell.contracts.rendering import Context
from keepwell.errors import ConfigurationError
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rendering import apart, guarded
from keepwell.rendering.bundle import Bundle, load_bundle
from keepwell.rendering.render import render
from keepwell.rendering.sample import full_context, sample_contexts

PAYLOADS = [
    # Walks over attributes of texts, numbers, lists, facts and functions.
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ ''['__cla' ~ 'ss__'] }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ [].__class__.__base__ }}",
    "{{ {}.__class__.__bases__[0] }}",
    "{{ ().__class__ }}",
    "{{ (1).__class__ }}",
    "{{ 1.0.real }}",
    "{{ true.__class__ }}",
    "{{ customer.__class__.__init__.__globals__ }}",
    "{{ customer['__class__'] }}",
    "{{ customer['__dict__'] }}",
    "{{ customer.model_fields }}",
    "{{ customer.model_construct() }}",
    "{{ customer.__pydantic_fields__ }}",
    "{{ customer.__reduce_ex__(2) }}",
    "{{ now.__class__ }}",
    "{{ now.tzinfo.__init__.__globals__ }}",
    "{{ now.strftime('%Y') }}",
    "{{ now.replace(year=1) }}",
    "{{ alerts.__class__ }}",
    "{{ customer.facts.__init__.__globals__ }}",
    "{{ customer.name.encode('utf-16') }}",
    "{{ customer.name.translate({}) }}",
    # Format strings.
    "{{ '{0.__class__}'.format(customer) }}",
    "{{ '{c.__class__}'.format_map({'c': customer}) }}",
    "{{ '%s'.__mod__(customer) }}",
    "{{ '%s' % customer }}",
    "{{ '%s'|format(customer) }}",
    "{% set f = '{0.__init__}'.format %}{{ f(customer) }}",
    # Filters.
    "{{ ''|attr('__class__') }}",
    "{{ customer|attr('__class__')|attr('__mro__') }}",
    "{{ ['']|map(attribute='__class__')|list }}",
    "{{ [customer]|map(attribute='__class__.__mro__')|first }}",
    "{{ [customer]|map('attr', '__class__')|list }}",
    "{{ [customer]|groupby('__class__')|list }}",
    "{{ [customer]|sum(attribute='__class__') }}",
    "{{ [customer]|sort(attribute='__class__.__name__')|first }}",
    "{{ [customer, customer]|unique(attribute='__init__.__globals__')|list }}",
    "{{ [customer]|selectattr('__class__')|list|length }}",
    "{{ [customer]|join('', attribute='__class__') }}",
    "{{ [customer]|max(attribute='__class__') }}",
    "{{ customer }}",
    "{{ [customer] }}",
    "{{ {'a': customer} }}",
    # A whole fact, as text or as a list of its fields.
    "{{ customer ~ '' }}",
    "{{ [customer]|join }}",
    "{{ customer|upper }}",
    "{{ customer|urlencode }}",
    "{{ customer|e }}",
    "{{ [customer]|map('title')|join }}",
    "{{ customer|list|join }}",
    "{{ customer|map(attribute=1)|join }}",
    "{{ customer|groupby(0)|join }}",
    "{% for field, value in customer %}{{ value }}{% endfor %}",
    "{{ customer.name|safe }}",
    "{{ customer|tojson }}",
    "{{ customer|pprint }}",
    "{{ customer|xmlattr }}",
    "{{ customer.name|forceescape }}",
    "{{ [1]|batch(1000000000, 1)|list }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ 'x'|indent(1000000000) }}",
    "{{ 'x'|replace('', 'y') }}",
    "{{ 'x'|wordwrap }}",
    "{{ range|random }}",
    # What Jinja2 and frameworks bring along.
    "{{ self }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ dict.__base__.__subclasses__() }}",
    "{{ range(3) }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ request.application.__globals__ }}",
    "{{ config.items() }}",
    "{{ __import__('os').system('id') }}",
    "{{ __builtins__ }}",
    "{{ caller.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m.__init__.__globals__ }}",
    "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "{% macro m() %}{{ caller.__class__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{% for a in [1] %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "{% for a in [1] %}{{ loop._iterator }}{% endfor %}",
    "{% set n = namespace(a=1) %}{{ n.__class__ }}",
    # Statements that Jinja2 does not have, or not here.
    "{% import os %}",
    "{% import 'os' as os %}{{ os.popen('id') }}",
    "{% do 1 %}",
    "{% debug %}",
    "{{ lambda: 1 }}",
    "{{ customer.facts.update({'a': 'b'}) }}",
    "{{ customer.facts.pop('region') }}",
    "{{ alerts.append(1) }}",
    "{% set customer.name = 'x' %}",
    # Other files.
    "{% include '../../pyproject.toml' %}",
    "{% include '/etc/passwd' %}",
    "{% include 'file:///etc/passwd' %}",
    "{% include '..\\\\..\\\\x.j2' %}",
    "{% include 'task/t/../../../etc/passwd' %}",
    "{% extends '/etc/passwd' %}",
    "{% include ['/etc/passwd', '/etc/hosts'] %}",
    "{% include customer.name %}",
    "{% from '/etc/passwd' import root %}",
]
EVIL = [
    "{{ 7*7 }}{{ ''.__class__ }}",
    "{% include '/etc/passwd' %}",
    "{# gone #}",
    "${7*7}#{7*7}<%= 7*7 %>",
]
SCRIPTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</mj-text></mj-column></mj-section><mj-raw><iframe src=//x.example></iframe></mj-raw>",
    "--><script>alert(1)</script><!--",
    "]]></style></title></textarea><object data=x><form action=//x.example>",
    "<mj-include path='/etc/passwd' />",
    "<base href=//x.example><meta http-equiv=refresh content=0><link rel=stylesheet href=//x.example>",
]
FORBIDDEN = {"script", "img", "svg", "iframe", "object", "form", "base", "mj-raw", "mj-include", "mj-text"}
NAMES = sorted({name for one in PlaybookRegistry(BUILT_IN).playbooks.values() for name in one.template_names})
SHOWN_AS_HTML = [name for name in NAMES if name.startswith(("email/", "document/"))]
NOT_FREE = {"severity", "trigger", "signal", "level", "kind", "agreed_kind", "playbook", "url", "metric"}
"""Fields from a closed list, and pages of ours; names of metrics are keys of a scorecard."""


@pytest.fixture(autouse=True)
def _no_process_left() -> Iterator[None]:
    yield
    apart._CHILD.close()


# Pydantic warns of what the sandbox refuses a moment later.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_payload_is_refused_in_both_places() -> None:
    gone_through = []
    for payload in PAYLOADS:
        bundle = Bundle(name="task/t/t", files={"task/t/t.title.j2": "T", "task/t/t.txt.j2": f"x{payload}"})
        for way in (render, guarded.render):
            try:
                gone_through.append((payload, way(bundle, full_context()).text[:80]))
            except ConfigurationError:
                continue
    assert not gone_through


def test_of_a_fact_in_a_list_nothing_shows_but_what_it_is() -> None:
    parts = {
        "subject": "S",
        "txt": "{{ [value, customer] ~ '' }}",
        "mjml": "<mjml><mj-body></mj-body></mjml>",
    }
    bundle = Bundle(name="email/t/t", files={f"email/t/t.{part}.j2": text for part, text in parts.items()})
    assert render(bundle, full_context()).text == "[ValueFigures(…), CustomerFacts(…)]"


def put_in(value: Any, text: str, at: str = "") -> Any:
    """Plain data with `text` behind every text in it that people or imports could have written."""
    if isinstance(value, dict):
        return {
            key: one if key in NOT_FREE and isinstance(one, str) else put_in(one, text, key)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [put_in(one, text, at) for one in value]
    return f"{value}{text}" if isinstance(value, str) and value and not at.endswith("url") else value


def poisoned(context: Context, text: str) -> Context:
    data = context.model_dump()
    links = data["links"]
    return Context.model_validate({**put_in(data, text), "links": links})


class Elements(HTMLParser):
    """The elements of a page, with how often each stands there, and attributes that run something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found = dict[str, int]()
        self.handlers: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] = self.found.get(tag, 0) + 1
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.handlers += [v for n, v in attrs if n in ("href", "src") and v and v.startswith("javascript:")]


@pytest.mark.parametrize("name", NAMES)
def test_data_is_never_evaluated(name: str) -> None:
    for sample in ("full", "growing"):
        context = sample_contexts()[sample]
        for evil in EVIL:
            out = render(load_bundle(name), poisoned(context, evil))
            assert "49" not in out.text.replace("+49", "").replace("4930", ""), "7*7 was computed"
            assert "root:" not in out.text + out.html
            assert "<class" not in out.text + out.html


@pytest.mark.parametrize("name", SHOWN_AS_HTML)
def test_script_in_every_field_adds_no_element(name: str) -> None:
    bundle = load_bundle(name)
    context = sample_contexts()["growing"]
    harmless = Elements(render(bundle, poisoned(context, "x" * 40)).html)
    for script in SCRIPTS:
        html = render(bundle, poisoned(context, script)).html
        seen = Elements(html)
        assert seen.found == harmless.found
        assert not seen.handlers


def test_the_test_would_see_it() -> None:
    seen = Elements("<p>a</p><img src=x onerror=alert(1)><a href='javascript:x'>b</a>")
    assert FORBIDDEN & seen.found.keys() == {"img"}
    assert seen.handlers == ["onerror", "javascript:x"]
    context = poisoned(full_context(), "<b>")
    assert context.customer.name == "Harbour Foods<b>"
    assert context.health.costly[0].metric.words.endswith("<b>")
