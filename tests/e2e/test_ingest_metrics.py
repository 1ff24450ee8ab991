"""Importing metrics into a store, on both engines; a large file in flat memory; the telephone company."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import col, func, select

from keepwell.db.engine import Store
from keepwell.db.repositories import organisations
from keepwell.db.repositories.scorecards import store_scorecard
from keepwell.db.repositories.scorecards_beside import add_beside
from keepwell.db.tables import Customer, Metric, Organisation
from keepwell.errors import InputError
from keepwell.ingest.cells import Kind, Row
from keepwell.ingest.importing import import_file, ingest_metrics, read_moment, store_metric
from keepwell.ingest.known import known_metrics
from keepwell.ingest.mapping import load_mapping, parse_mapping
from keepwell.ingest.report import Summary
from scoring.kernel import score_many
from scoring.levels import LEVELS, Level
from scoring.load import builtin, load_scorecard

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
CARD = builtin("intervention")
TELCO = Path(__file__).parents[2] / "examples" / "telco"
Import = Callable[..., Summary]


@pytest.fixture
def organisation(store: Store) -> str:
    with store.write() as session:
        made = organisations.get_or_create(session, "main", now=NOW)
        for name in ("A", "B"):
            session.add(
                Customer(organisation_id=made.id, external_id=name, name=name, created_at=NOW, updated_at=NOW)
            )
        return made.id


@pytest.fixture
def run(store: Store, organisation: str, tmp_path: Path) -> Import:
    def go(content: str, *, name: str = "m.csv", mapping: str | None = None, now: datetime = NOW) -> Summary:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        found = parse_mapping(mapping, "map.toml") if mapping else None
        return import_file(store, organisation, Kind.METRICS, path, found, scorecard=CARD, now=now)

    return go


def counts(summary: Summary) -> tuple[int, int, int, int]:
    return summary.created, summary.updated, summary.unchanged, summary.rejected


def stored(store: Store) -> dict[tuple[str, datetime], float]:
    with store.read() as session:
        return {(one.name, one.measured_at): one.value for one in session.exec(select(Metric))}


def test_values_are_stored_updated_and_left_alone(store: Store, run: Import) -> None:
    content = "customer,metric,value,measured_at\nA,daily_active_rate,40,2026-11-20\nA,payment_health,0.1,\n"
    assert counts(run(content)) == (2, 0, 0, 0)
    assert stored(store) == {
        ("daily_active_rate", datetime(2026, 11, 20, tzinfo=UTC)): 40.0,
        ("payment_health", datetime(2026, 11, 21, tzinfo=UTC)): 0.1,
    }
    assert counts(run(content, now=NOW + timedelta(hours=5))) == (0, 0, 2, 0)
    assert counts(run(content.replace("40", "41"))) == (0, 1, 1, 0)
    assert counts(run(content, now=NOW + timedelta(days=1))) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("A,daily_active_rate,140,", "value", "daily_active_rate is 140, allowed is 0 to 100 %"),
        ("A,daily_activ_rate,40,", "metric", "did you mean 'daily_active_rate'?"),
        ("Z,daily_active_rate,40,", "customer", "there is no customer with this external id"),
        ("A,daily_active_rate,NaN,", "value", "is not a finite number"),
        ("A,daily_active_rate,1e999,", "value", "is not a finite number"),
        ("A,daily_active_rate,,", "value", "is empty"),
        ("A,daily_active_rate,40,2026-11-23T00:00Z", "measured_at", "lies in the future"),
        ("A,daily_active_rate,40,21.11.2026", "measured_at", "is not a moment like"),
        (",daily_active_rate,40,", "customer", "is empty"),
    ],
)
def test_a_wrong_value_is_rejected_with_its_place(run: Import, row: str, column: str, reason: str) -> None:
    summary = run(f"customer,metric,value,measured_at\nB,payment_health,50,\n{row}\n")
    assert counts(summary) == (1, 0, 0, 1)
    (reject,) = summary.rejects
    assert (reject.line, reject.column) == (3, column)
    assert reason in reject.reason


def test_a_day_ahead_is_a_clock_and_not_the_future(run: Import) -> None:
    summary = run("customer,metric,value,measured_at\nA,payment_health,50,2026-11-22\n")
    assert counts(summary) == (1, 0, 0, 0)


def test_one_value_twice_in_a_file(run: Import) -> None:
    summary = run(
        "customer,metric,value,measured_at\nA,payment_health,50,2026-11-20\n"
        "A,payment_health,50.0,2026-11-20T00:00Z\nA,payment_health,60,2026-11-20T01:00+01:00\n"
    )
    assert counts(summary) == (1, 0, 1, 1)
    assert summary.rejects[0].reason == "line 2 says otherwise: value '50.0' there, '60.0' here"


def test_numbers_in_json_lines_are_numbers(run: Import) -> None:
    rows = [
        {"customer": "A", "metric": "payment_health", "value": 50},
        {"customer": "B", "metric": "payment_health", "value": "50"},
        {"customer": "B", "metric": "payment_health"},
    ]
    summary = run("\n".join(map(json.dumps, rows)), name="m.jsonl")
    assert counts(summary) == (1, 0, 0, 2)
    assert summary.rejects[0].reason == "is text; write 50 without quotes"
    assert summary.rejects[1].reason == "is missing; every row needs it"


def test_a_wide_file_counts_values(run: Import) -> None:
    mapping = "[columns]\ncustomer = 'id'\n[metrics]\npayment_health = 'pay'\ndaily_active_rate = 'dau'\n"
    content = "id,pay,dau\nA,50,10\nB,,140\nZ,1,2\n"
    summary = run(content, mapping=mapping)
    assert (summary.counts, summary.rows, *counts(summary)) == ("values", 3, 2, 0, 0, 3)
    assert [(one.line, one.column) for one in summary.rejects] == [(3, "dau"), (4, "id"), (4, "id")]
    assert "3 rows with 5 values" in summary.sentence()
    assert counts(run(content, mapping=mapping)) == (0, 0, 2, 3)


def test_one_value_by_hand(store: Store, organisation: str) -> None:
    def put(*words: str, measured_at: str | None = None) -> None:
        customer, name, value = words
        store_metric(
            store, organisation, customer, name, value, now=NOW, scorecard=CARD, measured_at=measured_at
        )

    put("A", "payment_health", "80")
    put("A", "payment_health", "70", measured_at="2026-11-20")
    assert stored(store) == {
        ("payment_health", NOW): 80.0,
        ("payment_health", datetime(2026, 11, 20, tzinfo=UTC)): 70.0,
    }
    for words, reason in (
        (("A", "payment_helth", "80"), "metric: there is no such metric (did you mean 'payment_health'?)"),
        (("A", "payment_health", "much"), "value: is not a number"),
        (("A", "payment_health", "101"), "value: payment_health is 101, allowed is"),
        (("Z", "payment_health", "80"), "customer: there is no customer"),
    ):
        with pytest.raises(InputError) as caught:
            put(*words)
        assert str(caught.value).startswith(reason)


def test_a_moment_by_hand() -> None:
    assert read_moment("2026-11-20", place="--measured-at") == datetime(2026, 11, 20, tzinfo=UTC)
    with pytest.raises(InputError, match="--measured-at: 'noon' is not a moment like"):
        read_moment("noon", place="--measured-at")


def test_values_of_a_program_are_checked_as_those_of_a_file(store: Store, organisation: str) -> None:
    rows = [
        Row(1, {"customer": "A", "metric": "payment_health", "value": 50}),
        Row(2, {"customer": "A", "metric": "payment_health", "value": "50"}),
        Row(3, {"customer": "A", "metric": "payment_health", "value": 5, "unit": "x"}),
    ]
    summary = ingest_metrics(store, organisation, rows, scorecard=CARD, now=NOW)
    assert counts(summary) == (1, 0, 0, 2)
    assert [one.column for one in summary.rejects] == ["value", "unit"]


# In a process of its own: the greatest memory of this one may be another test's.
_MEASURED = """
import resource, sys
from datetime import datetime
from pathlib import Path
from keepwell.db.engine import Store
from keepwell.ingest.cells import Kind
from keepwell.ingest.importing import import_file
from scoring.load import builtin

