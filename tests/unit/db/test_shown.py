"""What customers read about themselves: only what the scorecard has words for customers for."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from importlib.resources import files

import pytest

from keepwell.adapters.renderer import StoreRenderer
from keepwell.contracts.delivery import Recipient
from keepwell.contracts.rendering import Rendered
from keepwell.contracts.shown import ShownFigures
from keepwell.db.engine import Store
from keepwell.db.repositories.facts import Facts
from keepwell.db.repositories.templates import TemplateRepository
from keepwell.db.repositories.wording import named
from keepwell.errors import ConfigurationError
from keepwell.playbooks import BUILT_IN, PlaybookRegistry
from keepwell.rendering.audience import customer_templates
from keepwell.rendering.bundle import Bundle, load_bundle
from keepwell.rendering.render import render
from scoring.factors import goal_words, success_words
from tests.unit.db.facts_case import call_of, context_of, in_trouble, similar
from tests.unit.db.world import CARD, DAY, NOW, World

PLAYBOOKS = PlaybookRegistry(BUILT_IN).versions.values()
TO_CUSTOMERS = sorted(frozenset[str]().union(*map(customer_templates, PLAYBOOKS)))
INTERNAL = [metric.name for metric in CARD.metrics if metric.customer is None]


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.can_send()
    made.customer("acme", name="Aspen Foods", monthly_revenue=1250, plan="Team")
    made.contact("amy", "acme")
    return made


def only_internal(world: World) -> None:
    """What customers may read about stands at its best; all else is as bad as can be."""
    world.at_points("acme", 100, NOW, **dict.fromkeys(INTERNAL, 0))
    world.rescore("acme", NOW)
    world.intervention("i-1", "acme", started_at=NOW - DAY)


def nothing_for_customers(world: World) -> None:
    """A scorecard of before customers had words of their own."""
    text = re.sub(r"\[metrics\.\w+\.customer\]\n(\w+ = .*\n)+", "", _builtin_text())
    world.use(text)
    in_trouble(world)


def with_peers(world: World) -> None:
    """In trouble, beside customers of whom one has climbed."""
    in_trouble(world)
    names = similar(world, 6)
    world.score(names[0], 20, NOW - 40 * DAY)


CASES = {
    "in trouble": in_trouble,
    "with peers": with_peers,
    "only internal": only_internal,
    "old scorecard": nothing_for_customers,
}


def words_of_staff() -> set[str]:
    """Each text of the scorecard that is for staff, as staff read it about this customer."""
    own = {
        named(text, "Aspen Foods")
        for metric in CARD.metrics
        for text in (metric.action, metric.low, success_words(CARD, metric.name))
    }
    titles = {metric.title for metric in CARD.metrics}
    bands = {band.action for band in CARD.bands} | {band.name for band in CARD.bands if " " in band.name}
    # "integrations in use" is said to both; nothing else is.
    told = {metric.customer.label for metric in CARD.metrics if metric.customer}
    return {text.rstrip(".").lower() for text in own | titles | bands} - told


def everything_in(out: Rendered) -> str:
    """All that a reader sees, on one line and in small letters."""
    plain = html.unescape(re.sub(r"<(style|head)\b.*?</\1>|<[^>]+>", " ", out.html, flags=re.S))
    return " ".join(f"{out.subject} {out.text} {plain} {out.action_label}".lower().split())


@pytest.mark.parametrize("case", CASES)
def test_no_message_to_a_customer_has_a_word_or_figure_that_is_for_staff(world: World, case: str) -> None:
    CASES[case](world)
    context = context_of(world)
    for name in TO_CUSTOMERS:
        read = everything_in(render(load_bundle(name), context))
        for text in words_of_staff():
            assert text not in read, (name, text)
        assert not re.search(r"\bscored?\b|\bpoints?\b of|of 100|sentiment|s's\b|the customer\b", read), name


def test_the_figures_are_those_with_words_for_customers(world: World) -> None:
    in_trouble(world)
    shown = context_of(world).shown
    assert [step.figure.label for step in shown.steps] == [
        "share of users active on a working day",
        "share of the plan's features in use",
        "use compared with the month before",
    ]
    first = shown.steps[0]
    assert first.step == "Choose one daily task with us that moves into the product."
    assert first.goal == "On an average working day 48 % of your users are active."
    assert (first.figure.value, first.figure.change, first.figure.good) == ("6 %", "down from 30 %", False)
    assert len(first.figure.history) == 2
    # Payments are better still, and between us.
    assert [figure.name for figure in shown.strengths] == ["integration_usage"]
    assert [figure.name for figure in shown.improved] == ["integration_usage"]
    assert [step.area for step in shown.unused] == [
        "the features you have not tried yet",
        "the user community",
        "the set-up steps that are still open",
    ]
    assert shown.used[0].name == "integration_usage"
    assert not {figure.name for figure in shown.used} & {step.figure.name for step in shown.steps}
    assert shown.steps[2].figure.change == "", "a trend is a change already"


@pytest.mark.parametrize("case", ["only internal", "old scorecard"])
def test_where_nothing_may_be_shown_there_is_nothing(world: World, case: str) -> None:
    CASES[case](world)
    context = context_of(world)
    assert context.shown.steps == context.shown.unused == ()
    assert context.health.costly, "staff see it all the same"
    if case == "old scorecard":
        assert context.shown == ShownFigures()
        assert context.peers.benchmarks == ()


class _OneTemplate(TemplateRepository):
    """A store of templates that holds this one."""

    def __init__(self, bundle: Bundle) -> None:
        self.load = lru_cache(lambda _: bundle)


@pytest.mark.parametrize("kind", ["email", "slack"])
def test_the_reader_decides_and_not_the_channel(world: World, kind: str) -> None:
    in_trouble(world)
    world.staff("ola")
    part = "x/y.txt.j2"
    files = {f"{kind}/{part}": "{{ health.score|number }}", "email/x/y.mjml.j2": "<mjml></mjml>"}
    bundle = Bundle(name=f"{kind}/x/y", files={**files, "email/x/y.subject.j2": "A score"})
    renderer = StoreRenderer(Facts(world.store), _OneTemplate(bundle))
    call = call_of().model_copy(update={"templates": {bundle.name: bundle.hash}})
    csm = Recipient(id="ola", kind="staff", name="Ola", address="x", time_zone="UTC")
    amy = Recipient(id="amy", kind="contact", name="Amy", address="x", time_zone="UTC")
    assert renderer.render(call, bundle.name, recipient=csm).text == "19.8"
    with pytest.raises(ConfigurationError, match="'health' is undefined"):
        renderer.render(call, bundle.name, recipient=amy)


def test_whose_something_is_ends_well(world: World) -> None:
    in_trouble(world)
    action = context_of(world).health.costly[0].action
    assert action == "Agree with Aspen Foods' lead on one daily task that moves into the product."


def test_goals_have_their_target() -> None:
    assert goal_words(CARD, "integration_usage") == "Number of your integrations in use: 3."
    assert goal_words(CARD, "payment_health") == ""


def _builtin_text() -> str:
    return (files("scoring") / "scorecards" / "intervention.toml").read_text(encoding="utf-8")
