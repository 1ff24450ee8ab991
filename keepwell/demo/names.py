"""The words the made-up portfolio is put together from. Nobody and no company here is real."""

from __future__ import annotations

from dataclasses import dataclass

from keepwell.contracts.people import StaffRole


@dataclass(frozen=True, slots=True)
class Region:
    """A country: its time zones, and first and last names that are common there."""

    country: str
    zones: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _region(country: str, zones: str, first: str, last: str) -> Region:
    return Region(country, _words(zones), _words(first), _words(last))


REGIONS = (
    _region(
        "US",
        "America/New_York America/Chicago America/Los_Angeles",
        "Grace Marcus Naomi Caleb Tanya Victor",
        "Whitfield Okafor Brandt Delgado Pham Sutton",
    ),
    _region(
        "CA",
        "America/Toronto America/Vancouver",
        "Élise Owen Maude Gavin Sabine Theo",
        "Tremblay Fraser Leclerc Nakashima Bouchard Sinclair",
    ),
    _region(
        "BR",
        "America/Sao_Paulo",
        "Luana Rafael Beatriz Thiago Camila Davi",
        "Moreira Teixeira Nascimento Carvalho Farias Rocha",
    ),
    _region(
        "GB",
        "Europe/London",
        "Imogen Rhys Harriet Callum Nadia Alistair",
        "Thackeray Pritchard Ashworth Bello Kerr Lockwood",
    ),
    _region(
        "DE",
        "Europe/Berlin",
        "Lena Jonas Friederike Emre Annika Matthias",
        "Hoffmann Brandt Yılmaz Schreiber Vogel Kessler",
    ),
    _region(
        "FR",
        "Europe/Paris",
        "Camille Bastien Amina Julien Solène Hugo",
        "Rousseau Garnier Benali Marchand Lefort Picard",
    ),
    _region(
        "PL",
        "Europe/Warsaw",
        "Zofia Kacper Agnieszka Tomasz Maja Piotr",
        "Wójcik Zieliński Mazur Kowalczyk Dudek Sikora",
    ),
    _region(
        "NG",
        "Africa/Lagos",
        "Adaeze Chinedu Folake Emeka Zainab Tunde",
        "Adeyemi Nwosu Balogun Ibrahim Eze Lawal",
    ),
    _region(
        "ZA",
        "Africa/Johannesburg",
        "Thandi Sipho Anika Pieter Lerato Kagiso",
        "Dlamini Naidoo Botha Mokoena Khumalo Jacobs",
    ),
    _region(
        "IN",
        "Asia/Kolkata",
        "Ananya Rohan Meera Arjun Kavya Sanjay",
        "Iyer Deshmukh Chatterjee Menon Rao Kapoor",
    ),
    _region(
        "JP",
        "Asia/Tokyo",
        "Haruka Kenji Aoi Daichi Misaki Ren",
        "Takahashi Mori Fujimoto Nakagawa Ishii Okada",
    ),
    _region(
        "AU",
        "Australia/Sydney Australia/Perth",
        "Matilda Lachlan Ruby Declan Priya Angus",
        "Carmody Nguyen Hargrave Papadakis Wren Doyle",
    ),
)

COMPANY_FIRST = _words(
    """
    Alder Amber Anchor Aspen Beacon Birch Bluefin Bramble Cedar Cinder Clearwater Cobalt Copper Coral
    Crescent Dovetail Driftwood Eastgate Elm Ember Fairwind Fennel Fjord Flint Foxglove Granite
    Greenlane Halcyon Harbour Hazel Heron Highfield Ironwood Juniper Kestrel Lantern Larkspur Laurel
    Linden Lumen Maple Marlow Meridian Millstone Mistral Northgate Oakline Ochre Opal Orchard Osprey
    Palisade Pebble Pinecrest Quarry Quill Redwood Ridgeway Rowan Saffron Sandbar Silverleaf Slate
    Sparrow Stonebridge Summit Sycamore Tallgrass Thistle Tidewater Trellis Umber Verdant Wayside
    Westbrook Wildrose Willow Windrush Wren Yarrow
    """
)

INDUSTRIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Food wholesale", ("Foods", "Provisions", "Pantry")),
    ("Logistics", ("Freight", "Logistics", "Haulage")),
    ("Health care", ("Clinics", "Care Group", "Dental")),
    ("Education", ("Academy", "Learning", "Schools Trust")),
    ("Manufacturing", ("Works", "Components", "Tooling")),
    ("Retail", ("Outfitters", "Stores", "Home")),
    ("Financial services", ("Credit Union", "Advisers", "Insurance")),
    ("Software", ("Labs", "Systems", "Cloud")),
    ("Hospitality", ("Hotels", "Kitchens", "Travel")),
    ("Energy", ("Energy", "Solar", "Grid Services")),
    ("Construction", ("Builders", "Interiors", "Surveyors")),
    ("Media", ("Press", "Studios", "Pictures")),
)

SEGMENTS: tuple[tuple[str, str, int, int, float], ...] = (
    # segment, plan, seats from, seats to, price of a seat a month
    ("small business", "Starter", 5, 25, 24.0),
    ("small business", "Team", 15, 60, 29.0),
    ("mid-market", "Team", 50, 140, 29.0),
    ("mid-market", "Business", 90, 320, 36.0),
    ("enterprise", "Enterprise", 400, 1600, 31.0),
)

TITLES = {
    "decision_maker": ("Head of Operations", "Managing Director", "IT Director"),
    "champion": ("Operations Manager", "Office Manager", "Project Lead"),
    "executive_sponsor": ("Chief Operating Officer", "Chief Financial Officer"),
    "user": ("Coordinator", "Analyst", "Team Assistant"),
    "billing": ("Accounts Payable", "Controller"),
}


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member of the demo organisation's staff; `manager` is another one's key."""

    key: str
    name: str
    role: StaffRole
    title: str
    time_zone: str
    manager: str | None


STAFF = (
    Colleague("erin", "Erin Cole", StaffRole.EXECUTIVE, "Chief Executive", "Europe/London", None),
    Colleague("mateo", "Mateo Álvarez", StaffRole.LEAD, "Head of Customer Success", "Europe/Madrid", "erin"),
    Colleague("dana", "Dana Reyes", StaffRole.CSM, "Success Manager", "America/New_York", "mateo"),
    Colleague("omar", "Omar Haddad", StaffRole.CSM, "Success Manager", "Europe/Berlin", "mateo"),
    Colleague("yuki", "Yuki Tanaka", StaffRole.CSM, "Success Manager", "Asia/Tokyo", "mateo"),
    Colleague("ngozi", "Ngozi Obi", StaffRole.CSM, "Success Manager", "Africa/Lagos", "mateo"),
    Colleague("priya", "Priya Nair", StaffRole.CSM, "Senior Success Manager", "Asia/Kolkata", "mateo"),
)
OWNERS = tuple(one.key for one in STAFF if one.role is StaffRole.CSM)
DEPUTIES = dict(zip(OWNERS, (*OWNERS[1:], OWNERS[0]), strict=True))
"""Each CSM's deputy: the next one."""