url, organisation, path, now = sys.argv[1:]
peaks = []

def note(_done, _whole):
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

summary = import_file(
    Store(url), organisation, Kind.METRICS, Path(path), scorecard=builtin("intervention"),
    now=datetime.fromisoformat(now), progress=note,
)
print(summary.created, summary.rejected, peaks[3], peaks[-1])
"""


@pytest.mark.slow
def test_a_large_file_goes_through_in_flat_memory(
    sqlite_store: Store, sqlite_url: str, tmp_path: Path
) -> None:
    with sqlite_store.write() as session:
        organisation = organisations.get_or_create(session, "main", now=NOW).id
    customers, days = 2000, 100
    people, path = tmp_path / "c.csv", tmp_path / "m.csv"
    people.write_text("external_id,name\n" + "".join(f"C{n},N\n" for n in range(customers)), encoding="utf-8")
    import_file(sqlite_store, organisation, Kind.CUSTOMERS, people, scorecard=CARD, now=NOW)
    with path.open("w", encoding="utf-8") as file:
        file.write("customer,metric,value,measured_at\n")
        for day in range(days):
            moment = NOW.date() - timedelta(days=day)
            file.writelines(f"C{n},payment_health,{n % 100},{moment}\n" for n in range(customers))
    command = [sys.executable, "-c", _MEASURED, sqlite_url, organisation, str(path), NOW.isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    created, rejected, early, late = map(int, done.stdout.split())
    assert (created, rejected) == (customers * days, 0)
    # From 20,000 rows on only digests grow: 16 bytes a row, twice while merged. The rest is the allocator's.
    assert (late - early) * 1024 < 2 * 16 * customers * days + 16_000_000


def test_a_wide_file_has_metrics_of_the_scorecard_beside(
    store: Store, organisation: str, run: Import
) -> None:
    other = builtin("momentum")
    name = next(one.name for one in other.metrics if one.name not in known_metrics(CARD))
    mapping = f'[columns]\ncustomer = "who"\n[metrics]\n{name} = "col"\n'
    with pytest.raises(InputError, match=f"scorecard {CARD.name} has no metric '{name}'"):
        run("who,col\nA,1\n", mapping=mapping)
    with store.write() as session:
        add_beside(session, session.get_one(Organisation, organisation), other.name, NOW)
    assert counts(run("who,col\nA,1\n", mapping=mapping)) == (1, 0, 0, 0)
    with store.read() as session:
        assert session.exec(select(Metric.name)).all() == [name]
    with pytest.raises(InputError, match=f"those of {other.name}: .*{name}"):
        run("who,col\nA,1\n", mapping=mapping.replace(name, "nothing_of_ours"))


def test_the_telephone_company(store: Store, tmp_path: Path) -> None:
    folder = os.environ.get("KEEPWELL_DATA_DIR")
    if not folder or not (Path(folder) / "telco.csv").is_file():
        pytest.skip("KEEPWELL_DATA_DIR does not name a folder with telco.csv")
    data = Path(folder) / "telco.csv"
    with store.write() as session:
        text = (TELCO / "scorecard.toml").read_text(encoding="utf-8")
        organisation = organisations.get_or_create(session, "telco", now=NOW).id
        content_hash, card = store_scorecard(session, text, "scorecard.toml", NOW)
        organisations.use_scorecard(session, organisation, content_hash)

    def take(kind: Kind, path: Path, mapping: str | None = None) -> Summary:
        found = load_mapping(TELCO / mapping) if mapping else None
        return import_file(store, organisation, kind, path, found, scorecard=card, now=NOW)

    def take_all() -> list[tuple[int, int, int, int]]:
        return [
            counts(take(Kind.STAFF, TELCO / "staff.csv")),
            counts(take(Kind.CUSTOMERS, data, "customers.toml")),
            counts(take(Kind.METRICS, data, "metrics.toml")),
        ]

    # 1,526 of the 7,043 customers have no internet, so two of their six metrics do not exist.
    values = 7043 * 6 - 1526 * 2
    assert take_all() == [(5, 0, 0, 0), (7043, 0, 0, 0), (values, 0, 0, 0)]
    assert take_all() == [(0, 0, 5, 0), (0, 0, 7043, 0), (0, 0, values, 0)]
    with store.read() as session:
        owners = session.exec(select(func.count()).where(col(Customer.owner_id).is_not(None))).one()
        rows = session.exec(select(Metric.customer_id, Metric.name, Metric.value)).all()
    assert owners == 7043
    assert_levels_are_spread(rows)


def assert_levels_are_spread(rows: object) -> None:
    card = load_scorecard(TELCO / "scorecard.toml")
    assert isinstance(rows, list)
    places = {customer: place for place, customer in enumerate(dict.fromkeys(row[0] for row in rows))}
    raw = np.full((len(places), len(card.metrics)), np.nan)
    for customer, name, value in rows:
        raw[places[customer], card.metric_names.index(name)] = value
    scores = score_many(card, raw)
    assert not scores.insufficient.any()
    shares = {level: float(np.mean(scores.level == LEVELS.index(level))) for level in Level}
    assert all(0.05 < share < 0.4 for share in shares.values()), shares
