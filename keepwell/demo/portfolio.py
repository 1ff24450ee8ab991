"""The made-up portfolio: customers, contacts and 90 days of metrics, the same for the same seed and day.

All addresses end in `.test` or `example.com`, all telephone numbers are of the range kept for fiction.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from keepwell.contracts.people import Consent, ContactRole
from keepwell.demo.figures import Figures, figures_of
from keepwell.demo.names import COMPANY_FIRST, INDUSTRIES, OWNERS, REGIONS, SEGMENTS, TITLES, Region
from keepwell.demo.stories import STORIES, Story
from keepwell.demo.worth import Worth, worth_of
from scoring.scorecard import Scorecard

SEED = 20_261_121
NAME = "Brightdesk (demo)"
PRODUCT = "Brightdesk"
STAFF_DOMAIN = "brightdesk.example.com"
BOOKING_URL = "https://www.example.com/brightdesk/book"
APP_URL = "https://www.example.com/brightdesk/app"
POSTAL_ADDRESS = "Brightdesk (demo data), 1 Example Street, Example Town"

SIGNALS: dict[str, tuple[dict[str, float], ...]] = {
    "power user": (
        {"usage_percentage": 87.0},
        {"usage_percentage": 94.0, "api_usage_growth_rate": 1.7},
        {"advanced_feature_usage": 0.82},
        {"overage_months": 4.0, "average_overage": 180.0},
    ),
    "thriving": ({"active_users": 14.0, "team_size_estimate": 30.0}, {"integration_requests": 2.0}),
}
"""Today's figures that show room to grow: for the first customers of these stories, one entry each."""

DEARER = 1.4
"""The next plan's price against what such a customer pays."""

USAGE_A_WEEK = 3.5
"""Percentage points by which the use of a plan that is nearly used up has grown each week."""
USAGE_WEEKS = 8

WITHOUT_CONTACTS = 6
WITHOUT_OWNER = 4


@dataclass(frozen=True, slots=True)
class DemoContact:
    """A contact of a made-up customer."""

    key: str
    name: str
    first_name: str
    email: str
    phone: str
    role: ContactRole
    title: str
    time_zone: str
    consent: Consent
    suppressed: str


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """A made-up customer; `owner` is the key of a colleague, None for nobody.

    `signals` are figures that expansion signals read: metric, how many days ago, value. `worth` is what the
    product brings the customer.
    """

    key: str
    name: str
    plan: str
    industry: str
    segment: str
    country: str
    time_zone: str
    seats: int
    monthly_revenue: float
    started_on: date
    renews_on: date
    owner: str | None
    contacts: tuple[DemoContact, ...]
    story: Story
    figures: Figures
    worth: Worth
    signals: tuple[tuple[str, int, float], ...] = ()


def portfolio(card: Scorecard, today: date, *, seed: int = SEED) -> tuple[DemoCustomer, ...]:
    """The customers in the order of their keys; the stories are shuffled among them."""
    rng = np.random.default_rng(seed)
    stories = [story for story in STORIES for _ in range(story.count)]
    rng.shuffle(stories)
    companies = _companies(rng, len(stories))
    # Who has no contact or no owner: nobody whose first message the demo wants to show.
    quiet = [at for at, story in enumerate(stories) if story.name in ("healthy", "at risk")]
    odd = rng.permutation(quiet).tolist()
    lonely, orphaned = set(odd[:WITHOUT_CONTACTS]), set(odd[WITHOUT_CONTACTS:][:WITHOUT_OWNER])
    orphaned.add(next(at for at, story in enumerate(stories) if story.name == "cliff"))
    made = [
        _customer(
            card,
            today,
            rng,
            (seed, at),
            companies[at],
            story,
            contacts=at not in lonely,
            owner=at not in orphaned,
        )
        for at, story in enumerate(stories)
    ]
    return _with_signals(made)


def _with_signals(customers: list[DemoCustomer]) -> tuple[DemoCustomer, ...]:
    """Nothing is drawn for them, so that the rest of the portfolio is the same with and without."""
    left = {story: list(figures) for story, figures in SIGNALS.items()}
    made = []
    for one in customers:
        if left.get(one.story.name):
            price = float(round(one.monthly_revenue * DEARER, -1))
            figures = {**left[one.story.name].pop(0), "next_plan_price": price}
            today = tuple((name, 0, value) for name, value in figures.items())
            made.append(replace(one, signals=(*_usage_before(figures), *today)))
        else:
            made.append(one)
    return tuple(made)


def _usage_before(figures: dict[str, float]) -> tuple[tuple[str, int, float], ...]:
    """The use of the plan in the weeks before, so that the day it is used up can be foretold."""
    today = figures.get("usage_percentage")
    if today is None:
        return ()
    weeks = range(USAGE_WEEKS, 0, -1)
    return tuple(("usage_percentage", 7 * week, today - USAGE_A_WEEK * week) for week in weeks)


def _companies(rng: np.random.Generator, count: int) -> list[tuple[str, str]]:
    """Names and industries, each name once, and the first words spread evenly."""
    firsts: list[str] = []
    while len(firsts) < count:
        firsts += rng.permutation(COMPANY_FIRST).tolist()
    taken: set[str] = set()
    companies = []
    for first in firsts[:count]:
        while True:
            industry, kinds = INDUSTRIES[int(rng.integers(len(INDUSTRIES)))]
            name = f"{first} {kinds[int(rng.integers(len(kinds)))]}"
            if name not in taken:
                break
        taken.add(name)
        companies.append((name, industry))
    return companies


def _customer(
    card: Scorecard,
    today: date,
    rng: np.random.Generator,
    place: tuple[int, int],
    company: tuple[str, str],
    story: Story,
    *,
    contacts: bool,
    owner: bool,
) -> DemoCustomer:
    (name, industry), at = company, place[1]
    region = REGIONS[int(rng.integers(len(REGIONS)))]
    zone = region.zones[int(rng.integers(len(region.zones)))]
    segment, plan, low, high, price = SEGMENTS[int(rng.choice(len(SEGMENTS), p=(0.2, 0.3, 0.25, 0.15, 0.1)))]
    seats = int(rng.integers(low, high))
    age = 40 if story.name == "newcomer" else int(rng.integers(100, 1900))
    started = today - timedelta(days=age)
    renews = started + timedelta(days=365 * ((today - started).days // 365 + 1))
    key = f"BD-{at + 1:04}"
    people = _contacts(rng, key, name, region, zone, story) if contacts else ()
    price, scores = float(round(seats * price, -1)), story.path(rng)
    return DemoCustomer(
        key=key,
        name=name,
        plan=plan,
        industry=industry,
        segment=segment,
        country=region.country,
        time_zone=zone,
        seats=seats,
        monthly_revenue=price,
        started_on=started,
        renews_on=renews,
        owner=OWNERS[at % len(OWNERS)] if owner else None,
        contacts=people,
        story=story,
        figures=figures_of(card, story, scores, rng),
        worth=worth_of(place, scores, price, region.country),
    )


def _contacts(
    rng: np.random.Generator, key: str, company: str, region: Region, zone: str, story: Story
) -> tuple[DemoContact, ...]:
    """One to three people of different roles; critical customers have two, so that another can be tried."""
    count = int(rng.choice((1, 2, 3), p=(0.35, 0.45, 0.2)))
    if story.name == "cliff":
        count = max(count, 2)
    roles = [ContactRole.DECISION_MAKER, ContactRole.CHAMPION, ContactRole.EXECUTIVE_SPONSOR]
    if count < 3 and rng.random() < 0.3:
        roles[1] = ContactRole.USER if rng.random() < 0.5 else ContactRole.BILLING
    firsts, lasts = rng.permutation(region.first).tolist(), rng.permutation(region.last).tolist()
    return tuple(
        _contact(rng, f"{key}-{number + 1}", (firsts[number], lasts[number]), company, roles[number], zone)
        for number in range(count)
    )


def _contact(
    rng: np.random.Generator, key: str, name: tuple[str, str], company: str, role: ContactRole, zone: str
) -> DemoContact:
    first, last = name
    titles = TITLES[role.value]
    chance = rng.random()
    consent = Consent.GRANTED if chance < 0.75 else Consent.UNKNOWN if chance < 0.94 else Consent.DENIED
    return DemoContact(
        key=key,
        name=f"{first} {last}",
        first_name=first,
        email=f"{slug(first)}.{slug(last)}@{slug(company)}.test",
        phone=f"+1 555 01{int(rng.integers(100)):02}",
        role=role,
        title=titles[int(rng.integers(len(titles)))],
        time_zone=zone,
        consent=consent,
        suppressed="bounced: mailbox unknown" if rng.random() < 0.015 else "",
    )


def slug(words: str) -> str:
    """A name as it stands in an address: `Élise Wójcik` is `elise-wojcik`."""
    plain = unicodedata.normalize("NFKD", words.translate(str.maketrans("łŁıø", "lLio")))
    ascii_only = plain.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only).strip("-")


def staff_email(name: str) -> str:
    """The address of a colleague."""
    return f"{slug(name).replace('-', '.')}@{STAFF_DOMAIN}"
